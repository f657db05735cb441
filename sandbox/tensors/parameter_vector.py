"""Parameter vectors: all parameters, gradients or updates in one flat buffer that is a list of tensors too."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.layout import Layout
from sandbox.program import operations
from sandbox.program.recorder import Recorder
from sandbox.program.value import Value
from sandbox.tensors.base import TensorBase
from sandbox.tensors.tensor import Tensor


class ParameterVector(TensorBase):
    """All trainable parameters, or as many gradients or updates: a list of named tensors over one flat buffer."""

    __slots__ = ("_layout",)

    def __init__(self, value: Value, recorder: Recorder, layout: Layout, own: bool = True) -> None:
        super().__init__(value, recorder, own)
        self._layout = layout

    def _like(self, value: Value) -> ParameterVector:
        return ParameterVector(value, self._recorder, self._layout)

    def _tensor(self, value: Value) -> Tensor:
        return Tensor(value, self._recorder)

    def _leads(self, other: TensorBase) -> bool:
        if other._value.shape == () or (isinstance(other, ParameterVector) and other._layout == self._layout):
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
        part = self._layout.parts[index]
        piece = self._recorder.apply(operations.PART, (self._value,), start=self._layout.start(index), sizes=part.shape)
        return Tensor(piece, self._recorder, own=False)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[index] for index in range(len(self)))
