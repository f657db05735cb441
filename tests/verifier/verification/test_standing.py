"""Standings: what verdicts make of a signer, and which of them count."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.verdict import Level, Outcome, Reason
from tests.support.policies import digest, policy
from verifier.verification.policy import Standing
from verifier.verification.standing import NOT_ASKED_FOR, Judgement, Standings

POLICY = policy()
ALICE, BOB = digest("alice"), digest("bob")
REPLAYED = Level.REPLAY, Outcome.ACCEPTED, Reason.NONE
FORGED = Level.REPLAY, Outcome.REJECTED, Reason.LOSSES
Entry = tuple[str, str, tuple[Level, Outcome, Reason]]


def standings(*entries: Entry) -> Standings:
    found = Standings()
    for signer, claim, verdict in entries:
        found.note(Judgement(signer, digest(claim), *verdict))
    return found


def replays(signer: str, count: int, first: int = 0) -> list[Entry]:
    return [(signer, f"{signer} {first + n}", REPLAYED) for n in range(count)]


@pytest.mark.parametrize(
    ("accepted", "standing"),
    [(0, "newcomer"), (1, "newcomer"), (2, "known"), (3, "known"), (4, "trusted"), (99, "trusted")],
)
def test_accepted_replays_end_a_standing(accepted: int, standing: str) -> None:
    found = standings(*replays(ALICE, accepted))
    assert found.of(ALICE, POLICY) == standing
    assert found.of(BOB, POLICY) == "newcomer"


@pytest.mark.parametrize(("accepted", "standing"), [(0, "suspect"), (2, "suspect"), (3, "known"), (4, "trusted")])
def test_a_failure_makes_a_suspect_and_the_count_begins_anew(accepted: int, standing: str) -> None:
    found = standings(*replays(ALICE, 50), (ALICE, "forged", FORGED), *replays(ALICE, accepted, first=50))
    assert found.of(ALICE, POLICY) == standing


def test_an_evaluation_or_an_audit_raises_no_trust() -> None:
    levels = (Level.EVALUATE, Level.AUDIT)
    entries = [(ALICE, f"{n}", (level, Outcome.ACCEPTED, Reason.NONE)) for n, level in enumerate(levels * 9)]
    assert standings(*entries).of(ALICE, POLICY) == "newcomer"


@pytest.mark.parametrize("level", Level)
def test_a_failure_counts_at_every_level(level: Level) -> None:
    assert standings((ALICE, "x", (level, Outcome.REJECTED, Reason.QUALITY))).of(ALICE, POLICY) == "suspect"


def test_a_claim_is_accepted_once_and_for_the_first_who_files_it() -> None:
    found = standings(*replays(ALICE, 4), *[(BOB, f"{ALICE} {n}", REPLAYED) for n in range(4)])
    assert found.of(BOB, POLICY) == "newcomer"
    assert standings(*4 * replays(ALICE, 1)).of(ALICE, POLICY) == "newcomer"


def test_an_old_failure_filed_again_is_no_new_one() -> None:
    forged = (ALICE, "forged", FORGED)
    assert standings(forged, *replays(ALICE, 4), forged).of(ALICE, POLICY) == "trusted"


def test_what_another_one_signs_is_no_failure_of_the_first() -> None:
    found = standings(*replays(ALICE, 4), (BOB, f"{ALICE} 0", FORGED))
    assert found.of(ALICE, POLICY) == "trusted"
    assert found.of(BOB, POLICY) == "suspect"


LIES = frozenset(
    {
        Reason.SOLUTION_FORM, Reason.LOSSES, Reason.QUALITY, Reason.OPTIMISER_REFUSED, Reason.OPTIMISER_FAILED,
        Reason.EPOCHS, Reason.BEST_EPOCH, Reason.STOP_REASON, Reason.FUEL, Reason.AUDIT_RESPONSE, Reason.OPENING,
        Reason.INITIAL_STATE, Reason.EPOCH, Reason.TRANSCRIPT, Reason.SOLUTION,
    }
)  # fmt: skip
"""Reasons that follow from what the signer signed alone, for every validator."""


def test_every_reason_is_a_lie_or_not_what_was_asked_for() -> None:
    """A new reason must be thought about: can anybody but the signer have caused it?"""
    assert set(Reason) - {Reason.NONE, Reason.MACHINE_FAULT} == LIES | NOT_ASKED_FOR
    assert not LIES & NOT_ASKED_FOR


REJECTIONS = [(reason, "suspect") for reason in sorted(LIES)] + [
    (reason, "trusted") for reason in sorted(NOT_ASKED_FOR)
]


@pytest.mark.parametrize(("reason", "standing"), REJECTIONS)
def test_only_a_lie_is_a_failure(reason: Reason, standing: str) -> None:
    rejected = (ALICE, "x", (Level.EVALUATE, Outcome.REJECTED, reason))
    assert standings(*replays(ALICE, 4), rejected).of(ALICE, POLICY) == standing


HARMLESS = [
    (Outcome.ACCEPTED, Reason.NONE),
    (Outcome.UNDETERMINED, Reason.MACHINE_FAULT),
    *((Outcome.REJECTED, reason) for reason in NOT_ASKED_FOR),
]
"""All that can be said of an honest signer's claims, whatever machines fail, and whoever files them where."""


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(Level), st.sampled_from(HARMLESS)), max_size=40))
def test_no_share_of_an_honest_signer_ever_rises(found: list[tuple[int, Level, tuple[Outcome, Reason]]]) -> None:
    known, shares = Standings(), [POLICY.rules[Standing.NEWCOMER].replay]
    for claim, level, (outcome, reason) in found:
        known.note(Judgement(ALICE, digest(str(claim)), level, outcome, reason))
        shares.append(POLICY.rules[known.of(ALICE, POLICY)].replay)
    assert all(later <= earlier for earlier, later in pairwise(shares))
