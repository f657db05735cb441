"""The numerical study of the papers' Figure 2, planned, carried out and read."""
