"""The exact operations that the kernels are made of (specification, section 2)."""

import triton
import triton.language as tl

INFINITE = tl.constexpr(0x7F800000)
"""The bit pattern of an infinity; those of NaNs are above it."""

# What the eight largest magnitudes of a layer are of. The output layer has those of its weight, of the squares of its
# residual, and of its gradient.
ACTIVATION = tl.constexpr(0)
"""z of 5.3.1"""
SQUARE = tl.constexpr(1)
"""c·c of 5.3.3"""
NORMALISED = tl.constexpr(2)
"""what 5.3.5 quantises"""
SLOPE = tl.constexpr(3)
"""dy·c of 5.4.2"""
GRADIENT = tl.constexpr(4)
"""da of 5.4.4"""
BIAS = tl.constexpr(5)
"""a bias of minus infinity would vanish in the ReLU"""
VARIANCE = tl.constexpr(6)
"""the running variance of 5.3.4, which may overflow where the loss does not"""
WEIGHT = tl.constexpr(7)
"""the weight"""
KINDS = tl.constexpr(8)


@triton.jit
def magnitude(x):
    """The bit patterns of |x|, int32, in the order of the magnitudes; infinities and NaNs are the largest."""
    return x.to(tl.int32, bitcast=True) & 0x7FFFFFFF


@triton.jit
def largest(x):
    """The largest magnitude in a block [M, N], as a bit pattern."""
    return tl.max(tl.max(magnitude(x), axis=0), axis=0)


@triton.jit
def exponent(pattern):
    """2.1 of the largest magnitude, given as its bit pattern; a binary32 is always a normal binary64."""
    wide = pattern.to(tl.float32, bitcast=True).to(tl.float64).to(tl.int64, bitcast=True)
    return tl.where(pattern == 0, 0, (wide >> 52) - 1022).to(tl.int32)


@triton.jit
def power_of_two(e):
    """2^e as a binary64, for -1022 <= e <= 1023."""
    return ((e.to(tl.int64) + 1023) << 52).to(tl.float64, bitcast=True)


@triton.jit
def small_power_of_two(e):
    """2^e as a binary32, for -126 <= e <= 127."""
    return ((e + 127) << 23).to(tl.float32, bitcast=True)


@triton.jit
def shift_of(pattern, count):
    """2.4: what rounds numbers to the grid of a sum of `count` of them, of which the largest magnitude is given."""
    ceil_log2 = exponent((count - 1).to(tl.float32).to(tl.int32, bitcast=True))
    bits = 52 - ceil_log2
    return 1.5 * power_of_two(52 + exponent(pattern) - bits)


@triton.jit
def on_grid(x, shift):
    """2.4: binary32 numbers as binary64 multiples of the common unit."""
    return (x.to(tl.float64) + shift) - shift


@triton.jit
def quantised(x, e, BITS: tl.constexpr):
    """2.2: RNE(x 2^(BITS - e)) as int32. In two factors, as 2^127 is the largest: exact, unless the result is 0."""
    shift = BITS - e
    first = tl.minimum(shift, 127)
    scaled = (x * small_power_of_two(first)) * small_power_of_two(shift - first)
    return (scaled + 12582912.0).to(tl.int32, bitcast=True) - 0x4B400000  # 1.5 * 2^23: its units are integers


@triton.jit
def high_digit(q, DIGIT: tl.constexpr):
    """The higher digit of an integer, int8."""
    return ((q + (1 << (DIGIT - 1))) >> DIGIT).to(tl.int8)


@triton.jit
def low_digit(q, DIGIT: tl.constexpr):
    """What the higher digit leaves, int8."""
    return (q - (((q + (1 << (DIGIT - 1))) >> DIGIT) << DIGIT)).to(tl.int8)


@triton.jit
def from_digits(high, low, DIGIT: tl.constexpr):
    """The integer of two digits, int32."""
    return (high.to(tl.int32) << DIGIT) + low.to(tl.int32)


@triton.jit
def exact_product(a, b, a_digit, b_digit, DIGIT: tl.constexpr):
    """2.3: the exact product, int32 [M, N], of the digits at a [M, K] and b [K, N]; the low ones lie so much further.

    A Horner scheme in one accumulator: no sum of an edition's products exceeds 2^30.
    """
    a_high, a_low = tl.load(a), tl.load(a + a_digit)
    b_high, b_low = tl.load(b), tl.load(b + b_digit)
    product = tl.dot(a_high, b_high, out_dtype=tl.int32)
    product = product << DIGIT
    product = tl.dot(a_high, b_low, acc=product, out_dtype=tl.int32)
    product = tl.dot(a_low, b_high, acc=product, out_dtype=tl.int32)
    product = product << DIGIT
    return tl.dot(a_low, b_low, acc=product, out_dtype=tl.int32)


@triton.jit
def product_scale(a_pattern, b_pattern, BITS: tl.constexpr):
    """2.3: the power of two of an exact product, from the largest magnitudes of its factors."""
    return power_of_two(exponent(a_pattern) + exponent(b_pattern) - 2 * BITS)


@triton.jit
def rounded(exact):
    """2.3: a binary64, rounded once; a zero is +0, also one that a negative number underflows to."""
    return exact.to(tl.float32) + 0.0
