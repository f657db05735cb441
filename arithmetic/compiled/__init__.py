"""Machine code of this processor, made in two ways.

Python's functions are compiled by numba, kept in a file and called without numba: `kernel_cache` has a set of them
compiled by a process of its own (`compilation`, with `compiler`) and keeps the `machine_code`, whose functions take
`arguments`. A set is a module of entry points, as in `verifier/challenge/network/compiled`.

Loops are written in LLVM's code and compiled in this process (`vectors`): those of exact sums, and of an optimiser's
programs in `sandbox/execution`.
"""
