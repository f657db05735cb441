"""The versions of the rules, and of the software that made a record."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Final

SPECIFICATION: Final = 2
"""The version of the rules that everything here follows (docs/specification.md)."""


def versions() -> dict[str, str]:
    """The versions of the toolkit and of what computes, and the machine's kind, for information only."""
    return {
        "tig-verify": version("tig-verify"),
        "python": platform.python_version(),
        "torch": version("torch"),
        "numpy": version("numpy"),
        "machine": f"{platform.system().lower()}-{platform.machine()}",
    }
