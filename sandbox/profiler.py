"""What the calls of a module cost, line by line: fuel, memory and time.

The profiler looks at the meter whenever a line of the module begins or ends. What is counted is what it would be
without it, and so are all bits.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Any, Final, Self

from arithmetic.random import Source
from sandbox import state_codec
from sandbox.errors import BudgetExhausted
from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.executing_recorder import ExecutingRecorder
from sandbox.language.interface import ENTRY_POINTS
from sandbox.local_source import LocalSource
from sandbox.meter import Meter
from sandbox.optimiser import NUMBERS_CONTEXT, Assignment
from sandbox.program.call import Call, CallKind, Read, Recorded
from sandbox.program.value import GRADIENT, PARAMETERS
from sandbox.recording import Recording
from sandbox.state import StateSize
from sandbox.stored_state import Array

_COMPREHENSIONS: Final = ("<listcomp>", "<dictcomp>")
"""What is a function of its own before Python 3.12 only."""
_FUNCTIONS: Final = dict(zip(CallKind, ENTRY_POINTS, strict=True))

Inputs = Callable[[], dict[int, Array]]
"""The arrays that the present call begins with, by the numbers of their values."""


@dataclass
class Cost:
    """The sums over all times that something was done."""

    times: int = 0
    fuel: int = 0
    memory: int = 0
    """Bytes, as they are counted against the limit of a call."""
    seconds: float = 0.0
    """Of the processor: a little more than without the profiler."""

    def add(self, fuel: int, memory: int, seconds: float) -> None:
        """Add what was used."""
        self.fuel += fuel
        self.memory += memory
        self.seconds += seconds


@dataclass(frozen=True)
class Function:
    """A function of the module, by its name (`<lambda>`, `<module>`) and its first line."""

    name: str
    line: int


def _costs() -> defaultdict[Any, Cost]:
    return defaultdict(Cost)


@dataclass
class Costs:
    """The costs of many calls."""

    lines: dict[tuple[Function, int], Cost] = field(default_factory=_costs)
    """Of each line in each function, without the functions of the module that it calls."""
    functions: dict[Function, Cost] = field(default_factory=_costs)
    """Of each function, with those that it calls."""
    states: dict[str, Cost] = field(default_factory=_costs)
    """By the function that is called from outside, of what is done with a call beside it, as to keep the state."""
    most_fuel: int = 0
    """Of one call."""
    most_tensors: int = 0
    """Memory of one call's tensors, in bytes."""
    most_objects: int = 0
    """Memory of one call's objects of the language, in bytes."""


class Watch:
    """Adds the cost of one call of the module to others; a context manager, for the thread that makes the call."""

    def __init__(self, costs: Costs, function: str, name: str, meter: Meter) -> None:
        self._costs, self._name, self._meter = costs, name, meter
        self._outside = costs.states[function]
        self._stack: list[tuple[Function, Cost]] = []
        """The functions of the module that have been entered, with what had been used before."""
        self._used = Cost()
        self._now = self._outside
        """The cost of what is running."""
        self._is_spent = False
        self._fuel, self._tensors, self._objects, self._seconds = 0, 0, 0, 0.0
        """What the meter and the clock said last, the meter while nothing was spent."""

    def __enter__(self) -> Self:
        self._outside.times += 1
        self._tracing = sys.gettrace()
        sys.settrace(self._enter)
        self._fuel = self._meter.used  # memory begins anew with each call
        self._look()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_spent |= isinstance(error, BudgetExhausted)
        self._settle()
        sys.settrace(self._tracing)
        self._costs.most_fuel = max(self._costs.most_fuel, self._used.fuel)
        self._costs.most_tensors = max(self._costs.most_tensors, self._tensors)
        self._costs.most_objects = max(self._costs.most_objects, self._objects)

    def _enter(self, frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        """A function is entered: one of the module's, or of the sandbox, which belongs to the line that calls it."""
        code = frame.f_code
        if code.co_filename != self._name:
            return None
        self._settle()
        is_own = code.co_name not in _COMPREHENSIONS
        function = Function(code.co_name, code.co_firstlineno) if is_own else self._stack[-1][0]
        self._stack.append((function, Cost(0, self._used.fuel, self._used.memory, self._used.seconds)))
        self._now = self._costs.lines[function, code.co_firstlineno]
        if is_own:
            self._now.times += 1
            self._costs.functions[function].times += 1
        self._look()
        return self._within

    def _within(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        """A line of the module begins, or a function of it ends."""
        if event == "exception":
            self._is_spent |= issubclass(argument[0], BudgetExhausted)
        self._settle()
        if event == "line":
            cost = self._costs.lines[self._stack[-1][0], frame.f_lineno]
            # A turn of a comprehension is no line, and the first one was counted when the function was entered.
            cost.times += cost is not self._now and frame.f_lineno != frame.f_code.co_firstlineno
            self._now = cost
        elif event == "return":
            self._leave(frame.f_back)
        self._look()
        return self._within

    def _leave(self, caller: FrameType | None) -> None:
        function, before = self._stack.pop()
        if all(function != other for other, _ in self._stack):  # else what called it has it
            used = self._used
            self._costs.functions[function].add(
                used.fuel - before.fuel, used.memory - before.memory, used.seconds - before.seconds
            )
        while caller is not None and caller.f_code.co_filename != self._name:
            caller = caller.f_back
        self._now = self._costs.lines[self._stack[-1][0], caller.f_lineno] if caller and self._stack else self._outside

    def _settle(self) -> None:
        """Put what was used since the last look to the cost of what was running."""
        seconds = time.thread_time() - self._seconds
        if self._is_spent:  # then the meter says so, and no more
            fuel = memory = 0
        else:
            fuel = self._meter.used - self._fuel
            memory = self._meter.tensor_bytes - self._tensors + self._meter.object_bytes - self._objects
            self._fuel, self._tensors = self._meter.used, self._meter.tensor_bytes
            self._objects = self._meter.object_bytes
        self._now.add(fuel, memory, seconds)
        self._used.add(fuel, memory, seconds)

    def _look(self) -> None:
        self._seconds = time.thread_time()


class ProfiledRecording(Recording):
    """An untrusted module in this process, each call of which is watched."""

    _recorder: ExecutingRecorder

    def __init__(self, assignment: Assignment, read: Read, profiler: Profiler, inputs: Inputs) -> None:
        self._profiler, self._inputs = profiler, inputs
        super().__init__(assignment, read)

    def call(self, call: Call) -> Recorded:
        """Call a function of the module."""
        costs = self._profiler.before if call.kind is CallKind.INITIALISE else self._profiler.steps
        self._recorder.arrays = self._inputs()
        with self._watch(costs, _FUNCTIONS[call.kind], self._meter):
            return super().call(call)

    def _start(self, meter: Meter) -> None:
        with self._watch(self._profiler.before, "<module>", meter):
            super()._start(meter)

    def _new_recorder(self, meter: Meter) -> ExecutingRecorder:
        return ExecutingRecorder(meter, self._read, Source(NUMBERS_CONTEXT, self._assignment.key))

    def _watch(self, costs: Costs, function: str, meter: Meter) -> Watch:
        return Watch(costs, function, self._assignment.name, meter)


class ProfiledSource(LocalSource):
    """The programs of a module that is watched."""

    def __init__(self, profiler: Profiler, inputs: Inputs) -> None:
        super().__init__()
        self._profiler, self._inputs = profiler, inputs

    def recording(self, assignment: Assignment) -> ProfiledRecording:
        """A module that is loaded and recorded."""
        return ProfiledRecording(assignment, self.read, self._profiler, self._inputs)


class ProfiledOptimiser(ExecutedOptimiser):
    """An optimiser in this process whose module is watched."""

    def __init__(self, assignment: Assignment, profiler: Profiler) -> None:
        self._digests = profiler.digests
        super().__init__(assignment, ProfiledSource(profiler, self._inputs))

    def state_digest(self) -> bytes:
        """The digest of the canonical state."""
        started = time.thread_time()
        digest = super().state_digest()
        self._digests.times += 1
        self._digests.seconds += time.thread_time() - started
        return digest

    def state_sizes(self) -> dict[str, StateSize]:
        """The size of each entry of a state that is a dict, with its key, the largest first; of another state, none."""
        return state_codec.sizes(self.state, self._assignment.layout.size)

    def _inputs(self) -> dict[int, Array]:
        return {PARAMETERS: self.parameters, GRADIENT: self.gradient, **self._arrays}


class Profiler:
    """Where modules run, in this process, with a record of what they cost; an `Isolation`."""

    def __init__(self) -> None:
        self.before = Costs()
        """Of what precedes the first epoch: the body of the module, and the making of the state."""
        self.steps = Costs()
        """Of the steps of training."""
        self.digests = Cost()
        """Of the digests of the state, one before the first epoch and one after each."""
        self.optimisers: list[ProfiledOptimiser] = []
        """Those that were started."""

    def start(self, assignment: Assignment) -> ProfiledOptimiser:
        """Give a module a place in this process, where it is loaded when it is first asked."""
        optimiser = ProfiledOptimiser(assignment, self)
        self.optimisers.append(optimiser)
        return optimiser

    def describe(self) -> Mapping[str, str]:
        """The word `none`."""
        return {"isolation": "none"}
