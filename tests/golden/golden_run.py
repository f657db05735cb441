"""What is trained for the golden runs: every reference optimiser, every edition, and other ends."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import InProcess, Isolation
from tests.support.folders import FIXTURES
from verifier.challenge.editions import DECEMBER_2025, DECEMBER_2025_CENTRED, EDITIONS
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from verifier.golden.golden_file import SUFFIX, GoldenFile
from verifier.golden.training import PinnedTraining

FOLDER: Final = FIXTURES / "golden"
OPTIMISERS: Final = FIXTURES / "optimisers"
RAND_HASH: Final = "4c3594711e8362ac9d2ec9ae55abb055"


@dataclass(frozen=True)
class GoldenRun:
    """An optimiser of fixtures/optimisers, to be trained on nonce 0 of a track."""

    optimiser: str
    n_hidden: int
    edition: str = DECEMBER_2025.name
    about: str = ""
    """What is special about it, for its name."""
    overrides: tuple[tuple[str, float], ...] = ()
    fuel_budget: int | None = None
    """None for the edition's maximum."""

    @property
    def name(self) -> str:
        """What the commands and the record's file call it."""
        edition = "" if self.edition == DECEMBER_2025.name else self.edition
        return "-".join(filter(None, (self.optimiser, f"n_hidden={self.n_hidden}", edition, self.about)))

    @property
    def path(self) -> Path:
        """Where its record is."""
        return FOLDER / f"{self.name}{SUFFIX}"

    @property
    def record(self) -> GoldenFile:
        """Its record."""
        return GoldenFile.parse(self.path.read_bytes())

    @property
    def module(self) -> Module:
        """The optimiser's module."""
        name = f"{self.optimiser}.py"
        return Module(name, (OPTIMISERS / name).read_bytes())

    @property
    def notes(self) -> dict[str, Any]:
        """All that the module is given, for those who write it by hand: its own hyperparameters, with the overrides."""
        for node in ast.parse(self.module.source).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "HYPERPARAMETERS":
                return {"hyperparameters": {**ast.literal_eval(node.value), **dict(self.overrides)}}
        return {"hyperparameters": {}}

    @property
    def task(self) -> Task:
        """All that it depends on but the nonce."""
        edition = EDITIONS[self.edition][0]
        sizes = "" if edition.n_data is None else f",n_data={edition.n_data}"
        settings = Settings("c006_a012", "02914a", "c006", "0xaeb9", f"n_hidden={self.n_hidden}{sizes}")
        budget = self.fuel_budget or edition.max_fuel_budget
        return Task(self.edition, settings, self.module.digest, dict(self.overrides), budget, RAND_HASH)

    @property
    def training(self) -> PinnedTraining:
        """What is trained."""
        return PinnedTraining(OPTIMISERS / f"{self.optimiser}.py", self.module, self.task, 0)

    def session(self, isolation: Isolation | None = None) -> Session:
        """Its set-up; where nothing is said, in this process."""
        return self.training.session(isolation or InProcess())

    def trained(self) -> GoldenFile:
        """What its record is to be: the module is trained in this process."""
        return GoldenFile.of(self.training, self.training.run(InProcess()), FOLDER, self.notes)


CENTRED: Final = DECEMBER_2025_CENTRED.name
APRIL: Final = "april-2025"

RUNS: Final = (
    GoldenRun("adam", 4),
    GoldenRun("adam", 10),
    *(GoldenRun(path.stem, 2) for path in sorted(OPTIMISERS.glob("*.py"))),  # two weights, one of 256 times 256
    GoldenRun("adagrad", 1),
    GoldenRun("momentum", 1),
    GoldenRun("adam", 2, CENTRED),
    GoldenRun("momentum", 1, CENTRED),
    GoldenRun("lookahead", 2, APRIL),
    GoldenRun("sgd", 1, APRIL),
    GoldenRun("sam", 1, about="overrides", overrides=(("lr", 0.05), ("rho", 0.02))),
    GoldenRun("momentum", 1, about="out-of-fuel", fuel_budget=10**7),
    GoldenRun("momentum", 1, about="non-finite-loss", overrides=(("lr", 1e30),)),
    GoldenRun("adam", 1, about="non-finite-update", overrides=(("lr", 0.01), ("beta1", 2.5))),
)
SHORT: Final = ("momentum-n_hidden=1", "momentum-n_hidden=1-out-of-fuel", "adam-n_hidden=1-non-finite-update")
"""Those that the test suite trains to their ends."""


def named(names: Sequence[str]) -> list[GoldenRun]:
    """The runs of these names, all for none. Raises KeyError for a name that is not one."""
    known = {run.name: run for run in RUNS}
    return [known[name] for name in names or known]
