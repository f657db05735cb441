"""Loops: chains of elementwise operations on many elements, written in LLVM's code and compiled here.

What lies between two operations of a chain stays in the processor. Every arithmetic operation is one IEEE operation on
binary32 (specification, section 2): none is marked as one that may be contracted or reordered, and LLVM does neither
of itself. No number of a program is in the code: scalars are read from memory. LLVM takes some milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ctypes import CFUNCTYPE, c_void_p
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Any, Final, NamedTuple

from llvmlite import binding, ir

from arithmetic.compiled.vectors import (
    FLAG,
    NUMBER,
    WORD,
    at,
    constant,
    count,
    function,
    load,
    loaded,
    of_lanes,
    spread,
    word,
)
from sandbox.program import operations

ROOT: Final = 200
"""The power 1/2, which has no code of its own."""
FILL: Final = 201
"""One number for all."""

_LANES: Final = (64, 8, 1)
"""Elements at a time, as long as there are so many: several vectors of any processor, one or two, then the rest."""
Function = Callable[..., Any]
"""Writes an operation: takes a builder, and values that are single ones or vectors; gives such a value."""


@dataclass(frozen=True)
class Loop:
    """An operation on elements of types `takes` that gives one of type `gives`."""

    function: Function
    takes: tuple[ir.Type, ...]
    gives: ir.Type = NUMBER


def _constant(like: Any, value: float) -> Any:
    return constant(like.type, value)


def _instruction(name: str) -> Function:
    """A function of one number, by LLVM's name for it."""

    def function(builder: ir.IRBuilder, a: Any) -> Any:
        is_vector = isinstance(a.type, ir.VectorType)
        full = f"llvm.{name}.v{a.type.count}f32" if is_vector else f"llvm.{name}.f32"
        known = builder.module.globals.get(full)
        return builder.call(known or ir.Function(builder.module, ir.FunctionType(a.type, [a.type]), full), [a])

    return function


_absolute = _instruction("fabs")
_square_root = _instruction("sqrt")


def _reciprocal(builder: ir.IRBuilder, a: Any) -> Any:
    return builder.fdiv(_constant(a, 1.0), a)


def _root(builder: ir.IRBuilder, a: Any) -> Any:
    # Unlike a square root, the power of -0 is +0 and that of -infinity is +infinity.
    is_lowest = builder.fcmp_ordered("==", a, _constant(a, -inf))
    return _square_root(builder, builder.select(is_lowest, _constant(a, inf), builder.fadd(a, _constant(a, 0.0))))


def _sign(builder: ir.IRBuilder, a: Any) -> Any:
    zero, one, minus_one = (_constant(a, value) for value in (0.0, 1.0, -1.0))
    below = builder.select(builder.fcmp_ordered("<", a, zero), minus_one, zero)
    return builder.select(builder.fcmp_ordered(">", a, zero), one, below)


def _finite(builder: ir.IRBuilder, a: Any) -> Any:
    return builder.fcmp_ordered("<", _absolute(builder, a), _constant(a, inf))


def _extreme(relation: str) -> Function:
    def function(builder: ir.IRBuilder, a: Any, b: Any) -> Any:
        # One of them if it is a NaN; and one zero, +0.
        is_first = builder.or_(builder.fcmp_ordered(relation, a, b), builder.fcmp_unordered("uno", a, a))
        return builder.fadd(builder.select(is_first, a, b), _constant(a, 0.0))

    return function


def _squared_distance(builder: ir.IRBuilder, a: Any, b: Any) -> Any:
    distance = builder.fsub(a, b)
    return builder.fmul(distance, distance)


def _compared(relation: str) -> Function:
    return lambda builder, a, b: builder.fcmp_ordered(relation, a, b)


def _to_number(builder: ir.IRBuilder, a: Any) -> Any:
    number = ir.VectorType(NUMBER, a.type.count) if isinstance(a.type, ir.VectorType) else NUMBER
    return builder.uitofp(a, number)


_ONE: Final = (NUMBER,)
_TWO: Final = (NUMBER, NUMBER)
LOOPS: Final[Mapping[int, Loop]] = {
    operations.NEGATE.code: Loop(lambda builder, a: builder.fneg(a), _ONE),
    operations.ABSOLUTE.code: Loop(_absolute, _ONE),
    operations.SQUARE.code: Loop(lambda builder, a: builder.fmul(a, a), _ONE),
    operations.RECIPROCAL.code: Loop(_reciprocal, _ONE),
    operations.FLOOR.code: Loop(_instruction("floor"), _ONE),
    operations.CEIL.code: Loop(_instruction("ceil"), _ONE),
    operations.ROUND.code: Loop(_instruction("rint"), _ONE),
    operations.SQUARE_ROOT.code: Loop(_square_root, _ONE),
    operations.SIGN.code: Loop(_sign, _ONE),
    operations.FINITE.code: Loop(_finite, _ONE, FLAG),
    operations.NAN.code: Loop(lambda builder, a: builder.fcmp_unordered("uno", a, a), _ONE, FLAG),
    operations.NOT.code: Loop(lambda builder, a: builder.not_(a), (FLAG,), FLAG),
    operations.TO_NUMBERS.code: Loop(_to_number, (FLAG,)),
    operations.ADD.code: Loop(lambda builder, a, b: builder.fadd(a, b), _TWO),
    operations.SUBTRACT.code: Loop(lambda builder, a, b: builder.fsub(a, b), _TWO),
    operations.MULTIPLY.code: Loop(lambda builder, a, b: builder.fmul(a, b), _TWO),
    operations.DIVIDE.code: Loop(lambda builder, a, b: builder.fdiv(a, b), _TWO),
    operations.MAXIMUM.code: Loop(_extreme(">"), _TWO),
    operations.MINIMUM.code: Loop(_extreme("<"), _TWO),
    operations.SQUARED_DISTANCE.code: Loop(_squared_distance, _TWO),
    operations.LESS.code: Loop(_compared("<"), _TWO, FLAG),
    operations.LESS_EQUAL.code: Loop(_compared("<="), _TWO, FLAG),
    operations.EQUAL.code: Loop(_compared("=="), _TWO, FLAG),
    operations.UNEQUAL.code: Loop(lambda builder, a, b: builder.fcmp_unordered("!=", a, b), _TWO, FLAG),
    operations.AND.code: Loop(lambda builder, a, b: builder.and_(a, b), (FLAG, FLAG), FLAG),
    operations.OR.code: Loop(lambda builder, a, b: builder.or_(a, b), (FLAG, FLAG), FLAG),
    operations.WHERE.code: Loop(lambda builder, mask, a, b: builder.select(mask, a, b), (FLAG, *_TWO)),
    ROOT: Loop(_root, _ONE),
    FILL: Loop(lambda _, a: a, _ONE),
}
"""What each operation does to its operands, by its code."""


class Read(NamedTuple):
    """Elements that a chain reads: of a mask or numbers; one after the other, or the same one along a row."""

    is_mask: bool
    is_single: bool


class Link(NamedTuple):
    """An operation of a chain: its operands are earlier links, from 0 on, or reads, from -1 downwards."""

    code: int
    operands: tuple[int, ...]


class Chain(NamedTuple):
    """Operations on a matrix of elements. Its table has rows and columns, then for each place two words.

    Places are what is read, then what is written; the words are an address, and the bytes from one row to the next.
    """

    reads: tuple[Read, ...]
    links: tuple[Link, ...]
    writes: tuple[int, ...]
    """The links whose results are written."""

    @property
    def words(self) -> int:
        """The length of its table."""
        return 2 + 2 * (len(self.reads) + len(self.writes))


class Loops:
    """Compiled chains, which run one after the other; each has its table at a word of one array."""

    def __init__(self, engine: binding.ExecutionEngine) -> None:
        self._engine = engine  # which owns the code
        self._code = CFUNCTYPE(None, c_void_p)(engine.get_function_address(_ALL))

    def run(self, table: int) -> None:
        """Run them on the tables at an address."""
        self._code(table)


_ALL: Final = "all"


@lru_cache(maxsize=64)  # one module trains on many nonces
def compiled(chains: tuple[Chain, ...], calls: tuple[tuple[int, int], ...]) -> Loops:
    """The loops that run `chains[i]` on the table at a word, for each pair of these in `calls`."""
    module = ir.Module()
    functions = [_chain(module, f"chain_{number}", chain) for number, chain in enumerate(chains)]
    builder = function(module, _ALL, 1)
    for number, place in calls:
        builder.call(functions[number], [builder.add(builder.function.args[0], word(8 * place))])
    builder.ret_void()
    return Loops(loaded(module))


def _chain(module: ir.Module, name: str, chain: Chain) -> ir.Function:
    """The function of a chain, which takes the address of its table."""
    builder = function(module, name, 1)
    table = builder.inttoptr(builder.function.args[0], WORD.as_pointer())
    words = [builder.load(builder.gep(table, [word(place)])) for place in range(chain.words)]
    kinds = [FLAG if read.is_mask else NUMBER for read in chain.reads]
    kinds += [_gives(chain, link) for link in chain.writes]

    def row(i: Any) -> None:
        starts = [builder.add(words[2 * k + 2], builder.mul(i, words[2 * k + 3])) for k in range(len(kinds))]
        pointers = [builder.inttoptr(at, kind.as_pointer()) for at, kind in zip(starts, kinds, strict=True)]
        singles = {k: builder.load(pointers[k]) for k, read in enumerate(chain.reads) if read.is_single}
        first: Any = word(0)
        for lanes in _LANES:
            last = builder.and_(words[1], word(-lanes))
            count(builder, first, last, lanes, _body(builder, chain, pointers, singles, lanes))
            first = last

    count(builder, word(0), words[0], 1, row)
    builder.ret_void()
    return builder.function


def _body(
    builder: ir.IRBuilder, chain: Chain, pointers: Sequence[Any], singles: Mapping[int, Any], lanes: int
) -> Callable[[Any], None]:
    """Writes what is done to so many elements from one on."""
    repeated = {k: _flags(builder, spread(builder, value, lanes)) for k, value in singles.items()}

    def body(i: Any) -> None:
        read = {k: repeated.get(k) for k in range(len(chain.reads))}
        made: list[Any] = []
        for link in chain.links:
            for k in (-1 - one for one in link.operands if one < 0):
                if read[k] is None:
                    read[k] = _flags(builder, load(builder, pointers[k], i, lanes))
            given = [made[one] if one >= 0 else read[-1 - one] for one in link.operands]
            made.append(LOOPS[link.code].function(builder, *given))
        for place, number in enumerate(chain.writes, len(chain.reads)):
            _store(builder, made[number], pointers[place], i, lanes)

    return body


def _gives(chain: Chain, link: int) -> ir.Type:
    return LOOPS[chain.links[link].code].gives


def _flags(builder: ir.IRBuilder, value: Any) -> Any:
    """A number as it is; the bytes of a mask as bits."""
    kind = value.type.element if isinstance(value.type, ir.VectorType) else value.type
    return value if kind == NUMBER else builder.icmp_unsigned("!=", value, constant(value.type, 0))


def _store(builder: ir.IRBuilder, value: Any, target: Any, i: Any, lanes: int) -> None:
    kind = target.type.pointee
    if kind == FLAG:
        value = builder.zext(value, of_lanes(kind, lanes))
    builder.store(value, at(builder, target, i, lanes), align=1 if kind == FLAG else 4)
