"""The folder of compiled code: where it is, whether it can be trusted and written to, and the room that is left."""

from __future__ import annotations

import os
import shutil
from importlib import import_module
from typing import Final

from protocol.canonical_msgpack import Scalar
from protocol.examination import Check, Condition, Finding
from tig_verify.private_folder import NotPrivateError, own_cache

ENOUGH: Final = 10 * 2**20
"""Bytes that are free on a disk where nothing will be missed: what is compiled takes less than a megabyte."""
IS_COMPILED: Final = "is_compiled"
"""The name of a measurement: whether the network has been compiled by and for this very installation."""


def examine() -> Finding:
    """A warning where nothing can be kept: then the network that is not compiled trains, or it compiles every time."""
    try:
        cache = own_cache()
        free = shutil.disk_usage(cache).free
    except NotPrivateError as error:
        return Finding(Check.CACHE, Condition.WARNING, f"nothing compiled can be kept: {_shown(str(error))}", {})
    measured: dict[str, Scalar] = {"free_bytes": free}
    said = f"{_shown(str(cache))}, {free / 2**30:.1f} GiB free"
    if (compiled := _is_compiled()) is not None:
        measured[IS_COMPILED] = compiled
        said = f"{said}; the network {'is' if compiled else 'is not yet'} compiled"
    if free < ENOUGH:
        problem = f"little room for what is compiled; free {ENOUGH >> 20} MiB, or set XDG_CACHE_HOME"
        return Finding(Check.CACHE, Condition.WARNING, f"{problem} ({said})", measured)
    return Finding(Check.CACHE, Condition.OK, said, measured)


def _is_compiled() -> bool | None:
    """Whether this installation's compiled network is there; None where it cannot be compiled."""
    try:
        return bool(import_module("verifier.challenge.network.compiled.network_kernels").are_compiled())
    except Exception:  # why not, the check of the network says
        return None


def _shown(text: str) -> str:
    """A text without the name of this user's home: records are published."""
    home = os.path.expanduser("~").rstrip("/")
    return text.replace(f"{home}/", "~/", 1) if home else text
