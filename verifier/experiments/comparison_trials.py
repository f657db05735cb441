"""Trainings of several optimisers on the same nonces."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path

from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import Isolation
from verifier.challenge.editions import Track
from verifier.challenge.hyperparameters import Hyperparameters
from verifier.challenge.instance.solvability import solvability_of
from verifier.challenge.module import Module
from verifier.challenge.scoring import test_subset
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.challenge.training.trainer import Observer
from verifier.challenge.versions import SPECIFICATION
from verifier.experiments.baseline import fit_baseline
from verifier.experiments.comparison import Run


@dataclass(frozen=True)
class TrialKey:
    """Everything that the outcome of a trial depends on: its task and the nonce."""

    specification: int
    """The version of the rules: other rules give another outcome."""
    edition: str
    settings: Settings
    rand_hash: str
    fuel_budget: int
    optimiser_digest: str
    """In hexadecimal digits."""
    hyperparameters: Hyperparameters
    """Those that were overridden."""
    nonce: int


@dataclass(frozen=True)
class Row:
    """The result of a trial."""

    training: TrialKey
    optimiser: str = field(compare=False)
    """The name of the module's file, which anybody can choose: the key has the digest."""
    run: Run

    def __post_init__(self) -> None:
        if self.run.nonce != self.training.nonce:
            raise ValueError(f"run.nonce: {self.run.nonce} is not that of the training, {self.training.nonce}")

    @property
    def key(self) -> TrialKey:
        """The trial that it is the result of."""
        return self.training


@dataclass(frozen=True)
class Trial:
    """One training of a module."""

    path: Path
    """The file of the module."""
    module: Module
    task: Task
    nonce: int

    def __str__(self) -> str:
        named = " ".join(filter(None, [self.path.name, str(self.key.hyperparameters)]))
        return f"{named}, {self.task.settings.track_id}, nonce {self.nonce}"

    @property
    def key(self) -> TrialKey:
        """The key of its row."""
        task = self.task
        return TrialKey(
            specification=SPECIFICATION,
            edition=task.edition,
            settings=task.settings,
            rand_hash=task.rand_hash,
            fuel_budget=task.fuel_budget,
            optimiser_digest=task.optimiser_digest.hex(),
            hyperparameters=Hyperparameters(task.hyperparameters),
            nonce=self.nonce,
        )

    @property
    def origin(self) -> str:
        """The file of the module."""
        return str(self.path)

    @property
    def cost(self) -> float:
        """In proportion to the time that an epoch takes, about."""
        track = Track.parse(self.task.edition, self.task.settings.track_id)
        return track.edition.train_points * (track.n_hidden + 1.0)

    def run(self, isolation: Isolation, observer: Observer | None) -> Row:
        """Train; seconds are those of a clock. Raises as `solve` does."""
        session = Session(self.task, self.nonce, self.module, isolation)
        started = time.perf_counter()
        solved = solve(session, observer)
        seconds = time.perf_counter() - started
        edition, training, score = session.instance_id.edition, solved.training, solved.score
        found = solvability_of(session.instance, edition)
        tested = test_subset(session.instance_id, training.best_epoch)
        run = Run(
            nonce=self.nonce,
            quality=score.quality,
            test_loss=score.loss if math.isfinite(score.loss) else None,
            threshold=score.threshold,
            baseline_loss=fit_baseline(edition, session.instance.train).loss(tested),
            floor=found.floor,
            is_solvable=found.is_solvable,
            epochs=training.epochs,
            best_epoch=training.best_epoch,
            stop_reason=training.stop_reason,
            train_losses=training.train_losses,
            validation_losses=training.validation_losses,
            fuel_used=training.fuel_used,
            seconds=seconds,
        )
        return Row(self.key, self.path.name, run)
