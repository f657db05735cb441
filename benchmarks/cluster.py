"""What a Ray cluster costs beside a pool of processes: `python -m benchmarks.cluster`.

The items ask for nothing, so that all the time is that of the queue. Memory is what processes hold alone and their part
of what they share (Linux's PSS), in MB of 10^6 bytes. The cluster is `local`: Ray's head and one node.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path

import click

from benchmarks.figure import Figure
from verifier.runs.cluster import LOCAL, Cluster
from verifier.runs.pool import Opening, ProcessPool
from verifier.runs.queue import cores

OPENING: Opening[bytes, int] = partial(nullcontext, len)  # type: ignore[assignment]
"""Hardly any work."""
Pool = ProcessPool[bytes, int] | Cluster[bytes, int]
KINDS: dict[str, Callable[[], Pool]] = {
    "pool": lambda: ProcessPool(OPENING, cores()),
    "cluster": lambda: Cluster(OPENING, LOCAL, print),
}
UNITS = ("s", "ms", "s", "MB")
NAMES = ("until the first result", "an item", "to end", "all processes but this one")


@click.command(help=__doc__)
@click.option("--items", default=1000, show_default=True)
@click.option("--size", default=0, show_default=True, help="Bytes of each item.")
@click.option("--rounds", default=3, show_default=True)
def main(items: int, size: int, rounds: int) -> None:
    for kind, make in KINDS.items():
        figures = zip(*(_measured(make(), items, size) for _ in range(rounds)), strict=True)
        for name, unit, values in zip(NAMES, UNITS, figures, strict=True):
            click.echo(f"{kind}, {name}: {Figure.of(unit, values)}")


def _measured(pool: Pool, items: int, size: int) -> tuple[float, float, float, float]:
    """Seconds to the first result, milliseconds of each of the others, seconds to end, and MB."""
    began = time.perf_counter()
    with pool:
        answers = pool.run(bytes(size) for _ in range(items + 1))
        next(answers)
        first = time.perf_counter()
        for _ in range(items - 1):
            next(answers)
        last = time.perf_counter()
        memory = sum(map(_held, _descendants(os.getpid())))
        ending = time.perf_counter()
        list(answers)
    return first - began, 1000 * (last - first) / (items - 1), time.perf_counter() - ending, memory


def _descendants(process: int) -> list[int]:
    children = []
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            children += [int(child) for child in thread.read_text().split()]
    return [each for child in children for each in (child, *_descendants(child))]


def _held(process: int) -> float:
    try:
        found = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{process}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:  # it has ended
        return 0.0
    return 0.0 if found is None else int(found[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
