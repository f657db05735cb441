"""Magnitudes of numbers and the grids that follow, in LLVM's code, for one lane or many (specification, 2.1)."""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir

from arithmetic.compiled.vectors import NUMBER, WORD, constant, of_lanes, spread

BITS: Final = ir.IntType(32)
"""A binary32 number as bits."""
DOUBLE: Final = ir.DoubleType()
_MAGNITUDE: Final = 0x7FFFFFFF
_EXPONENT: Final = -1 << 52


def larger(builder: ir.IRBuilder, most: Any, numbers: Any, lanes: int) -> Any:
    """The bits of the largest magnitudes so far, and now; those of a NaN are the largest."""
    bits = builder.bitcast(numbers, of_lanes(BITS, lanes))
    magnitude = builder.and_(bits, constant(bits.type, _MAGNITUDE))
    return largest(builder, most, magnitude)


def largest(builder: ir.IRBuilder, a: Any, b: Any) -> Any:
    """The larger magnitudes of two."""
    return builder.select(builder.icmp_unsigned(">", a, b), a, b)


def shifts(builder: ir.IRBuilder, most: Any, factor: Any, lanes: int) -> Any:
    """What rounds numbers up to a magnitude to its grid: 1.5 * 2^52 units; the factor is 1.5 * 2^(53 - bits)."""
    exact = builder.fpext(builder.bitcast(most, of_lanes(NUMBER, lanes)), of_lanes(DOUBLE, lanes))
    bits = builder.bitcast(exact, of_lanes(WORD, lanes))
    power = builder.bitcast(builder.and_(bits, constant(bits.type, _EXPONENT)), exact.type)
    return builder.fmul(power, spread(builder, factor, lanes))


def snapped(builder: ir.IRBuilder, numbers: Any, shift: Any, lanes: int) -> Any:
    """Numbers rounded to the grids of shifts, in binary64."""
    exact = builder.fpext(numbers, of_lanes(DOUBLE, lanes))
    return builder.fsub(builder.fadd(exact, shift), shift)
