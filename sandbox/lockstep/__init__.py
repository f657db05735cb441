"""The programs of one module for many nonces at once, on torch's tensors: a cohort of rows in lockstep."""
