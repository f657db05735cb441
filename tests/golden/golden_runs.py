"""The project's golden runs: whole trainings, recorded in fixtures/golden.

    python -m tests.golden.golden_runs fill [--jobs N] [NAME ..]    writes the records anew (say why in the changelog)
    python -m tests.golden.golden_runs check [--jobs N] [NAME ..]   trains again and compares

Both are for all runs unless some are named. They do what `tig-verify golden` does, of the list in golden_run.py; and
`check` trains with the second implementation too.
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
from verifier.challenge.training.trainer import Observer
from verifier.golden.differences import differences
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
    """Train and write the record, unless it says so already."""
    found = run.trained()
    if not run.path.exists() or differences(run.record, found):
        run.path.write_text(found.text())
    return []


def check(run: GoldenRun) -> Said:
    """Train with both implementations; a line for each difference from the record."""
    if not run.path.exists():
        return [f"{run.name}: no record"]
    found = [f"{run.name}: {each}" for each in differences(run.record, run.trained())]
    return found + [f"{run.name}: second implementation: {each}" for each in second_implementation.differences(run)]


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
