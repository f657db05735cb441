"""numba as the compiler of kernels: with its own defaults, whatever the surroundings say.

Without fast-math LLVM may neither contract a multiply and an add nor reorder a sum. Kernels allocate nothing and call
nothing outside them, so that what is compiled runs without numba.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, TypeVar, cast, get_type_hints

import numba
import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import typing as numba_typing
from numba.core.registry import cpu_target
from numba.extending import intrinsic as _intrinsic
from numba.np.arrayobj import populate_array
from numba.np.numpy_support import from_dtype

from arithmetic.compiled.arguments import dimensions_of, dtype_of, fields_of, form_of, is_array
from arithmetic.compiled.machine_code import Form
from arithmetic.compiled.processor import Processor

numba.config.reload_config = lambda: None  # else it looks at the surroundings again before each compilation

_Compiled = TypeVar("_Compiled", bound=Callable[..., object])
_WORDS: Final = types.CPointer(types.int64)  # type: ignore[no-untyped-call]
_signature: Final[Any] = numba_typing.signature  # type: ignore[attr-defined]
_ALLOWED: Final = {"sqrt"}
"""Functions that become instructions, or are in every process."""
_WORD: Final = ir.IntType(64)
__all__ = [
    "compile_for",
    "compiled",
    "entry_points",
    "features",
    "intrinsic",
    "ir",
    "matrix_of",
    "types",
]

intrinsic: Callable[[Callable[..., Any]], Callable[..., Any]] = _intrinsic
"""A function for compiled ones to call, given as one that writes LLVM's code."""


def compiled(function: _Compiled) -> _Compiled:
    """A function for compiled ones to call; it becomes part of theirs."""
    wrappers = {"no_cfunc_wrapper": True, "no_cpython_wrapper": True}
    options: dict[str, Any] = {"error_model": "numpy", "_nrt": False, **wrappers}
    return cast("_Compiled", numba.njit(**options)(function))


def compile_for(processor: Processor) -> None:
    """Compile for a processor, whichever this one is; to be called before anything is compiled."""
    numba.config.CPU_NAME = processor.name  # type: ignore[attr-defined]
    numba.config.CPU_FEATURES = processor.features  # type: ignore[attr-defined]


@cache
def features() -> frozenset[str]:
    """The instruction sets that code is compiled for, by LLVM's names."""
    _, _, listed = cpu_target.target_context.codegen().magic_tuple()
    return frozenset(name[1:] for name in listed.split(",") if name.startswith("+"))


def entry_points(functions: Sequence[Callable[..., object]]) -> tuple[binding.ModuleRef, dict[str, Form]]:
    """The optimised code of functions for `machine_code` to call, and the form of each, by its name."""
    entries = {function.__name__: _entry(function) for function in functions}
    modules = [binding.parse_assembly(text) for entry in entries.values() for text in entry.inspect_llvm().values()]
    whole = modules.pop()
    for module in modules:
        whole.link_in(module)
    outside = {each.name for each in whole.functions if each.is_declaration} - _ALLOWED
    if missing := sorted(name for name in outside if not name.startswith("llvm.")):
        raise RuntimeError(f"a kernel calls {missing[0]}, which is not there without numba")
    forms = {}
    for function in functions:
        kinds = get_type_hints(function, include_extras=True)
        result = kinds.pop("return")
        (overload,) = entries[function.__name__].overloads.values()
        forms[function.__name__] = Form(
            symbol=overload.fndesc.mangled_name,
            arguments=tuple(map(form_of, kinds.values())),
            result="none" if result is type(None) else result.__name__,
        )
    return whole, forms


def _entry(function: Callable[..., object]) -> Any:
    """The function with the table of each argument (see `arguments`) in its place."""
    kinds = get_type_hints(function, include_extras=True)
    kinds.pop("return")
    names: dict[str, Any] = {"function": function}
    values = [_value(kind, name, 0, names)[0] for name, kind in kinds.items()]
    exec(f"def entry({', '.join(kinds)}):\n    return function({', '.join(values)})", names)
    entry: Any = compiled(names["entry"])
    entry.compile((_WORDS,) * len(kinds))
    return entry


def _value(kind: Any, table: str, at: int, names: dict[str, Any]) -> tuple[str, int]:
    """The text of a value in a table, from a word on, and the word after it; `names` gets what the text refers to."""
    if kind is int:
        return f"{table}[{at}]", at + 1
    if kind is float:
        names["number_at"] = _number_at
        return f"number_at({table}, {at})", at + 1
    if is_array(kind):
        name = form_of(kind).replace(":", "_")
        names[name] = _array_at(dtype_of(kind), dimensions_of(kind))
        return f"{name}({table}, {at})", at + 1 + dimensions_of(kind)
    names[kind.__name__], parts = kind, []
    for field in fields_of(kind):
        part, at = _value(field, table, at, names)
        parts.append(part)
    return f"{kind.__name__}({', '.join(parts)})", at


def _word(builder: ir.IRBuilder, table: Any, at: Any) -> Any:
    return builder.load(builder.gep(table, [at]))


@intrinsic
def _number_at(_: Any, table: Any, at: int) -> Any:
    """The binary64 whose bit pattern is in a table."""

    def code(_: Any, builder: ir.IRBuilder, __: Any, values: Any) -> Any:
        return builder.bitcast(_word(builder, *values), ir.DoubleType())

    return _signature(types.float64, table, at), code


@cache
def _array_at(dtype: np.dtype[Any], dimensions: int) -> Callable[..., Any]:
    """A function for the array whose address and shape are in a table."""
    kind = types.Array(from_dtype(dtype), dimensions, "C")

    @intrinsic
    def array_at(_: Any, table: Any, at: int) -> Any:
        def code(context: Any, builder: ir.IRBuilder, _: Any, values: Any) -> Any:
            table, at = values
            words = [_word(builder, table, builder.add(at, _WORD(i))) for i in range(dimensions + 1)]
            return _array(context, builder, kind, words[0], words[1:])

        return _signature(kind, table, at), code

    return array_at


@intrinsic
def matrix_of(_: Any, values: Any, start: int, rows: int, columns: int) -> Any:
    """Some numbers of a vector, from `start` on, as a matrix in the same memory."""
    kind = types.Array(values.dtype, 2, "C")

    def code(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> Any:
        vector = context.make_array(signature.args[0])(context, builder, given[0])
        first = builder.ptrtoint(builder.gep(vector.data, [given[1]]), _WORD)
        return _array(context, builder, kind, first, given[2:])

    return _signature(kind, values, types.int64, types.int64, types.int64), code


def _array(context: Any, builder: ir.IRBuilder, kind: Any, address: Any, shape: Sequence[Any]) -> Any:
    """An array in memory that is there, in row order."""
    array = context.make_array(kind)(context, builder)
    size = _WORD(context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    strides = [size]
    for extent in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], extent))
    data = builder.inttoptr(address, array.data.type)
    populate: Any = populate_array
    populate(array, data=data, shape=shape, strides=strides, itemsize=size, meminfo=None)
    return array._getvalue()
