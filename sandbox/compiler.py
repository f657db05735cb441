"""From the bytes of a module to code that may run: the dialect with the facade's names."""

from __future__ import annotations

from sandbox.errors import WorkerFault
from sandbox.language.module import CompiledModule, compile_module
from sandbox.tensors.vocabulary import VOCABULARY
from sandbox.undisturbed import undisturbed


def compile_optimiser(source: bytes, name: str) -> CompiledModule:
    """Check a module against the dialect and compile it. Raises ModuleRefused, and WorkerFault for want of memory."""
    try:
        with undisturbed():
            return compile_module(source, name, VOCABULARY)
    except MemoryError:
        raise WorkerFault("there is not enough memory to read the optimiser") from None
