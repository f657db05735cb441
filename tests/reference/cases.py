"""Trainings for the comparison, as the product's task and as the second implementation's arguments."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.settings import Settings
from tests.reference.editions import APRIL, DECEMBER, Edition
from tests.reference.optimisers import Adam, Lookahead, Momentum
from tests.reference.streams import Streams, make_seed
from tests.support.folders import FIXTURES
from verifier.challenge.editions import find_edition
from verifier.challenge.solving import Task

MODULES = FIXTURES / "optimisers"
OPTIMISERS = {"adam": Adam, "momentum": Momentum, "lookahead": Lookahead}
RAND_HASH = "4c3594711e8362ac9d2ec9ae55abb055"


@dataclass(frozen=True)
class Case:
    """A training from a nonce to its end."""

    optimiser: str
    n_hidden: int
    nonce: int
    hyperparameters: tuple[tuple[str, float], ...] = ()
    edition: Edition = DECEMBER

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
    def task(self) -> Task:
        name = f"{self.optimiser}.py"
        source, overrides = (MODULES / name).read_bytes(), dict(self.hyperparameters)
        edition, settings = find_edition(self.edition.name), Settings(**self.settings)
        return Task(edition, settings, RAND_HASH, self.nonce, source, name, overrides, edition.max_fuel_budget)

    @property
    def streams(self) -> Streams:
        return Streams(self.edition.name, make_seed(self.settings, RAND_HASH, self.nonce))
