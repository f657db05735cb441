"""Trainings of several optimisers on the same nonces."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from protocol.hashes import blake3_digest
from protocol.settings import Settings
from sandbox.isolation import Isolation
from verifier.challenge.editions import Edition
from verifier.challenge.instance.solvability import prospects
from verifier.challenge.solving import Task, solve
from verifier.challenge.training.trainer import Observer
from verifier.experiments.comparison import Run


@dataclass(frozen=True)
class Candidate:
    """An optimiser, as the user named it."""

    path: Path
    source: bytes

    @property
    def digest(self) -> str:
        """Of the module's bytes, in hexadecimal digits."""
        return blake3_digest(self.source).hex()


@dataclass(frozen=True)
class TrialKey:
    """Everything that the outcome of a trial depends on."""

    edition: str
    settings: Settings
    rand_hash: str
    fuel_budget: int
    optimiser_digest: str
    nonce: int


@dataclass(frozen=True)
class Row:
    """The result of a trial."""

    training: TrialKey
    name: str
    """Of the candidate's file."""
    run: Run

    @property
    def key(self) -> TrialKey:
        """See `TrialKey`."""
        return self.training


@dataclass(frozen=True)
class Trial:
    """One training to be done."""

    candidate: Candidate
    edition: Edition
    settings: Settings
    rand_hash: str
    fuel_budget: int
    nonce: int

    def __str__(self) -> str:
        return f"{self.candidate.path}, nonce {self.nonce}"

    @property
    def path(self) -> Path:
        """The file of the module."""
        return self.candidate.path

    @property
    def key(self) -> TrialKey:
        """That of its row."""
        return TrialKey(
            self.edition.name, self.settings, self.rand_hash, self.fuel_budget, self.candidate.digest, self.nonce
        )

    @property
    def cost(self) -> float:
        """All take about as long."""
        return 1.0

    def run(self, isolation: Isolation, observer: Observer | None, device: str) -> Row:
        """Train; seconds are those of a clock. Raises as `solve` does."""
        task = Task(
            self.edition, self.settings, self.rand_hash, self.nonce,
            self.candidate.source, self.path.name, {}, self.fuel_budget,
        )  # fmt: skip
        started = time.perf_counter()
        solved = solve(task, isolation, observer, device)
        seconds = time.perf_counter() - started
        found = prospects(task.edition, task.seed)
        run = Run(
            nonce=self.nonce,
            quality=solved.score.quality,
            threshold=solved.score.threshold,
            floor=found.floor,
            is_solvable=found.solvable,
            epochs=solved.training.epochs,
            fuel_used=solved.training.fuel_used,
            seconds=seconds,
        )
        return Row(self.key, self.path.name, run)
