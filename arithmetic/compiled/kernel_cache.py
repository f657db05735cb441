"""Kernels of this processor: compiled when they first are needed, and kept where only this user can write."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from arithmetic.compiled.machine_code import Kernels, MachineCode
from arithmetic.compiled.processor import Processor
from arithmetic.threads import ONE_THREAD
from tig_verify.origin import command
from tig_verify.private_folder import private_folder

COMPILATION: Final = "arithmetic.compiled.compilation"
"""The program that compiles."""
_PATIENCE: Final = 600.0
"""Seconds that a compilation may take; 15 are usual."""


class NotCompiledError(Exception):
    """There are no kernels for this machine; the message says why, and what to do."""


@dataclass(frozen=True)
class KernelSet:
    """Functions that are compiled together."""

    name: str
    entries: str
    """A module: `ENTRIES` are the functions that Python calls, `CONSTANTS` what was chosen for the processor."""
    sources: Path
    """The folder of all files that they are made of, beside those of this package."""


@cache
def kernels(kernel_set: KernelSet, processor: Processor) -> Kernels:
    """The kernels of a set, compiled if need be, which takes seconds.

    Raises NotCompiledError, which says what to do.
    """
    file = kernel_file(kernel_set, processor)
    found = _read(file)
    if found is None:
        with _alone(file.parent):
            found = _read(file)  # another process may have compiled them meanwhile
            if found is None:
                _compile(kernel_set, processor, file)
                found = MachineCode.from_bytes(file.read_bytes())
    return found.load(processor)


def kernel_file(kernel_set: KernelSet, processor: Processor) -> Path:
    """The file of a set's kernels for a processor; it may not be there yet. Raises NotCompiledError."""
    folder = private_folder("kernels")
    if folder is None:
        raise NotCompiledError("there is no folder that this user alone can write to; set XDG_CACHE_HOME to one")
    return folder / f"{kernel_set.name}-{_origin(kernel_set, processor)}.kernels"


def _read(file: Path) -> MachineCode | None:
    """What a file holds; None for none, and for one that was cut."""
    try:
        return MachineCode.from_bytes(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _origin(kernel_set: KernelSet, processor: Processor) -> str:
    """By all sources that kernels are made of, what compiles them, and for what."""
    try:
        compilers = [sys.version, version("numba"), version("llvmlite")]
    except PackageNotFoundError:
        raise NotCompiledError("numba is not installed; pip install numba") from None
    digest = hashlib.sha256("\0".join([*compilers, processor.name, processor.features]).encode())
    for folder in (Path(__file__).parent, kernel_set.sources):
        for source in sorted(folder.rglob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:32]


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process compiles."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _compile(kernel_set: KernelSet, processor: Processor, file: Path) -> None:
    """Have a process compile, which sees no setting of numba's and not the working folder."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("NUMBA_", "LLVMLITE_"))}
    done = subprocess.run(
        [*command(COMPILATION), processor.name, processor.features, str(file), kernel_set.entries],
        env={**environment, **ONE_THREAD},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,  # Ctrl-C in a terminal reaches this process alone, which kills that one
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode:
        told = done.stderr.decode(errors="replace").splitlines()
        raise NotCompiledError(f"numba does not compile here: {told[-1] if told else f'exit status {done.returncode}'}")
