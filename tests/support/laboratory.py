"""Tensors of a module with their data: whatever is recorded is executed when somebody looks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from arithmetic.random import Source
from sandbox.execution.kernels import KERNELS, Context
from sandbox.layout import Layout
from sandbox.meter import Meter
from sandbox.optimiser import NUMBERS_CONTEXT
from sandbox.program.call import CallKind
from sandbox.program.program import Program, Validator
from sandbox.program.recorder import Recorder
from sandbox.program.value import INPUTS, Value
from sandbox.tensors.base import TensorBase
from sandbox.tensors.generator import Generator
from sandbox.tensors.namespaces import MathNamespace, TorchNamespace
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor


class Laboratory:
    """One call that never ends, paid for from `meter`."""

    def __init__(self, meter: Meter | None = None, key: bytes = bytes(32)) -> None:
        self.meter = meter or Meter(10**15)
        self.recorder = Recorder(self.meter, self._execute)
        self.torch: Any = TorchNamespace(self.recorder)
        self.math: Any = MathNamespace(self.meter)
        self.programs: list[Program] = []
        """What was recorded, as the trusted side reads it."""
        self._context = Context(Source(NUMBERS_CONTEXT, key))
        self._validator = Validator(1)
        self._arrays: list[Any] = [None] * INPUTS
        self.recorder.begin(CallKind.STEP, 0)
        self._validator.begin(CallKind.STEP, ())

    def tensor(self, data: torch.Tensor, *, own: bool = True) -> Any:
        """A tensor of a module."""
        return Tensor(self._value(data), self.recorder, own)

    def vector(self, data: torch.Tensor, layout: Layout, *, own: bool = True) -> Any:
        """A parameter vector of a module."""
        return ParameterVector(self._value(data), self.recorder, layout, own)

    def generator(self) -> Any:
        """A module's random numbers, from the beginning."""
        return Generator(self.recorder)

    def data(self, tensor: TensorBase) -> torch.Tensor:
        """The elements of a tensor."""
        return torch.from_numpy(np.array(self.array(tensor)))

    def array(self, tensor: TensorBase) -> NDArray[Any]:
        """The elements of a tensor, as they lie in memory."""
        self._flush()
        array: NDArray[Any] = self._arrays[tensor._value.number]
        return array

    def _value(self, data: torch.Tensor) -> Value:
        self._flush()
        array = data.numpy()
        value = Value(self.recorder._next, array.dtype.name, array.shape)
        self.recorder._next += 1
        self._validator.values.append(value)
        self._arrays.append(array)
        return value

    def _flush(self) -> None:
        if self.recorder._records:
            self._execute(self.recorder._end(0))

    def _execute(self, segment: bytes) -> bytes:
        self._validator._before = ()  # a call ends with a module's error; this one goes on
        program = self._validator.read(segment)
        if program.structure.instructions:
            self.programs.append(program)
        for instruction in program.structure.instructions:
            operands = [
                program.scalars[one] if isinstance(one, int) else self._arrays[one.number]
                for one in instruction.operands
            ]
            scalars = [program.scalars[place] for place in instruction.scalars]
            with np.errstate(all="ignore"):
                made = KERNELS[instruction.operation.code](self._context, operands, instruction.parameters, scalars)
            for array, value in zip(made, instruction.results, strict=True):
                assert (array.dtype.name, array.shape) == (value.kind, value.shape), instruction.operation.name
            self._arrays.extend(made)
        return self._arrays[-1].tobytes() if program.structure.is_read else b""
