"""The program that compiles a set of kernels.

Its arguments are the processor's name and features, the file to write, and the set's module. `kernel_cache` runs it in
a process of its own, so that nobody else has to import numba. It imports what takes long once it is sure to end with
the process that waits for it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from arithmetic.compiled.machine_code import MachineCode

_SET_PARENT_DEATH_SIGNAL: Final = 1
"""linux/prctl.h."""


def compile_kernels(name: str, features: str, entries: str) -> MachineCode:
    """Compile everything that Python calls of a set; for one processor in a process."""
    from arithmetic.compiled.compiler import compile_for, entry_points
    from arithmetic.compiled.machine_code import MachineCode
    from arithmetic.compiled.processor import Processor

    processor = Processor(name, features)
    compile_for(processor)
    kernel_set = import_module(entries)  # which asks what it is compiled for
    module, forms = entry_points(kernel_set.ENTRIES)
    return MachineCode(forms, kernel_set.CONSTANTS, processor.machine().emit_object(module))


def main(arguments: list[str]) -> None:
    """Compile and write the file, whole or not at all; the arguments are as above."""
    name, features, file, entries = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    path = Path(file)
    unfinished = path.with_suffix(f".{os.getpid()}")
    try:
        unfinished.write_bytes(compile_kernels(name, features, entries).to_bytes())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
