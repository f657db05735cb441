"""Trainings of several optimisers on the same nonces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from protocol.hashes import blake3_digest
from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import Isolation
from verifier.challenge.instance.solvability import solvability
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from verifier.challenge.training.trainer import Observer
from verifier.command_line.files import read_file
from verifier.command_line.trials import Failed, attempt, opened_place
from verifier.experiments.comparison import Run


@dataclass(frozen=True)
class Entrant:
    """An optimiser, as the user named it."""

    path: Path
    source: bytes

    @classmethod
    def read(cls, path: Path) -> Entrant:
        """The module in a file. Raises InputError."""
        return cls(path, read_file(path))

    @property
    def digest(self) -> str:
        """Of the module's bytes, in hexadecimal digits."""
        return blake3_digest(self.source).hex()


@dataclass(frozen=True)
class Heat:
    """One training to be done."""

    entrant: Entrant
    nonce: int

    def __str__(self) -> str:
        return f"{self.entrant.path}, nonce {self.nonce}"


@dataclass(frozen=True)
class Contest:
    """What is common to the trainings of one call; sent to other processes as it is."""

    edition: str
    settings: Settings
    rand_hash: str
    fuel_budget: int
    isolation: str
    device: str

    @contextmanager
    def opened(self, observer: Observer | None = None) -> Iterator[Callable[[Heat], Run | Failed]]:
        """What trains in this process, one after the other."""
        with opened_place(self.isolation) as place:
            yield lambda heat: self._run(heat, place, observer)

    def _run(self, heat: Heat, place: Isolation, observer: Observer | None) -> Run | Failed:
        module = Module(heat.entrant.path.name, heat.entrant.source)
        task = Task(self.edition, self.settings, self.rand_hash, module.digest, {}, self.fuel_budget)
        started = time.perf_counter()
        session = Session(task, heat.nonce, module, place, self.device)
        solved = attempt(session, heat.entrant.path, observer)
        if isinstance(solved, Failed):
            return solved
        seconds = time.perf_counter() - started
        found = solvability(session.instance_id)
        return Run(
            nonce=heat.nonce,
            quality=solved.score.quality,
            threshold=solved.score.threshold,
            floor=found.floor,
            is_solvable=found.is_solvable,
            epochs=solved.training.epochs,
            fuel_used=solved.training.fuel_used,
            seconds=seconds,
        )
