"""What a process gives up, for good, before it reads a byte of untrusted code (Linux on x86-64 or AArch64)."""
