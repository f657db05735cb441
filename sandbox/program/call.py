"""A call of one of the module's functions, and what comes of it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass


class CallKind(enum.IntEnum):
    """Which function is called."""

    INITIALISE = 0
    QUERY = 1
    STEP = 2


@dataclass(frozen=True, slots=True)
class Call:
    """A call: the function, the epoch and the losses that it is given; `initialise` is given none."""

    kind: CallKind
    epoch: int = 0
    train_loss: float = 0.0
    validation_loss: float = 0.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call as it was recorded: its last segment, and its fuel."""

    segment: bytes
    fuel_used: int
    """By the whole run so far."""
    worked: int
    """Units of this call that who executes it counts again: of its operations, and of rebuilding states."""


Read = Callable[[bytes], bytes]
"""Executes a segment that is not the last one; the elements of its last value, where the segment asks for them."""
