"""What the rows of results require of their fields, as tables of them come from other machines and other people."""

from __future__ import annotations

import re
from typing import Final

SMALLEST: Final = 1e-9
LARGEST: Final = 1e9
"""Between them is every mean of squares and every time of a training, and no sum or ratio of such overflows."""
MAX_U64: Final = (1 << 64) - 1
_TEXT: Final = re.compile(r"(?:[A-Za-z0-9][ -~]{0,199})?")
"""A cell that no spreadsheet takes for a formula and no terminal for a command."""


def require_between(name: str, value: float, lowest: float, highest: float) -> None:
    """Raise ValueError, which names the field, for a NaN and for a number outside of a range with both ends."""
    if not lowest <= value <= highest:
        raise ValueError(f"{name}: expected {lowest:g} to {highest:g}, found {_shown(value)}")


def is_plain(text: str) -> bool:
    """Whether a text can stand in a table: printable ASCII, at most 200 characters, a letter or a digit first."""
    return _TEXT.fullmatch(text) is not None


def require_plain(name: str, text: str) -> None:
    """Raise ValueError, which names the field, unless `is_plain`."""
    if not is_plain(text):
        raise ValueError(f"{name}: expected printable ASCII after a letter or a digit, found {text[:40]!a}")


def _shown(value: object) -> str:
    """A whole number may have thousands of digits, and a text anything."""
    return ascii(value)[:40]
