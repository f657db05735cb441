"""The network of the challenge (specification, section 5).

`network` has the forward and backward pass; `kernels` is the interface of the computations in it, which `kernels_eager`
and `kernels_numba` implement; `operands` has the matrices that go from one to the next.
"""
