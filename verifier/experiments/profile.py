"""A profile: what a module costs before the first epoch and in the steps of some epochs, by line and by function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from protocol.claim import StopReason
from protocol.task import Task
from sandbox.profiler import Cost, Costs, Function, Profiler
from sandbox.state import StateSize
from verifier.challenge.editions import Edition
from verifier.challenge.module import Module
from verifier.challenge.session import Session

_PAID_WITH: Final = {
    "<module>": "(loading the module)",
    "init_optimiser_state": "(keeping the state)",
    "query_location_parameters": "(copying the state for the query, taking the location)",
    "optimiser_step_updates": "(keeping the state, taking the updates)",
}
"""What is done with a call but to run the module's lines."""
MEASURES: Final[Mapping[str, Callable[[Cost], float]]] = {
    "fuel": lambda cost: cost.fuel,
    "memory": lambda cost: cost.memory,
    "time": lambda cost: cost.seconds,
}
"""What lines can be compared by."""


@dataclass(frozen=True)
class LineCost:
    """The cost of a line of the module, or of what is done with a call beside them, as to keep the state."""

    line: int | None
    """From 1; None for what is no line."""
    function: str
    """The name of the function that the line is in, or that is called."""
    source: str
    """The line without its indentation, or in brackets what is done."""
    cost: Cost


@dataclass(frozen=True)
class FunctionCost:
    """The cost of a function of the module."""

    line: int
    """Its first one."""
    name: str
    own: Cost
    """Of its own lines."""
    whole: Cost
    """With the functions of the module that it calls."""


@dataclass(frozen=True)
class Part:
    """A part of a training: all that precedes the first epoch, or all steps."""

    lines: Sequence[LineCost]
    """In the order of the module; what is no line comes last."""
    functions: Sequence[FunctionCost]
    """In the order of the module."""
    most_fuel: int
    """Of one call of the module."""
    most_tensors: int
    """Memory of the tensors of one call of the module, in bytes."""
    most_objects: int
    """Memory of its other objects, in bytes."""

    @property
    def total(self) -> Cost:
        """The cost of everything."""
        total = Cost()
        for each in self.lines:
            total.add(each.cost.fuel, each.cost.memory, each.cost.seconds)
        return total


@dataclass(frozen=True)
class End:
    """The end of a training that completed fewer epochs than it was to."""

    stop_reason: StopReason
    explanation: str | None


@dataclass(frozen=True)
class Profile:
    """The costs of a module, summed over some trainings."""

    trainings: int
    epochs: int
    """Epochs completed."""
    steps: int
    """Steps taken; the last one of a training that ended may be broken off."""
    ends: Mapping[int, End]
    """By nonce, of the trainings that ended before their time."""
    preparation: Part
    """All that precedes the first epoch."""
    stepping: Part
    """All steps."""
    digests: Cost
    """Of the digests of the states, one before the first epoch and one after each, which cost no fuel of their own."""
    state: StateSize
    """Of the last training, at its end."""
    entries: Mapping[str, StateSize]
    """By key, the entries of a state that is a dict, the largest first."""

    def epochs_in(self, edition: Edition, fuel_budget: int) -> float:
        """How many epochs the budget is enough for, if all steps are like these; infinite for steps without fuel."""
        left = fuel_budget - self.preparation.total.fuel / self.trainings
        of_an_epoch = edition.batches * self.stepping.total.fuel / self.steps
        return left / of_an_epoch if of_an_epoch else float("inf")

    def fuel_of(self, epochs: int, edition: Edition) -> float:
        """The fuel that a training of so many epochs uses, if all steps are like these."""
        steps = edition.batches * epochs
        return self.preparation.total.fuel / self.trainings + steps * self.stepping.total.fuel / self.steps


def profile(
    task: Task, nonces: Sequence[int], module: Module, epochs: int, tell: Callable[[], object] = lambda: None
) -> Profile:
    """Train each nonce for some epochs, in this process, and say what the module costs; `tell` is called after each.

    Raises MachineError, ModuleRefused, OptimiserError or WorkerFault.
    """
    profiler, ends, completed = Profiler(), dict[int, End](), 0
    for nonce in nonces:
        session = Session(task, nonce, module, profiler)
        with session.trainer() as trainer:
            trainer.start(session.initial)
            while len(trainer.losses) < epochs:
                if reason := trainer.advance():
                    ends[nonce] = End(reason, trainer.explanation)
                    break
                tell()
            completed += len(trainer.losses)
    last = profiler.optimisers[-1]
    return Profile(
        trainings=len(nonces),
        epochs=completed,
        steps=max(cost.times for cost in profiler.steps.states.values()),
        ends=ends,
        preparation=_part(profiler.before, module),
        stepping=_part(profiler.steps, module),
        digests=profiler.digests,
        state=last.state.size,
        entries=last.state_sizes(),
    )


def _part(costs: Costs, module: Module) -> Part:
    source = module.source.decode().split("\n")
    lines, own = _by_line(costs.lines)
    return Part(
        lines=[
            *(LineCost(line, name, source[line - 1].strip(), cost) for line, (name, cost) in sorted(lines.items())),
            *(LineCost(None, name, _PAID_WITH[name], cost) for name, cost in costs.states.items()),
        ],
        functions=[
            FunctionCost(function.line, function.name, own[function], cost)
            for function, cost in sorted(costs.functions.items(), key=lambda item: item[0].line)
        ],
        most_fuel=costs.most_fuel,
        most_tensors=costs.most_tensors,
        most_objects=costs.most_objects,
    )


def _by_line(costs: Mapping[tuple[Function, int], Cost]) -> tuple[dict[int, tuple[str, Cost]], dict[Function, Cost]]:
    """The costs of each line, with its outermost function, and those of each function's own lines."""
    lines: dict[int, tuple[str, Cost]] = {}
    own: defaultdict[Function, Cost] = defaultdict(Cost)
    for (function, line), cost in sorted(costs.items(), key=lambda item: item[0][0].line):
        own[function].add(cost.fuel, cost.memory, cost.seconds)
        _, total = lines.setdefault(line, (function.name, Cost()))
        total.times += cost.times
        total.add(cost.fuel, cost.memory, cost.seconds)
    return lines, own
