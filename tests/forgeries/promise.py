"""What a benchmarker has promised: a precommit that validators received before the beacon of the seeds."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from protocol.precommit import Precommit
from protocol.task import Choice
from verifier.challenge.session import Session

BEACON: Final = "b37"
"""Published after the precommits of all contests were received; one of those with which choosing pays in the tests."""
NUM_NONCES: Final = 9
"""Promised are nonces 0 to 8."""


def precommit(choice: Choice, num_nonces: int = NUM_NONCES) -> Precommit:
    """The precommit of a choice, such as that of a task."""
    return Precommit(Choice(**{field.name: getattr(choice, field.name) for field in fields(Choice)}), num_nonces)


def promised(session: Session, num_nonces: int = NUM_NONCES) -> Session:
    """The same training with the seeds that follow from a precommit of its choice."""
    task = precommit(session.task, num_nonces).task(BEACON)
    return Session(task, session.nonce, session.module, session.isolation)
