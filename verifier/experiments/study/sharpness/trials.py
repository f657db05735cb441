"""The trials of the study: what is trained and measured for each of its figures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from sandbox.isolation import Isolation
from verifier.challenge.training.trainer import Observer
from verifier.challenge.versions import SPECIFICATION, versions
from verifier.experiments.study.sharpness.descent import descent
from verifier.experiments.study.sharpness.lazy import lazy
from verifier.experiments.study.sharpness.linear import linear
from verifier.experiments.study.sharpness.paths import connection
from verifier.experiments.study.sharpness.rows import (
    STUDY,
    DescentSettings,
    End,
    LazySettings,
    LinearSettings,
    PathSettings,
    Row,
    Settings,
)

SEEDS: Final = 5
"""Of the two-layer networks."""
WIDTHS: Final = (16, 64, 256, 1024, 4096)
FACTORS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""By which alpha = 1 / sqrt(width) is multiplied at a width of 256."""
STANDARD: Final = 0.5
"""The exponent of alpha = 1 / sqrt(width)."""
_PAIRS: Final = ((End.START, End.ADAM), (End.MOMENTUM, End.ADAM), (End.ADAM, End.ELSEWHERE))
"""The ends of paths."""


@dataclass(frozen=True)
class Trial:
    """One training with its measurements."""

    settings: Settings

    def __str__(self) -> str:
        return str(self.settings)

    @property
    def origin(self) -> str:
        """The model."""
        return "a linear model" if isinstance(self.settings, LinearSettings) else "a network in plain torch"

    @property
    def key(self) -> tuple[int, Settings]:
        """That of its row."""
        return SPECIFICATION, self.settings

    @property
    def cost(self) -> float:
        """In seconds of a core, about."""
        match self.settings:
            case DescentSettings(n_hidden=n_hidden, steps=steps, probes=probes):
                return n_hidden * (0.005 * steps + 0.25 * len(self.settings.measured) + 2.0 * probes)
            case PathSettings(n_hidden=n_hidden, epochs=epochs, bend_steps=bend_steps):
                return n_hidden * (0.03 * epochs + 0.004 * bend_steps)
            case LazySettings(width=width):
                return 0.05 + 0.0005 * width
        return 0.05

    def run(self, isolation: Isolation, observer: Observer | None) -> Row:
        """Train and measure; seconds are those of the processor. No module runs, so that nothing is contained."""
        started = time.process_time()
        settings = self.settings
        return Row(
            study=STUDY,
            specification=SPECIFICATION,
            descent=descent(settings) if isinstance(settings, DescentSettings) else None,
            linear=linear(settings) if isinstance(settings, LinearSettings) else None,
            lazy=lazy(settings) if isinstance(settings, LazySettings) else None,
            connection=connection(settings) if isinstance(settings, PathSettings) else None,
            seconds=round(time.process_time() - started, 2),
            versions="; ".join(f"{name} {version}" for name, version in versions().items()),
        )


def plan(quick: bool) -> list[Trial]:
    """Every trial, the cheap ones first; `quick`: a part that draws every figure."""
    settings = _quick() if quick else _whole()
    return sorted((Trial(each) for each in settings), key=lambda trial: trial.cost)


def _whole() -> list[Settings]:
    return [
        *(LinearSettings(0, fraction, 60) for fraction in (0.02, 0.5, 0.95, 1.05)),
        *(_lazy(width, exponent, seed) for width in WIDTHS for exponent in (STANDARD, 1.0) for seed in range(SEEDS)),
        *(_lazy(width, STANDARD, seed, symmetric=False) for width in WIDTHS for seed in range(SEEDS)),
        *(_lazy(256, STANDARD, seed, factor) for factor in FACTORS if factor != 1.0 for seed in range(SEEDS)),
        *(_descent(rate=rate, nonce=nonce) for rate in (0.01, 0.2) for nonce in range(3)),
        *(_descent(probes=0 if nonce else 2, nonce=nonce) for nonce in range(3)),
        _descent(rate=0.001),
        _descent(batch=125),
        _descent(rate=0.005, momentum=0.9),
        _descent(normed=False, rate=0.2, momentum=0.9),
        _descent(normed=False, rate=0.2, steps=600, stride=75, probes=2),
        _descent(normed=False, rate=0.1, steps=600, stride=75),
        _descent(n_hidden=4, probes=2),
        _descent(n_hidden=4, rate=0.2),
        *(_path(2, nonce, first, second) for first, second in _PAIRS for nonce in range(3)),
        *(_path(4, 0, first, second) for first, second in _PAIRS),
    ]


def _quick() -> list[Settings]:
    return [
        *(LinearSettings(0, fraction, 60) for fraction in (0.02, 0.5, 0.95, 1.05)),
        *(_lazy(width, exponent, 0) for width in WIDTHS[:3] for exponent in (STANDARD, 1.0)),
        *(_lazy(width, STANDARD, 0, symmetric=False) for width in WIDTHS[:3]),
        *(_lazy(256, STANDARD, 0, factor) for factor in (0.01, 0.1, 10.0)),
        _descent(rate=0.2, steps=120, probes=1),
        _descent(normed=False, rate=0.2, steps=300, stride=75, probes=1),
        *(_path(2, 0, first, second, bend_steps=200) for first, second in _PAIRS),
    ]


def _lazy(width: int, exponent: float, seed: int, factor: float = 1.0, symmetric: bool = True) -> LazySettings:
    return LazySettings(width, factor, exponent, symmetric, seed, steps=20_000)


def _descent(
    n_hidden: int = 2,
    nonce: int = 0,
    normed: bool = True,
    rate: float = 0.05,
    momentum: float = 0.0,
    batch: int = 1000,
    steps: int = 240,
    stride: int = 30,
    probes: int = 0,
) -> DescentSettings:
    return DescentSettings(n_hidden, nonce, normed, rate, momentum, batch, steps, stride, probes)


def _path(n_hidden: int, nonce: int, first: End, second: End, bend_steps: int = 600) -> PathSettings:
    return PathSettings(n_hidden, nonce, first, second, 40, 0 if first is End.START else bend_steps, 21)
