"""What it takes to record an operation, beside what it takes to execute it by itself: each on small tensors.

    python -m benchmarks.facade

prints a table; only the ratios matter, as a shared machine slows both columns.
"""

from __future__ import annotations

from collections.abc import Callable
from timeit import timeit

import numpy as np

from arithmetic import ieee, reductions
from sandbox.meter import Meter
from sandbox.program.call import CallKind
from sandbox.program.recorder import Recorder
from sandbox.program.value import INPUTS, NUMBERS, Value
from sandbox.tensors.tensor import Tensor

CALLS, ROUNDS = 500, 200


def microseconds(action: Callable[[], object], recorder: Recorder) -> float:
    """The fastest of many short rounds."""
    times = []
    for _ in range(ROUNDS):
        recorder.begin(CallKind.STEP, 2)
        times.append(timeit(action, number=CALLS))
    return min(times) / CALLS * 1e6


def main() -> None:
    recorder = Recorder(Meter(10**18), bytes)
    a, b = np.full(4, 1.5, np.float32), np.full(4, 0.5, np.float32)
    x, y = (Tensor(Value(INPUTS + place, NUMBERS, (4,)), recorder) for place in range(2))
    rows: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        ("a + b", lambda: x + y, lambda: ieee.add(a, b)),
        ("2.0 * a", lambda: 2.0 * x, lambda: ieee.multiply(a, 2.0)),
        ("abs(a)", lambda: abs(x), lambda: ieee.absolute(a)),
        ("a[0]", lambda: x[0], lambda: a[0]),
        ("a.sum()", x.sum, lambda: reductions.sums(a, 0)),
    ]
    print("| operation | recorded µs | executed µs |\n|---|---|---|")
    for name, ours, theirs in rows:
        print(f"| {name} | {microseconds(ours, recorder):.2f} | {microseconds(theirs, recorder):.2f} |")


if __name__ == "__main__":
    main()
