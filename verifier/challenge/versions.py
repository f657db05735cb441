"""The versions of software that made a record, written into claims and verdicts for information only."""

from __future__ import annotations

import platform
from importlib.metadata import version


def versions() -> dict[str, str]:
    """The versions of the toolkit and of what computes, and the machine's kind."""
    return {
        "tig-verify": version("tig-verify"),
        "python": platform.python_version(),
        "torch": version("torch"),
        "numpy": version("numpy"),
        "machine": f"{platform.system().lower()}-{platform.machine()}",
    }
