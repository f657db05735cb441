"""The one owner of every operation that touches a consensus value (specification, section 2).

`exact` reduces on integers, `elementwise` applies single IEEE operations to tensors, `elementary` computes
functions of binary64 scalars without libm. The training loop and the tensor facade call nothing else.
"""
