"""The quality of a solution of the live challenge, as its network's verifier computes it on a GPU.

The GPU multiplies in binary32 and in an order of its own. Here products and sums are binary64, and every activation
is rounded to binary32: on trained networks that is within 0.65 quality units of the GPU's arithmetic, and another
BLAS changes next to nothing.

`N` points.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from protocol.network.blob import decode_blob
from verifier.c006.dataset import DataSet, Double, Points, Single, draw_dataset
from verifier.c006.findings import Finding
from verifier.c006.loader import Norm, Weights, load_weights

UNIT: Final = 1_000_000
"""Quality units of a relative error of 1."""
TOLERANCE: Final = 5
"""Units by which honest evaluations of a trained network may differ: 2 for the data set's approximate cos and log2,
0.65 for the order of the sums, both measured, and the rest for the GPU's approximate divisions."""

_NORM_EPSILON: Final = 1e-5
_THRESHOLD_FACTOR: Final = np.float32(4.0 / 250.0)  # over 500 errors: eight times their mean square

Relu = Callable[[Double, float], Double]


@dataclass(frozen=True)
class Evaluation:
    """The quality of a solution on one instance, and how it comes about."""

    quality: int
    loss: float
    """Mean squared error on the 500 noisy test targets; NaN or infinite when the network's outputs are."""
    threshold: float
    quality_without_nan: int
    """The quality if ReLU makes 0 of a NaN, as some GPU code does; another than `quality` only after a NaN."""
    findings: tuple[Finding, ...] = ()

    def agrees(self, reported: int) -> bool:
        """True if a GPU may have given this quality."""
        return any(abs(reported - own) <= tolerance(own) for own in (self.quality, self.quality_without_nan))


def evaluate(text: str | bytes, n_hidden: int, seed: bytes) -> Evaluation:
    """Evaluate a solution text on the instance with this seed (32 bytes).

    Raises BlobError and Unloadable where the network's loader would panic, or where it would not end.
    """
    loaded = load_weights(decode_blob(text), n_hidden)
    return evaluate_weights(loaded.weights, draw_dataset(seed), loaded.findings)


def evaluate_weights(weights: Weights, data: DataSet, findings: tuple[Finding, ...] = ()) -> Evaluation:
    """Evaluate weights on the test points of an instance."""
    test, epsilon = data.test, threshold(data.test)
    found = outputs(weights, test.x)
    # A NaN that meets a ReLU reaches the outputs, as nothing makes a number of it again.
    readings = [found, outputs(weights, test.x, np.fmax)] if np.isnan(found).any() else [found]
    losses = [mean_square(reading, test.y) for reading in readings]
    return Evaluation(quality(losses[0], epsilon), losses[0], epsilon, quality(losses[-1], epsilon), findings)


def outputs(weights: Weights, x: Single, relu: Relu = np.maximum) -> Double:
    """The network's outputs [N, 2] at inputs [N, 1], in evaluation mode; values of binary32.

    Overflow gives infinities as in binary32. `relu` is told apart by what it makes of a NaN.
    """
    hidden: Double = x.astype(np.float64)
    with np.errstate(all="ignore"):
        for (weight, bias), norm in zip(weights.linear, weights.norms, strict=False):
            hidden = _normalised(relu(_rounded(hidden @ weight.astype(np.float64) + bias), 0.0), norm)
        weight, bias = weights.linear[-1]
        return _rounded(hidden @ weight.astype(np.float64) + bias)


def mean_square(found: Double, targets: Single) -> float:
    """The mean of squared errors of outputs [N, 2]."""
    with np.errstate(all="ignore"):
        return float(np.mean(np.square(found - targets)))


def threshold(test: Points) -> float:
    """8 times the mean squared noise, summed in binary32 one by one as the network does it."""
    noise = (test.y - test.f).ravel()
    return float(_THRESHOLD_FACTOR * np.cumsum(noise * noise, dtype=np.float32)[-1])


def quality(loss: float, epsilon: float) -> int:
    """(epsilon - loss) / epsilon in units of 10^-6, limited to +-10, rounded half away from zero; 0 for NaN."""
    with np.errstate(all="ignore"):
        relative = float(np.clip((np.float64(epsilon) - loss) / np.float64(epsilon), -10.0, 10.0))
    if math.isnan(relative):  # as Rust casts it
        return 0
    units = abs(relative) * UNIT
    return int(math.copysign(math.floor(units) + (units % 1.0 >= 0.5), relative))


def tolerance(own: int) -> int:
    """Units by which a GPU's quality may differ from this one: more, the more thresholds the loss is.

    An error of the threshold is multiplied by their ratio: two readings of the data set's arithmetic are 13 units apart
    on a network of quality -9.9 million.
    """
    return math.ceil(TOLERANCE * max(1.0, 1.0 - own / UNIT))


def _normalised(hidden: Double, norm: Norm) -> Double:
    deviation = np.sqrt(norm.variance.astype(np.float64) + _NORM_EPSILON)
    return _rounded((hidden - norm.mean) / deviation * norm.weight + norm.bias)


def _rounded(values: Double) -> Double:
    return values.astype(np.float32).astype(np.float64)
