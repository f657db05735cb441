"""Every forgery of the catalogue gets at every level exactly the answer that the catalogue says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from math import sqrt

import pytest

from protocol.claim import Claim, StopReason
from protocol.solution import Solution
from protocol.verdict import Level
from sandbox.isolation import InProcess
from tests.forgeries.catalogue import ACCEPTED, CATALOGUE, always, answer, asking, chance, judged, others, verdict_on
from tests.forgeries.cheats import CHEATS
from tests.forgeries.choice_cheats import budget_asked
from tests.forgeries.contest import Contest
from tests.forgeries.forgery import Forgery, Rig, publish
from tests.forgeries.promise import promised
from tests.forgeries.training_cheats import broken_off, fuel_told
from tests.support.folders import FIXTURES
from tests.support.sample_records import signed
from tests.support.small_contest import SMALL, session
from verifier.challenge import editions
from verifier.challenge.session import Session
from verifier.verification.audit_response import choose_epochs
from verifier.verification.choosing import Choosing
from verifier.verification.context import Terms
from verifier.verification.verify import verify

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
    stubborn = adam(-0.01, LONG.patience + 5)
    return Contest(promised(adam(0.05, EPOCHS)), promised(stubborn), LONG_TOO.name)


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
        verdicts = [verdict_on(claimed, level, every) for level in Level]
        assert {answer(verdict) for verdict in verdicts} == {ACCEPTED}
        assert {verdict.measured["choice"] for verdict in verdicts} == {Choosing.BOUND}


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


CHOICES = {
    "budget-chosen": "fuel_budget",
    "hyperparameters-chosen": "hyperparameters",
    "module-chosen": "optimiser_digest",
    "rand-hash-chosen": "rand_hash",
    "precommit-afterwards": "precommit_digest",
    "nonce-beyond": "nonce",
}
"""The cheats that tell the truth about another training than was promised, and what is another one's."""
FITS = ["least-squares", "least-squares-ahead", "norm-statistics", "norm-statistics-ahead"]


@pytest.mark.parametrize("cheat", [*FITS, "other-track", "other-nonce", "other-player"])
def test_a_fit_to_labels_pays(cheat: str) -> None:
    """Or there would be nothing to catch."""
    assert forged(cheat).claim.quality > publish(contest().honest).claim.quality


@pytest.mark.parametrize("cheat", ["better-checkpoint", "better-checkpoint-raised", "fewer-epochs", *CHOICES])
def test_a_choice_pays(cheat: str) -> None:
    assert forged(cheat).claim.quality > publish(contest().honest).claim.quality


@pytest.mark.parametrize("ending", [fuel_told, budget_asked, broken_off])
def test_no_end_after_the_best_epoch_gains_anything(ending: Callable[[Contest, int], Forgery]) -> None:
    honest = publish(contest().honest).claim
    for end in range(honest.best_epoch, EPOCHS):
        claim = ending(contest(), end).claim
        assert claim.epochs == end
        assert (claim.quality, claim.solution_digest) == (honest.quality, honest.solution_digest)


@pytest.mark.parametrize("cheat", CHOICES)
def test_a_verdict_on_a_choice_names_what_was_not_promised(cheat: str) -> None:
    detail = verdict_on(forged(cheat), Level.EVALUATE).detail
    promise = "is beyond the precommit's last, 8" if cheat == "nonce-beyond" else "is not that of the precommit"
    assert detail.startswith(CHOICES[cheat])
    assert promise in detail


@pytest.mark.parametrize("cheat", CHOICES)
def test_without_the_precommit_a_choice_is_accepted_and_the_verdict_says_so(cheat: str) -> None:
    unchecked = replace(forged(cheat), received=None)
    unbound = unchecked.reworded(task=replace(unchecked.claim.task, precommit_digest=None))
    for forgery, choosing in ((unchecked, Choosing.UNCHECKED), (unbound, Choosing.UNBOUND)):
        for level in Level:
            verdict = verdict_on(forgery, level, asking(forgery.claim, ()))
            assert (answer(verdict), verdict.measured["choice"]) == (ACCEPTED, choosing)


def test_who_has_the_precommit_need_name_no_key_to_see_that_a_claim_was_signed_again() -> None:
    given = forged("signed-again").evidence()
    without = replace(given, terms=replace(given.terms, signers=()))
    assert answer(verify(without, Level.EVALUATE, InProcess())) == "1 signer"
    nothing = replace(given, terms=Terms())
    assert answer(verify(nothing, Level.EVALUATE, InProcess())) == ACCEPTED


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
