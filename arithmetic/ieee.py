"""Elementwise operations on binary32 arrays: each one correctly rounded IEEE operation (specification, section 2).

Scalars are binary64 and are rounded once to binary32 before they meet an array. Nothing here fuses a multiply with an
add, so no instruction set can change a bit. Who computes on what may not be finite sets `np.errstate(all="ignore")`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""Binary32 numbers; a mask or int64 indices where a function says so. Results have no dimensions as arrays too."""
Operand = Array | float

_LARGEST = 3.4028234663852886e38
_ROUNDS_TO_INFINITY = 3.4028235677973366e38
"""Halfway between the largest binary32 and 2^128: from here on RNE gives infinity."""


def scalar(value: float) -> float:
    """A binary64 as an operand that a library rounds once to binary32, infinities included."""
    if -_LARGEST <= value <= _LARGEST:
        return value
    if abs(value) < _ROUNDS_TO_INFINITY:
        return math.copysign(_LARGEST, value)
    return math.nan if math.isnan(value) else math.copysign(math.inf, value)


def add(a: Operand, b: Operand) -> Array:
    """a + b."""
    return np.asarray(np.add(_operand(a), _operand(b)))


def subtract(a: Operand, b: Operand) -> Array:
    """a - b."""
    return np.asarray(np.subtract(_operand(a), _operand(b)))


def multiply(a: Operand, b: Operand) -> Array:
    """a * b."""
    return np.asarray(np.multiply(_operand(a), _operand(b)))


def divide(a: Operand, b: Operand) -> Array:
    """a / b."""
    return np.asarray(np.divide(_operand(a), _operand(b)))


def square_root(a: Array) -> Array:
    """The square root; NaN below zero."""
    return np.asarray(np.sqrt(a))


def negate(a: Array) -> Array:
    """-a: the sign bit is flipped."""
    return np.asarray(np.negative(a))


def absolute(a: Array) -> Array:
    """|a|: the sign bit is cleared."""
    return np.asarray(np.abs(a))


def sign(a: Array) -> Array:
    """1, -1 or +0; +0 for a NaN."""
    positive, negative = np.greater(a, 0.0), np.less(a, 0.0)
    return np.asarray(np.subtract(positive.view(np.int8), negative.view(np.int8))).astype(np.float32)


def maximum(a: Array, b: Operand) -> Array:
    """The larger of a and b; NaN if either is; a zero is +0."""
    return _with_one_zero(np.maximum(a, _operand(b)))


def minimum(a: Array, b: Operand) -> Array:
    """The smaller of a and b; NaN if either is; a zero is +0."""
    return _with_one_zero(np.minimum(a, _operand(b)))


def floor(a: Array) -> Array:
    """The largest integer not above a."""
    return np.asarray(np.floor(a))


def ceil(a: Array) -> Array:
    """The smallest integer not below a."""
    return np.asarray(np.ceil(a))


def round_half_even(a: Array) -> Array:
    """The nearest integer, ties to even."""
    return np.asarray(np.rint(a))


def where(condition: Array, a: Operand, b: Operand) -> Array:
    """a where a mask holds, else b."""
    x, y = _patterns(a), _patterns(b)
    # On bit patterns, as a processor that follows a mask guesses wrong half of the time.
    chosen = np.negative(condition.astype(np.int32))
    return np.asarray(((x ^ y) & chosen) ^ y).view(np.float32)


def less(a: Array, b: Operand) -> Array:
    """The mask a < b, of numbers or of indices; like every comparison but `unequal` it is false for a NaN; -0 is +0."""
    return np.asarray(np.less(a, _operand(b)))


def less_equal(a: Array, b: Operand) -> Array:
    """The mask a <= b."""
    return np.asarray(np.less_equal(a, _operand(b)))


def greater(a: Array, b: Operand) -> Array:
    """The mask a > b."""
    return np.asarray(np.greater(a, _operand(b)))


def greater_equal(a: Array, b: Operand) -> Array:
    """The mask a >= b."""
    return np.asarray(np.greater_equal(a, _operand(b)))


def equal(a: Array, b: Operand) -> Array:
    """The mask a == b."""
    return np.asarray(np.equal(a, _operand(b)))


def unequal(a: Array, b: Operand) -> Array:
    """The mask a != b; true for a NaN."""
    return np.asarray(np.not_equal(a, _operand(b)))


def finite(a: Array) -> Array:
    """The mask of the numbers that are neither infinite nor NaN."""
    return np.asarray(np.isfinite(a))


def not_a_number(a: Array) -> Array:
    """The mask of the NaNs."""
    return np.asarray(np.isnan(a))


def both(a: Array, b: Array) -> Array:
    """The mask that holds where two masks hold."""
    return np.asarray(np.logical_and(a, b))


def either(a: Array, b: Array) -> Array:
    """The mask that holds where one of two masks holds."""
    return np.asarray(np.logical_or(a, b))


def opposite(a: Array) -> Array:
    """The mask that holds where a mask does not."""
    return np.asarray(np.logical_not(a))


def everywhere(a: Array) -> Array:
    """Whether a mask holds in every element: a mask of one."""
    return np.asarray(a.all())


def anywhere(a: Array) -> Array:
    """Whether a mask holds in some element: a mask of one."""
    return np.asarray(a.any())


def _operand(value: Operand) -> Operand:
    return value if isinstance(value, np.ndarray) else scalar(value)


def _patterns(value: Operand) -> NDArray[np.int32]:
    return (value if isinstance(value, np.ndarray) else np.asarray(scalar(value), np.float32)).view(np.int32)


def _with_one_zero(result: Any) -> Array:
    """A fresh result whose zeros are +0: NumPy's choice between two depends on the length."""
    array: Array = np.asarray(result)
    array += np.float32(0.0)
    return array
