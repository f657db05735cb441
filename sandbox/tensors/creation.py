"""Tensors made of nothing, of numbers or of lists."""

from __future__ import annotations

import math
from typing import Any

from sandbox.program import operations
from sandbox.program.operation import Operation
from sandbox.program.recorder import Recorder
from sandbox.program.shape_checks import check_shape
from sandbox.program.shape_rules import nested, not_numbers
from sandbox.program.value import INDICES, NUMBERS
from sandbox.tensors.base import TensorBase, check_number
from sandbox.tensors.dtypes import PRESERVE, check_created
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor

_FAR = 2**40


class Creation:
    """The functions of torch that make tensors."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def zeros(self, *shape: Any, dtype: object = None, device: object = None) -> Tensor:
        """A tensor of zeros."""
        check_created(dtype, device)
        return self._filled(shape, 0.0)

    def ones(self, *shape: Any, dtype: object = None, device: object = None) -> Tensor:
        """A tensor of ones."""
        check_created(dtype, device)
        return self._filled(shape, 1.0)

    def full(self, shape: Any, fill_value: float, *, dtype: object = None, device: object = None) -> Tensor:
        """A tensor of one number."""
        check_created(dtype, device)
        check_number(fill_value)
        return self._filled((shape,), float(fill_value))

    def zeros_like(
        self, x: TensorBase, *, dtype: object = None, device: object = None, memory_format: object = None
    ) -> TensorBase:
        """Zeros of the shape of x."""
        return _filled_like(x, 0.0, dtype, device, memory_format)

    def ones_like(
        self, x: TensorBase, *, dtype: object = None, device: object = None, memory_format: object = None
    ) -> TensorBase:
        """Ones of the shape of x."""
        return _filled_like(x, 1.0, dtype, device, memory_format)

    def full_like(
        self,
        x: TensorBase,
        fill_value: float,
        *,
        dtype: object = None,
        device: object = None,
        memory_format: object = None,
    ) -> TensorBase:
        """One number in the shape of x."""
        return _filled_like(x, fill_value, dtype, device, memory_format)

    def eye(self, n: int, m: int | None = None, *, dtype: object = None, device: object = None) -> Tensor:
        """A matrix [n, m] with ones on its diagonal and zeros elsewhere."""
        check_created(dtype, device)
        return self._created(operations.IDENTITY, sizes=check_shape((n, n if m is None else m)))

    def arange(self, start: Any, end: Any = None, step: Any = 1, *, dtype: object = None, device: object = None) -> Any:
        """start, start + step, .. below end: of integers indices, else numbers."""
        check_created(dtype, device, (NUMBERS, INDICES))
        first, stop = (0, start) if end is None else (start, end)
        bounds = (first, stop, step)
        if not all(type(bound) in (int, float) and abs(bound) < _FAR for bound in bounds) or step == 0:
            raise ValueError("arange takes numbers, and a step other than 0")
        count = math.ceil((stop - first) / step)
        if count < 1:
            raise ValueError("this range is empty; a tensor has at least one element")
        if dtype == INDICES or (dtype is None and all(type(bound) is int for bound in bounds)):
            return self._index_steps(count, first, step)
        return self._created(operations.STEPS, (float(first), float(step)), sizes=(count,))

    def linspace(self, start: float, end: float, steps: int, *, dtype: object = None, device: object = None) -> Tensor:
        """So many numbers from start to end, at equal distances."""
        check_created(dtype, device)
        sizes = check_shape((steps,))
        check_number(start)
        check_number(end)
        step = (float(end) - float(start)) / max(sizes[0] - 1, 1)
        return self._created(operations.STEPS, (float(start), step), sizes=sizes)

    def tensor(self, data: object, *, dtype: object = None, device: object = None) -> Tensor:
        """A tensor of a number, or of a list of numbers or of lists of one length."""
        check_created(dtype, device)
        sizes = nested(data)
        kinds, shape = self._recorder.charge(operations.TENSOR, (), sizes=sizes)
        values: list[Any] = [data]
        for size in sizes:
            if not all(isinstance(one, (list, tuple)) and len(one) == size for one in values):
                raise not_numbers()
            values = [value for one in values for value in one]
        if not all(type(value) in (int, float) for value in values):
            raise not_numbers()
        numbers = [float(value) for value in values]
        return Tensor(self._recorder.append(operations.TENSOR, (), sizes, kinds, shape, numbers)[0], self._recorder)

    def _filled(self, shape: tuple[object, ...], value: float) -> Tensor:
        return self._created(operations.FULL, (value,), sizes=check_shape(shape))

    def _index_steps(self, count: int, start: int, step: int) -> Tensor:
        operation, recorder = operations.INDEX_STEPS, self._recorder
        parameters = {"sizes": (count,), "start": start, "step": step}
        kinds, shape = recorder.charge(operation, (), **parameters)
        bound = max(start, start + (count - 1) * step) + 1
        return Tensor(
            recorder.append(operation, (), operation.encode(parameters), kinds, shape, (), bound)[0], recorder
        )

    def _created(self, operation: Operation, scalars: tuple[float, ...] = (), **parameters: Any) -> Tensor:
        kinds, shape = self._recorder.charge(operation, (), **parameters)
        encoded = operation.encode(parameters)
        return Tensor(self._recorder.append(operation, (), encoded, kinds, shape, scalars)[0], self._recorder)


def tensor_argument(x: object) -> TensorBase:
    """The argument of a function that takes a tensor. Raises TypeError."""
    if not isinstance(x, (Tensor, ParameterVector)):
        raise TypeError("this function takes a tensor; for numbers write math.sqrt(x) and the like")
    return x


def _filled_like(x: TensorBase, value: float, dtype: object, device: object, memory_format: object) -> TensorBase:
    check_created(dtype, device)
    if memory_format not in (None, PRESERVE):
        raise TypeError("there is one order in memory; leave memory_format out")
    return tensor_argument(x)._filled(value)
