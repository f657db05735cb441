"""Functions and powers of binary32 tensors, correctly rounded, from the binary64 approximations that NumPy has too."""
