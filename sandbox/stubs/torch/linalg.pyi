"""What `import torch` gives as `torch.linalg`, as far as its results are defined exactly."""

from collections.abc import Sequence

from torch import ParameterVector, Tensor

def matrix_power(x: Tensor, n: int) -> Tensor:
    """The n-th power of a matrix, n > 0, by squaring and multiplying."""

def norm(
    x: Tensor | ParameterVector,
    ord: float | str | None = None,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
) -> Tensor:
    """The 2-norm of a vector, the Frobenius norm of a matrix."""

def vector_norm(
    x: Tensor | ParameterVector,
    ord: float | str | None = 2,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
) -> Tensor:
    """The norm of all elements, or along dimensions."""
