"""A zygote whose workers lack a layer: it exists to show that the next layer holds. Run in place of the real one.

    python weakened.py BUILD DESCRIPTOR

The process jail and the trusted side stay as they are, but for an eighth of the memory, so that what eats it all is
soon done. What untrusted code may do in a build:

    ungated   the language, without the first look at bytes and without limits of size
    raw       any Python, with the facade's tensors
    unfaced   the language, with torch's own tensors and modules, and every public attribute of them
    naked     any Python, with torch's own tensors
"""

from __future__ import annotations

import builtins
import ctypes
import gc
import importlib
import math
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any

import torch

from sandbox.declaration import Declaration
from sandbox.hosted_optimiser import HostedOptimiser
from sandbox.jail import confinement
from sandbox.language import dialect, guards, module, rules
from sandbox.language.interface import ENTRY_POINTS
from sandbox.language.module import CompiledModule, LoadedModule, load_module
from sandbox.optimiser import Vector
from sandbox.worker import server, zygote_server

IMPORTED = (ctypes, gc, importlib, os, socket, subprocess, threading)
"""What an attacker who has left the language would find; nothing more can be imported in the jail."""
MEMORY_BYTES = 2**30


class Raw(HostedOptimiser):
    """Any Python, compiled as it is; `import torch` and `import math` still give the facade."""

    def _load(self) -> LoadedModule:
        spaces = self._spaces()

        def importing(name: str, *arguments: Any) -> Any:
            return spaces[name] if name in spaces else builtins.__import__(name, *arguments)

        names = ModuleType("builtins")  # the module, as in a script
        vars(names).update({**vars(builtins), "__import__": importing})
        scope: dict[str, Any] = {"__builtins__": names, "__name__": "module"}
        self._prepare(lambda: exec(self._compiled.code, scope))
        entries = {name: scope[name] for name in ENTRY_POINTS}
        return LoadedModule(**entries, hyperparameters=scope.get("HYPERPARAMETERS", MappingProxyType({})))

    def _spaces(self) -> Mapping[str, object]:
        from sandbox.tensors.namespaces import MathNamespace, TorchNamespace

        return {"torch": TorchNamespace(self._meter, self._parameters.device), "math": MathNamespace(self._meter)}


class Unfaced(HostedOptimiser):
    """The language over torch itself: what the module returns is taken as it is."""

    def _vector(self, flat: torch.Tensor) -> Any:
        return flat

    def _keep(self, state: object, function: str) -> object:
        return state

    def _flat(self, returned: Any, function: str) -> Vector:
        parts = returned if isinstance(returned, (list, tuple)) else [returned]
        flat = torch.cat([torch.as_tensor(part, dtype=torch.float32).reshape(-1) for part in parts])
        return flat.numpy()

    def query_location(self, epoch: int, train_loss: float, validation_loss: float) -> Vector | None:
        if not self.asks_location:
            return None
        where = self._guarded(
            lambda: self._module.query_location_parameters(
                self._parameters, self._state, self._gradient, epoch, train_loss, validation_loss
            )
        )
        return None if where is None else self._flat(where, "query_location_parameters")

    def request_state_digest(self) -> Callable[[], bytes]:
        return lambda: bytes(32)


class Naked(Unfaced, Raw):
    """Any Python over torch itself."""

    def _spaces(self) -> Mapping[str, object]:
        return {"torch": torch, "math": math}


def compile_raw(source: bytes, name: str) -> CompiledModule:
    return CompiledModule(name, compile(source, name, "exec", dont_inherit=True), True, Declaration())


def patch(owner: Any, name: str, value: object) -> None:
    assert hasattr(owner, name), name
    setattr(owner, name, value)


def ungate() -> None:
    """No look at the bytes, no limit of size."""
    unlimited = 2**60
    for owner, limit in (
        (dialect, "MAX_NODES"), (dialect, "MAX_DEPTH"), (rules, "MAX_TEXT"), (rules, "MAX_COMPREHENSIONS"),
        (rules, "MAX_BITS"),
    ):  # fmt: skip
        patch(owner, limit, unlimited)
    patch(module, "read_source", lambda source, name: (source.decode(), ()))


def unface() -> None:
    """Real modules and tensors under the language: every public attribute is there."""
    facade: frozenset[type] = frozenset(
        {torch.Tensor, torch.Size, type(torch), type(torch.ones), type(torch.Tensor.add)}
    )

    def attribute(self: guards.Guards, value: Any, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        method = self._methods.find(value, name)
        return getattr(value, name) if method is None else method

    def load(compiled: CompiledModule, meter: Any, spaces: Any, attributes: Any, power: Any) -> LoadedModule:
        return load_module(compiled, meter, {"torch": torch, "math": math}, dict.fromkeys(facade, frozenset()), power)

    from sandbox import hosted_optimiser

    patch(hosted_optimiser, "load_module", load)
    guards.Guards.get_attribute = attribute  # type: ignore[method-assign]
    patch(dialect, "check_attributes", lambda tree, vocabulary, findings: None)


def weaken(build: str) -> None:
    """Take the build's layers away, after the zygote has warmed up with all of them."""
    from sandbox import hosted_optimiser

    torch.zeros(8, 8) @ torch.zeros(8, 8)
    patch(confinement, "MEMORY_BYTES", MEMORY_BYTES)
    if build == "ungated":
        ungate()
    if build in ("raw", "naked"):
        patch(hosted_optimiser, "compile_optimiser", compile_raw)
    if build == "unfaced":
        unface()
    patch(server, "HostedOptimiser", {"raw": Raw, "unfaced": Unfaced, "naked": Naked}.get(build, HostedOptimiser))


def main(build: str, descriptor: str) -> None:
    prepare = server.prepare

    def prepare_and_weaken() -> None:
        prepare()
        weaken(build)

    server.prepare = prepare_and_weaken
    zygote_server.main(["server", descriptor])


if __name__ == "__main__":
    main(*sys.argv[1:])
