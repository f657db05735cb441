"""The self-test of what executes programs: known operations on known numbers, as programs of one instruction each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from arithmetic import self_test
from arithmetic.random import Source
from sandbox.execution.executor import Executor
from sandbox.execution.plan import Array
from sandbox.meter import Meter
from sandbox.program import operations
from sandbox.program.call import CallKind
from sandbox.program.operation import Operation
from sandbox.program.program import Validator
from sandbox.program.recorder import Operand, Recorder
from sandbox.program.value import INPUTS, NUMBERS, Value


@cache
def require_sound() -> None:
    """Test this process's arithmetic, and the execution of programs, once. Raises MachineError."""
    self_test.refuse(faults())


def faults() -> Iterator[str]:
    """The faults of this process's arithmetic, else those of executed programs."""
    broken = list(self_test.faults())
    if broken:
        yield from broken  # everything else would follow from it
        return
    vectors = self_test.binary32_vectors(_ELEMENTWISE, _FUNCTIONS, _SUMS, lambda array: array, lambda array: array)
    for fault in self_test.other_bits(vectors):
        yield f"of programs, {fault}"


def _executed(operation: Operation, *given: Array | float, **parameters: Any) -> Array:
    """The result of a program of one operation."""
    arrays = [one for one in given if isinstance(one, np.ndarray)]
    state = tuple(Value(INPUTS + place, NUMBERS, array.shape) for place, array in enumerate(arrays))
    values = iter(state)
    operands: list[Operand] = [one if isinstance(one, float) else next(values) for one in given]
    recorder, validator = Recorder(Meter(10**12), bytes), Validator(1)
    recorder.begin(CallKind.STEP, len(state))
    validator.begin(CallKind.STEP, state)
    result = recorder.apply(operation, operands, **parameters)
    program = validator.read(recorder.end([result]))
    unused = np.zeros(1, np.float32)
    executor = Executor(unused, unused, Source("", b""), turns=0)  # in loops, which is how steps are
    plan = executor.prepare(program.structure.instructions, frozenset((result.number,)))
    return executor.run(plan, dict(enumerate(arrays, INPUTS)), program.scalars)[result.number]


def _of(operation: Operation) -> Callable[..., Array]:
    return lambda *given: _executed(operation, *given)


_ELEMENTWISE: Final = SimpleNamespace(
    add=_of(operations.ADD),
    subtract=_of(operations.SUBTRACT),
    multiply=_of(operations.MULTIPLY),
    divide=_of(operations.DIVIDE),
    square_root=_of(operations.SQUARE_ROOT),
)
_FUNCTIONS: Final = SimpleNamespace(
    exp=_of(operations.EXP),
    log=_of(operations.LOG),
    log1p=_of(operations.LOG1P),
    expm1=_of(operations.EXPM1),
    sin=_of(operations.SIN),
    cos=_of(operations.COS),
    tanh=_of(operations.TANH),
    sigmoid=_of(operations.SIGMOID),
    erf=_of(operations.ERF),
    rsqrt=_of(operations.RSQRT),
)
_SUMS: Final = SimpleNamespace(
    sums=lambda array, dim: _executed(operations.SUM, array, dim=dim, keepdim=False),
    matmul=_of(operations.PRODUCT),
)
