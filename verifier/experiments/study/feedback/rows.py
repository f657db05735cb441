"""The rows of the study: what was trained, and the curves of it."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, field
from statistics import fmean
from typing import Final

from verifier.experiments.row_checks import LARGEST, MAX_U64, require_between, require_plain
from verifier.experiments.study.feedback.datasets import PIXELS

STUDY: Final = "feedback"
VERSION: Final = 1
"""Of the study's arithmetic: rows of another version are other trainings."""
PARITY, CLUSTERS = "parity", "clusters"
SETTLED: Final = 10
"""Epochs at the end by which a rate is chosen (thesis, 2.1)."""
_CURVES: Final = ("train_accuracies", "test_accuracies", "weight_alignments", "gradient_alignments")


@dataclass(frozen=True)
class Setting:
    """Everything on which the result of a training depends."""

    study: str
    version: int
    problem: str
    """`parity` or `clusters`."""
    inputs: int
    """64 k, or d."""
    examples: int
    """Of an epoch; of clusters, all that there are."""
    method: str
    matrix: str
    """The kind of the random matrix; empty for methods without one."""
    optimiser: str
    rate: float
    hidden_layers: int
    width: int
    epochs: int
    seed: int

    def __post_init__(self) -> None:
        for name in ("problem", "method", "matrix", "optimiser"):
            require_plain(name, getattr(self, name))
        if self.study != STUDY:
            raise ValueError(f"study: expected {STUDY}, found {self.study[:40]!a}")
        for name in ("version", "inputs", "examples", "hidden_layers", "width", "epochs", "seed"):
            require_between(name, getattr(self, name), 0, MAX_U64)
        require_between("rate", self.rate, 0.0, LARGEST)

    @property
    def digits(self) -> int:
        """k, of the parity."""
        return self.inputs // PIXELS


Key = tuple[object, ...]
"""The values of a setting."""


@dataclass(frozen=True)
class Row(Setting):
    """One training. Curves are numbers with a space between, from the start on; of clusters, of the end alone."""

    train_loss: float
    """The mean cross-entropy at the end; infinite when it is not finite."""
    test_loss: float
    train_accuracies: str
    test_accuracies: str
    weight_alignments: str
    """Cosines of the random matrix of the output layer and its transposed weights."""
    gradient_alignments: str
    """Cosines of the first layer's steps and the gradient of the loss."""
    digit_neighbours: float
    """The part of the test digits whose neighbour among the train digits, in the hidden layer, is the same digit."""
    parity_neighbours: float
    """The same of their parities; both are 0 for clusters."""
    seconds: float = field(compare=False)
    """Processor time."""
    versions: str = field(compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_plain("versions", self.versions)
        for name in ("train_loss", "test_loss"):
            require_between(name, getattr(self, name), 0.0, math.inf)
        require_between("seconds", self.seconds, 0.0, LARGEST)
        for name in ("digit_neighbours", "parity_neighbours"):
            require_between(name, getattr(self, name), 0.0, 1.0)
        points = self.epochs + 1 if self.problem == PARITY else 1
        for name in _CURVES:
            values = curve(getattr(self, name))
            if len(values) != points:
                raise ValueError(f"{name}: expected {points} numbers, found {len(values)}")
            for value in values:
                if not (math.isnan(value) and "alignment" in name):
                    require_between(name, value, -1.0, 1.0)

    @property
    def key(self) -> Key:
        """See `Key`."""
        return astuple(self)[: len(Setting.__dataclass_fields__)]

    @property
    def order(self) -> tuple[object, ...]:
        """Its place in a table that is complete."""
        return self.key

    @property
    def tests(self) -> tuple[float, ...]:
        """The test accuracies."""
        return curve(self.test_accuracies)

    @property
    def test_accuracy(self) -> float:
        """That of the end."""
        return self.tests[-1]

    @property
    def settled_accuracy(self) -> float:
        """The mean of the last ten epochs, by which the thesis chooses rates."""
        return fmean(self.tests[-SETTLED:])


def curve(text: str) -> tuple[float, ...]:
    """The numbers of a curve."""
    return tuple(map(float, text.split()))


def curve_text(values: list[float]) -> str:
    """The text of a curve; four digits after the point are more than 2000 test examples tell."""
    return " ".join(f"{value:.4f}" for value in values)
