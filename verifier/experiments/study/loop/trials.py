"""The study of batch size and patience (paper of December 2025, section 7).

Both are constants of an edition. Here the record of the edition has other ones: its name stays, so that all trainings
of a nonce have the same points and initial network, and no contest knows of the record.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import Isolation
from verifier.challenge.editions import Edition, Track
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.scoring import score
from verifier.challenge.session import Session
from verifier.challenge.training.trainer import Epoch, Observer, Training, finish
from verifier.challenge.versions import SPECIFICATION, versions
from verifier.experiments.study.loop.rows import EDITION, STUDY, Improvement, Key, Rates, Row, improvements_text
from verifier.experiments.study.method import Method

DEPTHS: Final = (4, 10)
"""L."""
SEEDS: Final = 5
BATCHES: Final = (2, 4, 8, 16, 32)
"""Of an epoch: 500 to 31 points each."""
PATIENCES: Final = (5, 10, 20, 50, 100, 200)
QUICK: Final = ((4,), (4, 8, 16), 1)
"""Depths, batches and seeds for a figure in a minute."""
OPTIMISERS: Final[Mapping[str, tuple[str, Mapping[str, float]]]] = {
    "SGD": ("sgd.py", {"lr": 0.05}),
    "Nesterov": ("lookahead.py", {"lr": 0.01}),
    "AdamW": ("adamw.py", {"lr": 0.005, "deep_lr": 0.01}),
}
"""Reference optimisers, with those of their defaults that are learning rates.

The rate of SGD decays by epochs, that of Nesterov is constant, that of AdamW is zero after 60 epochs.
"""


@dataclass(frozen=True)
class Trial:
    """One training of the study."""

    method: Method
    rates: Rates
    track: Track
    """Of an edition of the study."""
    nonce: int

    def __str__(self) -> str:
        edition = self.track.edition
        loop = f"{edition.batches} batches, patience {edition.patience}, rates {self.rates}"
        return f"{self.method.name}, {loop}, L = {self.track.n_hidden}, nonce {self.nonce}"

    @property
    def key(self) -> Key:
        """That of its row."""
        edition = self.track.edition
        return (
            SPECIFICATION, self.method.digest, self.method.overrides, edition.batches, edition.patience,
            self.track.n_hidden, self.nonce,
        )  # fmt: skip

    @property
    def cost(self) -> float:
        """In proportion to the time that it takes, about."""
        return (self.track.edition.patience + 100.0) * (self.track.n_hidden + 1.0)

    @property
    def origin(self) -> str:
        """The file of the module."""
        return str(self.method.path)

    def run(self, isolation: Isolation, observer: Observer | None) -> Row:
        """Train. Raises OptimiserError, ModuleRefused or WorkerFault."""
        started = time.process_time()
        session = Session(self.task, self.nonce, self.method.module, isolation, self.instance_id)
        course, training = _train(session, observer)
        return self._row(course, training, time.process_time() - started)

    @property
    def task(self) -> Task:
        """The training."""
        return Task(
            edition=EDITION.name,
            settings=Settings("", "", "c006", "", self.track.id),
            rand_hash="0" * 32,
            optimiser_digest=self.method.module.digest,
            hyperparameters=self.method.hyperparameters,
            fuel_budget=EDITION.max_fuel_budget,
        )

    @property
    def instance_id(self) -> InstanceId:
        """The instance, with the edition of the study."""
        return InstanceId(self.track, self.task.seed(self.nonce))

    def _row(self, course: Iterable[Improvement], training: Training, seconds: float) -> Row:
        edition = self.track.edition
        return Row(
            study=STUDY,
            specification=SPECIFICATION,
            edition=edition.name,
            optimiser=self.method.name,
            digest=self.method.digest,
            hyperparameters=self.method.overrides,
            rates=str(self.rates),
            batches=edition.batches,
            patience=edition.patience,
            n_hidden=self.track.n_hidden,
            nonce=self.nonce,
            epochs=training.epochs,
            stop_reason=str(training.stop_reason),
            improvements=improvements_text(course),
            fuel_used=training.fuel_used,
            seconds=round(seconds, 2),
            versions="; ".join(f"{name} {version}" for name, version in versions().items()),
        )


def _train(session: Session, observer: Observer | None) -> tuple[list[Improvement], Training]:
    """Train, and measure the parameters of every improvement."""
    with session.trainer() as trainer:

        def measured() -> Improvement:
            assert trainer.best is not None
            quality = score(session.network, trainer.best, session.instance.test).quality
            return Improvement(trainer.stopping.best_epoch, quality)

        def observe(epoch: Epoch) -> None:
            if trainer.stopping.best_epoch == epoch.number:
                course.append(measured())
            if observer is not None:
                observer(epoch)

        trainer.start(session.initial)
        course = [measured()]
        return course, finish(trainer, observe)


def plan(
    methods: Sequence[tuple[Method, Mapping[str, float]]], depths: Sequence[int], batches: Sequence[int], seeds: int
) -> list[Trial]:
    """Every training of the methods, which have their learning rates beside them.

    Those with kept rates come first, and among them the shallow networks and the first nonces.
    With the contest's number of batches the patience is the longest: the shorter ones follow from the same training.
    """
    trials = [
        trial
        for nonce in range(seeds)
        for n_hidden in depths
        for method, rates in methods
        for number in batches
        for trial in _trials(method, rates, Track(_edition(number), n_hidden), nonce)
    ]
    return sorted(trials, key=lambda trial: (trial.rates, (trial.track.n_hidden + 1) * (trial.nonce + 1)))


def _edition(batches: int) -> Edition:
    patience = max(PATIENCES) if batches == EDITION.batches else EDITION.patience
    return replace(EDITION, batches=batches, patience=patience)


def _trials(method: Method, rates: Mapping[str, float], track: Track, nonce: int) -> Iterator[Trial]:
    """With the rates kept and, where these are others, scaled."""
    yield Trial(method, Rates.KEPT, track, nonce)
    factor = EDITION.batches / track.edition.batches
    if factor != 1.0:
        scaled = replace(method, hyperparameters={name: rate * factor for name, rate in rates.items()})
        yield Trial(scaled, Rates.SCALED, track, nonce)
