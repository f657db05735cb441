"""The versions of the rules, and of the software that made a record."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata
from typing import Final

SPECIFICATION: Final = 2
"""The version of the rules that everything here follows (docs/specification.md)."""

_version = cache(metadata.version)
"""Reading what pip has written takes longer than most of a verification."""


def versions() -> dict[str, str]:
    """The versions of the toolkit and of what computes, and the machine's kind, for information only."""
    return {
        "tig-verify": _version("tig-verify"),
        "python": platform.python_version(),
        "torch": _version("torch"),
        "numpy": _version("numpy"),
        "machine": f"{platform.system().lower()}-{platform.machine()}",
    }
