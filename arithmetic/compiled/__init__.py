"""Python's functions as machine code of this processor: compiled by numba, kept in a file, called without numba.

`kernel_cache` has a set of functions compiled by a process of its own (`compilation`, with `compiler`) and keeps the
`machine_code`, whose functions take `arguments`. A set is a module of entry points: the network's are in
`verifier/challenge/network/compiled`, those of an optimiser's programs in `sandbox/execution`.
"""
