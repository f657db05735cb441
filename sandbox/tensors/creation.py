"""Tensors made of nothing, of numbers or of lists."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from arithmetic import data_movement
from sandbox.meter import Meter
from sandbox.tensors import prices
from sandbox.tensors.base import check_number
from sandbox.tensors.dtypes import NUMBERS, POSITIONS, PRESERVE, check_made
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.reductions import Numbers
from sandbox.tensors.shape_checks import MAX_DIMENSIONS, MAX_ELEMENTS, MAX_LIST, check_elements, check_shape, shown
from sandbox.tensors.tensor import Tensor

_FAR = 2**40


class Creation:
    """The functions of torch that make tensors, on the device of the parameters."""

    __slots__ = ("_device", "_meter")

    def __init__(self, meter: Meter, device: torch.device | None = None) -> None:
        self._meter = meter
        self._device = device

    def zeros(self, *shape: Any, dtype: object = None, device: object = None) -> Tensor:
        """A tensor of zeros."""
        check_made(dtype, device)
        return self._filled(shape, 0.0)

    def ones(self, *shape: Any, dtype: object = None, device: object = None) -> Tensor:
        """A tensor of ones."""
        check_made(dtype, device)
        return self._filled(shape, 1.0)

    def full(self, shape: Any, fill_value: float, *, dtype: object = None, device: object = None) -> Tensor:
        """A tensor of one number."""
        check_made(dtype, device)
        check_number(fill_value)
        return self._filled((shape,), float(fill_value))

    def zeros_like(
        self, x: Numbers, *, dtype: object = None, device: object = None, memory_format: object = None
    ) -> Numbers:
        """Zeros of the shape of x."""
        return _filled_like(x, 0.0, dtype, device, memory_format)

    def ones_like(
        self, x: Numbers, *, dtype: object = None, device: object = None, memory_format: object = None
    ) -> Numbers:
        """Ones of the shape of x."""
        return _filled_like(x, 1.0, dtype, device, memory_format)

    def full_like(
        self,
        x: Numbers,
        fill_value: float,
        *,
        dtype: object = None,
        device: object = None,
        memory_format: object = None,
    ) -> Numbers:
        """One number in the shape of x."""
        return _filled_like(x, fill_value, dtype, device, memory_format)

    def eye(self, n: int, m: int | None = None, *, dtype: object = None, device: object = None) -> Tensor:
        """A matrix [n, m] with ones on its diagonal and zeros elsewhere."""
        check_made(dtype, device)
        rows, columns = check_shape((n, n if m is None else m))
        self._pay(rows * columns)
        return Tensor(data_movement.identity(rows, columns, self._device), self._meter)

    def arange(self, start: Any, end: Any = None, step: Any = 1, *, dtype: object = None, device: object = None) -> Any:
        """start, start + step, .. below end: of integers positions, else numbers."""
        check_made(dtype, device, (NUMBERS, POSITIONS))
        first, stop = (0, start) if end is None else (start, end)
        bounds = (first, stop, step)
        if not all(type(bound) in (int, float) and abs(bound) < _FAR for bound in bounds) or step == 0:
            raise ValueError("arange takes numbers, and a step other than 0")
        count = math.ceil((stop - first) / step)
        if count < 1:
            raise ValueError("this range is empty; a tensor has at least one element")
        self._pay(count)
        if dtype == POSITIONS or (dtype is None and all(type(bound) is int for bound in bounds)):
            return Tensor(_positions(bounds, count, self._device), self._meter)
        return self._steps(float(first), float(step), count)

    def linspace(self, start: float, end: float, steps: int, *, dtype: object = None, device: object = None) -> Tensor:
        """So many numbers from start to end, at equal distances."""
        check_made(dtype, device)
        (count,) = check_shape((steps,))
        check_number(start)
        check_number(end)
        self._pay(count)
        return self._steps(float(start), (float(end) - float(start)) / max(count - 1, 1), count)

    def tensor(self, data: object, *, dtype: object = None, device: object = None) -> Tensor:
        """A tensor of a number, or of a list of numbers or of lists of one length."""
        check_made(dtype, device)
        shape = _nesting(data)
        elements = math.prod(shape)
        if elements > MAX_LIST:
            raise ValueError(f"torch.tensor takes at most {MAX_LIST} numbers, not {shown(elements)}")
        self._meter.work(prices.LIST.of(elements), elements)
        values = [data]
        for size in shape:
            values = _joined(values, size)
        if not all(type(value) in (int, float) for value in values):
            raise _not_numbers()
        return Tensor(data_movement.rounded([float(v) for v in values], self._device).reshape(shape), self._meter)  # type: ignore[arg-type]

    def _filled(self, shape: tuple[object, ...], value: float) -> Tensor:
        sizes = check_shape(shape)
        self._pay(math.prod(sizes))
        return Tensor(data_movement.full(sizes, value, self._device), self._meter)

    def _steps(self, start: float, step: float, count: int) -> Tensor:
        values = np.arange(count, dtype=np.float64) * step + start
        return Tensor(data_movement.rounded(values, self._device), self._meter)

    def _pay(self, elements: int) -> None:
        check_elements(elements)
        self._meter.work(prices.SIMPLE.of(elements), elements)


PUBLIC = frozenset("zeros ones full zeros_like ones_like full_like eye arange linspace tensor".split())
"""The attributes that untrusted code may read."""


def tensor_argument(x: object) -> Numbers:
    """The argument of a function that takes a tensor. Raises TypeError."""
    if not isinstance(x, (Tensor, ParameterVector)):
        raise TypeError("this function takes a tensor; for numbers write math.sqrt(x) and the like")
    return x


def _filled_like(x: Numbers, value: float, dtype: object, device: object, memory_format: object) -> Numbers:
    check_made(dtype, device)
    if memory_format not in (None, PRESERVE):
        raise TypeError("there is one order in memory; leave memory_format out")
    return tensor_argument(x).fill(value)


def _positions(bounds: tuple[Any, ...], count: int, device: torch.device | None) -> torch.Tensor:
    first, _, step = bounds
    last = first + (count - 1) * step
    if not all(type(bound) is int for bound in bounds) or not (0 <= first < MAX_ELEMENTS and 0 <= last < MAX_ELEMENTS):
        raise ValueError(f"positions are integers from 0 to {MAX_ELEMENTS - 1}; for numbers write dtype=torch.float32")
    return data_movement.positions(np.arange(count, dtype=np.int64) * step + first, device)


def _nesting(data: object) -> list[int]:
    """The lengths of the first list, of its first list, and so on."""
    sizes: list[int] = []
    while isinstance(data, (list, tuple)):
        if not data or len(sizes) == MAX_DIMENSIONS:
            raise _not_numbers()
        sizes.append(len(data))
        data = data[0]
    return sizes


def _joined(lists: list[Any], size: int) -> list[Any]:
    if not all(isinstance(one, (list, tuple)) and len(one) == size for one in lists):
        raise _not_numbers()
    return [value for one in lists for value in one]


def _not_numbers() -> TypeError:
    return TypeError("torch.tensor takes a number, a list of numbers, or lists of lists of the same length")
