"""Trainings for the comparison, as the product's session and as the second implementation's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import InProcess
from tests.reference.editions import APRIL, DECEMBER, Edition
from tests.reference.optimiser import Submission
from tests.reference.streams import Streams, make_seed
from tests.reference.training import Run, train
from tests.support.folders import FIXTURES
from verifier.challenge.module import Module
from verifier.challenge.session import Session

MODULES = FIXTURES / "optimisers"
OPTIMISERS = sorted(path.stem for path in MODULES.glob("*.py"))
RAND_HASH = "4c3594711e8362ac9d2ec9ae55abb055"


@dataclass(frozen=True)
class Case:
    """A training from a nonce to its end."""

    optimiser: str
    n_hidden: int
    nonce: int
    hyperparameters: tuple[tuple[str, float], ...] = ()
    edition: Edition = DECEMBER
    fuel_budget: int = 5 * 10**12

    @property
    def source(self) -> bytes:
        return (MODULES / f"{self.optimiser}.py").read_bytes()

    @property
    def settings(self) -> dict[str, str]:
        return {
            "algorithm_id": "c006_a012",
            "block_id": "02914a",
            "challenge_id": "c006",
            "player_id": "0xaeb9",
            "track_id": f"n_hidden={self.n_hidden}" + ",n_data=1024" * (self.edition is APRIL),
        }

    @property
    def session(self) -> Session:
        module, overrides = Module(self.optimiser, self.source), dict(self.hyperparameters)
        settings = Settings(**self.settings)
        task = Task(self.edition.name, settings, module.digest, overrides, self.fuel_budget, RAND_HASH)
        return Session(task, self.nonce, module, InProcess())

    @property
    def streams(self) -> Streams:
        return Streams(self.edition.name, make_seed(self.settings, RAND_HASH, self.nonce))


def by_the_reference(
    edition: Edition,
    streams: Streams,
    source: bytes,
    n_hidden: int,
    fuel_budget: int,
    hyperparameters: Mapping[str, float] = MappingProxyType({}),
) -> Run:
    """A whole training and its score, of a module by its bytes."""
    return train(edition, streams, n_hidden, Submission(source, hyperparameters, fuel_budget))
