"""Verdicts: honest claims of every kind are accepted, every forgery is rejected with its own step and reason.

A forger holds a key, may change every field, and signs again: a verdict must not rest on the signature alone.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import sandbox.isolation
import sandbox.worker.client
import verifier.verification.evaluate
import verifier.verification.replay
from arithmetic import self_test
from arithmetic.canonical_bytes import canonical_bytes
from arithmetic.errors import MachineError
from protocol.claim import Claim, StopReason
from protocol.envelope import Envelope, seal
from protocol.hashes import blake3_digest
from protocol.keys import SigningKey
from protocol.precommit import Precommit, Seeding
from protocol.solution import Solution
from protocol.task import Choice
from protocol.verdict import Level, Outcome, Reason, Verdict
from sandbox.errors import WorkerFault
from sandbox.isolation import InProcess, Jail
from sandbox.worker.client import ProcessSource
from sandbox.worker.zygote_client import Zygote
from tests.support.audited import audit_evidence
from tests.support.changed_claims import changed
from tests.support.sample_records import signed
from tests.support.small_contest import NONCE, SETTINGS, SMALL, module, session, session_of
from verifier.challenge import scoring
from verifier.challenge.errors import InputError, NoEvidenceError
from verifier.challenge.module import Module
from verifier.challenge.network.weights import read_weights
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.verification.context import Evidence, Terms
from verifier.verification.verify import verify

KEY, OTHER_KEY = SigningKey.generate(), SigningKey.generate()
SOURCE = module()
Changes = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """A claim before it is signed."""

    claim: Claim
    solution: Solution
    source: bytes = SOURCE

    def evidence(self, **changes: Any) -> Evidence:
        return Evidence(seal(self.claim, KEY), seal(self.solution, KEY), found(self.source), **changes)


def found(source: bytes) -> Callable[[bytes], Module]:
    return lambda digest: Module("module.py", source)


@cache
def made(source: bytes = SOURCE, fuel_budget: int = 10**12) -> Made:
    solved = solve(session(source, fuel_budget))
    return Made(solved.claim, solved.solution, source)


def judge(evidence: Evidence, level: Level) -> Verdict:
    return verify(evidence, level, InProcess())


def assert_rejected(verdict: Verdict, step: int, reason: Reason) -> None:
    assert (verdict.outcome, verdict.step, verdict.reason) == (Outcome.REJECTED, step, reason), verdict.detail
    assert verdict.detail
    assert Verdict.from_bytes(verdict.to_bytes()) == verdict


def scored(forged: Made) -> Made:
    """The same claim with the quality that its solution really has: what a careful forger would publish."""
    claim = forged.claim
    trained = session_of(claim, forged.source)
    weights = read_weights(forged.solution, trained.instance_id.track)
    assert weights is not None
    subset = scoring.test_subset(trained.instance_id, claim.best_epoch)
    quality = scoring.score(trained.network, weights, subset).quality
    return replace(forged, claim=replace(claim, quality=quality))


def with_solution(solution: Solution) -> Made:
    """A claim that names another solution."""
    return Made(replace(made().claim, solution_digest=solution.digest()), solution)


def with_weight(name: str, index: int, value: float) -> Solution:
    data = bytearray(getattr(made().solution, name))
    np.frombuffer(data, np.float32)[index] = value
    changes: Changes = {name: bytes(data)}
    return replace(made().solution, **changes)


HONEST: dict[str, tuple[bytes, int, StopReason]] = {
    "early stopping": (module("-3.0 * gradient, state"), 10**12, StopReason.EARLY_STOPPING),
    "epoch limit": (module("-0.02 * gradient, state"), 10**12, StopReason.EPOCH_LIMIT),
    "fuel": (SOURCE, 150_000, StopReason.FUEL_EXHAUSTED),
    "non-finite update": (
        module("gradient * (math.inf if epoch == 2 else -0.05), state"),
        10**12,
        StopReason.NON_FINITE_UPDATE,
    ),
    "non-finite update at once": (module("gradient * math.nan, state"), 10**12, StopReason.NON_FINITE_UPDATE),
    "non-finite loss": (
        module("-0.05 * gradient if epoch < 2 else parameters * 0 - 3e38, state"),
        10**12,
        StopReason.NON_FINITE_LOSS,
    ),
}


@pytest.mark.parametrize("kind", HONEST)
def test_an_honest_claim_of_every_end_is_accepted(kind: str) -> None:
    source, budget, reason = HONEST[kind]
    honest = made(source, budget)
    assert honest.claim.stop_reason is reason
    given = audit_evidence(honest.claim, session(source, budget), KEY)
    for level in Level:
        verdict = judge(honest.evidence(terms=Terms((KEY.verify_key.raw,)), audit=given), level)
        assert (verdict.outcome, verdict.reason, verdict.step) == (Outcome.ACCEPTED, Reason.NONE, 0), verdict.detail
        assert verdict.level is level
        assert verdict.claim_digest == honest.claim.digest()
        assert verdict.measured["quality"] == honest.claim.quality
        assert Verdict.from_bytes(verdict.to_bytes()) == verdict


def test_a_claim_that_used_its_budget_to_the_last_unit_is_accepted() -> None:
    honest = made(SOURCE, made().claim.fuel_used)
    assert honest.claim.fuel_used == honest.claim.task.fuel_budget
    assert honest.claim.stop_reason is not StopReason.FUEL_EXHAUSTED
    for level in (Level.EVALUATE, Level.REPLAY):
        assert judge(honest.evidence(), level).outcome is Outcome.ACCEPTED


def test_a_replay_in_a_worker_comes_to_the_same_verdict(jail: Jail) -> None:
    assert verify(made().evidence(), Level.REPLAY, jail).outcome is Outcome.ACCEPTED
    forged = replace(made(), claim=replace(made().claim, transcript_root=bytes(32)))
    assert_rejected(verify(forged.evidence(), Level.REPLAY, jail), 15, Reason.TRANSCRIPT)


def test_evaluation_needs_no_module() -> None:
    assert judge(replace(made().evidence(), module=None), Level.EVALUATE).outcome is Outcome.ACCEPTED


# -- step 1: signatures ------------------------------------------------------------------------------------------


def test_a_replay_without_the_module_is_no_verdict() -> None:
    with pytest.raises(InputError, match="needs the optimiser's module"):
        judge(replace(made().evidence(), module=None), Level.REPLAY)


def flipped(envelope: Envelope, name: str, byte: int = 40) -> Envelope:
    data = bytearray(getattr(envelope, name))
    data[byte % len(data)] ^= 1
    changes: Changes = {name: bytes(data)}
    return replace(envelope, **changes)


@pytest.mark.parametrize("part", ["claim", "solution"])
@pytest.mark.parametrize("name", ["signature", "payload", "public_key"])
def test_one_flipped_bit_breaks_the_signature(part: str, name: str) -> None:
    evidence = made().evidence()
    changes: Changes = {part: flipped(getattr(evidence, part), name)}
    forged = replace(evidence, **changes)
    for level in (Level.EVALUATE, Level.REPLAY):
        with pytest.raises(NoEvidenceError, match=r"signature|public key") as caught:
            judge(forged, level)
        assert caught.value.part == part


def test_a_claim_signed_again_by_somebody_else_is_not_the_expected_ones() -> None:
    stolen = Evidence(seal(made().claim, OTHER_KEY), seal(made().solution, OTHER_KEY), found(SOURCE))
    assert judge(stolen, Level.REPLAY).outcome is Outcome.ACCEPTED
    assert_rejected(judge(replace(stolen, terms=Terms((KEY.verify_key.raw,))), Level.REPLAY), 1, Reason.SIGNER)


def test_claim_and_solution_must_have_one_signer() -> None:
    evidence = replace(made().evidence(), solution=seal(made().solution, OTHER_KEY))
    with pytest.raises(NoEvidenceError, match="signed by another key than the claim"):
        judge(evidence, Level.EVALUATE)


def test_the_signers_own_solution_of_another_claim_is_no_evidence() -> None:
    other = replace(made(), solution=with_weight("parameters", 0, 1.0))
    for level in (Level.EVALUATE, Level.REPLAY):
        with pytest.raises(NoEvidenceError, match="not the one that the claim names"):
            judge(other.evidence(), level)


def test_another_module_is_no_evidence() -> None:
    evidence = replace(made(), source=SOURCE + b"\n").evidence()
    with pytest.raises(NoEvidenceError, match="the module is not the one that the claim names"):
        judge(evidence, Level.REPLAY)


def test_swapped_records_are_no_verdict() -> None:
    evidence = made().evidence()
    with pytest.raises(NoEvidenceError, match=r"expected \w+\.v\d, found"):
        judge(replace(evidence, claim=evidence.solution), Level.EVALUATE)


# -- steps 2 to 5: what one forward pass shows -------------------------------------------------------------------


def claimed(change: Callable[[Claim], Changes]) -> Callable[[], Made]:
    return lambda: replace(made(), claim=changed(made().claim, **change(made().claim)))


def other_settings(**changes: str) -> Callable[[Claim], Changes]:
    return lambda claim: {"settings": replace(claim.task.settings, **changes)}


def shortened(claim: Claim) -> Changes:
    return {
        "epochs": claim.epochs - 1,
        "best_epoch": min(claim.best_epoch, claim.epochs - 1),
        "train_losses": claim.train_losses[:-1],
        "validation_losses": claim.validation_losses[:-1],
    }


def prolonged(claim: Claim, epochs: int = 1) -> Changes:
    return {
        "epochs": claim.epochs + epochs,
        "train_losses": claim.train_losses + (9.0,) * epochs,
        "validation_losses": claim.validation_losses + (9.0,) * epochs,
    }


def lowest_elsewhere(claim: Claim) -> Changes:
    losses = list(claim.validation_losses)
    losses[-1] = min(losses) / 2.0  # the best is the one before
    return {"validation_losses": tuple(losses)}


def fuel(used: int, budget: int) -> Callable[[Claim], Changes]:
    return lambda claim: {"fuel_used": used, "fuel_budget": budget}


def _after_the_limit() -> Made:
    honest = made(*HONEST["epoch limit"][:2])
    return replace(honest, claim=replace(honest.claim, **prolonged(honest.claim)))


def _after_patience() -> Made:
    honest = made(*HONEST["early stopping"][:2])
    return replace(honest, claim=replace(honest.claim, **prolonged(honest.claim)))


MAXIMUM = SMALL.max_fuel_budget

SHALLOW: dict[str, tuple[Callable[[], Made], int, Reason]] = {
    "edition unknown": (claimed(lambda c: {"edition": "december-2024"}), 3, Reason.EDITION),
    "edition another": (claimed(lambda c: {"edition": "december-2025"}), 5, Reason.SOLUTION_FORM),
    "track unknown": (claimed(other_settings(track_id="n_hidden=0")), 3, Reason.SETTINGS),
    "track another": (claimed(other_settings(track_id="n_hidden=2")), 5, Reason.SOLUTION_FORM),
    "player unprintable": (claimed(other_settings(player_id="\n")), 3, Reason.SETTINGS),
    "player another": (claimed(other_settings(player_id="0xaeba")), 7, Reason.QUALITY),
    "rand_hash another": (claimed(lambda c: {"rand_hash": "0" * 32}), 7, Reason.QUALITY),
    "nonce another": (claimed(lambda c: {"nonce": c.nonce + 1}), 7, Reason.QUALITY),
    "fuel over the budget": (claimed(fuel(1001, 1000)), 3, Reason.FUEL),
    "fuel over the maximum": (claimed(fuel(1000, MAXIMUM + 1)), 3, Reason.FUEL),
    "fuel left at exhaustion": (
        lambda: replace(made(*HONEST["fuel"][:2]), claim=replace(made(*HONEST["fuel"][:2]).claim, fuel_used=149_999)),
        6,
        Reason.FUEL,
    ),
    "quality higher": (claimed(lambda c: {"quality": c.quality + 1}), 7, Reason.QUALITY),
    "quality lower": (claimed(lambda c: {"quality": c.quality - 1}), 7, Reason.QUALITY),
    "solution renamed": (lambda: with_solution(with_weight("parameters", 0, 1.0)), 7, Reason.QUALITY),
    "solution of another edition": (
        lambda: with_solution(replace(made().solution, edition="december-2025")),
        5,
        Reason.SOLUTION_FORM,
    ),
    "solution of another track": (
        lambda: with_solution(replace(made().solution, track_id="n_hidden=2")),
        5,
        Reason.SOLUTION_FORM,
    ),
    "solution too long": (
        lambda: with_solution(replace(made().solution, parameters=made().solution.parameters + bytes(4))),
        5,
        Reason.SOLUTION_FORM,
    ),
    "solution empty": (lambda: with_solution(Solution("small", "n_hidden=1", b"", b"", b"")), 5, Reason.SOLUTION_FORM),
    "variance negative": (
        lambda: with_solution(with_weight("running_variances", 3, -1e-30)),
        5,
        Reason.SOLUTION_FORM,
    ),
    "epochs fewer": (claimed(shortened), 6, Reason.STOP_REASON),
    "epochs beyond the limit": (
        _after_the_limit,
        6,
        Reason.EPOCHS,
    ),
    "epochs beyond patience": (
        _after_patience,
        6,
        Reason.EPOCHS,
    ),
    "best epoch another": (claimed(lambda c: {"best_epoch": c.best_epoch - 1}), 6, Reason.BEST_EPOCH),
    "best epoch none": (claimed(lambda c: {"best_epoch": 0}), 6, Reason.BEST_EPOCH),
    "losses with another best": (claimed(lowest_elsewhere), 6, Reason.BEST_EPOCH),
    **{
        f"stop reason {reason}": (claimed(lambda c, reason=reason: {"stop_reason": reason}), 6, Reason.STOP_REASON)  # type: ignore[misc]
        for reason in StopReason
        if reason is not StopReason.EPOCH_LIMIT
    },
}


@pytest.mark.parametrize("kind", SHALLOW)
def test_a_forgery_that_one_forward_pass_shows(kind: str) -> None:
    forge, step, reason = SHALLOW[kind]
    for level in (Level.EVALUATE, Level.REPLAY):
        assert_rejected(judge(forge().evidence(), level), step, reason)


@pytest.mark.parametrize("name", ["parameters", "running_means", "running_variances"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_solution_that_is_not_finite(name: str, value: float) -> None:
    forged = with_solution(with_weight(name, 5, value))
    assert_rejected(judge(forged.evidence(), Level.EVALUATE), 5, Reason.SOLUTION_FORM)


# -- steps 6 to 10: what only training again shows ---------------------------------------------------------------


def slightly_other_losses(name: str) -> Callable[[Claim], Changes]:
    def change(claim: Claim) -> Changes:
        losses = getattr(claim, name)
        return {name: (losses[0] * (1.0 + 2.0**-52), *losses[1:])}

    return change


def swapped_module(source: bytes) -> Callable[[], Made]:
    """Another module under an honest claim, and the claim names it."""
    return lambda: Made(changed(made().claim, optimiser_digest=blake3_digest(source)), made().solution, source)


def stopped_early() -> Made:
    """The claim says that fuel ran out two epochs before."""
    honest = made(*HONEST["fuel"][:2])
    claim = honest.claim
    return scored(replace(honest, claim=replace(claim, **shortened(claim))))


def tuned_weights() -> Made:
    return scored(with_solution(with_weight("parameters", 0, 1.0)))


DEEP: dict[str, tuple[Callable[[], Made], int, Reason]] = {
    "module swapped": (swapped_module(module("-0.5 * state * gradient, state")), 14, Reason.LOSSES),
    "module refused": (swapped_module(module("open(1), state")), 14, Reason.OPTIMISER_REFUSED),
    "module no Python": (swapped_module(b"\x00\xff"), 14, Reason.OPTIMISER_REFUSED),
    "module raising": (swapped_module(module("[gradient][1], state")), 14, Reason.OPTIMISER_FAILED),
    "module returning nothing": (swapped_module(module("None")), 14, Reason.OPTIMISER_FAILED),
    "hyperparameter changed": (claimed(lambda c: {"hyperparameters": {"lr": 0.051}}), 14, Reason.LOSSES),
    "hyperparameter of no use": (claimed(lambda c: {"hyperparameters": {"lr": "fast"}}), 14, Reason.OPTIMISER_FAILED),
    "hyperparameter unknown": (claimed(lambda c: {"hyperparameters": {"beta": 0.5}}), 14, Reason.OPTIMISER_FAILED),
    "train losses": (claimed(slightly_other_losses("train_losses")), 14, Reason.LOSSES),
    "validation losses": (claimed(slightly_other_losses("validation_losses")), 14, Reason.LOSSES),
    "fuel used more": (claimed(lambda c: {"fuel_used": c.fuel_used + 1}), 14, Reason.FUEL),
    "fuel used less": (claimed(lambda c: {"fuel_used": c.fuel_used - 1}), 14, Reason.FUEL),
    "fuel budget less": (claimed(fuel(100_000, 200_000)), 14, Reason.EPOCHS),
    "transcript root": (claimed(lambda c: {"transcript_root": bytes(32)}), 15, Reason.TRANSCRIPT),
    "epochs fewer": (stopped_early, 14, Reason.EPOCHS),
    "weights from elsewhere": (tuned_weights, 16, Reason.SOLUTION),
    "variances from elsewhere": (
        lambda: scored(with_solution(with_weight("running_variances", 0, 0.5))),
        16,
        Reason.SOLUTION,
    ),
}


@pytest.mark.parametrize("kind", DEEP)
def test_a_forgery_that_only_training_again_shows(kind: str) -> None:
    forge, step, reason = DEEP[kind]
    forged = forge()
    assert judge(forged.evidence(), Level.EVALUATE).outcome is Outcome.ACCEPTED
    verdict = judge(forged.evidence(), Level.REPLAY)
    assert_rejected(verdict, step, reason)


def test_a_stop_reason_that_the_history_leaves_open() -> None:
    honest = made(*HONEST["non-finite update"][:2])
    forged = replace(honest, claim=replace(honest.claim, stop_reason=StopReason.NON_FINITE_LOSS))
    assert judge(forged.evidence(), Level.EVALUATE).outcome is Outcome.ACCEPTED
    assert_rejected(judge(forged.evidence(), Level.REPLAY), 14, Reason.STOP_REASON)


def test_the_authors_line_is_in_the_verdict() -> None:
    verdict = judge(swapped_module(module("[gradient][1], state"))().evidence(), Level.REPLAY)
    assert "line 16: IndexError" in verdict.detail


# -- faults: this machine failed, so nothing follows -------------------------------------------------------------


def assert_undetermined(verdict: Verdict) -> None:
    assert (verdict.outcome, verdict.reason) == (Outcome.UNDETERMINED, Reason.MACHINE_FAULT), verdict.detail
    assert verdict.detail
    assert Verdict.from_bytes(verdict.to_bytes()) == verdict


def test_a_worker_that_is_too_slow_rejects_nobody(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.worker.client, "CALL_SECONDS", 0.0)
    for evidence in (made().evidence(), replace(made(), claim=replace(made().claim, quality=0)).evidence()):
        verdict = verify(evidence, Level.REPLAY, jail)
        if verdict.step != 7:  # what needs no worker is decided all the same
            assert_undetermined(verdict)


@pytest.mark.parametrize("victim", ["call", "ahead"])
def test_a_worker_that_is_killed_rejects_nobody(jail: Jail, monkeypatch: pytest.MonkeyPatch, victim: str) -> None:
    class Dying(ProcessSource):
        def __init__(self, zygote: Zygote) -> None:
            super().__init__(zygote)
            method, calls = getattr(self, victim), []

            def dying(*arguments: Any) -> Any:
                calls.append(victim)
                if len(calls) == 2:
                    assert self._worker._child is not None
                    os.kill(self._worker._child.process, signal.SIGKILL)
                return method(*arguments)

            setattr(self, victim, dying)

    monkeypatch.setattr(sandbox.isolation, "ProcessSource", Dying)
    assert_undetermined(verify(made().evidence(), Level.REPLAY, jail))


@pytest.mark.parametrize(
    "fault",
    [
        WorkerFault("gone"),
        MemoryError(),
        OSError(28, "No space left on device"),
        RuntimeError("DefaultCPUAllocator: not enough memory"),
    ],
)
def test_a_fault_of_the_machine_rejects_nobody(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def broken(*_: object) -> None:
        raise fault

    monkeypatch.setattr(verifier.verification.replay, "solved", broken)
    assert_undetermined(judge(made().evidence(), Level.REPLAY))
    assert judge(made().evidence(), Level.EVALUATE).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("level", [Level.EVALUATE, Level.REPLAY])
def test_the_machine_is_tested_first(monkeypatch: pytest.MonkeyPatch, level: Level) -> None:
    def refuse() -> None:
        raise MachineError("it was asked")

    monkeypatch.setattr(self_test, "require_sound", refuse)
    with pytest.raises(MachineError, match="it was asked"):
        verify(made().evidence(), level, InProcess())


def test_an_error_of_ours_is_no_verdict_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(verifier.verification.evaluate, "score", broken)
    with pytest.raises(ValueError, match="a bug"):
        judge(made().evidence(), Level.EVALUATE)


def test_a_forged_claim_survives_the_bytes() -> None:
    """The forgeries above are records that a forger can really write down."""
    for forge, _, _ in [*SHALLOW.values(), *DEEP.values()]:
        claim = forge().claim
        assert Claim.from_bytes(claim.to_bytes()) == claim
    assert canonical_bytes(np.ones(1, np.float32)) == b"\x00\x00\x80?"


# -- steps 2 and 4: the terms of a validator ----------------------------------------------------------------------


@pytest.mark.parametrize(("above", "qualifies"), [(-1, True), (0, False), (1, False)])
def test_a_claim_qualifies_above_the_threshold_and_not_at_it(above: int, qualifies: bool) -> None:
    claimed = made().claim.quality
    evidence = made().evidence(terms=Terms(threshold=claimed + above))
    for level in (Level.EVALUATE, Level.REPLAY):
        verdict = judge(evidence, level)
        if qualifies:
            assert verdict.outcome is Outcome.ACCEPTED
        else:
            assert_rejected(verdict, 2, Reason.UNQUALIFIED)
            assert verdict.detail == f"the claimed quality {claimed:,} is not above {claimed + above:,}"
            assert not verdict.measured  # nothing was computed


def precommitted(num_nonces: int = NONCE + 1, key: SigningKey = KEY, **changes: Any) -> tuple[Made, Terms]:
    """A training under a precommit, and the terms of a validator who has received one, perhaps another one."""
    task = made().claim.task
    choice = Choice(task.edition, task.settings, task.optimiser_digest, task.hyperparameters, task.fuel_budget)
    bound = Precommit(choice, NONCE + 1).task("seed")
    solved = solve(Session(bound, NONCE, Module("a.py", SOURCE), InProcess()))
    received = Precommit(replace(choice, **changes), num_nonces)
    return Made(solved.claim, solved.solution), Terms(
        seeding=Seeding(signed(received, signer=key.verify_key.raw), "seed")
    )


@pytest.mark.parametrize("level", Level)
def test_a_claim_of_the_precommit_is_accepted_and_the_verdict_says_that_its_choice_was_bound(level: Level) -> None:
    bound, terms = precommitted()
    given = audit_evidence(bound.claim, Session(bound.claim.task, NONCE, Module("a.py", SOURCE), InProcess()), KEY)
    verdict = judge(bound.evidence(terms=terms, audit=given), level)
    assert (verdict.outcome, verdict.measured["choice"]) == (Outcome.ACCEPTED, "bound")
    assert verdict.detail.endswith("were chosen before the seed existed")
    verdict = judge(bound.evidence(audit=given), level)
    assert (verdict.outcome, verdict.measured["choice"]) == (Outcome.ACCEPTED, "unchecked")
    assert verdict.detail.endswith("was not checked")


def test_without_a_precommit_the_verdict_says_that_others_may_have_been_tried() -> None:
    verdict = judge(made().evidence(), Level.EVALUATE)
    assert (verdict.outcome, verdict.measured["choice"]) == (Outcome.ACCEPTED, "unbound")
    assert verdict.detail.endswith("may have been chosen after trying others")


CHOICES: dict[str, Changes] = {
    "edition": {"edition": "december-2025"},
    "settings": {"settings": replace(SETTINGS, player_id="0xaeba")},
    "module": {"optimiser_digest": bytes(32)},
    "hyperparameters": {"hyperparameters": {"lr": 0.5}},
    "fuel budget": {"fuel_budget": 10**12 - 1},
    "number of nonces": {"num_nonces": NONCE + 2},
}


@pytest.mark.parametrize("kind", CHOICES)
def test_a_claim_of_another_choice_than_the_precommits(kind: str) -> None:
    claim, terms = precommitted(**CHOICES[kind])
    assert_rejected(judge(claim.evidence(terms=terms), Level.EVALUATE), 4, Reason.PRECOMMIT)


def test_a_claim_after_another_beacon_or_without_the_precommit() -> None:
    claim, terms = precommitted()
    assert terms.seeding is not None
    later = Terms(seeding=replace(terms.seeding, beacon="later"))
    assert_rejected(judge(claim.evidence(terms=later), Level.EVALUATE), 4, Reason.PRECOMMIT)
    assert_rejected(judge(made().evidence(terms=terms), Level.EVALUATE), 4, Reason.PRECOMMIT)
    named = replace(claim, claim=changed(claim.claim, precommit_digest=bytes(32)))
    assert_rejected(judge(named.evidence(terms=terms), Level.EVALUATE), 4, Reason.PRECOMMIT)


def test_a_nonce_that_was_not_promised() -> None:
    claim, terms = precommitted()
    beyond = replace(claim, claim=replace(claim.claim, nonce=NONCE + 1))
    verdict = judge(beyond.evidence(terms=terms), Level.EVALUATE)
    assert_rejected(verdict, 4, Reason.PRECOMMIT)
    assert verdict.detail == f"nonce {NONCE + 1} is beyond the precommit's last, {NONCE}"


def test_a_precommit_of_another_key() -> None:
    claim, terms = precommitted(key=OTHER_KEY)
    assert_rejected(judge(claim.evidence(terms=terms), Level.EVALUATE), 1, Reason.SIGNER)
