"""What is installed: the toolkit, what computes, and the system below."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from protocol.examination import Check, Condition, Finding
from verifier.challenge.versions import SPECIFICATION

LIBRARIES: Final = ("tig-verify", "torch", "triton", "numpy", "numba", "llvmlite")
NEEDED: Final = ("torch", "numpy")


def examine() -> Finding:
    """The versions of all of it; failed where a library that computes is missing."""
    found = {name: version(name) for name in LIBRARIES if is_installed(name)} | {
        "python": platform.python_version(),
        "system": platform.system().lower(),
        "kernel": platform.release(),
        "machine": platform.machine(),
    }
    shown = [name for name in (*LIBRARIES, "python", "kernel") if name in found]
    said = f"{', '.join(f'{name} {found[name]}' for name in shown)}, specification {SPECIFICATION}"
    missing = [name for name in NEEDED if name not in found]
    if missing:
        problem = f"{' and '.join(missing)} not installed; install tig-verify anew, with what it depends on"
        return Finding(Check.SOFTWARE, Condition.FAILED, f"{problem} ({said})", found)
    return Finding(Check.SOFTWARE, Condition.OK, said, found)


def is_installed(library: str) -> bool:
    """Whether there is a library of that name, whatever comes of its import."""
    try:
        version(library)
    except PackageNotFoundError:
        return False
    return True
