"""Tests of Triton's kernels in its interpreter, on a CPU; run by `make test-extras`, in a process of their own."""
