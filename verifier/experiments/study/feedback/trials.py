"""The trainings of the study: sweeps of rates, then the thesis's experiments with the rates that were chosen."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Final

import numpy as np
import sklearn

from sandbox.isolation import Isolation
from verifier.challenge.training.trainer import Observer
from verifier.experiments.study.feedback.datasets import PIXELS, Parity
from verifier.experiments.study.feedback.hidden import neighbours
from verifier.experiments.study.feedback.learners import ALIGNED, LAZY, Method
from verifier.experiments.study.feedback.matrices import MatrixKind
from verifier.experiments.study.feedback.rows import CLUSTERS, PARITY, STUDY, VERSION, Key, Row, Setting, curve_text
from verifier.experiments.study.feedback.training import train

WIDTH: Final = 128
"""Of a hidden layer; the thesis has 512, for digits of twelve times as many pixels."""
HALF_DECADES: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
SMALL: Final = (0.0001, 0.0003, 0.001, 0.003, 0.01)
RATES: Final[Mapping[str, Sequence[float]]] = {
    "SGD": HALF_DECADES,
    "Adagrad": (0.001, 0.003, 0.01, 0.03, 0.1),
    "Adadelta": (0.03, 0.1, 0.3, 1.0, 3.0),
    "RMSProp": SMALL,
    "Adam": SMALL,
}
"""Those that a sweep tries."""
SWEEP_SEED: Final = 0
"""The seeds of the experiments come after it, so that none of them was seen when rates were chosen."""
DIMENSIONS: Final = (2, 5, 10, 15, 20, 30)
SAMPLES: Final = (32, 64, 128, 256, 512)
FIXED_DIMENSION, FIXED_SAMPLES = 15, 256
"""What stays, while the other changes (thesis, figure 2.2)."""
CLUSTER_RATE: Final = 0.5
"""The thesis's, for every method and optimiser."""
MILD_RATE: Final = 0.003
"""A rate of RMSProp that is not the thesis's."""


@dataclass(frozen=True)
class Scale:
    """How much is trained."""

    examples: int
    """Of an epoch of parities."""
    epochs: int
    long: int
    """Epochs of the longer trainings (thesis, figures 3.2 and 3.5)."""
    cluster_epochs: int
    seeds: int


FULL: Final = Scale(examples=9600, epochs=20, long=50, cluster_epochs=500, seeds=3)
QUICK: Final = Scale(examples=960, epochs=5, long=8, cluster_epochs=40, seeds=2)


@dataclass(frozen=True)
class Arm:
    """A method with its optimiser: what has a rate of its own."""

    method: Method
    optimiser: str
    matrix: MatrixKind = MatrixKind.UNIFORM
    hidden_layers: int = 1

    @property
    def matrix_name(self) -> str:
        """The matrix's, if the method has one."""
        return str(self.matrix) if self.method in ALIGNED else ""

    @classmethod
    def of(cls, setting: Setting) -> Arm:
        """That of a training."""
        matrix = MatrixKind(setting.matrix or MatrixKind.UNIFORM)
        return cls(Method(setting.method), setting.optimiser, matrix, setting.hidden_layers)

    def __str__(self) -> str:
        matrix = f" ({self.matrix})" if self.method in ALIGNED and self.matrix != MatrixKind.UNIFORM else ""
        layers = f", {self.hidden_layers} hidden layers" if self.hidden_layers > 1 else ""
        return f"{self.method}{matrix}, {self.optimiser}{layers}"


BP_SGD, DFA_SGD = Arm(Method.BP, "SGD"), Arm(Method.DFA, "SGD")
LAZY_ARMS: Final = tuple(Arm(method, "Adadelta") for method in LAZY)
ADAPTIVE_ARMS: Final = tuple(Arm(method, name) for name in RATES for method in (Method.BP, Method.DFA))
MATRIX_ARMS: Final = tuple(Arm(Method.DFA, "SGD", kind) for kind in MatrixKind)
DEEP_ARMS: Final = tuple(Arm(method, "SGD", hidden_layers=2) for method in (Method.BP, Method.FA, Method.DFA))
ARMS: Final = tuple(dict.fromkeys((*ADAPTIVE_ARMS, *MATRIX_ARMS, *LAZY_ARMS, *DEEP_ARMS)))
"""Those of the parity of three digits, each with a sweep."""
SINGLE_ARMS: Final = (BP_SGD, Arm(Method.BP, "Adadelta"), DFA_SGD, *LAZY_ARMS)
"""Those of the parity of one digit."""
LONG_ARMS: Final = (DFA_SGD, Arm(Method.DFA, "RMSProp"), BP_SGD)
CLUSTER_RATES: Final = (
    (BP_SGD, CLUSTER_RATE), (DFA_SGD, CLUSTER_RATE), (Arm(Method.RELU, "SGD"), CLUSTER_RATE),
    (Arm(Method.BP, "RMSProp"), CLUSTER_RATE), (Arm(Method.DFA, "RMSProp"), CLUSTER_RATE),
    (Arm(Method.BP, "RMSProp"), MILD_RATE), (Arm(Method.DFA, "RMSProp"), MILD_RATE),
)  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """One training of the study."""

    setting: Setting

    def __str__(self) -> str:
        of = self.setting
        problem = f"k = {of.digits}" if of.problem == PARITY else f"n = {of.examples}, d = {of.inputs}"
        return f"{Arm.of(of)} at {of.rate:g}, {problem}, {of.epochs} epochs, seed {of.seed}"

    @property
    def origin(self) -> str:
        """The method, for messages."""
        return self.setting.method

    @property
    def key(self) -> Key:
        """That of its row."""
        return astuple(self.setting)

    @property
    def cost(self) -> float:
        """In proportion to the time, about."""
        of = self.setting
        return of.epochs * of.examples * (of.inputs + 40.0 + (of.hidden_layers - 1) * of.width)

    def run(self, isolation: Isolation, observer: Observer | None) -> Row:
        """Train; seconds are those of the processor."""
        started = time.process_time()
        done = train(self.setting)
        network, history = done.learner.network, done.history
        digit, parity = neighbours(network, done.problem) if isinstance(done.problem, Parity) else (0.0, 0.0)
        return Row(
            **asdict(self.setting),
            train_loss=history.train_loss,
            test_loss=history.test_loss,
            train_accuracies=curve_text(history.train_accuracies),
            test_accuracies=curve_text(history.test_accuracies),
            weight_alignments=curve_text(history.weight_alignments),
            gradient_alignments=curve_text(history.gradient_alignments),
            digit_neighbours=digit,
            parity_neighbours=parity,
            seconds=round(time.process_time() - started, 2),
            versions=f"numpy {np.__version__}; scikit-learn {sklearn.__version__}",
        )


def parity(arm: Arm, rate: float, scale: Scale, seed: int, digits: int = 3, epochs: int | None = None) -> Trial:
    """A training on the parity of so many digits."""
    return _trial(arm, rate, PARITY, digits * PIXELS, scale.examples, scale.epochs if epochs is None else epochs, seed)


def clusters(arm: Arm, rate: float, scale: Scale, seed: int, samples: int, dimensions: int) -> Trial:
    """A training on clusters."""
    return _trial(arm, rate, CLUSTERS, dimensions, samples, scale.cluster_epochs, seed)


def _trial(arm: Arm, rate: float, problem: str, inputs: int, examples: int, epochs: int, seed: int) -> Trial:
    setting = Setting(
        STUDY, VERSION, problem, inputs, examples, str(arm.method), arm.matrix_name, arm.optimiser, rate,
        arm.hidden_layers, WIDTH, epochs, seed,
    )  # fmt: skip
    return Trial(setting)


def sweep(scale: Scale) -> list[Trial]:
    """Every arm with every rate, on the parity of three digits."""
    return [parity(arm, rate, scale, SWEEP_SEED) for arm in ARMS for rate in RATES[arm.optimiser]]


def chosen(rows: Iterable[Row]) -> dict[Arm, float]:
    """The rate of each arm with the highest mean test accuracy of the last ten epochs (thesis, 2.1)."""
    best: dict[Arm, Row] = {}
    for row in rows:
        known = best.setdefault(Arm.of(row), row)
        if row.settled_accuracy > known.settled_accuracy:
            best[Arm.of(row)] = row
    return {arm: row.rate for arm, row in best.items()}


def experiments(rates: Mapping[Arm, float], scale: Scale) -> list[Trial]:
    """Everything after the sweep, the first seeds first."""
    trials = []
    for seed in range(SWEEP_SEED + 1, SWEEP_SEED + 1 + scale.seeds):
        trials += [parity(arm, rates[arm], scale, seed) for arm in ARMS]
        trials += [parity(arm, rates[arm], scale, seed, digits=1) for arm in SINGLE_ARMS]
        trials += [parity(arm, rates[arm], scale, seed, epochs=scale.long) for arm in LONG_ARMS]
        trials.append(parity(BP_SGD, rates[BP_SGD], scale, seed, epochs=0))  # the hidden layer before training
        trials += [
            clusters(arm, rate, scale, seed, FIXED_SAMPLES, dimensions)
            for arm, rate in CLUSTER_RATES
            for dimensions in DIMENSIONS
        ]
        trials += [
            clusters(arm, CLUSTER_RATE, scale, seed, samples, FIXED_DIMENSION)
            for arm in (BP_SGD, Arm(Method.RELU, "SGD"))
            for samples in SAMPLES
            if samples != FIXED_SAMPLES
        ]
    return trials
