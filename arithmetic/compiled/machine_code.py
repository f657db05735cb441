"""Compiled kernels as machine code: what a file of it holds, and how it is called.

A kernel is a C function of the compiler's making: the address of its result, that of an error, then those of its
arguments' tables (see `arguments`). It returns 0.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from blake3 import blake3
from llvmlite import binding

from arithmetic.compiled.arguments import Argument
from arithmetic.compiled.processor import Processor

_DIGEST_SIZE: Final = 32
_RESULTS: Final[Mapping[str, Any]] = {
    "int": ctypes.c_int64,
    "float": ctypes.c_double,
    "bool": ctypes.c_bool,
    "none": ctypes.c_void_p,
}


@dataclass(frozen=True)
class Form:
    """What a kernel is called by, and with."""

    symbol: str
    arguments: tuple[str, ...]
    """The form of each (`Argument.form`)."""
    result: str


@dataclass(frozen=True)
class MachineCode:
    """An object file of kernels for one processor."""

    forms: Mapping[str, Form]
    constants: Mapping[str, int]
    """What was chosen for the processor, and a caller has to know."""
    object_file: bytes

    def to_bytes(self) -> bytes:
        """A file: a digest of all that follows it, a line of JSON, the object file."""
        header = {
            "forms": {name: asdict(form) for name, form in self.forms.items()},
            "constants": dict(self.constants),
        }
        content = json.dumps(header).encode() + b"\n" + self.object_file
        return blake3(content).digest() + content

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What a file holds. Raises ValueError where it was cut."""
        digest, content = data[:_DIGEST_SIZE], data[_DIGEST_SIZE:]
        if blake3(content).digest() != digest:
            raise ValueError("the file of compiled kernels was cut or changed")
        line, _, object_file = content.partition(b"\n")
        header = json.loads(line)
        forms = {
            name: Form(form["symbol"], tuple(form["arguments"]), form["result"])
            for name, form in header["forms"].items()
        }
        return cls(forms, header["constants"], object_file)

    def load(self, processor: Processor) -> Kernels:
        """The code, ready to be called in this process."""
        engine = binding.create_mcjit_compiler(binding.parse_assembly(""), processor.machine())
        engine.add_object_file(binding.ObjectFileRef.from_data(self.object_file))
        engine.finalize_object()
        return Kernels({name: Kernel(engine, name, form) for name, form in self.forms.items()}, self.constants)


class Kernel:
    """A compiled function."""

    def __init__(self, engine: binding.ExecutionEngine, name: str, form: Form) -> None:
        self._engine = engine  # which owns the code
        self._name, self._forms, self._result = name, form.arguments, _RESULTS[form.result]
        addresses = [ctypes.c_void_p] * (2 + len(form.arguments))
        self._code = ctypes.CFUNCTYPE(ctypes.c_int32, *addresses)(engine.get_function_address(form.symbol))

    def __call__(self, *arguments: Argument) -> Any:
        """Its result. Raises TypeError for arguments that it was not compiled for."""
        if tuple([argument.form for argument in arguments]) != self._forms:
            found = "; ".join(argument.form for argument in arguments)
            raise TypeError(f"{self._name} takes {'; '.join(self._forms)}, not {found}")
        result, error = self._result(), ctypes.c_void_p()
        addresses = [argument.address for argument in arguments]
        if self._code(ctypes.byref(result), ctypes.byref(error), *addresses):
            raise RuntimeError(f"{self._name} has ended with an error, which no kernel has")
        return result.value


@dataclass(frozen=True)
class Kernels:
    """Compiled functions that are loaded."""

    functions: Mapping[str, Kernel]
    constants: Mapping[str, int]
    """Those of the machine code."""
