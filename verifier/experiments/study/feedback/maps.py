"""Maps of the digits in a hidden layer, by t-SNE (thesis, figure 3.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, field

import numpy as np
import sklearn
from numpy.typing import NDArray

from sandbox.isolation import Isolation
from verifier.challenge.training.trainer import Observer
from verifier.experiments.row_checks import require_plain
from verifier.experiments.study.feedback.datasets import digits
from verifier.experiments.study.feedback.hidden import embedded, representation
from verifier.experiments.study.feedback.rows import Key, Setting, curve
from verifier.experiments.study.feedback.training import train
from verifier.experiments.study.feedback.trials import BP_SGD, DFA_SGD, SWEEP_SEED, Arm, Scale, Trial, parity


@dataclass(frozen=True)
class MapRow(Setting):
    """The map of a network that was trained so."""

    points: str
    """The coordinates x and y of one digit after the other, in the order of the data set, with a space between."""
    versions: str = field(compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_plain("versions", self.versions)
        expected, found = 2 * len(digits()[1]), curve(self.points)
        if len(found) != expected or not np.isfinite(found).all():
            raise ValueError(f"points: expected {expected} finite numbers, found {len(found)} numbers")

    @property
    def key(self) -> Key:
        """See `rows.Key`."""
        return astuple(self)[: len(Setting.__dataclass_fields__)]

    @property
    def order(self) -> tuple[object, ...]:
        """Its place in a table that is complete."""
        return (self.epochs > 0, self.method)

    @property
    def title(self) -> str:
        """What it is a map of."""
        return self.method if self.epochs else "before training"

    @property
    def places(self) -> NDArray[np.float64]:
        """The coordinates, shape (digits, 2)."""
        return np.array(curve(self.points)).reshape(-1, 2)


@dataclass(frozen=True)
class MapTrial:
    """A training, and then the map of its first place of k."""

    training: Trial

    def __str__(self) -> str:
        return f"map of {self.training}"

    @property
    def origin(self) -> str:
        """The method, for messages."""
        return self.training.origin

    @property
    def key(self) -> Key:
        """That of its row."""
        return self.training.key

    @property
    def cost(self) -> float:
        """In proportion to the time, about; t-SNE takes as long as some trainings."""
        return self.training.cost + 3e8

    def run(self, isolation: Isolation, observer: Observer | None) -> MapRow:
        """Train and embed."""
        places = embedded(representation(train(self.training.setting).learner.network, digits()[0]))
        points = " ".join(f"{place:.1f}" for place in places.ravel())
        versions = f"numpy {np.__version__}; scikit-learn {sklearn.__version__}"
        return MapRow(**asdict(self.training.setting), points=points, versions=versions)


def maps(rates: Mapping[Arm, float], scale: Scale) -> list[MapTrial]:
    """Those of one seed: before training, and after it by both rules."""
    seed = SWEEP_SEED + 1
    trainings = [
        parity(BP_SGD, rates[BP_SGD], scale, seed, epochs=0),
        *(parity(arm, rates[arm], scale, seed) for arm in (BP_SGD, DFA_SGD)),
    ]
    return [MapTrial(training) for training in trainings]
