"""The operations of `arithmetic.ieee` as Triton functions: on elements in registers, each one IEEE operation.

They hold where a kernel is compiled with `enable_fp_fusion=False`, which keeps a multiply and an add apart. Triton's
`/` and `sqrt` are not correctly rounded, its `floor` and `ceil` flush subnormals and its `-a` is 0 - a, so none of them
is used; and where bits are to be kept or looked at, the functions work on bits.
"""

from __future__ import annotations

import triton
import triton.language as tl

_SIGN = tl.constexpr(-0x80000000)
_SIZE = tl.constexpr(0x7FFFFFFF)
_INFINITE = tl.constexpr(0x7F800000)
_WHOLE = tl.constexpr(8388608.0)
"""2^23: from here on all numbers are integers."""


@triton.jit
def _bits(a):
    return a.to(tl.int32, bitcast=True)


@triton.jit
def _number(bits):
    return bits.to(tl.float32, bitcast=True)


@triton.jit
def negate(a):
    """-a: the sign bit is flipped."""
    return _number(_bits(a) ^ _SIGN)


@triton.jit
def absolute(a):
    """|a|: the sign bit is cleared."""
    return _number(_bits(a) & _SIZE)


@triton.jit
def square(a):
    """a * a."""
    return a * a


@triton.jit
def reciprocal(a):
    """1 / a."""
    return tl.div_rn(tl.full(a.shape, 1.0, tl.float32), a)


@triton.jit
def _signed(a, like):
    return _number((_bits(a) & _SIZE) | (_bits(like) & _SIGN))


@triton.jit
def round_half_even(a):
    """The nearest integer, ties to even, with the sign of a: what is added and taken away leaves no room for halves."""
    size = absolute(a)
    return _signed(tl.where(size < _WHOLE, (size + _WHOLE) - _WHOLE, size), a)


@triton.jit
def floor(a):
    """The largest integer not above a."""
    near = round_half_even(a)
    return _signed(tl.where(near > a, near - 1.0, near), a)


@triton.jit
def ceil(a):
    """The smallest integer not below a."""
    near = round_half_even(a)
    return _signed(tl.where(near < a, near + 1.0, near), a)


@triton.jit
def square_root(a):
    """The square root; NaN below zero."""
    return tl.sqrt_rn(a)


@triton.jit
def root(a):
    """The power 1/2: unlike a square root, that of -0 is +0 and that of -infinity is +infinity."""
    return tl.sqrt_rn(tl.where(a == -float("inf"), float("inf"), a + 0.0))


@triton.jit
def sign(a):
    """1, -1 or +0; +0 for a NaN."""
    return tl.where(a > 0.0, 1.0, tl.where(a < 0.0, -1.0, 0.0))


@triton.jit
def finite(a):
    """Neither infinite nor a NaN."""
    return (_bits(a) & _SIZE) < _INFINITE


@triton.jit
def not_a_number(a):
    """A NaN."""
    return (_bits(a) & _SIZE) > _INFINITE


@triton.jit
def opposite(a):
    """The opposite of a flag."""
    return a ^ True


@triton.jit
def number(a):
    """A flag as 1 or 0."""
    return tl.where(a, 1.0, 0.0)


@triton.jit
def same(a):
    """a."""
    return a


@triton.jit
def add(a, b):
    """a + b."""
    return a + b


@triton.jit
def subtract(a, b):
    """a - b."""
    return a - b


@triton.jit
def multiply(a, b):
    """a * b."""
    return a * b


@triton.jit
def divide(a, b):
    """a / b."""
    return tl.div_rn(a, b)


@triton.jit
def maximum(a, b):
    """The larger of a and b; a NaN if either is one; a zero is +0."""
    return tl.where((a > b) | not_a_number(a), a, b) + 0.0


@triton.jit
def minimum(a, b):
    """The smaller of a and b; a NaN if either is one; a zero is +0."""
    return tl.where((a < b) | not_a_number(a), a, b) + 0.0


@triton.jit
def squared_distance(a, b):
    """(a - b) * (a - b)."""
    return (a - b) * (a - b)


@triton.jit
def less(a, b):
    """a < b; like all but `unequal` false for a NaN."""
    return a < b


@triton.jit
def less_equal(a, b):
    """a <= b."""
    return a <= b


@triton.jit
def equal(a, b):
    """a == b."""
    return a == b


@triton.jit
def unequal(a, b):
    """a != b; true for a NaN."""
    return a != b


@triton.jit
def both(a, b):
    """Whether both flags hold."""
    return a & b


@triton.jit
def either(a, b):
    """Whether one of two flags holds."""
    return a | b


@triton.jit
def where(condition, a, b):
    """a where the flag holds, else b."""
    return tl.where(condition, a, b)
