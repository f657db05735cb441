"""The file of a module that runs as a file of Python."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path
from typing import Final

from protocol.regular_file import read_regular
from verifier.challenge.module import Module

_LARGEST: Final = 2**26


def module_in(path: str | PathLike[str]) -> Module:
    """The module in a file, by the absolute name under which a debugger finds its lines. Raises OSError."""
    place = Path(os.path.abspath(path))
    return Module(str(place), read_regular(place, _LARGEST))
