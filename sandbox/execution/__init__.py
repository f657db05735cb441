"""The trusted side of a run: programs are executed on NumPy's arrays."""
