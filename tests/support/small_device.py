"""`tig-verify` on the small edition, with a device that is torch's CPU: in a test's process, or as a `program`.

What is sent to other processes is defined here, so that they know the edition too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click
import pytest

import tests.support.small_contest  # noqa: F401 - the small edition
from sandbox.isolation import Isolation
from verifier.challenge.editions import EDITIONS
from verifier.challenge.lockstep.device import Device, Trained
from verifier.challenge.training.trainer import Observer
from verifier.command_line.commands import solve as solve_command
from verifier.command_line.main import main
from verifier.command_line.solving.nonce_solver import NonceSolver, SolvedNonce
from verifier.command_line.verifying import judge
from verifier.library import solving
from verifier.runs import device_pool, device_search
from verifier.runs.device_pool import Place, Trainings, lockstep

DEVICES: Final = (Device("cpu", "torch's CPU"),)


class SmallSolver(NonceSolver):
    """A `NonceSolver`."""


class Scorer(SmallSolver):
    """Trains nothing itself."""

    def _solved(
        self, nonce: int, isolation: Isolation, observer: Observer | None, trained: Trained | None
    ) -> SolvedNonce:
        assert trained is not None
        return super()._solved(nonce, isolation, observer, trained)


class SmallJudge(judge.Judge):
    """A `Judge`."""


class SmallLibrarySolver(solving._Solver):
    """That of `verifier.solve`."""


@contextmanager
def small_lockstep(place: Place, drawers: int, kind: str, expected: int) -> Iterator[Trainings]:
    """Many trainings at once."""
    with lockstep(place, drawers, kind, expected) as trainings:
        yield trainings


def provide(patch: pytest.MonkeyPatch) -> None:
    """Give this process the edition, and the device."""
    patch.setattr(device_search, "found_devices", lambda: DEVICES)
    for module in (device_pool, solving):
        patch.setattr(module, "lockstep", small_lockstep)
    patch.setattr(solving, "_Solver", SmallLibrarySolver)
    patch.setattr(solve_command, "NonceSolver", SmallSolver)
    patch.setattr(judge, "Judge", SmallJudge)
    for option in solve_command.solve.params:
        if option.name == "edition":
            patch.setattr(option, "type", click.Choice(list(EDITIONS)))


def program() -> None:
    """Run a command."""
    with pytest.MonkeyPatch.context() as patched:
        provide(patched)
        main()
