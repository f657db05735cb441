"""Exact sums of long lines in compiled loops: the largest magnitude, then the terms on its grid (specification, 2.4).

Every partial sum is exact, so the lanes in which they are added up change nothing.
"""

from __future__ import annotations

from ctypes import CFUNCTYPE, c_int64
from functools import cache
from typing import Any, Final

import numpy as np
from llvmlite import binding, ir
from numpy.typing import NDArray

from arithmetic.compiled.magnitudes import BITS, DOUBLE, larger, largest, shifts, snapped
from arithmetic.compiled.vectors import (
    NUMBER,
    at,
    constant,
    count,
    folded,
    function,
    load,
    loaded,
    of_lanes,
    spread,
    word,
)
from arithmetic.exponents import sum_bits

_LANES: Final = 32
_INFINITY, _NAN = 0x7F800000, 0x7FC00000


class CompiledSums:
    """The sums of the rows of a binary32 matrix."""

    def __init__(self, engine: binding.ExecutionEngine) -> None:
        self._engine = engine  # which owns the code
        self._code = CFUNCTYPE(None, *[c_int64] * 5)(engine.get_function_address("sums"))

    def of(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The sums [o] of rows [o, n] that lie in row order, each rounded once; NaN of what is not finite."""
        count, length = rows.shape
        sums = np.empty(count, np.float32)
        scale = np.array(1.5 * 2.0 ** (53 - sum_bits(length))).view(np.int64).item()
        self._code(rows.ctypes.data, count, length, sums.ctypes.data, scale)
        return sums


@cache
def compiled_sums() -> CompiledSums | None:
    """The loops; None where LLVM is not to be had, which costs time and no answer."""
    try:
        return CompiledSums(loaded(_module()))
    except RuntimeError:
        return None


def _module() -> ir.Module:
    module = ir.Module()
    builder = function(module, "sums", 5)
    rows, many, length, target, scale = builder.function.args
    sums = builder.inttoptr(target, NUMBER.as_pointer())
    factor = builder.bitcast(scale, DOUBLE)

    def row(i: Any) -> None:
        start = builder.add(rows, builder.mul(builder.mul(i, length), word(4)))
        line = builder.inttoptr(start, NUMBER.as_pointer())
        most = _largest(builder, line, length)
        is_finite = builder.icmp_unsigned("<", most, ir.Constant(BITS, _INFINITY))
        total = _total(builder, line, length, shifts(builder, most, factor, 1))
        rounded = builder.fadd(builder.fptrunc(total, NUMBER), ir.Constant(NUMBER, 0.0))
        nan = builder.bitcast(ir.Constant(BITS, _NAN), NUMBER)
        builder.store(builder.select(is_finite, rounded, nan), at(builder, sums, i, 1), align=4)

    count(builder, word(0), many, 1, row)
    builder.ret_void()
    return module


def _whole(builder: ir.IRBuilder, length: Any) -> Any:
    return builder.and_(length, word(-_LANES))


def _largest(builder: ir.IRBuilder, line: Any, length: Any) -> Any:
    """The bits of the largest magnitude, of which those of a NaN are the largest."""

    def step(lanes: int) -> Any:
        return lambda i, most: larger(builder, most, load(builder, line, i, lanes), lanes)

    whole = _whole(builder, length)
    lanes = count(builder, word(0), whole, _LANES, step(_LANES), constant(of_lanes(BITS, _LANES), 0))
    most = folded(builder, lanes, lambda a, b: largest(builder, a, b))
    return count(builder, whole, length, 1, step(1), most)


def _total(builder: ir.IRBuilder, line: Any, length: Any, shift: Any) -> Any:
    """The exact sum of the numbers on the grid."""

    def step(lanes: int) -> Any:
        each = spread(builder, shift, lanes)

        def added(i: Any, total: Any) -> Any:
            return builder.fadd(total, snapped(builder, load(builder, line, i, lanes), each, lanes))

        return added

    whole = _whole(builder, length)
    lanes = count(builder, word(0), whole, _LANES, step(_LANES), constant(of_lanes(DOUBLE, _LANES), 0.0))
    return count(builder, whole, length, 1, step(1), folded(builder, lanes, builder.fadd))
