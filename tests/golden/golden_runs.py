"""Golden runs: whole trainings, recorded in fixtures/golden.

    python -m tests.golden.golden_runs fill [--jobs N] [NAME ..]    writes the records anew (say why in the changelog)
    python -m tests.golden.golden_runs check [--jobs N] [NAME ..]   trains again and compares

Both are for all runs unless some are named. `check` trains with the product, and with the second implementation.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module

import torch

from tests.golden import second_implementation
from tests.golden.golden_run import RUNS, GoldenRun, named
from tests.golden.record import differences, recorded, trained, write
from verifier.challenge.training.trainer import Observer
from verifier.runs.pool import TaskLost
from verifier.runs.queue import completed

Said = list[str]
"""What a run has to say, a line each; nothing where all is well."""


@contextmanager
def filling(observer: Observer | None) -> Iterator[Callable[[GoldenRun], Said]]:
    """What writes records in a process."""
    torch.set_num_threads(1)
    yield fill


@contextmanager
def checking(observer: Observer | None) -> Iterator[Callable[[GoldenRun], Said]]:
    """What compares in a process."""
    torch.set_num_threads(1)
    yield check


def fill(run: GoldenRun) -> Said:
    """Train and write the record."""
    write(run, trained(run))
    return []


def check(run: GoldenRun, device: str = "cpu") -> Said:
    """Train with both implementations; a line for each difference from the record."""
    if not run.path.exists():
        return [f"{run.name}: no record"]
    record = recorded(run)
    found = [f"{run.name}: {line}" for line in differences(record, trained(run, device))]
    return found + by_the_second_implementation(run)


def by_the_second_implementation(run: GoldenRun) -> Said:
    """Train with it from the record; a line for each difference."""
    record = recorded(run)
    lines = differences(second_implementation.comparable(record), second_implementation.trained(record))
    return [f"{run.name}: second implementation: {line}" for line in lines]


def main() -> int:
    """The two commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("fill", "check"))
    parser.add_argument("--jobs", type=int, default=1, help="processes; each trains on one core")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(run.name for run in RUNS))
    options = parser.parse_intermixed_args()
    try:
        runs = named(options.names)
    except KeyError as unknown:
        parser.error(f"there is no golden run {unknown}; see --help")
    started, failures = time.monotonic(), 0
    work = filling if options.command == "fill" else checking
    with closing(completed(work, runs, options.jobs)) as results:
        for run, said in results:
            lines = [f"{run.name}: {said.why}"] if isinstance(said, TaskLost) else said
            failures += bool(lines)
            print("\n".join(lines) or f"{run.name}: {time.monotonic() - started:.0f} s", flush=True)
    print(f"{len(runs) - failures} of {len(runs)} golden runs {'written' if options.command == 'fill' else 'agree'}")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(import_module("tests.golden.golden_runs").main())  # by its name, for other processes
