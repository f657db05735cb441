"""A remark: what a rehearsal finds in a module, before its line is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ENDED: Final = "R301"
"""A call failed."""
RESULTS: Final = "R302"
"""Something was returned that is neither updates nor a location."""
STATE: Final = "R303"
"""A state was returned that is none."""
NOT_FINITE: Final = "R304"
"""Something was returned that ends training."""
SPENT: Final = "R305"
"""Fuel or memory was spent."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is wrong with what a function did; of what ended a call, the message may name a line."""

    function: str
    code: str
    message: str
    hint: str = ""
