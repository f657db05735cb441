"""What is compiled, in the part of Python that numba knows; imported by the process that compiles, and by no other.

`pair_product` is the exact product, and alone knows about instruction sets; `rounding`, `packing` and `passes` are the
loops around it; `steps` has whole passes of a network.
"""
