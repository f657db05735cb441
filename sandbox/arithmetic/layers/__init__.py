"""The arithmetic of a network's layers: quantised matrices, their exact products, and the passes between products.

`kernels` is the interface that the network sees, `eager` and `fused` implement it (specification, 5.3 to 5.5).
"""
