"""A training with Adam that ends after a few epochs, as benchmarks take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import Isolation
from verifier.challenge.editions import DECEMBER_2025, EDITIONS
from verifier.challenge.module import Module
from verifier.challenge.session import Session

SHORT: Final = "short"
"""The edition of December, but for when a training ends."""
WARM_UP: Final = 6
"""Epochs that are not measured: within them a step's program comes often enough to get its loops."""
ADAM: Final = Path(__file__).parents[1] / "fixtures" / "optimisers" / "adam.py"


def end_after(epochs: int) -> None:
    """Let trainings of the edition SHORT end after so many epochs."""
    EDITIONS[SHORT] = (replace(DECEMBER_2025, name=SHORT, max_epochs=epochs),)


def seconds_a_step(ends: Sequence[float]) -> float:
    """After the warm-up, from the moments at which epochs ended."""
    return (ends[-1] - ends[WARM_UP - 1]) / (len(ends) - WARM_UP) / DECEMBER_2025.batches


def session(
    n_hidden: int,
    isolation: Isolation,
    module: Module | None = None,
    fuel_budget: int = DECEMBER_2025.max_fuel_budget,
) -> Session:
    """Nonce 0 of the edition SHORT, with Adam where no other module is given."""
    module = module or Module(ADAM.name, ADAM.read_bytes())
    settings = Settings("", "", "c006", "", f"n_hidden={n_hidden}")
    return Session(Task(SHORT, settings, module.digest, {}, fuel_budget, "0" * 32), 0, module, isolation)
