"""numba as the compiler of our kernels: with its own defaults, whatever the surroundings say, and a cache of ours.

Without fast-math LLVM may neither contract a multiply and an add nor reorder a sum. Raises ImportError, on import,
where numba is not installed or has no folder for its cache that can be trusted.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar, cast

from verifier.challenge.guarded_import import guarded_import
from verifier.challenge.private_folder import private_folder

__all__ = ["compiled", "entry", "features", "intrinsic", "ir", "types"]

_Compiled = TypeVar("_Compiled", bound=Callable[..., object])


def _cache_name() -> str:
    """By all sources that kernels are made of, and by what compiles them: numba looks at one file's time and size."""
    try:
        compilers = [sys.version, version("numba"), version("llvmlite")]
    except PackageNotFoundError:
        raise ImportError("numba is not installed") from None
    digest = hashlib.sha256("\0".join(compilers).encode())
    for source in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(source.read_bytes())
    return f"numba-{digest.hexdigest()[:16]}"


_folder = private_folder(_cache_name())
if _folder is None:
    raise ImportError("there is no folder that only this user can write to, for what numba compiles")
with guarded_import("NUMBA_"):
    import numba
    from llvmlite import ir
    from numba import types
    from numba.core.registry import cpu_target
    from numba.extending import intrinsic as _intrinsic
numba.config.CACHE_DIR = str(_folder)  # type: ignore[attr-defined]
numba.config.reload_config = lambda: None  # else it looks at the surroundings again before each compilation

intrinsic: Callable[[Callable[..., Any]], Callable[..., Any]] = _intrinsic
"""A function for compiled ones to call, given as one that writes LLVM's code."""

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "no_cfunc_wrapper": True}
_INSIDE: dict[str, Any] = {**_OPTIONS, "no_cpython_wrapper": True}


def compiled(function: _Compiled) -> _Compiled:
    """A function for compiled ones to call; it becomes part of theirs."""
    return cast("_Compiled", numba.njit(**_INSIDE)(function))


def entry(function: _Compiled) -> _Compiled:
    """A function for Python to call, compiled with all that it calls when it first is called, and kept."""
    return cast("_Compiled", numba.njit(cache=True, **_OPTIONS)(function))


@cache
def features() -> frozenset[str]:
    """The instruction sets that code is compiled for, by LLVM's names."""
    _, _, listed = cpu_target.target_context.codegen().magic_tuple()
    return frozenset(name[1:] for name in listed.split(",") if name.startswith("+"))
