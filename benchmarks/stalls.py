"""How long one call of a hostile module can take, and how much it can hold: what fuel does not see of time and memory.

    python -m benchmarks.stalls [part of a name ..]

Every case is a setup, and an operation that a module can repeat, with arguments or data that are as dear as they can
be for its price. Units and counted bytes are the meter's. A row tells how long a call of one module would take if it
did nothing else until an allowance of the call is spent, and the most memory that the process held for each byte that
was counted. Time is of one process's processor; memory is that of a process of its own. The dearest come first.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from arithmetic import engine_choice
from arithmetic.allocator import keep_freed_memory
from benchmarks.fuel import MODULE, hosted
from benchmarks.stalls_operations import CASES, Case
from sandbox.meter import CALL_BYTES, CALL_FUEL

ROUNDS = 3
LONGEST = 60
"""Seconds after which a case is given up, which is a finding too."""
SECONDS = 0.05
"""Time that a loop shall take, at least."""


class Sample(NamedTuple):
    """What some turns took: processor time, fuel, bytes counted, and the most memory that was held."""

    seconds: float
    units: int
    counted: int
    held: int


class Row(NamedTuple):
    """A case's turn."""

    name: str
    seconds: float
    units: int
    counted: int
    held: int

    @property
    def price(self) -> float:
        """Nanoseconds for each unit."""
        return self.seconds * 1e9 / max(self.units, 1)

    @property
    def call(self) -> float:
        """Seconds that a call takes which repeats this until an allowance is spent."""
        return self.seconds * min(CALL_FUEL / max(self.units, 1), CALL_BYTES / max(self.counted, 1))

    @property
    def density(self) -> float:
        """Bytes held for each byte counted."""
        return self.held / max(self.counted, 1)


def sample(case: Case, turns: int) -> Sample:
    """Run a case in this process."""
    source = MODULE.format(setup=case.setup, operation=case.operation).encode()
    optimiser = hosted(source, "operation.py", 1, {"turns": turns})
    meter = optimiser._meter
    meter.begin()
    before = meter.used
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    at_first, started = _status("VmRSS"), time.process_time()
    optimiser.initialise()
    seconds = time.process_time() - started
    counted = CALL_BYTES - (meter._memory_stop - meter.used)
    return Sample(seconds, meter.used - before, counted, _status("VmHWM") - at_first)


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))


def measure(case: Case) -> Row:
    """The least time of a turn over some rounds; what it holds is that of one turn and its setup."""
    nothing, once = sample(case, 0), sample(case, 1)
    lasting = max(once.seconds - nothing.seconds, 1e-6)
    most = 5 * 10**9 // max(once.units - nothing.units, 1) + 1
    turns = max(1, min(math.ceil(SECONDS / lasting), most, 2 * 2**30 // max(once.counted - nothing.counted, 1) + 1))
    setups = [nothing.seconds] + [sample(case, 0).seconds for _ in range(ROUNDS if nothing.seconds < 1 else 0)]
    loops = [sample(case, turns).seconds for _ in range(ROUNDS)]
    seconds = max(min(loops) - min(setups), 0.0) / turns
    units, counted = once.units - nothing.units, once.counted - nothing.counted
    return Row(case.name, seconds, units, counted, once.held)


def _in_child(case: Case, results: multiprocessing.SimpleQueue[Row | str]) -> None:
    try:
        with torch.inference_mode():
            results.put(measure(case))
    except Exception as error:
        results.put(f"{case.name}: {type(error).__name__}: {error}"[:200])


def rows(cases: list[Case]) -> Iterator[Row | str]:
    """Measure each case in a process of its own."""
    context = multiprocessing.get_context("fork")
    for case in cases:
        results: multiprocessing.SimpleQueue[Row | str] = context.SimpleQueue()
        child = context.Process(target=_in_child, args=(case, results))
        child.start()
        child.join(LONGEST)
        if child.is_alive():
            child.kill()
            yield f"{case.name}: no result in {LONGEST} s"
        else:
            yield results.get() if not results.empty() else f"{case.name}: the process ended with {child.exitcode}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    chosen = [case for case in CASES if not options.names or any(name in case.name for name in options.names)]
    engine_choice.engine()  # a choice that every case would make anew
    measured = list(rows(chosen))
    print("| operation | µs a turn | units a turn | ns a unit | s a call | MiB held | bytes a byte |")
    print("|---|---|---|---|---|---|---|")
    for row in sorted((row for row in measured if not isinstance(row, str)), key=lambda row: -row.call):
        print(
            f"| {row.name} | {row.seconds * 1e6:.2f} | {row.units} | {row.price:.3f} | {row.call:.1f} "
            f"| {row.held / 2**20:.0f} | {row.density:.2f} |"
        )
    for failure in measured:
        if isinstance(failure, str):
            print(failure)


if __name__ == "__main__":
    main()
