"""What a validator can say about when a benchmarker chose."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from protocol.task import Task


class Choosing(StrEnum):
    """Whether the benchmarker chose what is in the task before the seeds existed."""

    BOUND = "bound"  # a precommit shows it
    UNCHECKED = "unchecked"  # the claim names a precommit, which the validator did not look at
    UNBOUND = "unbound"  # there is none: anybody may have tried several

    @classmethod
    def unseen(cls, task: Task) -> Self:
        """What a task says of it by itself."""
        return cls.UNBOUND if task.precommit_digest is None else cls.UNCHECKED
