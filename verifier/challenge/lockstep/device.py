"""A device that trains many nonces in lockstep, as who has found it names it; and a training that is wanted of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol.task import Task
from verifier.challenge.module import Module

if TYPE_CHECKING:  # who looks for devices needs no NumPy
    from verifier.challenge.training.trainer import Training


@dataclass(frozen=True)
class Device:
    """A device of this machine, for a process that shall use it alone."""

    kind: str
    """Torch's name of it in that process: `cuda`."""
    title: str
    """For people."""
    visible: str = ""
    """What CUDA_VISIBLE_DEVICES is in that process."""


@dataclass(frozen=True)
class Wanted:
    """The training of a nonce of a task, with the task's module."""

    task: Task
    module: Module
    nonce: int


@dataclass(frozen=True)
class Trained:
    """A training that a device has done."""

    training: Training
    seconds: float
    """Those that it was there, beside others."""
    protection: Mapping[str, str]
    """Of the host from the module, for the record of a run."""
