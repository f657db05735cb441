"""The numerical study of the papers' Figure 2: optimisers over depths and sizes of data (April 2025, 5; December, 6).

The instances of the contest's editions are those of `tig-verify instance --edition NAME` with no other options, so that
their trainings can be repeated with `tig-verify solve`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from arithmetic.exact_sums import mean_square, total
from arithmetic.exponents import NonFiniteError
from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import Isolation
from sandbox.optimiser import Scalar
from verifier.challenge.editions import Edition, Track
from verifier.challenge.instance.instance import Points, draw_points
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.instance.solvability import solvability
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.network import Network
from verifier.challenge.session import Session
from verifier.challenge.solving import Solved, solve
from verifier.challenge.training.trainer import Observer, Training
from verifier.challenge.versions import SPECIFICATION, versions
from verifier.experiments.study.figure2.editions import size_of
from verifier.experiments.study.figure2.rows import STUDY, Key, Row
from verifier.experiments.study.method import Method

DEPTHS: Final = tuple(range(1, 12))
"""L."""
SEEDS: Final = 3
QUICK_DEPTHS: Final = (1, 3, 6)
"""With the smallest size and one seed, a figure in minutes."""
OPTIMISERS: Final[Mapping[str, tuple[str, Mapping[str, Scalar]]]] = {
    "SGD": ("sgd_constant.py", {"lr": 0.01}),
    "momentum": ("momentum.py", {}),
    "Nesterov": ("lookahead.py", {}),
    "Adam": ("adam.py", {}),
}
"""The paper's four, "with default hyperparameter values commonly used in the literature", as reference optimisers.

The rate is 0.01 for the first three, the momentum 0.9; Adam's are Kingma and Ba's.
"""

_solvability = lru_cache(maxsize=8)(solvability)
"""The trainings of one instance follow one another, and drawing a large one takes seconds."""


@dataclass(frozen=True)
class Trial:
    """One training of the study."""

    method: Method
    track: Track
    nonce: int

    @property
    def edition(self) -> Edition:
        """The edition, in one of its sizes."""
        return self.track.edition

    @property
    def n_hidden(self) -> int:
        """L."""
        return self.track.n_hidden

    @property
    def n_data(self) -> int:
        """N."""
        return size_of(self.edition)

    def __str__(self) -> str:
        return f"{self.method.name}, L = {self.n_hidden}, N = {self.n_data}, nonce {self.nonce}"

    @property
    def key(self) -> Key:
        """That of its row."""
        return (
            SPECIFICATION, self.edition.name, self.method.digest, self.method.overrides, self.n_hidden, self.n_data,
            self.nonce,
        )  # fmt: skip

    @property
    def cost(self) -> float:
        """In proportion to the time that an epoch takes, about."""
        return self.n_data * (self.n_hidden + 1.0)

    @property
    def origin(self) -> str:
        """The file of the module."""
        return str(self.method.path)

    def run(self, isolation: Isolation, observer: Observer | None) -> Row:
        """Train; seconds are those of the processor. Raises as `solve` does."""
        started = time.process_time()
        session = Session(self.task, self.nonce, self.method.module, isolation, self.instance_id)
        return row(self, solve(session, observer), time.process_time() - started)

    @property
    def task(self) -> Task:
        """The training."""
        return Task(
            edition=self.edition.name,
            settings=Settings("", "", "c006", "", self.track.id),
            rand_hash="0" * 32,
            optimiser_digest=self.method.module.digest,
            hyperparameters=self.method.hyperparameters,
            fuel_budget=self.edition.max_fuel_budget,
        )

    @property
    def instance_id(self) -> InstanceId:
        """The instance, whose edition need not be the contest's."""
        return InstanceId(self.track, self.task.seed(self.nonce))


def plan(methods: Iterable[Method], depths: Sequence[int], sizes: Sequence[Edition], seeds: int) -> list[Trial]:
    """Every training, the cheap ones and the first nonces first; those of one instance follow one another."""
    trials = [
        Trial(method, Track(sized, n_hidden), nonce)
        for nonce in range(seeds)
        for sized in sizes
        for n_hidden in depths
        for method in methods
    ]
    return sorted(trials, key=lambda trial: trial.cost * (trial.nonce + 1))


def row(trial: Trial, solved: Solved, seconds: float) -> Row:
    """The row of a training."""
    instance_id, trained = trial.instance_id, solved.training
    edition, best = trial.edition, trained.best_epoch
    test = draw_points(instance_id, edition.points - edition.test_points, edition.test_points)
    error, centred = _errors(EagerNetwork(instance_id), trained, test)
    about = _solvability(instance_id)
    return Row(
        study=STUDY,
        specification=SPECIFICATION,
        edition=edition.name,
        optimiser=trial.method.name,
        digest=trial.method.digest,
        hyperparameters=trial.method.overrides,
        n_hidden=trial.n_hidden,
        n_data=trial.n_data,
        nonce=trial.nonce,
        epochs=trained.epochs,
        best_epoch=best,
        stop_reason=str(trained.stop_reason),
        train_loss=trained.train_losses[best - 1] if best else math.nan,
        validation_loss=trained.validation_losses[best - 1] if best else math.nan,
        test_error=error,
        centred_error=centred,
        noise=about.noise,
        threshold=about.threshold,
        floor=about.floor,
        subset_error=solved.score.loss,
        quality=solved.score.quality,
        fuel_used=trained.fuel_used,
        seconds=round(seconds, 2),
        versions="; ".join(f"{name} {version}" for name, version in versions().items()),
    )


def _errors(network: Network, trained: Training, test: Points) -> tuple[float, float]:
    """The test error, and without the squared mean of the residual; infinite when they are not finite."""
    try:
        residual = test.y - network.predict(*trained.best, test.x)
        error = mean_square(residual)
    except NonFiniteError:
        return math.inf, math.inf
    mean = total(residual) / len(residual)
    return error, error - mean * mean
