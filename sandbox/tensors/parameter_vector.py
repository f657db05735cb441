"""Parameter vectors: all parameters, gradients or updates in one flat buffer that is a list of tensors too."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from sandbox.layout import Layout
from sandbox.meter import Meter
from sandbox.tensors import operations
from sandbox.tensors.base import TensorBase
from sandbox.tensors.operation import apply_view
from sandbox.tensors.tensor import Tensor


class ParameterVector(TensorBase):
    """All trainable parameters, or as many gradients or updates: a list of named tensors over one flat buffer."""

    __slots__ = ("_layout",)

    def __init__(self, data: torch.Tensor, meter: Meter, layout: Layout, own: bool = True) -> None:
        super().__init__(data, meter, own)
        self._layout = layout

    def _like(self, data: torch.Tensor) -> ParameterVector:
        return ParameterVector(data, self._meter, self._layout)

    def _tensor(self, data: torch.Tensor) -> Tensor:
        return Tensor(data, self._meter)

    def _leads(self, other: TensorBase) -> bool:
        if other._data.ndim == 0 or (isinstance(other, ParameterVector) and other._layout == self._layout):
            return True
        raise ValueError(
            "a parameter vector goes with another one or with a single number; for one tensor of it write vector[i]"
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tensors."""
        return self._layout.names

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of the tensors: weight, bias, norm.weight or norm.bias."""
        return self._layout.roles

    def __len__(self) -> int:
        return len(self._layout.parts)

    def __getitem__(self, index: object) -> Tensor:
        if type(index) is not int or not -len(self) <= index < len(self):
            raise IndexError(f"a parameter vector is indexed by an integer below {len(self)}")
        part = apply_view(operations.PART, self._meter, self._data, self._layout, index)
        return Tensor(part, self._meter, own=False)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[index] for index in range(len(self)))
