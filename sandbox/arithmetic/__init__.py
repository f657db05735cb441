"""The one owner of every operation that touches a consensus value (specification, section 2).

`elementwise` applies single IEEE operations, `exact` and `prefixes` reduce on integers, `ordering` sorts, `movement`
moves values, `transcendental` has exp, log, pow and the like, `layers` the network's own passes. `engines` multiply
integers, `machine` chooses one, `self_test` refuses a machine that computes something else. The training loop and the
tensor facade call nothing else.
"""
