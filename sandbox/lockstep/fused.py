"""Fused groups: each group of a program's elementwise operations in one kernel of Triton, written and compiled here.

What lies between two operations of a group stays in a register. A kernel runs over the elements of all nonces of a
cohort: one row of programs for each nonce. Every arithmetic operation is one IEEE operation (specification, section 2):
the functions are those of `arithmetic.device.triton_ieee`, and nothing is contracted. No number and no size of a
program is in the text: scalars, which the cohort shares, are arguments as sizes are. So groups of one structure share
a kernel.
"""

from __future__ import annotations

import enum
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from blake3 import blake3
from torch import Tensor

from arithmetic.device import triton_ieee
from arithmetic.device.written_kernel import written_kernel
from arithmetic.random import Source as Words
from sandbox.execution.groups import Elementwise, Linked, Source
from sandbox.execution.kernels import Context as HostContext
from sandbox.execution.loops import FILL, ROOT, Link
from sandbox.execution.places import DTYPES, Place, row_order
from sandbox.execution.plan import SCALARS, Call, Made, Pass
from sandbox.execution.planner import plan
from sandbox.lockstep.kernels import KERNELS, Context
from sandbox.lockstep.plan import Tensors, Work
from sandbox.program import operations
from sandbox.program.program import Instruction

FUNCTIONS: Final[Mapping[int, Any]] = {
    operations.NEGATE.code: triton_ieee.negate,
    operations.ABSOLUTE.code: triton_ieee.absolute,
    operations.SQUARE.code: triton_ieee.square,
    operations.RECIPROCAL.code: triton_ieee.reciprocal,
    operations.FLOOR.code: triton_ieee.floor,
    operations.CEIL.code: triton_ieee.ceil,
    operations.ROUND.code: triton_ieee.round_half_even,
    operations.SQUARE_ROOT.code: triton_ieee.square_root,
    operations.SIGN.code: triton_ieee.sign,
    operations.FINITE.code: triton_ieee.finite,
    operations.NAN.code: triton_ieee.not_a_number,
    operations.NOT.code: triton_ieee.opposite,
    operations.TO_NUMBERS.code: triton_ieee.number,
    operations.ADD.code: triton_ieee.add,
    operations.SUBTRACT.code: triton_ieee.subtract,
    operations.MULTIPLY.code: triton_ieee.multiply,
    operations.DIVIDE.code: triton_ieee.divide,
    operations.MAXIMUM.code: triton_ieee.maximum,
    operations.MINIMUM.code: triton_ieee.minimum,
    operations.SQUARED_DISTANCE.code: triton_ieee.squared_distance,
    operations.LESS.code: triton_ieee.less,
    operations.LESS_EQUAL.code: triton_ieee.less_equal,
    operations.EQUAL.code: triton_ieee.equal,
    operations.UNEQUAL.code: triton_ieee.unequal,
    operations.AND.code: triton_ieee.both,
    operations.OR.code: triton_ieee.either,
    operations.WHERE.code: triton_ieee.where,
    ROOT: triton_ieee.root,
    FILL: triton_ieee.same,
}
"""What each operation that a loop has is to a kernel, by its code."""
_TORCH: Final = {np.dtype(np.float32): torch.float32, np.dtype(np.bool_): torch.bool}
_DRAWS_NOTHING: Final = HostContext(Words("a plan draws nothing", bytes(32)))
_NAMES: Final = {code: str(function.fn.__name__) for code, function in FUNCTIONS.items()}
BLOCK: Final = 1024
"""Elements of a program: four for each thread, which moves them at once."""
OPTIONS: Final[Mapping[str, Any]] = {"num_warps": BLOCK // 128, "num_stages": 1, "enable_fp_fusion": False}
"""How a kernel is compiled; nothing is contracted."""


class Access(enum.Enum):
    """Which elements of an array those of a group are met by, beside the nonce."""

    SCALAR = enum.auto()
    """None of an array: a number that all nonces share."""
    SINGLE = enum.auto()
    """One."""
    EACH = enum.auto()
    """Those in row order."""
    PARTS = enum.auto()
    """Those in row order of a part of each row of a matrix, or of a row that is repeated."""
    ROWS = enum.auto()
    """One for each row."""


_ELEMENTS: Final = {
    Access.EACH: "i",
    Access.PARTS: "i // columns * {} + i % columns",
    Access.ROWS: "i // columns * {}",
}
"""Where they lie, by the elements from one row to the next."""


class Chain(NamedTuple):
    """The structure of a group: what it reads, its operations, and those whose results it writes."""

    reads: tuple[Access, ...]
    links: tuple[Link, ...]
    writes: tuple[int, ...]

    def text(self, name: str) -> str:
        """The kernel.

        An array has an address, the elements from one nonce to the next, and for what is read also those before the
        first; elements of a matrix those from one row to the next.
        """
        return "\n".join([*self._head(name), *self._reads(), *self._links(), *self._writes(), ""])

    def _head(self, name: str) -> Iterator[str]:
        scalars = [f"read{k}" for k, access in enumerate(self.reads) if access is Access.SCALAR]
        yield f"@triton.jit(do_not_specialize={scalars})"
        yield f"def {name}({', '.join(self.parameters())}, size, columns, BLOCK: tl.constexpr):"
        yield "    nonce = tl.program_id(1).to(tl.int64)"
        yield "    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)"
        yield "    inside = i < size"

    def parameters(self) -> Iterator[str]:
        """The names of a kernel's arguments, but for the last."""
        for k, access in enumerate(self.reads):
            yield f"read{k}"
            if access is not Access.SCALAR:
                yield f"nonces{k}"
                yield f"first{k}"
            if access in (Access.PARTS, Access.ROWS):
                yield f"rows{k}"
        for k in range(len(self.writes)):
            yield f"written{k}"
            yield f"apart{k}"

    def _reads(self) -> Iterator[str]:
        for k, access in enumerate(self.reads):
            at = f"read{k} + nonce * nonces{k} + first{k}"
            if access is Access.SCALAR:
                yield f"    r{k} = tl.full([BLOCK], read{k}, tl.int32).to(tl.float32, bitcast=True)"
            elif access is Access.SINGLE:
                yield f"    r{k} = tl.broadcast_to(tl.load({at}), [BLOCK])"
            else:
                yield f"    r{k} = tl.load({at} + {_ELEMENTS[access].format(f'rows{k}')}, inside)"

    def _links(self) -> Iterator[str]:
        for k, link in enumerate(self.links):
            operands = (f"v{one}" if one >= 0 else f"r{-1 - one}" for one in link.operands)
            yield f"    v{k} = {_NAMES[link.code]}({', '.join(operands)})"

    def _writes(self) -> Iterator[str]:
        for k, link in enumerate(self.writes):
            yield f"    tl.store(written{k} + nonce * apart{k} + i, v{link}, inside)"


@lru_cache(maxsize=256)  # one module trains on many nonces
def kernel(chain: Chain) -> Any:
    """The kernel of all groups of a structure."""
    name = f"group_{blake3(chain.text('').encode()).hexdigest(length=4)}"
    return written_kernel(name, chain.text(name), {_NAMES[code]: function for code, function in FUNCTIONS.items()})


@dataclass(frozen=True)
class Group:
    """A group: its structure, and what its kernel is launched with beside arrays and scalars."""

    chain: Chain
    reads: tuple[Source, ...]
    writes: tuple[int, ...]
    """The numbers of the values that are written."""
    size: int
    columns: int

    def arguments(self, arrays: Mapping[int, Tensor], scalars: Sequence[int]) -> list[Any]:
        """What its kernel takes, but for the size of a block."""
        found: list[Any] = []
        for read, access in zip(self.reads, self.chain.reads, strict=True):
            first = read.offset // read.item
            if access is Access.SCALAR:
                found.append(scalars[first])
                continue
            found += [arrays[read.root], _apart(arrays[read.root]), first]
            if access in (Access.PARTS, Access.ROWS):
                found.append(read.row_bytes // read.item)
        for number in self.writes:
            found += [arrays[number], _apart(arrays[number])]
        return [*found, self.size, self.columns]

    @property
    def roots(self) -> Sequence[int]:
        """The numbers of the arrays that are read."""
        return [read.root for read in self.reads if read.root != SCALARS]

    def run(self, arrays: Mapping[int, Tensor], scalars: Sequence[int], rows: int) -> None:
        """Launch it once for so many nonces."""
        grid = (-(-self.size // BLOCK), rows)
        kernel(self.chain)[grid](*self.arguments(arrays, scalars), BLOCK=BLOCK, **OPTIONS)


class FusedPass(Pass):
    """A pass, launched on a device group by group: a `Work` of a plan."""

    def __init__(self, groups: Sequence[Group], made: Sequence[Made]) -> None:
        super().__init__(made)
        self.groups = tuple(groups)
        self.reads = sorted({root for group in groups for root in group.roots})

    def run(self, tensors: Tensors, scalars: Sequence[float], context: Context) -> None:
        """Add what it makes; each group is launched once, and nothing is waited for."""
        with np.errstate(over="ignore"):
            patterns = np.array(scalars, np.float64).astype(np.float32).view("i4").tolist()
        shapes = {each.number: each for each in self.made}
        for group in self.groups:
            for root in group.roots:
                tensors[root] = _in_row_order(tensors[root])
            rows = max((len(tensors[root]) for root in group.roots), default=1)
            for made in (shapes[number] for number in group.writes):
                shape, dtype = (rows, *made.shape), _TORCH[made.dtype]
                tensors[made.number] = torch.empty(shape, dtype=dtype, device=context.device)
            group.run(tensors, patterns, rows)


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """One operation by its kernel on values that lie in others."""

    call: Call
    instruction: Instruction | None
    """None: repeat the elements of the one operand."""

    @property
    def reads(self) -> Sequence[int]:
        """The arrays that it reads."""
        return [one.root for one in self.call.operands if isinstance(one, Place)]

    def run(self, tensors: Tensors, scalars: Sequence[float], context: Context) -> None:
        """Add its results."""
        call = self.call
        if self.instruction is None:
            (place,) = (one for one in call.operands if isinstance(one, Place))
            made: Sequence[Tensor] = [_repeated(_seen(tensors, place), call.parameters)]
        else:
            operands = [_seen(tensors, one) if isinstance(one, Place) else float(scalars[one]) for one in call.operands]
            given = [float(scalars[i]) for i in call.scalars]
            made = KERNELS[self.instruction.operation.code](context, operands, call.parameters, given)
        tensors.update(zip(call.results, made, strict=True))


@dataclass(frozen=True, slots=True)
class Parts:
    """Wanted values that lie in others."""

    places: Mapping[int, Place]

    @property
    def reads(self) -> Sequence[int]:
        """The arrays that they lie in."""
        return [place.root for place in self.places.values()]

    def run(self, tensors: Tensors, _: Sequence[float], __: Context) -> None:
        """Add them."""
        tensors.update({number: _seen(tensors, place) for number, place in self.places.items()})


def fused(instructions: Sequence[Instruction], wanted: frozenset[int]) -> Sequence[Work]:
    """The `Grouping` that puts elementwise operations together as the CPU's executor does."""
    made = plan(instructions, wanted, {}, _DRAWS_NOTHING, FusedPassWriter)
    makers = {value.number: each for each in instructions for value in each.results}
    works: list[Work] = []
    for stage in made.stages:
        if isinstance(stage.work, Call):
            works.append(PlacedCall(stage.work, makers.get(stage.work.results[0])))
        else:
            assert isinstance(stage.work, FusedPass)
            works.append(stage.work)
    places = {one.number: one.part for one in made.wanted if one.part}
    return [*works, Parts(places)] if places else works


def _seen(tensors: Tensors, place: Place) -> Tensor:
    """The elements of a place [c, ...], uncopied."""
    tensors[place.root] = root = _in_row_order(tensors[place.root])
    strides = (root.stride(0), *place.strides)
    return root.as_strided((len(root), *place.shape), strides, root.storage_offset() + place.offset)


def _in_row_order(a: Tensor) -> Tensor:
    """A tensor [c, ...] whose elements of a nonce lie in row order, without gaps."""
    return a if a.stride()[1:] == row_order(a.shape[1:]) or a[0].is_contiguous() else a.contiguous()


def _apart(a: Tensor) -> int:
    """The elements from one nonce to the next: none where all have the same."""
    return 0 if len(a) == 1 else a.stride(0)


def _repeated(a: Tensor, shape: Sequence[int]) -> Tensor:
    missing = len(shape) + 1 - a.ndim
    return a.reshape(len(a), *[1] * missing, *a.shape[1:]).expand(len(a), *shape).contiguous()


class FusedPassWriter:
    """Writes a pass for a device."""

    def __init__(self) -> None:
        self._groups: list[Group] = []
        self._made: list[Made] = []

    def write(self, operations: Sequence[Elementwise], kept: Container[int]) -> None:
        """Write a group; results that are `kept` become arrays."""
        group = Linked.of(operations, kept)
        chain = Chain(tuple(map(_access, group.reads)), group.links, group.writes)
        numbers = tuple(value.number for value in group.written)
        self._groups.append(Group(chain, group.reads, numbers, group.size, group.columns))
        self._made += [Made(value.number, value.shape, DTYPES[value.kind]) for value in group.written]

    def written(self) -> FusedPass:
        """The pass of all groups so far."""
        return FusedPass(self._groups, self._made)


def _access(read: Source) -> Access:
    if read.root == SCALARS:
        return Access.SCALAR
    if read.columns:
        return Access.PARTS if read.step else Access.ROWS
    return Access.EACH if read.step else Access.SINGLE
