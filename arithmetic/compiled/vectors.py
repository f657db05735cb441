"""Writing loops over vectors in LLVM's code, and compiling them in this process, which takes milliseconds.

Nothing here is marked as something that may be contracted or reordered (specification, section 2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llvmlite import binding, ir

from arithmetic.compiled.processor import Processor

NUMBER: Final = ir.FloatType()
FLAG: Final = ir.IntType(8)
"""An element of a mask in memory."""
WORD: Final = ir.IntType(64)


def function(module: ir.Module, name: str, words: int) -> ir.IRBuilder:
    """A function of so many words, to be written."""
    kind = ir.FunctionType(ir.VoidType(), [WORD] * words)
    return ir.IRBuilder(ir.Function(module, kind, name).append_basic_block())


def loaded(module: ir.Module) -> binding.ExecutionEngine:
    """The functions of a module as machine code for this processor; they live as long as what is returned."""
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    engine = binding.create_mcjit_compiler(parsed, Processor.here().machine())
    engine.finalize_object()
    return engine


def word(value: int) -> ir.Constant:
    """A constant word."""
    return ir.Constant(WORD, value)


def constant(like: ir.Type, value: float | int) -> ir.Constant:
    """A constant of a type, in every lane of a vector."""
    return ir.Constant(like, [value] * like.count if isinstance(like, ir.VectorType) else value)


def of_lanes(kind: ir.Type, lanes: int) -> ir.Type:
    """The type of so many elements."""
    return ir.VectorType(kind, lanes) if lanes > 1 else kind


def at(builder: ir.IRBuilder, pointer: Any, i: Any, lanes: int) -> Any:
    """The place of so many elements from one on."""
    place = builder.gep(pointer, [i])
    return builder.bitcast(place, of_lanes(pointer.type.pointee, lanes).as_pointer())


def load(builder: ir.IRBuilder, pointer: Any, i: Any, lanes: int) -> Any:
    """So many elements from one on."""
    return builder.load(at(builder, pointer, i, lanes), align=1 if pointer.type.pointee == FLAG else 4)


def spread(builder: ir.IRBuilder, value: Any, lanes: int) -> Any:
    """A single value in every lane."""
    if lanes == 1:
        return value
    kind = ir.VectorType(value.type, lanes)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    same = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [ir.Constant(ir.IntType(32), 0)] * lanes)
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), same)


def folded(builder: ir.IRBuilder, lanes: Any, function: Callable[[Any, Any], Any]) -> Any:
    """One value of those in all lanes, whose number is a power of two."""
    index = ir.IntType(32)
    values = [builder.extract_element(lanes, ir.Constant(index, lane)) for lane in range(lanes.type.count)]
    while len(values) > 1:
        half = len(values) // 2
        values = [function(a, b) for a, b in zip(values[:half], values[half:], strict=True)]
    return values[0]


def count(
    builder: ir.IRBuilder,
    first: Any,
    last: Any,
    step: int,
    body: Callable[..., Any],
    carried: Any = None,
) -> Any:
    """Write a loop from one number to another, by steps that fit; `body` takes the number and what is carried along.

    It gives what is carried on, if anything is; what it is in the end is returned.
    """
    before = builder.block
    inside, after = builder.append_basic_block("inside"), builder.append_basic_block("after")
    builder.cbranch(builder.icmp_signed("<", first, last), inside, after)
    builder.position_at_end(inside)
    i = builder.phi(WORD)
    state = None if carried is None else builder.phi(carried.type)
    new = body(i) if state is None else body(i, state)
    following = builder.add(i, word(step))
    for phi, start, on in ((i, first, following), (state, carried, new)):
        if phi is not None:
            phi.add_incoming(start, before)
            phi.add_incoming(on, builder.block)
    end = builder.block
    builder.cbranch(builder.icmp_signed("<", following, last), inside, after)
    builder.position_at_end(after)
    if state is None:
        return None
    result = builder.phi(carried.type)
    result.add_incoming(carried, before)
    result.add_incoming(new, end)
    return result
