"""A training goes on from a checkpoint of any epoch with the same bits as if it had never stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sandbox.errors import StateError
from sandbox.isolation import InProcess, Isolation, Jail
from tests.support.folders import FIXTURES
from tests.support.small_contest import SMALL, task
from verifier.challenge.instance.instance import draw_instance
from verifier.challenge.network.network import Architecture, Network, initial_parameters
from verifier.challenge.solving import Task, start_optimiser
from verifier.challenge.training.trainer import Checkpoint, Trainer, Training, finish

OPTIMISERS = [FIXTURES / "optimisers" / f"{name}.py" for name in ("adam", "lookahead", "momentum")]
"""The others take one epoch from each checkpoint, in test_roster.py."""
FUEL = 8_000_000
"""Enough for a few epochs of Adam on the small edition: training ends in the middle of one."""


def trainer_of(given: Task, isolation: Isolation) -> tuple[Trainer, torch.Tensor]:
    architecture = Architecture(given.edition, given.track.n_hidden)
    optimiser = start_optimiser(given, architecture, isolation)
    network = Network(architecture, given.seed)
    trainer = Trainer(given.edition, given.seed, draw_instance(given.edition, given.seed), network, optimiser)
    return trainer, initial_parameters(architecture, given.seed)


def run_through(given: Task, isolation: Isolation) -> tuple[list[Checkpoint], Training]:
    """A whole training, with a checkpoint after every epoch and one before the first."""
    trainer, initial = trainer_of(given, isolation)
    with torch.inference_mode():
        trainer.start(initial)
        checkpoints = [trainer.checkpoint()]
        reason = None
        while reason is None:
            reason = trainer.advance()
            if len(trainer.losses) == len(checkpoints):
                checkpoints.append(trainer.checkpoint())
        whole = run_on(checkpoints[0], given, isolation)
    assert whole.stop_reason is reason
    assert whole.leaves == tuple(trainer.leaves)
    return checkpoints, whole


def run_on(checkpoint: Checkpoint, given: Task, isolation: Isolation) -> Training:
    trainer, _ = trainer_of(given, isolation)
    with torch.inference_mode():
        trainer.resume(checkpoint)
        return finish(trainer)


def equal(one: Training, other: Training) -> bool:
    tensors = [(a.parameters, a.statistics.means, a.statistics.variances) for a in (one, other)]
    plain = [replace(a, parameters=None, statistics=None) for a in (one, other)]  # type: ignore[arg-type]
    return plain[0] == plain[1] and all(torch.equal(x, y) for x, y in zip(*tensors, strict=True))


@pytest.mark.parametrize("path", OPTIMISERS, ids=lambda path: path.stem)
def test_every_epoch_can_be_resumed(path: Path) -> None:
    given = replace(task(path.read_bytes()), name=path.name, edition=replace(SMALL, max_epochs=8))
    checkpoints, whole = run_through(given, InProcess())
    assert len(checkpoints) == whole.epochs + 1 > 4
    for checkpoint in checkpoints[:-1]:
        assert equal(run_on(checkpoint, given, InProcess()), whole)


def test_a_worker_resumes_what_another_isolation_began(jail: Jail) -> None:
    source = (OPTIMISERS[0].parent / "adam.py").read_bytes()
    given = replace(task(source), edition=replace(SMALL, max_epochs=5))
    checkpoints, whole = run_through(given, InProcess())
    jailed, again = run_through(given, jail)
    assert equal(again, whole)
    assert equal(run_on(checkpoints[2], given, jail), whole)
    assert equal(run_on(jailed[3], given, InProcess()), whole)


def test_training_that_runs_out_of_fuel_does_so_after_a_resumption_too() -> None:
    source = (OPTIMISERS[0].parent / "adam.py").read_bytes()
    given = replace(task(source, fuel_budget=FUEL), edition=replace(SMALL, patience=100, max_epochs=100))
    checkpoints, whole = run_through(given, InProcess())
    assert whole.stop_reason == "fuel-exhausted"
    assert 2 < whole.epochs < 100
    for checkpoint in checkpoints:
        assert equal(run_on(checkpoint, given, InProcess()), whole)


def test_a_state_of_another_module_is_refused() -> None:
    checkpoints, _ = run_through(task(), InProcess())
    with pytest.raises(StateError):
        run_on(replace(checkpoints[1], state=checkpoints[1].state + b"N"), task(), InProcess())
    with pytest.raises(StateError):
        run_on(replace(checkpoints[1], fuel_used=10**12 + 1), task(), InProcess())
