"""From the bytes of a module to code that may run: the dialect with the facade's names."""

from __future__ import annotations

import ast

from sandbox.diagnostics import Diagnostic
from sandbox.errors import WorkerFault
from sandbox.language import interface
from sandbox.language.gate import read_source
from sandbox.language.module import MAX_PROBLEMS, CompiledModule, compile_module
from sandbox.language.observations import find_observations
from sandbox.language.traps import find_traps
from sandbox.tensors.vocabulary import VOCABULARY
from sandbox.undisturbed import undisturbed


def compile_optimiser(source: bytes, name: str) -> CompiledModule:
    """Check a module against the dialect and compile it. Raises ModuleRefused, and WorkerFault for want of memory."""
    try:
        with undisturbed():
            return compile_module(source, name, VOCABULARY)
    except MemoryError:
        raise WorkerFault("there is not enough memory to read the optimiser") from None


def check_optimiser(source: bytes, name: str) -> tuple[Diagnostic, ...]:
    """Check a module against the dialect; its traps and observations. Raises as `compile_optimiser`."""
    compile_optimiser(source, name)
    text, _ = read_source(source, name)
    tree = ast.parse(text)
    return tuple(sorted([*find_traps(tree, text), *find_observations(tree, text)])[:MAX_PROBLEMS])


def reads_losses(source: bytes, name: str) -> bool:
    """Whether a module that is not refused can tell the losses that it is given from others."""
    text, _ = read_source(source, name)
    return interface.reads_losses(ast.parse(text))
