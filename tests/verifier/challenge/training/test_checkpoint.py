"""A training goes on from a checkpoint of any epoch with the same bits as if it had never stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.errors import StateError
from sandbox.isolation import Jail
from tests.support.folders import FIXTURES
from tests.support.small_contest import SMALL, session
from verifier.challenge.editions import EDITIONS
from verifier.challenge.session import Session
from verifier.challenge.training.trainer import Checkpoint, Training, finish

pytestmark = pytest.mark.slow

OPTIMISERS = [FIXTURES / "optimisers" / f"{name}.py" for name in ("adam", "lookahead", "momentum")]
"""The others take one epoch from each checkpoint, in test_roster.py."""
ADAM = OPTIMISERS[0].read_bytes()
FUEL = 8_000_000
"""Enough for a few epochs of Adam on the small edition: training ends in the middle of one."""


@pytest.fixture
def edition(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Changes the small edition."""
    return lambda **changes: monkeypatch.setitem(EDITIONS, SMALL.name, (replace(SMALL, **changes),))


def run_through(given: Session) -> tuple[list[Checkpoint], Training]:
    """A whole training, with a checkpoint after every epoch and one before the first."""
    with given.trainer() as trainer:
        trainer.start(given.initial)
        checkpoints = [trainer.checkpoint()]
        reason = None
        while reason is None:
            reason = trainer.advance()
            if len(trainer.losses) == len(checkpoints):
                checkpoints.append(trainer.checkpoint())
    whole = run_on(checkpoints[0], given)
    assert whole.stop_reason is reason
    assert whole.leaves == tuple(trainer.leaves)
    return checkpoints, whole


def run_on(checkpoint: Checkpoint, given: Session) -> Training:
    with given.trainer() as trainer:
        trainer.resume(checkpoint)
        return finish(trainer)


def equal(one: Training, other: Training) -> bool:
    return replace(one, best=other.best) == other and one.best.digest() == other.best.digest()


@pytest.mark.parametrize("path", OPTIMISERS, ids=lambda path: path.stem)
def test_every_epoch_can_be_resumed(path: Path, edition: Callable[..., None]) -> None:
    edition(max_epochs=8)
    given = session(path.read_bytes())
    checkpoints, whole = run_through(given)
    assert len(checkpoints) == whole.epochs + 1 > 4
    for checkpoint in checkpoints[:-1]:
        assert equal(run_on(checkpoint, given), whole)


def test_a_worker_resumes_what_another_isolation_began(edition: Callable[..., None], jail: Jail) -> None:
    edition(max_epochs=5)
    hosted, jailed = (session(ADAM, isolation=isolation) for isolation in (None, jail))
    checkpoints, whole = run_through(hosted)
    others, again = run_through(jailed)
    assert equal(again, whole)
    assert equal(run_on(checkpoints[2], jailed), whole)
    assert equal(run_on(others[3], hosted), whole)


def test_training_that_runs_out_of_fuel_does_so_after_a_resumption_too(edition: Callable[..., None]) -> None:
    edition(patience=100, max_epochs=100)
    given = session(ADAM, fuel_budget=FUEL)
    checkpoints, whole = run_through(given)
    assert whole.stop_reason == "fuel-exhausted"
    assert 2 < whole.epochs < 100
    for checkpoint in checkpoints:
        assert equal(run_on(checkpoint, given), whole)


def test_a_state_of_another_module_is_refused() -> None:
    checkpoints, _ = run_through(session())
    with pytest.raises(StateError):
        run_on(replace(checkpoints[1], state=checkpoints[1].state + b"N"), session())
    with pytest.raises(StateError):
        run_on(replace(checkpoints[1], fuel_used=10**12 + 1), session())
