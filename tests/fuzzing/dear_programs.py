"""What programs of tensors cost for their price, on both sides: time for each unit, and memory beside what counts."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.execution.executor import LOOPS_FUEL, TURNS
from sandbox.layout import Layout, Part
from sandbox.local_source import LocalSource
from sandbox.meter import CALL_BYTES, CALL_OBJECT_BYTES
from sandbox.optimiser import Assignment
from sandbox.program.call import Call, Read, Recorded
from tests.fuzzing.dear_cases import Case
from tests.fuzzing.dear_tensors import FUNCTIONS

LAYOUT: Final = Layout((Part("layers.0.bias", "bias", (100,)),))
_UNITS: Final = 2 * 10**7
"""Units of a measurement, at least, where the memory of a call suffices."""
_BYTES: Final = CALL_BYTES // 8
"""Memory that a measurement counts, at the most."""
_MOST_TURNS: Final = 2000
_HELD: Final = 10
"""Results that a turn holds at once where memory is measured, if there is room for so many."""
_STEPS: Final = TURNS + 8
_MOST_STEPS: Final = 500

_MODULE: Final = """import torch
import math
HYPERPARAMETERS = {{"turns": 0}}
{functions}
def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    x = y = z = torch.ones(1)
    held = []
    {setup}
    flush = torch.ones(1)
    flush.item()
    for _ in range(hyperparameters["turns"]):
        {body}
    flush.item()
    return {{"x": 0, "y": 0}} if hyperparameters["turns"] else {{"x": x, "y": y}}
def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    return None
def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    x, y, kept, flush = state["x"], state["y"], 0, torch.ones(1)
    first = x
    {step}
    flush.item()
    return gradient, {{"x": first, "y": y, "kept": kept}}
"""


@dataclass(frozen=True)
class Cost:
    """What some work took, of the processor's time on both sides; and of memory, what it counted and what was held."""

    seconds: float
    units: int
    counted: int
    held: int = 0
    peak: int = 0

    @property
    def nanoseconds(self) -> float:
        """For each unit."""
        return self.seconds * 1e9 / max(self.units, 1)


def cold(of: Case) -> float:
    """Nanoseconds for each unit of an operation that is done some times, in a program that comes once."""
    once = _once(of, 1)
    turns = _turns(once)
    return min(_once(of, turns).nanoseconds for _ in range(3 if once.seconds < 0.3 else 1))


def excess(of: Case) -> float:
    """Bytes held beside those counted, for each unit, when an operation has been done some times."""
    _once(of, 1)
    once = _once(of, 1)
    held = _HELD if once.counted * _HELD <= CALL_OBJECT_BYTES else 1
    cost = _once(of, max(1, _turns(once) // held), held=held)
    return (cost.held - cost.counted) / cost.units


def again(of: Case) -> float:
    """Nanoseconds for each unit of steps that do something, in a program that may come again; a digest included.

    There are as many steps as each segment needs to get loops, and little more.
    """
    reads: list[None] = []
    optimiser, _ = _loaded(of, 0, lambda: reads.append(None))
    optimiser.initialise()
    before, started, epoch = optimiser.fuel_used, time.process_time(), 0
    reads.clear()
    while epoch < _STEPS or (optimiser.fuel_used - before) * epoch < 1.5 * LOOPS_FUEL * len(reads):
        optimiser.begin_epoch(epoch, 1.0, 1.0, 1)
        optimiser.query_location()
        optimiser.step_updates()
        epoch += 1
        if epoch == (_STEPS if "epoch" in of.operation.text else _MOST_STEPS):
            break
    optimiser.state_digest()
    return (time.process_time() - started) * 1e9 / (optimiser.fuel_used - before)


def _turns(once: Cost) -> int:
    most = min(_UNITS // max(once.units, 1), _BYTES // max(once.counted, 1), _MOST_TURNS)
    return max(1, most if once.seconds < 0.5 else 1)


class _Marked(LocalSource):
    """A module in this process; something is done when what it reads has been executed."""

    def __init__(self, at_read: Callable[[], None]) -> None:
        super().__init__()
        self._at_read = at_read

    def call(self, call: Call, read: Read) -> Recorded:
        """Call a function of the module."""

        def marked(segment: bytes) -> bytes:
            answer = read(segment)
            self._at_read()
            return answer

        return super().call(call, marked)

    @property
    def counted(self) -> tuple[int, int]:
        """The units used so far, and the bytes that the present call has counted."""
        meter = self._loaded()._meter
        return meter.used, meter.tensor_bytes + meter.object_bytes


def _loaded(
    of: Case, turns: int, at_read: Callable[[], None] = lambda: None, held: int = 0
) -> tuple[ExecutedOptimiser, _Marked]:
    text = of.operation.text
    is_state = "kept" in text or "epoch" in text
    step = "pass" if "rng" in text else text
    body = f"held.append([{', '.join([f'({text})'] * held)}])" if held and " = " not in text else text
    body = "pass" if is_state else body
    source = _MODULE.format(functions=FUNCTIONS, setup=of.setup, body=body, step=step)
    marked = _Marked(at_read)
    assignment = Assignment(source.encode(), "dear.py", LAYOUT, {"n_hidden": 1}, {"turns": turns}, bytes(32), 10**14)
    optimiser = ExecutedOptimiser(assignment, marked)
    optimiser.parameters[:] = optimiser.gradient[:] = np.linspace(-1.0, 1.0, LAYOUT.size, dtype=np.float32)
    return optimiser, marked


def _reads(of: Case) -> int:
    """Segments that are read when nothing is done, up to the one that ends the setup."""
    seen: list[None] = []
    _loaded(of, 0, lambda: seen.append(None))[0].initialise()
    return len(seen) - 1


def _once(of: Case, turns: int, held: int = 0) -> Cost:
    """Do an operation in one call, of which only what follows the setup counts; what it made is still held.

    Where so many results of a turn are `held`, memory is measured.
    """
    setup, marks, number = _reads(of), list[tuple[float, int, int, int]](), 0
    gc.collect()  # what another one held

    def at_read() -> None:
        nonlocal number
        number += 1
        if number == setup:
            if held:
                tracemalloc.start()
            marks.append((time.process_time(), *source.counted, tracemalloc.get_traced_memory()[0]))

    optimiser, source = _loaded(of, turns, at_read, held)
    try:
        optimiser.initialise()
        ended, (units, counted), traced = time.process_time(), source.counted, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    started, units_before, counted_before, held_before = marks[0]
    now, peak = (memory - held_before for memory in traced)
    return Cost(ended - started, units - units_before, counted - counted_before, now, peak)
