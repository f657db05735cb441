"""The exact product of 16-bit integers with 32-bit sums, as vector code for whatever processor LLVM compiles for.

The code is a sum of two products, in the form that LLVM knows by one or two instructions: `vpdpwssd` (VNNI),
`vpmaddwd` (AVX2, AVX-512) or `pmaddwd` (SSE2), which add neighbours; `smlal` (NEON), which adds to a sum. No result
depends on which.

Valid while no sum exceeds 2^31 in magnitude: 11-bit integers and at most 511 terms.
"""

from __future__ import annotations

from typing import Any, Final

from arithmetic.compiled.compiler import compiled, features, intrinsic, ir, types
from verifier.challenge.network.compiled.arrays import IntegerMatrix, Packed, Rows

ROWS: Final = 6
"""Rows of a tile, whose sums stay in registers."""
_NEON: Final = "neon" in features()
_LANES: Final = 16 if "avx512bw" in features() else 8 if "avx2" in features() else 4
_VECTORS: Final = 4 if _LANES == 16 else 2  # what the registers hold, with the sums of all rows
COLUMNS: Final = _LANES * _VECTORS
"""Columns of a tile."""

_I16, _I32, _I64 = ir.IntType(16), ir.IntType(32), ir.IntType(64)
_SUMS: Final = ir.VectorType(_I32, _LANES)
_PAIRS: Final = ir.VectorType(_I16, 2 * _LANES)
_WIDE: Final = ir.VectorType(_I32, 2 * _LANES)


def _build_tile(
    b: ir.IRBuilder, a: Any, a_row: Any, a_pair: Any, v: Any, v_pair: Any, pairs: Any, out: Any, out_row: Any
) -> None:
    """Write out [ROWS, COLUMNS], the sums over `pairs` pairs of the products of a left and a right factor.

    All but `pairs` are addresses, in bytes: pair p of row i of the left factor is at a + i a_row + p a_pair, those of
    all columns of the right factor are at v + p v_pair on, and row i of the result is at out + i out_row.
    """
    start, loop, end = b.block, b.append_basic_block("pairs"), b.append_basic_block("end")
    rows = [b.add(a, b.mul(a_row, _I64(i))) for i in range(ROWS)]
    b.branch(loop)
    b.position_at_end(loop)
    p = b.phi(_I64)
    p.add_incoming(_I64(0), start)
    sums = [[b.phi(_SUMS) for _ in range(_VECTORS)] for _ in range(ROWS)]
    at = b.add(v, b.mul(p, v_pair))
    right = [_right_factors(b, _load(b, b.add(at, _I64(4 * _LANES * j)), _PAIRS)) for j in range(_VECTORS)]
    offset = b.mul(p, a_pair)
    added = []
    for row, so_far in zip(rows, sums, strict=True):
        left = _left_factors(b, _load(b, b.add(row, offset), _I32))
        added.append([_add_products(b, s, left, r) for s, r in zip(so_far, right, strict=True)])
    following = b.add(p, _I64(1))
    p.add_incoming(following, loop)
    for so_far, new in zip(sums, added, strict=True):
        for s, n in zip(so_far, new, strict=True):
            s.add_incoming(ir.Constant(_SUMS, [0] * _LANES), start)
            s.add_incoming(n, loop)
    b.cbranch(b.icmp_signed("<", following, pairs), loop, end)
    b.position_at_end(end)
    for i, new in enumerate(added):
        for j, n in enumerate(new):
            at = b.add(b.add(out, b.mul(out_row, _I64(i))), _I64(4 * _LANES * j))
            b.store(n, b.inttoptr(at, _SUMS.as_pointer())).align = 4


def _load(b: ir.IRBuilder, address: Any, kind: ir.Type) -> Any:
    loaded = b.load(b.inttoptr(address, kind.as_pointer()))
    loaded.align = 4
    return loaded


def _left_factors(b: ir.IRBuilder, pair: Any) -> list[Any]:
    """A pair of the left factor in all lanes: with NEON its two integers apart, else side by side."""
    if _NEON:
        two = b.bitcast(pair, ir.VectorType(_I16, 2))
        return [b.sext(_picked(b, two, [k] * _LANES), _SUMS) for k in (0, 1)]
    one = b.insert_element(ir.Constant(_SUMS, ir.Undefined), pair, _I32(0))
    return [b.sext(b.bitcast(_picked(b, one, [0] * _LANES), _PAIRS), _WIDE)]


def _right_factors(b: ir.IRBuilder, pairs: Any) -> list[Any]:
    """Pairs of the right factor, likewise."""
    if _NEON:
        return [b.sext(_picked(b, pairs, _every_second(k)), _SUMS) for k in (0, 1)]
    return [b.sext(pairs, _WIDE)]


def _add_products(b: ir.IRBuilder, sums: Any, left: list[Any], right: list[Any]) -> Any:
    """Sums with the products of a pair of each factor."""
    products = [b.mul(x, y) for x, y in zip(left, right, strict=True)]
    if _NEON:
        return b.add(b.add(sums, products[0]), products[1])
    return b.add(sums, b.add(*(_picked(b, products[0], _every_second(k)) for k in (0, 1))))


def _picked(b: ir.IRBuilder, vector: Any, lanes: list[int]) -> Any:
    """The vector of some of another's lanes."""
    return b.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), ir.Constant(_SUMS, lanes))


def _every_second(first: int) -> list[int]:
    return [2 * lane + first for lane in range(_LANES)]


@intrinsic
def _tile(_: Any, a: int, a_row: int, a_pair: int, v: int, v_pair: int, pairs: int, out: int, out_row: int) -> Any:
    """`_build_tile` as a function for compiled ones to call."""

    def code(context: Any, builder: ir.IRBuilder, _: Any, values: Any) -> Any:
        _build_tile(builder, *values)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 8), code


@compiled
def rows_times_pairs(rows: Rows, first: int, pairs: Packed, out: IntegerMatrix) -> None:
    """out [ROWS, columns] = ROWS rows, from `first` on, of the left factor in rows times the right one in pairs."""
    row, at, columns = 2 * rows.shape[1], rows.ctypes.data, out.shape[1]
    for j in range(0, columns, COLUMNS):
        _tile(
            at + first * row, row, 4, pairs.ctypes.data + 4 * j, 4 * pairs.shape[1], len(pairs),
            out.ctypes.data + 4 * j, 4 * columns,
        )  # fmt: skip


@compiled
def columns_times_pairs(left: Packed, first: int, pairs: Packed, out: IntegerMatrix) -> None:
    """out [ROWS, columns] = ROWS rows, from `first` on, of a factor whose transpose is in pairs, times one in pairs."""
    columns = out.shape[1]
    for j in range(0, columns, COLUMNS):
        _tile(
            left.ctypes.data + 4 * first, 4, 4 * left.shape[1], pairs.ctypes.data + 4 * j, 4 * pairs.shape[1],
            len(pairs), out.ctypes.data + 4 * j, 4 * columns,
        )  # fmt: skip


@compiled
def product(rows: Rows, pairs: Packed, out: IntegerMatrix) -> None:
    """out [B, columns] = the left factor in rows [B, K], B a multiple of ROWS, times the right one in pairs."""
    for first in range(0, len(rows), ROWS):
        rows_times_pairs(rows, first, pairs, out[first : first + ROWS])


@compiled
def transposed_product(left: Packed, pairs: Packed, out: IntegerMatrix) -> None:
    """out [H, columns] = a factor whose transpose is in pairs [K / 2, H], H a multiple of ROWS, times one in pairs."""
    for first in range(0, left.shape[1], ROWS):
        columns_times_pairs(left, first, pairs, out[first : first + ROWS])
