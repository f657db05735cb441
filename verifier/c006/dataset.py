"""The data set of an instance of the live challenge: a random function of one variable, with and without noise.

The network draws it on a GPU with `--use_fast_math`. Here every operation of the compiled code is followed, fused ones
included, but the hardware's approximations of log2, cos, sqrt and 1/x are taken for correctly rounded. So x is the
GPU's bit for bit, and f and y are within about 1e-5 of it. The bits do not depend on the machine: the functions are
those of `elementary`, and all else is + - * / and sqrt. Subnormal numbers, which a GPU would flush, do not occur.

`N` points, `K` features, 2 outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arithmetic.transcendental.elementary_arrays import log_array
from arithmetic.transcendental.series import PI, sine_of
from verifier.c006 import xorwow

Single = NDArray[np.float32]
Double = NDArray[np.float64]

POINTS: Final = 1450
"""Points for training, validation and test together."""
OUTPUTS: Final = 2
"""Numbers of a target."""
_VALIDATION: Final = 1000  # where the validation points begin; training points come first
_TEST: Final = 1200

_FEATURES: Final = 128
_DRAWS: Final = 5
_LOG_2: Final = 0.6931471805599453
_LN_OF_LOG2: Final = np.float32(0.69314718)
_TURNS: Final = np.float64(np.float32(0.15915494))  # the compiled code's 1 / (2 pi)
_FREQUENCY: Final = np.float32(1.0) / (np.float32(0.3) * np.float32(0.3))  # the square of what the README promises
_SCALE: Final = np.float32(0.125)  # sqrt(2 / K)
_NOISE: Final = np.float32(0.2)
_CHUNK: Final = 4  # features whose intermediate results stay in the second-level cache


@dataclass(frozen=True)
class Points:
    """Some points of an instance, binary32."""

    x: Single
    """Inputs [N, 1], in (-1, 1]."""
    f: Single
    """Values of the noiseless function [N, 2]."""
    y: Single
    """Noisy targets [N, 2]."""


@dataclass(frozen=True)
class DataSet(Points):
    """All 1450 points of an instance; the network's programs hold them in this order."""

    @property
    def train(self) -> Points:
        """The first 1000."""
        return self._part(0, _VALIDATION)

    @property
    def validation(self) -> Points:
        """The next 200."""
        return self._part(_VALIDATION, _TEST)

    @property
    def test(self) -> Points:
        """The last 250."""
        return self._part(_TEST, POINTS)

    def _part(self, first: int, end: int) -> Points:
        return Points(self.x[first:end], self.f[first:end], self.y[first:end])


@dataclass(frozen=True)
class Function:
    """The random function f_o(x) = 1/8 sum_k a_ok cos(w_ok x + b_ok), with two outputs o."""

    a: Single
    """Amplitudes [2, K]."""
    b: Single
    """Phases [2, K]."""
    w: Single
    """Frequencies [2, K]."""

    def __call__(self, x: Single) -> Single:
        """Values [2, N] at points [N]."""
        total = np.zeros((OUTPUTS, len(x)))
        for first in range(0, _FEATURES, _CHUNK):
            a, b, w = (part.T[first : first + _CHUNK, :, None] for part in (self.a, self.b, self.w))
            terms = a.astype(np.float64) * cosine(w * x + b)  # not fused in the compiled code; the sum over k is
            for term in terms:
                total = fused_sum(term, total).astype(np.float64)
        return total.astype(np.float32) * _SCALE


def draw_function(seed: bytes) -> Function:
    """The random function of the instance with this seed (32 bytes)."""
    u = _uniforms(seed, 0, OUTPUTS * _FEATURES).reshape(_DRAWS, OUTPUTS, _FEATURES)
    return Function(
        a=_normal(u[0], u[1]),
        b=((u[2] + u[2]).astype(np.float64) * PI).astype(np.float32),
        w=_normal(u[3], u[4]) * _FREQUENCY,
    )


def draw_dataset(seed: bytes) -> DataSet:
    """All points of the instance with this seed (32 bytes)."""
    u = _uniforms(seed, POINTS, POINTS)
    x = u[0] + u[0] - np.float32(1.0)
    f = draw_function(seed)(x)
    noise = _normal(u[1::2], u[2::2])
    y = fused_sum(noise.astype(np.float64) * np.float64(_NOISE), f.astype(np.float64))
    return DataSet(x[:, None], np.ascontiguousarray(f.T), np.ascontiguousarray(y.T))


def cosine(angle: Single) -> Double:
    """The cosine as a GPU takes it: of the angle in turns, a product rounded toward zero. Values of binary32."""
    turns = angle.astype(np.float64)
    turns *= _TURNS
    turns.view(np.int64)[...] &= -1 << 29  # an exact product, cut to the 24 digits of binary32
    turns -= np.rint(turns)
    np.abs(turns, out=turns)
    # cos(2 pi t) = sin(2 pi (1/4 - t)): exact so far, hence precise near the zeros too.
    np.subtract(0.25, turns, out=turns)
    turns *= 2.0 * PI
    return sine_of(turns).astype(np.float32).astype(np.float64)


def fused_sum(product: Double, addend: Double) -> Single:
    """product + addend rounded once to binary32, for an exact product of two binary32 numbers: an FMA.

    The binary64 sum is rounded to odd, from its error, so that the second rounding sees on which side of a tie it was.
    """
    total = product + addend
    virtual = total - product
    error = (product - (total - virtual)) + (addend - virtual)
    bits = total.view(np.int64)
    away = np.where((error > 0.0) == (total > 0.0), 1, -1)
    bits += away * ((error != 0.0) & (bits & 1 == 0))
    return total.astype(np.float32)


def _uniforms(seed: bytes, first: int, count: int) -> Single:
    """The draws [5, count] of the streams `first` to `first + count - 1`."""
    base = np.uint64(int.from_bytes(seed[:8], "little"))
    seeds = base + np.arange(first, first + count, dtype=np.uint64)  # wraps around, as the network's sum does
    return xorwow.uniforms(xorwow.words(seeds, _DRAWS)).T


def _normal(u1: Single, u2: Single) -> Single:
    """Normal numbers from uniform ones by Box and Muller; the sine that the network computes too is never used."""
    log2 = (log_array(u1.astype(np.float64)) / _LOG_2).astype(np.float32)
    radius = np.sqrt(log2 * _LN_OF_LOG2 * np.float32(-2.0))
    angle = ((2.0 * PI) * u2.astype(np.float64)).astype(np.float32)
    normal: Single = radius * cosine(angle).astype(np.float32)
    return normal
