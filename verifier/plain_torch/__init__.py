"""A module of the sandbox on torch's own tensors, for a debugger.

The file runs as it is, as a file of Python: breakpoints, `breakpoint()` and `print` work in it. Nothing contains it, so
it is for code that you trust. Its numbers are torch's: close to those that count, and never the same to the bit.
"""

from verifier.plain_torch.network_optimiser import NetworkOptimiser
from verifier.plain_torch.plain_optimiser import PlainTorch
from verifier.plain_torch.plain_training import PlainTraining, debug

__all__ = ["NetworkOptimiser", "PlainTorch", "PlainTraining", "debug"]
