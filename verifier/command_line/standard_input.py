"""A module on standard input, which the commands that take one call `-`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from verifier.challenge.errors import InputError

STANDARD_INPUT: Final = Path("-")
_MOST: Final = 2**20
"""Bytes that are looked at; a module has fewer."""


def read_standard_input() -> bytes:
    """The bytes of standard input, to its end. Raises InputError if it is closed."""
    if sys.stdin is None:
        raise InputError("-: standard input is closed; name a file")
    return sys.stdin.buffer.read(_MOST)
