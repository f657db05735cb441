"""The rows of the study: the measurements of each training, as lines of JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from verifier.experiments.row_checks import LARGEST, SMALLEST, require_between, require_plain

STUDY: Final = "sharpness"
_DIGITS: Final = 7
"""Of the numbers of a row, which are rounded as binary32 is."""


def figure(value: float) -> float:
    """The value as a row keeps it."""
    return float(f"{value:.{_DIGITS}g}")


def rounded(values: Iterable[float]) -> tuple[float, ...]:
    """The values as a row keeps them."""
    return tuple(map(figure, values))


@dataclass(frozen=True)
class DescentSettings:
    """Gradient descent on the loss of an instance's training set."""

    n_hidden: int
    nonce: int
    normed: bool
    """False: batch norm is left out of the network."""
    rate: float
    momentum: float
    """Of the heavy ball."""
    batch: int
    """Points of a gradient: all 1000, or those of a batch, as they come."""
    steps: int
    stride: int
    """Steps between two measurements; the first ones are measured at powers of two as well."""
    probes: int
    """Random vectors for the spectra of the first and the last step; 0: no spectra."""

    def __str__(self) -> str:
        kind = "" if self.normed else ", without batch norm"
        momentum = f", momentum {self.momentum:g}" if self.momentum else ""
        return f"L = {self.n_hidden}, nonce {self.nonce}{kind}, rate {self.rate:g}{momentum}, batches of {self.batch}"

    @property
    def edge(self) -> float:
        """The sharpness above which descent on a quadratic function diverges: 2 (1 + momentum) / rate."""
        return 2.0 * (1.0 + self.momentum) / self.rate

    @property
    def measured(self) -> list[int]:
        """The steps before which the sharpness is measured, the end too."""
        first = [0, *(1 << i for i in range(self.stride.bit_length()) if 1 << i < self.stride)]
        return sorted({*first, *range(self.stride, self.steps, self.stride), self.steps})


@dataclass(frozen=True)
class Sharpness:
    """The network before a step."""

    step: int
    value: float
    """The largest eigenvalue of the Hessian of the loss on the whole training set."""
    test_loss: float


@dataclass(frozen=True)
class Spectrum:
    """Stochastic Lanczos quadrature at a step: the weights, of all probes together, add up to 1."""

    step: int
    nodes: tuple[float, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        _require_finite("nodes", self.nodes)
        _require_finite("weights", self.weights, len(self.nodes))


@dataclass(frozen=True)
class Descent:
    """What a descent came to; it ends early where the loss diverges."""

    settings: DescentSettings
    parameters: int
    losses: tuple[float, ...]
    """On the whole training set before each step, and after the last one."""
    points: tuple[Sharpness, ...]
    spectra: tuple[Spectrum, ...]
    kernel_drift: float
    """Change of the tangent kernel of some outputs from the start to the end, relative to the start (Frobenius)."""
    rescaled_loss: float
    """Of the end with doubled weights and biases: batch norm takes it back."""
    rescaled_sharpness: float

    def __post_init__(self) -> None:
        _require_finite("losses", self.losses)
        _require_finite("points", [each for point in self.points for each in (point.value, point.test_loss)])
        if not all(0 <= point.step < len(self.losses) for point in self.points):
            raise ValueError("points: expected steps that have a loss")


@dataclass(frozen=True)
class LinearSettings:
    """Linear regression of an instance's targets on its inputs."""

    nonce: int
    fraction: float
    """The rate in multiples of 2 / beta, beta the largest eigenvalue of the Hessian."""
    steps: int

    def __str__(self) -> str:
        return f"linear model, nonce {self.nonce}, rate {self.fraction:g} x 2 / beta"


@dataclass(frozen=True)
class Linear:
    """Gradient descent of a linear model, against the gradient flow."""

    settings: LinearSettings
    eigenvalues: tuple[float, ...]
    """Those of X X^T that are not 0, the largest first."""
    losses: tuple[float, ...]
    """Half the sum of squares before each step, and after the last one."""
    least: float
    """The global minimum."""
    errors: tuple[float, ...]
    """At each of these times, the errors in the directions of `eigenvalues`, one after the other."""
    unmoved: float
    """The largest change of an error in a direction whose eigenvalue is 0."""

    def __post_init__(self) -> None:
        _require_finite("eigenvalues", self.eigenvalues)
        _require_finite("losses", self.losses)
        _require_finite("errors", self.errors, len(self.eigenvalues) * len(self.losses))


@dataclass(frozen=True)
class LazySettings:
    """A two-layer network alpha v . relu(U x) with a teacher of three units."""

    width: int
    factor: float
    exponent: float
    """alpha = factor / width^exponent."""
    symmetric: bool
    """Whether half of the units are the others' negatives, so that the first outputs are 0."""
    seed: int
    steps: int
    """At most; training ends when the train loss is 1/1000 of the targets' square."""

    def __str__(self) -> str:
        kind = "" if self.symmetric else ", not symmetric"
        return f"two layers, width {self.width}, alpha {self.alpha:g}{kind}, seed {self.seed}"

    @property
    def alpha(self) -> float:
        """The output scale."""
        return self.factor / math.pow(self.width, self.exponent)


@dataclass(frozen=True)
class Lazy:
    """The drift of the tangent kernel over a training."""

    settings: LazySettings
    kappa: float
    """The inverse relative scale at the start (Chizat et al., 2019)."""
    kernel_drift: float
    """The kernel's change, relative to the start (Frobenius)."""
    weight_drift: float
    """The weights' change, relative to the start."""
    steps: int
    train_loss: float
    """Relative to the mean square of the targets, as the other two losses."""
    test_loss: float
    tangent_test_loss: float
    """Of the model that is linear in its weights, brought to the same train loss."""

    def __post_init__(self) -> None:
        for name in ("kappa", "kernel_drift"):
            require_between(name, getattr(self, name), SMALLEST, LARGEST)
        for name in ("train_loss", "test_loss", "tangent_test_loss"):
            require_between(name, getattr(self, name), 0.0, LARGEST)


class End(StrEnum):
    """What a path begins or ends with, all of one instance."""

    START = "start"
    """The initial network."""
    MOMENTUM = "momentum"
    """Where SGD with momentum comes to from there."""
    ADAM = "Adam"
    """Where Adam comes to from there."""
    ELSEWHERE = "Adam from elsewhere"
    """Where Adam comes to from another initial network."""


@dataclass(frozen=True)
class PathSettings:
    """Two points of one instance's loss, and the paths between them."""

    n_hidden: int
    nonce: int
    first: End
    second: End
    epochs: int
    """Of the training of each solution."""
    bend_steps: int
    """Of the training of the curve; 0: there is the straight line alone."""
    points: int
    """At which a path is measured, both ends among them."""

    def __str__(self) -> str:
        return f"L = {self.n_hidden}, nonce {self.nonce}, from {self.first} to {self.second}"


@dataclass(frozen=True)
class Connection:
    """Losses at even steps from one end to the other; batch norm has the training set's statistics at each point."""

    settings: PathSettings
    line_train: tuple[float, ...]
    line_test: tuple[float, ...]
    curve_train: tuple[float, ...]
    """Of the trained Bezier curve; empty if there is none."""
    curve_test: tuple[float, ...]
    distance: float
    """Between the ends, relative to the length of the first."""

    def __post_init__(self) -> None:
        _require_finite("line_train", self.line_train, self.settings.points)
        _require_finite("line_test", self.line_test, self.settings.points)
        count = self.settings.points if self.settings.bend_steps else 0
        _require_finite("curve_train", self.curve_train, count)
        _require_finite("curve_test", self.curve_test, count)


Settings = DescentSettings | LinearSettings | LazySettings | PathSettings
Result = Descent | Linear | Lazy | Connection


@dataclass(frozen=True)
class Row:
    """One trial: exactly one of the results is there."""

    study: str
    specification: int
    """Its version, which the instances depend on."""
    descent: Descent | None
    linear: Linear | None
    lazy: Lazy | None
    connection: Connection | None
    seconds: float = field(compare=False)
    """Processor time."""
    versions: str = field(compare=False)

    def __post_init__(self) -> None:
        if self.study != STUDY:
            raise ValueError(f"study: expected {STUDY}, found {self.study[:40]!a}")
        if len(self._results) != 1:
            raise ValueError("descent, linear, lazy, connection: expected one of them")
        require_plain("versions", self.versions)
        require_between("seconds", self.seconds, 0.0, LARGEST)

    @property
    def _results(self) -> list[Result]:
        return [each for each in (self.descent, self.linear, self.lazy, self.connection) if each is not None]

    @property
    def result(self) -> Result:
        """The one that is there."""
        return self._results[0]

    @property
    def key(self) -> tuple[int, Settings]:
        """What the result depends on."""
        return self.specification, self.result.settings

    @property
    def order(self) -> tuple[object, ...]:
        """Its place in a table that is complete: by kind, then by the settings."""
        settings = self.result.settings
        return type(settings).__name__, *vars(settings).values()


def _require_finite(name: str, values: Sequence[float], count: int | None = None) -> None:
    """Raise ValueError unless the numbers are finite, and so many of them or, without a count, at least one."""
    if not all(map(math.isfinite, values)) or (not values if count is None else len(values) != count):
        raise ValueError(f"{name}: expected {'at least one' if count is None else count} finite numbers")
