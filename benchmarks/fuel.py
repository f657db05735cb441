"""Whether fuel is time: what a step of each shipped optimiser uses of both, and what single operations do.

    python -m benchmarks.fuel [--operations] [--rounds 15]

A step is the optimiser's own calls, `query_location` and `step_updates`, in this process: processor time of one
thread, the median over steps after warm-up, on one gradient; the optimisers take turns. The middle is the geometric
one of the dearest and the cheapest nanosecond per unit. With `--operations` a second table has the operations one by
one, each in a loop of its own, where each is computed whether or not anybody uses it; an operation whose ratio is far
above 1 is underpriced.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from arithmetic.allocator import keep_freed_memory
from arithmetic.random import Source
from benchmarks.fuel_operations import FACADE, LANGUAGE
from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.executing_recorder import ExecutingRecorder
from sandbox.execution.executor import TURNS
from sandbox.local_source import LocalSource
from sandbox.meter import Meter
from sandbox.optimiser import NUMBERS_CONTEXT, Assignment
from sandbox.program.operation import Operation
from sandbox.program.recorder import Operand, Recorder
from sandbox.program.value import PARAMETERS, Value
from sandbox.recording import Recording
from verifier.challenge.editions import DECEMBER_2025, Track
from verifier.challenge.network.architecture import Architecture

FIXTURES = Path(__file__).parents[1] / "fixtures"
WARM_UP = TURNS + 8
"""Steps until programs that come again have their loops, and some more."""
HIDDEN = (4, 10)
SETUP, RECENT = 64, 16
"""Values of a loop that are kept: the first, which its setup made, and the last."""
OPERATION_UNITS = 2 * 10**8
"""Units that an operation's loop uses, at least."""

MODULE = """import torch
import math
HYPERPARAMETERS = {{"turns": 0}}
def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    {setup}
    for _ in range(hyperparameters["turns"]):
        {operation}
def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    return None
def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    return gradient, state
"""


Case = tuple[str, int]
"""An optimiser and the number of hidden layers."""


class Cost(NamedTuple):
    """Processor time and fuel of the same work."""

    seconds: float
    units: int

    @property
    def price(self) -> float:
        """Nanoseconds for each unit."""
        return self.seconds * 1e9 / self.units


class Computed(ExecutingRecorder):
    """Computes operations when they are asked for, also those whose results nobody uses; old results are given up."""

    def _execute(
        self,
        operation: Operation,
        operands: Sequence[Operand],
        parameters: tuple[Any, ...],
        scalars: Sequence[float],
        values: tuple[Value, ...],
    ) -> None:
        super()._execute(operation, operands, parameters, scalars, values)
        old = values[-1].number - RECENT
        if old > SETUP:
            self.arrays.pop(old, None)


class ComputedRecording(Recording):
    """A module whose operations are computed when they are asked for."""

    def _new_recorder(self, meter: Meter) -> Recorder:
        recorder = Computed(meter, self._read, Source(NUMBERS_CONTEXT, self._assignment.key))
        recorder.arrays = {PARAMETERS: np.ones(self._assignment.layout.size, np.float32)}
        return recorder


class ComputedSource(LocalSource):
    """Its programs."""

    def recording(self, assignment: Assignment) -> Recording:
        """A module that is loaded and recorded."""
        return ComputedRecording(assignment, self.read)


def hosted(
    source: bytes, name: str, n_hidden: int, hyperparameters: Mapping[str, int], programs: LocalSource | None = None
) -> ExecutedOptimiser:
    layout = Architecture(Track(DECEMBER_2025, n_hidden)).layout()
    assignment = Assignment(source, name, layout, {"n_hidden": n_hidden}, hyperparameters, bytes(32), 10**15)
    numbers = np.random.default_rng(n_hidden)
    optimiser = ExecutedOptimiser(assignment, programs or LocalSource())
    for buffer in (optimiser.parameters, optimiser.gradient):
        buffer[:] = numbers.standard_normal(layout.size, np.float32) / 10
    return optimiser


def steps(rounds: int) -> dict[Case, Cost]:
    """The median step of every optimiser; they take turns, so that a busy machine slows all of them alike."""
    running = {(name, n): hosted(path.read_bytes(), path.name, n, {}) for name, path in optimisers() for n in HIDDEN}
    taken: dict[Case, list[Cost]] = {case: [] for case in running}
    for optimiser in running.values():
        optimiser.initialise()
    for epoch in range(WARM_UP + rounds):
        for case, optimiser in running.items():
            taken[case].append(step(optimiser, epoch))
    return {
        case: Cost(statistics.median(c.seconds for c in costs[WARM_UP:]), costs[-1].units)
        for case, costs in taken.items()
    }


def step(optimiser: ExecutedOptimiser, epoch: int) -> Cost:
    used, started = optimiser.fuel_used, time.process_time()
    optimiser.begin_epoch(epoch, 1.0, 1.0, 1)
    optimiser.query_location()
    updates = optimiser.step_updates()
    cost = Cost(time.process_time() - started, optimiser.fuel_used - used)
    np.add(optimiser.parameters, updates, out=optimiser.parameters)
    return cost


def loop(setup: str, operation: str, turns: int) -> Cost:
    """What a loop of an operation takes, its setup included."""
    source = MODULE.format(setup=setup, operation=operation).encode()
    optimiser = hosted(source, "operation.py", 1, {"turns": turns}, ComputedSource())
    started = time.process_time()
    optimiser.initialise()
    return Cost(time.process_time() - started, optimiser.fuel_used)


def single(setup: str, operation: str, rounds: int) -> Cost:
    """The median turn of a loop of an operation."""
    nothing, once = (loop(setup, operation, turns) for turns in (0, 1))
    turns = math.ceil(OPERATION_UNITS / (once.units - nothing.units))
    loops = [loop(setup, operation, turns) for _ in range(rounds)]
    setting_up = min(loop(setup, operation, 0).seconds for _ in range(rounds))
    return Cost((statistics.median(c.seconds for c in loops) - setting_up) / turns, once.units - nothing.units)


def optimisers() -> Iterator[tuple[str, Path]]:
    for folder in ("optimisers", "trials"):
        for path in sorted((FIXTURES / folder).glob("*.py")):
            if not path.stem.endswith(".before"):
                yield f"{folder}/{path.stem}", path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    keep_freed_memory()
    costs = steps(options.rounds)
    prices = [cost.price for cost in costs.values()]
    middle = math.sqrt(min(prices) * max(prices))
    print("| optimiser | n_hidden | ms a step | units a step | ns a unit | to the middle |\n|---|---|---|---|---|---|")
    for (name, n_hidden), cost in costs.items():
        print(f"| {name} | {n_hidden} | {cost.seconds * 1e3:.2f} {columns(cost, middle)}")
    if options.operations:
        operations(middle, options.rounds)
    print(f"dearest to cheapest unit of the optimisers: {max(prices) / min(prices):.2f}")


def operations(middle: float, rounds: int) -> None:
    print("\n| operation | µs a turn | units a turn | ns a unit | to the middle |\n|---|---|---|---|---|")
    for name, (setup, operation) in {**LANGUAGE, **FACADE}.items():
        cost = single(setup, operation, rounds)
        print(f"| {name} | {cost.seconds * 1e6:.2f} {columns(cost, middle)}")


def columns(cost: Cost, middle: float) -> str:
    return f"| {cost.units} | {cost.price:.3f} | {cost.price / middle:.2f} |"


if __name__ == "__main__":
    main()
