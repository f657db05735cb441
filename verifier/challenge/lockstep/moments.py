"""The moments of an epoch at which a training can end (specification, 6.9), as numbers that a device can keep."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from protocol.claim import StopReason

NEVER = 0
"""No moment."""


class Phase(IntEnum):
    """The parts of a step, in their order."""

    LOCATION = 0
    LOSS = 1
    UPDATE = 2


@dataclass(frozen=True, order=True)
class Moment:
    """A part of a step, which counts from 0; the validation is the loss of the step after the last."""

    step: int
    phase: Phase

    @property
    def number(self) -> int:
        """A positive integer, ascending."""
        return self.step * len(Phase) + self.phase + 1

    @classmethod
    def of(cls, number: int) -> Self:
        """The moment of a number."""
        step, phase = divmod(number - 1, len(Phase))
        return cls(step, Phase(phase))

    @property
    def reason(self) -> StopReason:
        """Why a training ends in which something is not finite then."""
        return StopReason.NON_FINITE_LOSS if self.phase is Phase.LOSS else StopReason.NON_FINITE_UPDATE

    def explanation(self, epoch: int, steps: int) -> str:
        """The same for people; `epoch` counts from 1."""
        if self.step == steps:
            return f"the validation after epoch {epoch} gave an infinity or a NaN"
        place = f"step {self.step + 1} of epoch {epoch}"
        if self.phase is Phase.LOSS:
            return f"{place} gave an infinity or a NaN"
        name = "the location" if self.phase is Phase.LOCATION else "the parameters after the updates"
        return f"{name} in {place}: values are infinite or NaN"
