"""Trains every reference optimiser on every track, for the tables of docs/optimisers.md (roster_tables.py).

    python -m proofs.roster --jobs 2     trains what the results lack; stop it at any time

Each optimiser is trained on five nonces of each track of the centred edition and of one track of the plain one, then
the five best on twenty. A line of results/roster.jsonl is one training; it counts as long as the module and the
version of the specification are the same.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Final

import torch

from arithmetic.allocator import keep_freed_memory
from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import InProcess
from verifier.challenge.editions import DECEMBER_2025, DECEMBER_2025_CENTRED, Track
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.instance.solvability import solvability
from verifier.challenge.module import Module
from verifier.challenge.network.network_choice import network_for
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.challenge.training.trainer import Observer
from verifier.challenge.versions import SPECIFICATION
from verifier.command_line.files import read_module
from verifier.runs.pool import TaskLost
from verifier.runs.queue import completed
from verifier.runs.results_table import ResultsTable
from verifier.runs.row_formats import json_rows

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "proofs" / "results" / "roster.jsonl"
OPTIMISERS: Final = ROOT / "fixtures" / "optimisers"
CENTRED, PLAIN = DECEMBER_2025_CENTRED.name, DECEMBER_2025.name
TRACKS: Final = (4, 7, 10, 14, 18)
PLAIN_TRACK: Final = 4
NONCES, NONCES_OF_THE_BEST, BEST = 5, 20, 5
SLOW: Final = {"muon": 8.0, "shampoo": 8.0, "soap": 8.0}
"""About how much longer than the network's passes an optimiser takes; for the order and the time that is left."""


@dataclass(frozen=True)
class Row:
    """The result of one training."""

    optimiser: str
    """What the tables call it."""
    digest: str
    """BLAKE3 of the module, its first 16 digits."""
    specification: int
    """The version of the rules."""
    edition: str
    n_hidden: int
    nonce: int
    quality: int
    """In units of 1e-6."""
    test_loss: float
    threshold: float
    floor: float
    epochs: int
    best_epoch: int
    stop_reason: str
    fuel_used: int
    seconds: float = field(compare=False)
    """Of one core."""

    @property
    def key(self) -> tuple[object, ...]:
        """That of the plan that it is of."""
        return (self.optimiser, self.digest, self.specification, self.edition, self.n_hidden, self.nonce)

    def __str__(self) -> str:
        return (
            f"{self.optimiser:20s} {self.edition} {self.n_hidden:2d} nonce {self.nonce:2d}: "
            f"quality {self.quality / 1e6:6.3f}, T {self.epochs:4d}, {self.stop_reason}, {self.seconds:.0f} s"
        )


FORMAT: Final = json_rows(Row, "proofs.roster")


@dataclass(frozen=True)
class Entry:
    """A line of the tables: a module of fixtures/optimisers, and a learning rate other than its default or None."""

    module: str
    lr: float | None = None

    @property
    def name(self) -> str:
        """What the tables call it."""
        return self.module if self.lr is None else f"{self.module}, lr = {self.lr}"

    @cached_property
    def optimiser(self) -> Module:
        """The module itself."""
        return read_module(OPTIMISERS / f"{self.module}.py")

    @property
    def digest(self) -> str:
        """BLAKE3 of the module, its first 16 digits."""
        return self.optimiser.digest.hex()[:16]


ENTRIES: Final = (*(Entry(path.stem) for path in sorted(OPTIMISERS.glob("*.py"))), Entry("adam", 0.01))
"""The default of adam.py, which golden runs have recorded, is the paper's, and small for this challenge."""


@dataclass(frozen=True)
class Plan:
    """One training."""

    entry: Entry
    edition: str
    n_hidden: int
    nonce: int

    @property
    def key(self) -> tuple[object, ...]:
        """What tells its row from others."""
        return (self.entry.name, self.entry.digest, SPECIFICATION, self.edition, self.n_hidden, self.nonce)

    @property
    def cost(self) -> float:
        """In proportion to the time that an epoch takes."""
        return (self.n_hidden + 1) * (1.0 + SLOW.get(self.entry.module, 0.0))

    @property
    def session(self) -> Session:
        """What is trained."""
        task = Task(
            edition=self.edition,
            settings=Settings("", "", "c006", "roster", f"n_hidden={self.n_hidden}"),
            rand_hash="0" * 32,
            optimiser_digest=self.entry.optimiser.digest,
            hyperparameters={} if self.entry.lr is None else {"lr": self.entry.lr},
            fuel_budget=DECEMBER_2025.max_fuel_budget,
        )
        return Session(task, self.nonce, self.entry.optimiser, InProcess())


def carry_out(plan: Plan) -> Row:
    """Train; seconds are those of the processor, on one core."""
    session, started = plan.session, time.process_time()
    solved = solve(session)
    training, about = solved.training, solvability(session.instance_id)
    return Row(
        optimiser=plan.entry.name,
        digest=plan.entry.digest,
        specification=SPECIFICATION,
        edition=plan.edition,
        n_hidden=plan.n_hidden,
        nonce=plan.nonce,
        quality=solved.score.quality,
        test_loss=solved.score.loss,
        threshold=solved.score.threshold,
        floor=about.floor,
        epochs=training.epochs,
        best_epoch=training.best_epoch,
        stop_reason=str(training.stop_reason),
        fuel_used=training.fuel_used,
        seconds=round(time.process_time() - started, 2),
    )


@contextmanager
def opened(observer: Observer | None) -> Iterator[Callable[[Plan], Row]]:
    """What trains in a process: on one thread, with a network that is compiled, so that no training's time has that."""
    keep_freed_memory()
    torch.set_num_threads(1)
    network_for(InstanceId(Track(DECEMBER_2025, PLAIN_TRACK), bytes(32)))
    yield carry_out


def first_plans() -> list[Plan]:
    """Five nonces of everything, cheap ones and the first nonces first."""
    cells = [(CENTRED, n_hidden) for n_hidden in TRACKS] + [(PLAIN, PLAIN_TRACK)]
    plans = [Plan(entry, *cell, nonce) for nonce in range(NONCES) for cell in cells for entry in ENTRIES]
    return sorted(plans, key=lambda plan: plan.cost * (plan.nonce + 1))


def later_plans(rows: Iterable[Row]) -> list[Plan]:
    """The other nonces of the five best."""
    best = ranked(rows)[:BEST]
    nonces = range(NONCES, NONCES_OF_THE_BEST)
    return [Plan(entry, CENTRED, n_hidden, nonce) for nonce in nonces for n_hidden in TRACKS for entry in best]


def current(rows: Iterable[Row]) -> list[Row]:
    """The rows of the modules and the rules as they are now."""
    modules = {(entry.name, entry.digest, SPECIFICATION) for entry in ENTRIES}
    return [row for row in rows if (row.optimiser, row.digest, row.specification) in modules]


def run(plans: list[Plan], table: ResultsTable[Row], jobs: int) -> None:
    """Train what the table lacks, and add it."""
    missing = [plan for plan in plans if plan.key not in table.rows]
    left, spent, started = sum(plan.cost for plan in missing), 0.0, time.perf_counter()
    with closing(completed(opened, missing, jobs)) as results:
        for count, (plan, row) in enumerate(results, 1):
            left, spent = left - plan.cost, spent + plan.cost
            if isinstance(row, TaskLost):
                print(f"{plan.key}: {row.why}", flush=True)
                continue
            hours = (time.perf_counter() - started) / spent * left / 3600
            print(f"{count}/{len(missing)} {row}; {hours:.1f} h left", flush=True)
            table.add(row)


def chosen(rows: Iterable[Row], entry: Entry, edition: str, n_hidden: int, nonces: int) -> list[Row]:
    """The rows of a cell, of the first `nonces` nonces."""
    return [
        row
        for row in rows
        if (row.optimiser, row.edition, row.n_hidden) == (entry.name, edition, n_hidden) and row.nonce < nonces
    ]


def by_nonce(rows: list[Row], entry: Entry, nonces: int) -> dict[int, float]:
    """The mean quality over the tracks, of each of the first `nonces` nonces that all tracks have."""
    found = defaultdict[int, list[float]](list)
    for n_hidden in TRACKS:
        for row in chosen(rows, entry, CENTRED, n_hidden, nonces):
            found[row.nonce].append(row.quality / 1e6)
    return {nonce: statistics.fmean(values) for nonce, values in found.items() if len(values) == len(TRACKS)}


def ranked(rows: Iterable[Row]) -> list[Entry]:
    """All entries, the best of the first five nonces first, those without any last."""
    rows = list(rows)
    qualities = {entry: by_nonce(rows, entry, NONCES).values() for entry in ENTRIES}
    return sorted(ENTRIES, key=lambda entry: -statistics.fmean(qualities[entry] or [-math.inf]))


def main() -> int:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1, help="processes; each trains on one core")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    with ResultsTable(options.results, FORMAT) as table:
        run(first_plans(), table, options.jobs)
        run(later_plans(current(table.rows.values())), table, options.jobs)
    return 0


if __name__ == "__main__":
    sys.exit(import_module("proofs.roster").main())  # by its name, for other processes
