"""Nonces that are trained together get exactly the trainings that each gets alone, or none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from protocol.claim import StopReason
from sandbox.errors import OptimiserError
from sandbox.isolation import InProcess, Jail
from sandbox.lockstep.cohort_optimiser import CohortOptimiser
from tests.golden.golden_run import OPTIMISERS, SHORT, named
from tests.support.row_by_row import RowByRow
from tests.support.small_contest import module, session, task
from verifier.challenge.lockstep import lockstep_trainer
from verifier.challenge.lockstep.lockstep_trainer import LockstepTrainer
from verifier.challenge.lockstep.moments import NEVER
from verifier.challenge.lockstep.places import PlaceReport, Places
from verifier.challenge.lockstep.torch_network import TorchNetwork
from verifier.challenge.module import Module
from verifier.challenge.network.statistics import Statistics
from verifier.challenge.network.weights import Weights
from verifier.challenge.session import Session
from verifier.challenge.solving import solved
from verifier.challenge.training.trainer import Epoch, Training
from verifier.golden.training import results

ADAM = (OPTIMISERS / "adam.py").read_bytes()
OBSERVING = module("(-state * gradient * (2.0 if bool(gradient.sum() > 0.0) else 1.0), state)")
"""A module that asks for a number, which nonces answer in their own ways."""
ANYTHING = Weights(np.zeros(1, np.float32), Statistics(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32)))
Trained = dict[int, Training | None]
DESCENT = module()
GROWING = module("(-state[0] * gradient, [state[0] * state[1], state[1]])", state='[hyperparameters["lr"], 100.0]')
"""Steps that grow until something overflows, in each nonce at its own time."""
AHEAD = module(query="parameters + 0.1 * gradient")
FAR = module("(0.0 * gradient, [state[0] * 100.0])", query="parameters + state[0] * gradient", state="[1.0]")
"""Locations that are further and further away, until one is infinite."""
LEAPING = module("(0.0 * gradient + (1e38 if state == 7 else 0.0), state + 1)", state="0")
"""A module whose last step of the second epoch leads where a loss has no value."""
FAILING = module("(-state * gradient, state) if epoch < 6 else None")
"""A module that fails when the first nonces are over."""


@pytest.fixture(params=[CohortOptimiser, RowByRow], ids=["cohort", "row by row"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also let each row have an optimiser of its own, so that it is the trainer alone that is tested."""
    monkeypatch.setattr(lockstep_trainer, "CohortOptimiser", request.param)


def together(source: bytes, nonces: int, places: int, fuel_budget: int = 10**12) -> Trained:
    """Nonces trained together."""
    given = task(source, fuel_budget)
    trainer = LockstepTrainer(given, Module("small.py", source), InProcess(), "cpu", places)
    ended = list(trainer.run(range(nonces)))
    assert sorted(nonce for nonce, _ in ended) == list(range(nonces))
    return dict(ended)


@cache
def alone(source: bytes, nonce: int, fuel_budget: int = 10**12) -> Training:
    """A nonce trained by itself."""
    return session(source, fuel_budget, nonce).train()


def assert_same(training: Training | None, expected: Training) -> None:
    assert training is not None
    assert training.leaves == expected.leaves
    assert training.transcript_root == expected.transcript_root
    for name in ("stop_reason", "train_losses", "validation_losses", "best_epoch", "fuel_used"):
        assert getattr(training, name) == getattr(expected, name)
    assert training.best.digest() == expected.best.digest()
    assert training.best.parameters.dtype == expected.best.parameters.dtype
    assert said(training) == said(expected)


def said(training: Training) -> str | None:
    """What ended it and where; how many values were not finite is said of one alone."""
    return training.explanation and training.explanation.split("; ")[0].split(": ")[0]


def ends(trained: Trained) -> set[str]:
    return {"none" if training is None else training.stop_reason for training in trained.values()}


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(("places", "nonces"), [(1, 5), (3, 12), (8, 20)])
@pytest.mark.parametrize("source", [DESCENT, AHEAD], ids=["parameters", "locations"])
def test_ends_at_unequal_times(source: bytes, places: int, nonces: int) -> None:
    trained = together(source, nonces, places)
    assert ends(trained) == {StopReason.EARLY_STOPPING, StopReason.EPOCH_LIMIT}
    for nonce, training in trained.items():
        assert_same(training, alone(source, nonce))


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(
    ("source", "reasons"),
    [
        (GROWING, {StopReason.NON_FINITE_LOSS, StopReason.NON_FINITE_UPDATE}),
        (FAR, {StopReason.NON_FINITE_UPDATE, StopReason.NON_FINITE_LOSS}),
    ],
    ids=["updates", "locations"],
)
def test_what_is_not_finite_ends_its_nonce_alone(source: bytes, reasons: set[str]) -> None:
    trained = together(source, 12, 5)
    for nonce, training in trained.items():
        assert_same(training, alone(source, nonce))
    assert ends(trained) & reasons
    assert len({training.fuel_used for training in trained.values() if training}) > 1


def test_a_validation_that_is_not_finite_ends_its_nonce() -> None:
    trained = together(LEAPING, 3, 3)
    for nonce, training in trained.items():
        assert_same(training, alone(LEAPING, nonce))
        assert training is not None
        assert said(training) == "the validation after epoch 2 gave an infinity or a NaN"


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("budget", range(150_000, 1_400_000, 261_803))
def test_spent_fuel_ends_those_that_are_left(budget: int) -> None:
    trained = together(DESCENT, 8, 8, budget)
    for nonce, training in trained.items():
        assert_same(training, alone(DESCENT, nonce, budget))


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("budget", range(880_000, 960_000, 16_000))
def test_a_nonce_that_failed_before_the_fuel_was_spent_keeps_its_end(budget: int) -> None:
    trained = together(GROWING, 8, 8, budget)
    for nonce, training in trained.items():
        assert_same(training, alone(GROWING, nonce, budget))


def test_an_error_of_the_module_leaves_its_nonces_to_themselves() -> None:
    trained = together(FAILING, 12, 8)
    assert ends(trained) == {StopReason.EARLY_STOPPING, "none"}
    for nonce, training in trained.items():
        if training is None:
            with pytest.raises(OptimiserError):
                alone(FAILING, nonce)
        else:
            assert_same(training, alone(FAILING, nonce))


@pytest.mark.parametrize("source", [module(state="1 // 0"), b"import os\n"], ids=["error", "refused"])
def test_a_module_that_cannot_begin_leaves_all_nonces_to_themselves(source: bytes) -> None:
    assert together(source, 7, 3) == dict.fromkeys(range(7))


def test_nonces_of_a_module_that_cannot_begin_are_answered_before_all_are_drawn() -> None:
    trainer = LockstepTrainer(task(b"import os"), Module("small.py", b"import os\n"), InProcess(), "cpu", 3)
    nonces = iter(range(1000))
    assert next(trainer.run(nonces)) == (0, None)
    assert next(nonces) < 10


class Parting(RowByRow):
    """Whose second row is apart after some calls, and whose third one the device alone knows to be."""

    calls = 0

    def step_updates(self) -> torch.Tensor:
        self.calls += 1
        if self.calls == 7:
            self.apart.add(1)
            self.outside[2:3] = True
        return super().step_updates()


def test_rows_apart_are_left_to_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockstep_trainer, "CohortOptimiser", Parting)
    trained = together(DESCENT, 10, 5)
    lost = [nonce for nonce, training in trained.items() if training is None]
    assert {1, 2} <= set(lost)
    assert 2 <= len(lost) <= 8
    for nonce, training in trained.items():
        if training is not None:
            assert_same(training, alone(DESCENT, nonce))


def test_places_are_refilled_when_an_eighth_is_free() -> None:
    began: list[int] = []

    class Noted(TorchNetwork):
        def enter(self, place: int, start: object) -> None:
            began.append(place)
            super().enter(place, start)  # type: ignore[arg-type]

    trainer = LockstepTrainer(task(DESCENT), Module("small.py", DESCENT), InProcess(), "cpu", 8, Noted)
    began.clear()  # of the self-test
    nonces = iter(range(30))
    first = next(trainer.run(nonces))
    assert first[1] is not None
    assert 8 < next(nonces) < 20
    assert began[:8] == list(range(8))


def test_an_observer_is_told_of_each_epoch() -> None:
    seen: dict[int, list[Epoch]] = {}
    trainer = LockstepTrainer(task(DESCENT), Module("small.py", DESCENT), InProcess(), "cpu", 3)
    list(trainer.run(range(5), lambda nonce, epoch: seen.setdefault(nonce, []).append(epoch)))
    for nonce in range(5):
        expected: list[Epoch] = []
        session(DESCENT, nonce=nonce).train(expected.append)
        assert seen[nonce] == expected


def without_numbers(source: bytes, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Train on a device without numbers, where whatever wants to know one fails; the host makes up what it reads."""

    def reports(self: Places, places: slice, state_digests: Tensor, are_apart: Tensor) -> list[PlaceReport]:
        return [PlaceReport(1.0, 1.0, NEVER, *3 * (bytes(32),), False) for _ in state_digests]

    monkeypatch.setattr(Places, "reports", reports)
    monkeypatch.setattr(Places, "best", lambda self, places: [ANYTHING for _ in places])
    monkeypatch.setattr(lockstep_trainer, "require_agreement", lambda *_: None)
    monkeypatch.setattr("arithmetic.device.self_test.require_sound", lambda *_: None)
    trainer = LockstepTrainer(task(source), Module("small.py", source), InProcess(), "meta", 3)
    return dict(trainer.run(range(3)))


@pytest.mark.parametrize("source", [DESCENT, AHEAD, ADAM], ids=["descent", "locations", "adam"])
def test_nothing_within_an_epoch_waits_for_the_device(source: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ends(without_numbers(source, monkeypatch)) == {StopReason.EARLY_STOPPING}


def test_an_observation_waits_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ends(without_numbers(OBSERVING, monkeypatch)) == {"none"}


def test_nonces_that_are_told_something_else_are_left_to_themselves() -> None:
    trained = together(OBSERVING, 8, 8)
    assert ends(trained) > {"none"}
    for nonce, training in trained.items():
        if training is not None:
            assert_same(training, alone(OBSERVING, nonce))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["algorithm3", "barzilai_borwein", "muon", "nesterov", "sam", "schedule_free"])
def test_reference_optimisers_have_the_bits_of_a_training_alone(name: str) -> None:
    source = (OPTIMISERS / f"{name}.py").read_bytes()
    trained = together(source, 5, 3)
    for nonce, training in trained.items():
        if training is not None:
            assert_same(training, alone(source, nonce))
    assert [nonce for nonce, training in trained.items() if training is not None]


@pytest.mark.slow
def test_a_cohort_has_one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    with Jail() as jail:
        trainer = LockstepTrainer(task(DESCENT), Module("small.py", DESCENT), jail, "cpu", 4)
        trained = dict(trainer.run(range(6)))
    for nonce, training in trained.items():
        assert_same(training, alone(DESCENT, nonce))


def test_no_nonces_are_no_trainings() -> None:
    assert together(DESCENT, 0, 3) == {}


def test_optimisers_are_ended_when_nobody_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[object] = []
    monkeypatch.setattr(CohortOptimiser, "__exit__", lambda self, *_: ended.append(self))
    trainer = LockstepTrainer(task(DESCENT), Module("small.py", DESCENT), InProcess(), "cpu", 8)
    running: Iterator[object] = trainer.run(range(20))
    next(running)
    before = len(ended)
    running.close()  # type: ignore[attr-defined]
    assert len(ended) > before


def test_a_claim_is_that_of_the_nonce_alone() -> None:
    for nonce, training in together(DESCENT, 3, 3).items():
        assert training is not None
        there = session(DESCENT, nonce=nonce)
        assert solved(there, training).claim == solved(there, there.train()).claim


@pytest.mark.slow
@pytest.mark.parametrize("places", [1, 3, 8])
@pytest.mark.parametrize("name", SHORT)
def test_golden_runs_have_their_roots(name: str, places: int) -> None:
    """Nonce 0, of which there is a record, among others; the ends are unequal."""
    run = named([name])[0]
    trainer = LockstepTrainer(run.task, run.module, InProcess(), "cpu", places)
    trained = dict(trainer.run(range(places)))
    assert trained[0] is not None
    assert results(run.session(), solved(run.session(), trained[0])) == run.record.results
    last = Session(run.task, places - 1, run.module, InProcess())
    assert_same(trained[places - 1], last.train())
