"""torch's tensors with the manners of the sandbox's: what is in place, what is a view, what a parameter vector is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from sandbox.layout import Layout


def _operand(value: Any) -> Any:
    """A tensor for a number, which torch does not take everywhere."""
    return torch.tensor(float(value)) if type(value) in (int, float) else value


def _with_numbers(name: str) -> Callable[..., torch.Tensor]:
    """A method of torch's tensors that takes numbers where torch wants tensors."""
    method: Callable[..., torch.Tensor] = getattr(torch.Tensor, name)

    def taking(self: torch.Tensor, *operands: Any, **options: Any) -> torch.Tensor:
        return method(self, *map(_operand, operands), **options)

    return taking


class Tensor(torch.Tensor):
    """A tensor of torch, as a module has it; `own` tells whether in-place methods may change it.

    `x += y` makes a new tensor, as in the sandbox: other names keep the old one.
    """

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]  # `Manners` sees every call already

    own: bool

    @property
    def T(self) -> torch.Tensor:  # type: ignore[override]  # noqa: N802 - torch's name
        """A matrix transposed; a vector as it is."""
        return self.t()

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]
        return self + other

    def __isub__(self, other: Any) -> Any:  # type: ignore[misc]
        return self - other

    def __imul__(self, other: Any) -> Any:  # type: ignore[misc]
        return self * other

    def __itruediv__(self, other: Any) -> Any:  # type: ignore[misc]
        return self / other

    def __ipow__(self, other: Any) -> Any:  # type: ignore[misc]
        return self**other

    def __iand__(self, other: Any) -> Any:  # type: ignore[misc]
        return self & other

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        return self | other

    def clamp(self, min: Any = None, max: Any = None) -> torch.Tensor:  # noqa: A002
        """The elements between two limits, each a tensor or a number."""
        if isinstance(min, torch.Tensor) or isinstance(max, torch.Tensor):
            min, max = _operand(min), _operand(max)  # noqa: A001
        return super().clamp(min, max)

    clip = clamp
    maximum, minimum = _with_numbers("maximum"), _with_numbers("minimum")
    lerp, lerp_ = _with_numbers("lerp"), _with_numbers("lerp_")
    addcmul, addcmul_ = _with_numbers("addcmul"), _with_numbers("addcmul_")
    addcdiv, addcdiv_ = _with_numbers("addcdiv"), _with_numbers("addcdiv_")

    def dot(self, other: torch.Tensor) -> torch.Tensor:
        """The sum of the products with a tensor of the same shape, whatever that is."""
        return torch.dot(self.flatten(), other.flatten())


class ParameterVector(Tensor):
    """All parameters, gradients or updates: one flat tensor [size] that is a list of named tensors too."""

    _layout: Layout

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tensors."""
        return self._layout.names

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of the tensors: weight, bias, norm.weight or norm.bias."""
        return self._layout.roles

    def dot(self, other: torch.Tensor) -> torch.Tensor:
        """The sum of the products with another vector."""
        return (self * other).sum()

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        numbers = repr(self.as_subclass(torch.Tensor))
        return f"ParameterVector of {len(self)} tensors, flat: {numbers}"

    def __bool__(self) -> bool:
        return True  # as of any list that is not empty

    def __len__(self) -> int:
        return len(self._layout.parts)

    def __getitem__(self, index: Any) -> Tensor:
        if type(index) is not int or not -len(self) <= index < len(self):
            raise IndexError(f"a parameter vector is indexed by an integer below {len(self)}")
        return tensor(self._layout.view(self.as_subclass(torch.Tensor), index).clone(), own=False)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError("'ParameterVector' items cannot be assigned; make a new value, as torch.where does")

    def __iter__(self) -> Iterator[Tensor]:
        return (self[index] for index in range(len(self)))


def tensor(data: torch.Tensor, *, own: bool = True) -> Tensor:
    """Some data of torch, as a module has it."""
    made = data.as_subclass(Tensor)
    made.own = own
    return made


def vector(data: torch.Tensor, layout: Layout, *, own: bool = True) -> ParameterVector:
    """A flat tensor [size], as a module has it."""
    made = data.as_subclass(ParameterVector)
    made.own, made._layout = own, layout
    return made
