"""exp, log, sin, tanh, pow and the like: of numbers by fixed algorithms, of tensors correctly rounded.

`elementary` has the functions of binary64 numbers, `functions` and `powers` those of binary32 tensors; the rest is what
these are made of (specification, 2.7, 2.9 and 2.10).
"""
