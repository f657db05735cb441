"""The network of the challenge: quantised matrices, their exact products, and the passes of its layers.

`network` has the forward and backward pass; `kernels` is the interface of what happens between products, which
`kernels_eager` and `kernels_numba` implement (specification, section 5).
"""
