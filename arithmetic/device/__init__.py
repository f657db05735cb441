"""The arithmetic of torch's tensors, on any device: the names and the bits of the modules beside it, which have arrays.

It executes programs on a GPU, and is the second opinion on what NumPy computes.
"""
