"""Matrices on the grids of their rows or columns, in compiled loops: operands of products (specification, 2.1)."""

from __future__ import annotations

from collections.abc import Callable
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

_LANES: Final = 32
Matrix = NDArray[Any]


class CompiledGrids:
    """Puts binary32 matrices on grids."""

    def __init__(self, engine: binding.ExecutionEngine) -> None:
        self._engine = engine  # which owns the code
        kind = CFUNCTYPE(None, *[c_int64] * 6)
        self._rows, self._columns = (kind(engine.get_function_address(name)) for name in ("rows", "columns"))

    def of_rows(self, matrix: Matrix, bits: int) -> tuple[Matrix, Matrix]:
        """A matrix [n, m] in row order on the grids of its rows, in binary64, and their largest magnitudes [n, 1]."""
        return self._of(self._rows, matrix, (len(matrix), 1), bits)

    def of_columns(self, matrix: Matrix, bits: int) -> tuple[Matrix, Matrix]:
        """The same by columns; the largest magnitudes are [1, m]."""
        return self._of(self._columns, matrix, (1, matrix.shape[1]), bits)

    def _of(
        self, code: Callable[..., None], matrix: Matrix, lines: tuple[int, int], bits: int
    ) -> tuple[Matrix, Matrix]:
        rows, columns = matrix.shape
        grid, most = np.empty((rows, columns), np.float64), np.empty(lines, np.float32)
        factor = np.array(1.5 * 2.0 ** (53 - bits)).view(np.int64).item()
        code(matrix.ctypes.data, rows, columns, grid.ctypes.data, most.ctypes.data, factor)
        return grid, most


@cache
def compiled_grids() -> CompiledGrids | None:
    """The loops; None where LLVM is not to be had, which costs time and no answer."""
    try:
        return CompiledGrids(loaded(_module()))
    except RuntimeError:
        return None


def _module() -> ir.Module:
    module = ir.Module()
    for name, write in (("rows", _rows), ("columns", _columns)):
        builder = function(module, name, 6)
        write(builder, *builder.function.args)
        builder.ret_void()
    return module


def _rows(
    builder: ir.IRBuilder, source: Any, rows: Any, columns: Any, target: Any, magnitudes: Any, scale: Any
) -> None:
    """Line by line: the largest magnitude, then the numbers on its grid."""
    most = builder.inttoptr(magnitudes, BITS.as_pointer())
    factor = builder.bitcast(scale, DOUBLE)
    whole = builder.and_(columns, word(-_LANES))

    def row(i: Any) -> None:
        first = builder.mul(i, columns)
        numbers, grid = _from(builder, source, NUMBER, first, 4), _from(builder, target, DOUBLE, first, 8)

        def magnitude(lanes: int) -> Any:
            return lambda j, so_far: larger(builder, so_far, load(builder, numbers, j, lanes), lanes)

        zero = constant(of_lanes(BITS, _LANES), 0)
        many = count(builder, word(0), whole, _LANES, magnitude(_LANES), zero)
        one = folded(builder, many, lambda a, b: largest(builder, a, b))
        found = count(builder, whole, columns, 1, magnitude(1), one)
        builder.store(found, at(builder, most, i, 1), align=4)
        shift = shifts(builder, found, factor, 1)

        def put(lanes: int) -> Any:
            each = spread(builder, shift, lanes)
            return lambda j: _put(builder, grid, numbers, j, each, lanes)

        count(builder, word(0), whole, _LANES, put(_LANES))
        count(builder, whole, columns, 1, put(1))

    count(builder, word(0), rows, 1, row)


def _columns(
    builder: ir.IRBuilder, source: Any, rows: Any, columns: Any, target: Any, magnitudes: Any, scale: Any
) -> None:
    """Some columns together, which stay in the nearest cache: their largest magnitudes, then the numbers."""
    most = builder.inttoptr(magnitudes, BITS.as_pointer())
    numbers, grid = builder.inttoptr(source, NUMBER.as_pointer()), builder.inttoptr(target, DOUBLE.as_pointer())
    factor = builder.bitcast(scale, DOUBLE)
    whole = builder.and_(columns, word(-_LANES))

    def some(lanes: int) -> Any:
        def block(j: Any) -> None:
            def place(i: Any) -> Any:
                return builder.add(builder.mul(i, columns), j)

            def magnitude(i: Any, so_far: Any) -> Any:
                return larger(builder, so_far, load(builder, numbers, place(i), lanes), lanes)

            found = count(builder, word(0), rows, 1, magnitude, constant(of_lanes(BITS, lanes), 0))
            builder.store(found, at(builder, most, j, lanes), align=4)
            shift = shifts(builder, found, factor, lanes)
            count(builder, word(0), rows, 1, lambda i: _put(builder, grid, numbers, place(i), shift, lanes))

        return block

    count(builder, word(0), whole, _LANES, some(_LANES))
    count(builder, whole, columns, 1, some(1))


def _from(builder: ir.IRBuilder, address: Any, kind: ir.Type, first: Any, size: int) -> Any:
    """The elements of a kind from one on."""
    start = builder.add(address, builder.mul(first, word(size)))
    return builder.inttoptr(start, kind.as_pointer())


def _put(builder: ir.IRBuilder, grid: Any, numbers: Any, i: Any, shift: Any, lanes: int) -> None:
    """Write so many numbers from one on as they are on the grid."""
    value = snapped(builder, load(builder, numbers, i, lanes), shift, lanes)
    builder.store(value, at(builder, grid, i, lanes), align=8)
