"""A zygote whose workers lack a layer: it exists to show that the next layer holds. Run in place of the real one.

    python weakened.py BUILD DESCRIPTOR

The process jail and the trusted side stay as they are, but for a part of the memory, so that what eats it all is soon
done. What untrusted code may do in a build:

    ungated   the language, without the first look at bytes and without limits of size
    raw       any Python, with the facade's tensors and all that is behind them
    unfaced   the language, with tensors that check next to nothing, and every public attribute of what it meets
"""

from __future__ import annotations

import builtins
import ctypes
import gc
import importlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from types import MappingProxyType, ModuleType
from typing import Any

from sandbox import recording
from sandbox.declaration import Declaration
from sandbox.jail import confinement
from sandbox.language import dialect, guards, module, rules
from sandbox.language.interface import ENTRY_POINTS
from sandbox.language.module import CompiledModule, LoadedModule
from sandbox.program import shape_checks
from sandbox.program.operation import Operation
from sandbox.program.recorder import Operand, Recorder
from sandbox.program.value import NUMBERS, Shape, Value
from sandbox.tensors.base import TensorBase
from sandbox.worker import server, zygote_server

IMPORTED = (ctypes, gc, importlib, os, socket, subprocess, threading)
"""What an attacker who has left the language would find; nothing more can be imported in the jail."""
MEMORY_BYTES = 2**29
UNLIMITED = 2**60


def compile_raw(source: bytes, name: str) -> CompiledModule:
    """Any Python, compiled as it is."""
    return CompiledModule(name, compile(source, name, "exec", dont_inherit=True), True, Declaration())


def load_raw(compiled: CompiledModule, meter: object, spaces: Mapping[str, object], *_: object) -> LoadedModule:
    """Run a module as any script; `import torch` and `import math` still give the facade."""

    def importing(name: str, *arguments: Any) -> Any:
        return spaces[name] if name in spaces else builtins.__import__(name, *arguments)

    names = ModuleType("builtins")  # the module, as in a script
    vars(names).update({**vars(builtins), "__import__": importing})
    scope: dict[str, Any] = {"__builtins__": names, "__name__": "module"}
    exec(compiled.code, scope)
    entries = {name: scope[name] for name in ENTRY_POINTS}
    return LoadedModule(**entries, hyperparameters=scope.get("HYPERPARAMETERS", MappingProxyType({})))


def patch(owner: Any, name: str, value: object) -> None:
    assert hasattr(owner, name), name
    setattr(owner, name, value)


def ungate() -> None:
    """No look at the bytes, no limit of size."""
    for owner, limit in (
        (dialect, "MAX_NODES"), (dialect, "MAX_DEPTH"), (rules, "MAX_TEXT"), (rules, "MAX_COMPREHENSIONS"),
        (rules, "MAX_BITS"),
    ):  # fmt: skip
        patch(owner, limit, UNLIMITED)
    patch(module, "read_source", lambda source, name: (source.decode(), ()))


def open_up() -> None:
    """The language, and no more of it."""
    patch(recording, "compile_optimiser", compile_raw)
    patch(recording, "load_module", load_raw)


def unface() -> None:
    """What tensors are asked for is written down, whatever it is; every public attribute is there."""
    checked = Recorder.charge

    def charge(
        self: Recorder, operation: Operation, operands: Sequence[Operand], **parameters: Any
    ) -> tuple[tuple[str, ...], Shape]:
        try:
            return checked(self, operation, operands, **parameters)
        except (TypeError, ValueError, IndexError):
            self.work(operation.price.call)
            like = next((one for one in operands if isinstance(one, Value)), Value(0, NUMBERS, ()))
            return (like.kind,), like.shape

    def unary(self: Recorder, operation: Operation, a: Value) -> Value:
        return self.apply(operation, (a,))

    def binary(self: Recorder, operation: Operation, a: Value, b: Operand) -> Value:
        return self.apply(operation, (a, b))

    def attribute(self: guards.Guards, value: Any, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        method = self._methods.find(value, name)
        return getattr(value, name) if method is None else method

    for name, replacement in {"charge": charge, "unary": unary, "binary": binary}.items():
        patch(Recorder, name, replacement)
    for limit in ("MAX_DIMENSIONS", "MAX_ELEMENTS", "MAX_LIST"):
        patch(shape_checks, limit, UNLIMITED)
    patch(TensorBase, "_require_own", lambda self, action, instead: None)
    patch(guards.Guards, "get_attribute", attribute)
    patch(dialect, "check_attributes", lambda tree, vocabulary, findings: None)


def main(build: str, descriptor: str) -> None:
    prepare = server.prepare

    def prepare_and_weaken() -> None:
        """Take the build's layer away, after the zygote has warmed up with all of them."""
        prepare()
        patch(confinement, "MEMORY_BYTES", MEMORY_BYTES)
        {"ungated": ungate, "raw": open_up, "unfaced": unface}[build]()

    server.prepare = prepare_and_weaken
    zygote_server.main(["server", descriptor])


if __name__ == "__main__":
    main(*sys.argv[1:])
