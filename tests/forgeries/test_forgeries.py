"""Every forgery of the catalogue gets at every level exactly the answer that the catalogue says."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import sqrt

import pytest

from protocol.claim import Claim, StopReason
from protocol.solution import Solution
from protocol.verdict import Level
from tests.forgeries.catalogue import ACCEPTED, CATALOGUE, always, asking, chance, judged, others
from tests.forgeries.cheats import CHEATS
from tests.forgeries.contest import Contest
from tests.forgeries.forgery import Forgery, Rig, publish
from tests.support.folders import FIXTURES
from tests.support.sample_records import signed
from tests.support.small_contest import SMALL, session
from verifier.challenge import editions
from verifier.challenge.session import Session
from verifier.verification.audit_response import choose_epochs

pytestmark = pytest.mark.slow

ADAM = (FIXTURES / "optimisers" / "adam.py").read_bytes()
LONG = replace(SMALL, max_epochs=100, patience=24)
LONG_TOO = replace(LONG, name="small-too")
EPOCHS = 22
REQUESTS = 400


@pytest.fixture(autouse=True)
def _long_editions(monkeypatch: pytest.MonkeyPatch) -> None:
    for edition in (LONG, LONG_TOO):
        monkeypatch.setitem(editions.EDITIONS, edition.name, (edition,))


def adam(rate: float, epochs: int) -> Session:
    """A training whose fuel runs out in the middle of the epoch after so many."""
    one = 1_378_600
    return session(ADAM, one * epochs + one // 2, lr=rate)


@cache
def contest() -> Contest:
    return Contest(adam(0.05, EPOCHS), adam(-0.01, LONG.patience + 5), LONG_TOO.name)


@cache
def forged(cheat: str) -> Forgery:
    return CHEATS[cheat](contest())


def test_the_catalogue_has_every_cheat_once() -> None:
    assert list(CATALOGUE) == list(CHEATS)


def test_the_honest_claims_are_accepted_at_all_levels() -> None:
    honest, stubborn = publish(contest().honest), publish(Rig.honest(contest().stubborn).train())
    assert (honest.claim.epochs, honest.claim.stop_reason) == (EPOCHS, StopReason.FUEL_EXHAUSTED)
    assert (stubborn.claim.best_epoch, stubborn.claim.stop_reason) == (1, StopReason.EARLY_STOPPING)
    for claimed in (honest, stubborn):
        every = asking(claimed.claim, range(1, claimed.claim.epochs + 1))
        assert {judged(claimed, level, every) for level in Level} == {ACCEPTED}


@pytest.mark.parametrize("cheat", CATALOGUE)
def test_a_forgery_gets_the_answers_of_the_catalogue(cheat: str) -> None:
    entry, forgery = CATALOGUE[cheat], forged(cheat)
    claim, told = forgery.claim, len(forgery.telling)
    assert told == entry.telling
    assert forgery.telling.isdisjoint(always(claim))
    assert judged(forgery, Level.EVALUATE) == entry.evaluate
    assert judged(forgery, Level.REPLAY) == entry.replay
    for telling in forgery.telling or {claim.epochs // 2}:
        assert judged(forgery, Level.AUDIT, asking(claim, {telling})) == entry.audit


@pytest.mark.parametrize("cheat", [entry.id for entry in CATALOGUE.values() if entry.telling])
def test_an_audit_of_all_other_epochs_sees_nothing(cheat: str) -> None:
    forgery = forged(cheat)
    others = set(range(1, forgery.claim.epochs + 1)) - forgery.telling
    assert judged(forgery, Level.AUDIT, asking(forgery.claim, others)) == ACCEPTED


@pytest.mark.parametrize("cheat", [entry.id for entry in CATALOGUE.values() if entry.audit != ACCEPTED])
def test_an_audit_of_the_first_the_best_and_the_last_epoch_sees_what_every_audit_must(cheat: str) -> None:
    entry, forgery = CATALOGUE[cheat], forged(cheat)
    expected = ACCEPTED if entry.telling else entry.audit
    assert judged(forgery, Level.AUDIT, asking(forgery.claim, ())) == expected


@pytest.mark.parametrize("cheat", CATALOGUE)
def test_a_forgery_is_no_honest_claim_and_survives_the_bytes(cheat: str) -> None:
    forgery, honest = forged(cheat), publish(contest().honest)
    assert Claim.from_bytes(forgery.claim.to_bytes()) == forgery.claim
    assert Solution.from_bytes(forgery.solution.to_bytes()) == forgery.solution
    assert forgery != honest


FITS = ["least-squares", "least-squares-ahead", "norm-statistics", "norm-statistics-ahead"]


@pytest.mark.parametrize("cheat", [*FITS, "other-track", "other-nonce", "other-player"])
def test_a_fit_to_labels_pays(cheat: str) -> None:
    """Or there would be nothing to catch."""
    assert forged(cheat).claim.quality > publish(contest().honest).claim.quality


CHOICES = ["subset-chosen", "budget-chosen", "better-checkpoint", "better-checkpoint-raised", "fewer-epochs"]


@pytest.mark.parametrize("cheat", CHOICES)
def test_a_choice_pays(cheat: str) -> None:
    assert forged(cheat).claim.quality > publish(contest().honest).claim.quality


@pytest.mark.parametrize("cheat", ["nudged-epoch", "feedback-alignment-in-part"])
def test_an_audit_at_random_sees_it_when_it_asks_for_a_telling_epoch(cheat: str) -> None:
    forgery = forged(cheat)
    requests = [choose_epochs(signed(forgery.claim), 4) for _ in range(5)]
    answers = [judged(forgery, Level.AUDIT, request) for request in requests]
    seen = [CATALOGUE[cheat].audit if forgery.seen_by(request) else ACCEPTED for request in requests]
    assert answers == seen


@pytest.mark.parametrize("count", [1, 4, 12])
@pytest.mark.parametrize("cheat", ["nudged-epoch", "source-swapped-in-part", "feedback-alignment-in-part"])
def test_requests_ask_for_a_telling_epoch_as_often_as_arithmetic_says(cheat: str, count: int) -> None:
    forgery = forged(cheat)
    expected = chance(others(forgery.claim), len(forgery.telling), count)
    seen = sum(forgery.seen_by(choose_epochs(signed(forgery.claim), count)) for _ in range(REQUESTS))
    deviation = sqrt(expected * (1.0 - expected) / REQUESTS)
    assert abs(seen / REQUESTS - expected) < 5.0 * deviation


def test_the_arithmetic() -> None:
    assert chance(27, 1, 12) == pytest.approx(12 / 27)
    assert chance(100, 10, 12) == pytest.approx(0.7392, abs=1e-4)
    assert chance(27, 27, 1) == 1.0
    assert chance(27, 3, 27) == 1.0
