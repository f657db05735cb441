"""What the facade adds to an operation: each on small tensors, through it and underneath.

    python -m benchmarks.facade

prints a table; only the differences matter, as a shared machine slows both columns.
"""

from __future__ import annotations

from collections.abc import Callable
from timeit import timeit

import torch

from arithmetic import ieee, reductions
from sandbox.meter import Meter
from sandbox.tensors.tensor import Tensor

CALLS, ROUNDS = 500, 200


def microseconds(action: Callable[[], object], meter: Meter) -> float:
    """The fastest of many short rounds."""
    times = []
    for _ in range(ROUNDS):
        meter.begin()
        times.append(timeit(action, number=CALLS))
    return min(times) / CALLS * 1e6


def main() -> None:
    torch.set_num_threads(1)
    meter = Meter(10**18)
    a, b = torch.full((4,), 1.5), torch.full((4,), 0.5)
    x, y = Tensor(a, meter), Tensor(b, meter)
    rows: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        ("a + b", lambda: x + y, lambda: ieee.add(a, b)),
        ("2.0 * a", lambda: 2.0 * x, lambda: ieee.multiply(a, 2.0)),
        ("abs(a)", lambda: abs(x), lambda: ieee.absolute(a)),
        ("a[0]", lambda: x[0], lambda: a[0]),
        ("a.sum()", x.sum, lambda: reductions.sums(a, 0)),
    ]
    print("| operation | underneath µs | facade µs | difference µs |\n|---|---|---|---|")
    for name, ours, theirs in rows:
        with_facade, without = microseconds(ours, meter), microseconds(theirs, meter)
        print(f"| {name} | {without:.2f} | {with_facade:.2f} | {with_facade - without:.2f} |")


if __name__ == "__main__":
    main()
