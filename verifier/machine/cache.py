"""The folder of compiled code: where it is, whether it can be trusted and written to, and the room that is left."""

from __future__ import annotations

import os
import shutil
from importlib import import_module
from pathlib import Path
from typing import Final

from protocol.canonical_msgpack import Scalar
from protocol.examination import Check, Condition, Finding
from verifier.challenge.private_folder import NotPrivateError, own_cache

ENOUGH: Final = 100 * 2**20
"""Bytes that are free on a disk where nothing will be missed: what is compiled takes less than ten megabytes."""
COMPILED_FILES: Final = "compiled_files"
"""The name of a measurement: files of compiled code for this very installation. 0 before the first training."""


def examine() -> Finding:
    """A warning where nothing can be kept: then the network that is not compiled trains, or it compiles every time."""
    try:
        cache = own_cache()
        free = shutil.disk_usage(cache).free
    except NotPrivateError as error:
        return Finding(Check.CACHE, Condition.WARNING, f"nothing compiled can be kept: {_shown(str(error))}", {})
    measured: dict[str, Scalar] = {"free_bytes": free}
    said = f"{_shown(str(cache))}, {free / 2**30:.1f} GiB free"
    if (compiled := _compiled_files()) is not None:
        measured[COMPILED_FILES] = compiled
        said = f"{said}; {compiled or 'no'} files of compiled code"
    if free < ENOUGH:
        problem = f"little room for what is compiled; free {ENOUGH >> 20} MiB, or set XDG_CACHE_HOME"
        return Finding(Check.CACHE, Condition.WARNING, f"{problem} ({said})", measured)
    return Finding(Check.CACHE, Condition.OK, said, measured)


def _compiled_files() -> int | None:
    """Files of compiled code that this installation would take; None where numba cannot be used."""
    try:
        compiler = import_module("verifier.challenge.network.compiled.numba_compiler")
    except Exception:  # why not, the check of the network says
        return None
    return sum(1 for _ in Path(compiler.numba.config.CACHE_DIR).rglob("*.nbc"))


def _shown(text: str) -> str:
    """A text without the name of this user's home: records are published."""
    home = os.path.expanduser("~").rstrip("/")
    return text.replace(f"{home}/", "~/", 1) if home else text
