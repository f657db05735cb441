"""The one owner of every operation that touches a consensus value (specification, section 2).

`ieee` applies single IEEE operations, `reductions` and `prefix_sums` reduce on integers, `sorting` sorts,
`data_movement` moves values, `transcendental` has exp, log, pow and the like, `random` draws numbers. `engines`
multiply integers, `engine_choice` chooses one, `self_test` refuses a machine that computes something else. The
training loop and the sandbox's tensors call nothing else.
"""
