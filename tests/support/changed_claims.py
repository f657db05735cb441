"""Claims with other fields, for tests that forge them."""

from __future__ import annotations

import dataclasses
from typing import Any

from protocol.claim import Claim
from protocol.task import Task

_OF_THE_TASK = {field.name for field in dataclasses.fields(Task)}


def changed(claim: Claim, **changes: Any) -> Claim:
    """The claim with other fields, of its own or of its task."""
    task = {name: value for name, value in changes.items() if name in _OF_THE_TASK}
    own = {name: value for name, value in changes.items() if name not in _OF_THE_TASK}
    return dataclasses.replace(claim, task=dataclasses.replace(claim.task, **task), **own)
