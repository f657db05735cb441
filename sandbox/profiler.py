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

import numpy as np

from arithmetic import tensor_self_test
from sandbox import state as states
from sandbox.errors import BudgetExhausted
from sandbox.hosted_optimiser import HostedOptimiser
from sandbox.language.module import LoadedModule
from sandbox.meter import Meter
from sandbox.optimiser import Assignment, Vector
from sandbox.state import StateSize

_COMPREHENSIONS: Final = ("<listcomp>", "<dictcomp>")
"""What is a function of its own before Python 3.12 only."""


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
    most_memory: int = 0
    """Of one call, in bytes."""


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
        self._fuel, self._memory, self._seconds = 0, 0, 0.0
        """What the meter and the clock said last."""

    def __enter__(self) -> Self:
        self._outside.times += 1
        self._tracing = sys.gettrace()
        sys.settrace(self._enter)
        self._look()
        self._memory = 0  # each call begins anew
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_spent |= isinstance(error, BudgetExhausted)
        self._settle()
        sys.settrace(self._tracing)
        self._costs.most_fuel = max(self._costs.most_fuel, self._used.fuel)
        self._costs.most_memory = max(self._costs.most_memory, self._used.memory)

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
        fuel, memory = self._meter.used - self._fuel, self._meter.memory_used - self._memory
        if self._is_spent:  # then the meter says so, and no more
            fuel = memory = 0
        self._now.add(fuel, memory, seconds)
        self._used.add(fuel, memory, seconds)

    def _look(self) -> None:
        self._fuel, self._memory, self._seconds = self._meter.used, self._meter.memory_used, time.thread_time()


class ProfiledOptimiser(HostedOptimiser):
    """An untrusted module in this process, each call of which is watched."""

    def __init__(self, assignment: Assignment, parameters: Vector, gradient: Vector, profiler: Profiler) -> None:
        self._profiler = profiler
        super().__init__(assignment, parameters, gradient)

    def _load(self) -> LoadedModule:
        with self._watch(self._profiler.before, "<module>"):
            return super()._load()

    def initialise(self) -> None:
        """Call `init_optimiser_state`."""
        with self._watch(self._profiler.before, "init_optimiser_state"):
            super().initialise()

    def query_location(self, epoch: int, train_loss: float, validation_loss: float) -> Vector | None:
        """Call `query_location_parameters`, unless it is just `return None`."""
        if not self.asks_location:
            return None
        with self._watch(self._profiler.steps, "query_location_parameters"):
            return super().query_location(epoch, train_loss, validation_loss)

    def step_updates(self, epoch: int, train_loss: float, validation_loss: float) -> Vector:
        """Call `optimiser_step_updates`."""
        with self._watch(self._profiler.steps, "optimiser_step_updates"):
            return super().step_updates(epoch, train_loss, validation_loss)

    def request_state_digest(self) -> Callable[[], bytes]:
        """The digest of the canonical state."""
        started = time.thread_time()
        digest = super().request_state_digest()()
        self._profiler.digests.times += 1
        self._profiler.digests.seconds += time.thread_time() - started
        return lambda: digest

    def state_sizes(self) -> dict[str, StateSize]:
        """The size of each entry of a state that is a dict, with its key, the largest first; of another state, none."""
        if type(self._state) is not dict:
            return {}
        sizes = {key: states.size(value, key) for key, value in self._state.items()}
        return dict(sorted(sizes.items(), key=lambda item: -item[1].fuel))

    def state_size(self) -> StateSize:
        """The size of the state."""
        return states.size(self._state)

    def _watch(self, costs: Costs, function: str) -> Watch:
        return Watch(costs, function, self._assignment.name, self._meter)


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
        """Load the module into this process. Raises as the optimiser does, and MachineError."""
        tensor_self_test.require_sound()
        size = assignment.layout.size
        optimiser = ProfiledOptimiser(assignment, np.zeros(size, np.float32), np.zeros(size, np.float32), self)
        self.optimisers.append(optimiser)
        return optimiser

    def describe(self) -> Mapping[str, str]:
        """The word `none`."""
        return {"isolation": "none"}
