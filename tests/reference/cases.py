"""Trainings for the comparison, as the product's session and as the second implementation's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import InProcess
from tests.reference import training
from tests.reference.editions import APRIL, DECEMBER, Edition
from tests.reference.instance import draw_instance
from tests.reference.network import Network, initial_parameters
from tests.reference.optimisers import Adam, Lookahead, Momentum
from tests.reference.streams import Streams, make_seed
from tests.support.folders import FIXTURES
from verifier.challenge.editions import EDITIONS
from verifier.challenge.module import Module
from verifier.challenge.session import Session

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
    def session(self) -> Session:
        name = f"{self.optimiser}.py"
        module, overrides = Module(name, (MODULES / name).read_bytes()), dict(self.hyperparameters)
        edition, settings = EDITIONS[self.edition.name][0], Settings(**self.settings)
        task = Task(edition.name, settings, module.digest, overrides, edition.max_fuel_budget, RAND_HASH)
        return Session(task, self.nonce, module, InProcess())

    @property
    def streams(self) -> Streams:
        return Streams(self.edition.name, make_seed(self.settings, RAND_HASH, self.nonce))


def by_the_reference(
    edition: Edition,
    streams: Streams,
    optimiser: str,
    n_hidden: int,
    fuel: list[int],
    hyperparameters: Mapping[str, float] = MappingProxyType({}),
) -> tuple[training.Run, int]:
    """The outcome and the quality of a training, from the fuel used at every leaf."""
    instance, network = draw_instance(edition, streams), Network(n_hidden, streams)
    w = initial_parameters(streams, n_hidden)
    run = training.train(edition, streams, instance, network, w, OPTIMISERS[optimiser](w, **hyperparameters), fuel)
    subset = training.scored_points(streams, instance, len(run.validation_losses))
    return run, training.score(network, run.parameters, run.statistics, subset)
