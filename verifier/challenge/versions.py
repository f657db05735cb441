"""The versions of the rules, and of the software that made a record."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

from protocol.hashes import blake3_digest

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


@cache
def sources() -> str:
    """A digest of the toolkit's own code as it is installed here: equal for two machines that run the same."""
    packages = Path(__file__).parents[2]
    files = sorted(
        file
        for package in ("arithmetic", "protocol", "sandbox", "tig_verify", "verifier")
        for file in packages.glob(f"{package}/**/*.py")
    )
    return blake3_digest(
        b"".join(
            blake3_digest(part)
            for file in files
            for part in (str(file.relative_to(packages)).encode(), file.read_bytes())
        )
    ).hex()
