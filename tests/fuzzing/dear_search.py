"""The search of what is dear for its price: time for each unit of fuel, and memory for each byte that is counted."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from arithmetic.transcendental import elementary
from sandbox.errors import BudgetExhausted, OptimiserError
from sandbox.language.module import compile_module, load_module
from sandbox.meter import Meter
from sandbox.tensors.attributes import ATTRIBUTES
from sandbox.tensors.namespaces import MathNamespace
from sandbox.tensors.vocabulary import VOCABULARY
from sandbox.undisturbed import undisturbed
from tests.fuzzing.dear_cases import FUNCTIONS, OPERATIONS, VALUES, Case, Kinds, Operation, case
from tests.support.sample_modules import ENTRY_POINTS

NAME: Final = "dear.py"
HELD: Final = 20
"""Results of an operation that are held at once."""
YARDSTICK: Final = Case(Operation("x + y", ("number", "number")), ("0.5", "1.5"))
"""What times are compared with: an addition of two numbers."""
_REPEATED: Final = 4
"""Times that a turn does an operation, so that the turn itself counts for little."""
_ROUNDS: Final = 3
_MOST_UNITS: Final = 10**8
"""Units of a measurement, at most, but for one turn."""
_ENDINGS: Final = (
    ArithmeticError, AttributeError, BudgetExhausted, LookupError, NameError, OptimiserError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
"""What an operation may raise that has no such values or so many; then there is nothing to measure."""

Measure = Callable[[Case], float]


@dataclass(frozen=True)
class Finding:
    """The dearest case of an operation."""

    case: Case
    cost: float


def nanoseconds(of: Case, seconds: float = 0.004) -> float:
    """Processor time for each unit of fuel, in a loop that takes about so many seconds, its setup left out."""
    run = _Run(of, "; ".join([of.operation.text] * _REPEATED))
    setup, once = run.turns(0), run.turns(1)
    units = max(once.units - setup.units, 1)
    turns = max(1, min(int(seconds / max(once.seconds - setup.seconds, 1e-7)), _MOST_UNITS // units))
    loops = min(run.turns(turns).seconds for _ in range(_ROUNDS))
    setups = min(run.turns(0).seconds for _ in range(_ROUNDS))
    return max(loops - setups, 0.0) * 1e9 / (turns * units)


def density(of: Case) -> float:
    """Bytes that are held by some results, or at the most while they are made, for each byte counted."""
    text = of.operation.text
    is_statement = any(mark in text for mark in ("; ", " = ", " += ", "pass"))
    results = ",\n            ".join([f"({text})"] * HELD)
    run = _Run(of, text if is_statement else f"held.append([{results}])")
    without, once = run.traced(0), run.traced(1)
    counted = max(once.counted - without.counted, 1)
    return max(once.held - without.held, once.peak - without.peak) / counted


def search(
    measure: Measure, seed: int, rounds: int, operations: Sequence[Operation] = OPERATIONS, kinds: Kinds = VALUES
) -> Iterator[Finding]:
    """The dearest case of each operation after so many tries, half of them close to the dearest until then."""
    random = Random(seed)
    for operation in operations:
        best: Finding | None = None
        for _ in range(rounds):
            near = best.case if best is not None and random.random() < 0.5 else None
            tried = case(operation, random, near, kinds)
            try:
                cost = measure(tried)
            except _ENDINGS:
                continue
            if best is None or cost > best.cost:
                best = Finding(tried, cost)
        if best is not None:
            yield best


@dataclass(frozen=True)
class _Turns:
    """What some turns took and counted."""

    seconds: float
    units: int
    counted: int
    held: int = 0
    peak: int = 0


class _Run:
    """A module whose first function makes the values of a case, and then does something as often as it is told."""

    def __init__(self, of: Case, body: str) -> None:
        names = ", ".join(["held", *"xy"[: len(of.values)]])
        lines = [of.setup, "held = []", f"for _ in range(difficulty):\n        {body}", f"return [{names}]"]
        _, _, rest = ENTRY_POINTS.partition("    return {}\n")
        first = ENTRY_POINTS.partition("    return {}\n")[0]
        source = f"import math\n{FUNCTIONS}{first}" + "".join(f"    {line}\n" for line in lines) + rest
        self._meter = Meter(10**15)
        with undisturbed():
            compiled = compile_module(source.encode(), NAME, VOCABULARY)
        spaces = {"math": MathNamespace(self._meter)}
        loaded = load_module(compiled, self._meter, spaces, ATTRIBUTES, elementary.power)
        self._function = loaded.init_optimiser_state

    def turns(self, number: int) -> _Turns:
        """Run so many turns."""
        self._meter.begin()
        before, started = self._meter.used, time.process_time()
        with undisturbed():
            self._function(number, None, {}, None)
        seconds = time.process_time() - started
        return _Turns(seconds, self._meter.used - before, self._meter.object_bytes)

    def traced(self, number: int) -> _Turns:
        """Run so many turns, with an eye on memory."""
        self._meter.begin()
        gc.collect()
        tracemalloc.start()
        try:
            with undisturbed():
                result = self._function(number, None, {}, None)
            held, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        del result
        return _Turns(0.0, 0, self._meter.object_bytes, held, peak)
