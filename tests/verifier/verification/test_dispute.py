"""Disputes: whoever is wrong is named, with the epoch and the fields, and whoever is right is not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.bisection import Side, first_difference
from protocol.canonical_msgpack import encode
from protocol.claim import StopReason
from protocol.errors import RecordError
from protocol.merkle import MerkleTree
from protocol.transcript import Transcript
from sandbox.isolation import Jail
from tests.support.changed_claims import changed
from tests.support.disputed import ADAPTIVE, Leaves, fewer, forger, honest, leaf, more, party, solved
from tests.support.small_contest import module, session
from verifier.challenge.errors import InputError
from verifier.challenge.session import Session
from verifier.verification.dispute import Party, Ruling, require_same_task, rule

pytestmark = pytest.mark.slow

OTHER = bytes(range(32))


def ruling(one: Party, other: Party, trained: Session | None = None) -> Ruling:
    """The ruling, which is the same whoever comes first."""
    trained = trained or session(ADAPTIVE)
    found, mirrored = rule(one, other, trained), rule(other, one, trained)
    assert (found.wrong, found.epoch, found.differs) == (mirrored.wrong, mirrored.epoch, mirrored.differs)
    assert found.digests <= 3 * math.ceil(math.log2(max(one.claim.epochs, other.claim.epochs) + 1)) + 1
    return found


def warm_start(leaves: Leaves) -> Leaves:
    """The leaves of a run whose parameters were nudged once, after epoch 6, and that went on honestly."""
    trained = session(ADAPTIVE)
    with trained.trainer() as trainer:
        trainer.start(trained.initial)
        for _ in range(6):
            trainer.advance()
        checkpoint = trainer.checkpoint()
    parameters = checkpoint.weights.parameters + np.float32(2.0**-10)
    with trained.trainer() as trainer:
        trainer.resume(replace(checkpoint, weights=checkpoint.weights._replace(parameters=parameters)))
        while trainer.advance() is None:
            pass
        return tuple(trainer.leaves)


FORGED: dict[str, tuple[Callable[[Leaves], Leaves], int, tuple[str, ...]]] = {
    "train loss": (leaf(5, train_loss=0.5), 5, ("train_loss",)),
    "validation loss of the first epoch": (leaf(1, validation_loss=0.5), 1, ("validation_loss",)),
    "parameters in the middle": (leaf(6, network_digest=OTHER), 6, ("network_digest",)),
    "state": (leaf(7, state_digest=OTHER), 7, ("state_digest",)),
    "gradient": (leaf(8, gradient_digest=OTHER), 8, ("gradient_digest",)),
    "fuel": (leaf(9, fuel_used=1), 9, ("fuel_used",)),
    "stale epochs": (leaf(12, stale_epochs=2), 12, ("stale_epochs",)),
    "the start": (leaf(0, network_digest=OTHER, state_digest=OTHER), 0, ("network_digest", "state_digest")),
    "one more epoch": (more(1), 13, ("epochs",)),
    "many more epochs": (more(9), 13, ("epochs",)),
    "one epoch less": (fewer(1), 12, ("epochs",)),
    "seven epochs less": (fewer(7), 6, ("epochs",)),
    "no epochs": (fewer(12), 1, ("epochs",)),
}


@pytest.mark.parametrize("kind", FORGED)
def test_the_forger_is_named_with_epoch_and_fields(kind: str) -> None:
    change, epoch, fields = FORGED[kind]
    found = ruling(honest(), forger("forger", change))
    assert (found.differs, found.epoch, dict(found.wrong)) == (epoch, epoch, {"forger": fields})


def test_a_nudged_run_is_wrong_from_the_next_epoch_on() -> None:
    found = ruling(honest(), forger("forger", warm_start))
    assert (found.differs, found.epoch) == (7, 7)
    assert set(found.wrong) == {"forger"}
    assert {"validation_loss", "network_digest", "gradient_digest"} <= set(found.wrong["forger"])


def test_it_comes_out_the_same_in_a_worker(jail: Jail) -> None:
    epochs: list[int] = []
    found = rule(honest(), forger("forger", warm_start), session(ADAPTIVE, isolation=jail), epochs.append)
    assert (found.epoch, set(found.wrong)) == (7, {"forger"})
    assert epochs == list(range(1, 8))


@settings(max_examples=20)
@given(st.integers(0, 12), st.integers(0, 12))
def test_the_first_difference_decides(mine: int, theirs: int) -> None:
    """Of two forgers the one with the earlier forgery is wrong; the other is right up to there."""
    one = forger("one", leaf(mine, network_digest=OTHER))
    other = forger("other", leaf(theirs, network_digest=bytes(32)))
    found = rule(one, other, session(ADAPTIVE))
    assert found.epoch == found.differs == min(mine, theirs)
    assert set(found.wrong) == {name for name, epoch in (("one", mine), ("other", theirs)) if epoch == found.epoch}


def test_two_forgers_who_share_what_they_forged() -> None:
    """Where they part, one may even say the truth: both were wrong before."""
    shared = forger("shared", leaf(3, network_digest=OTHER))
    further = forger("further", lambda leaves: leaf(9, fuel_used=1)(leaf(3, network_digest=OTHER)(leaves)))
    found = ruling(shared, further)
    assert (found.differs, found.epoch) == (9, 3)
    assert dict(found.wrong) == {"shared": ("network_digest",), "further": ("network_digest",)}
    assert "both were wrong before that" in found.detail


def test_two_forgers_who_go_on_beyond_the_end() -> None:
    one = forger("one", more(3))
    other = forger("other", lambda leaves: leaf(15, fuel_used=1)(more(3)(leaves)))
    found = ruling(one, other)
    assert (found.differs, found.epoch) == (15, 13)
    assert dict(found.wrong) == {"one": ("epochs",), "other": ("epochs",)}


def test_too_few_epochs_against_a_forged_one() -> None:
    found = ruling(forger("short", fewer(2)), forger("forged", leaf(11, state_digest=OTHER)))
    assert (found.epoch, dict(found.wrong)) == (11, {"short": ("epochs",), "forged": ("state_digest",)})


# -- training that ends inside an epoch --------------------------------------------------------------------------

BUDGET = 150_000


def test_training_that_ends_for_want_of_fuel() -> None:
    made = solved(module(), BUDGET)
    assert made.claim.stop_reason is StopReason.FUEL_EXHAUSTED
    last = made.claim.epochs
    for change, epoch in ((more(1), last + 1), (fewer(1), last)):
        found = ruling(honest(made=made), forger("forger", change, made), session(module(), BUDGET))
        assert (found.epoch, dict(found.wrong)) == (epoch, {"forger": ("epochs",)})


def test_training_that_ends_in_its_first_epoch() -> None:
    source = module("float('inf') * gradient, state")
    made = solved(source)
    assert made.claim.epochs == 0
    found = ruling(honest(made=made), forger("longer", more(1), made), session(source))
    assert (found.epoch, dict(found.wrong)) == (1, {"longer": ("epochs",)})
    found = ruling(honest(made=made), forger("other", leaf(0, state_digest=OTHER), made), session(source))
    assert (found.epoch, dict(found.wrong)) == (0, {"other": ("state_digest",)})


def test_a_module_that_nobody_can_train() -> None:
    for source in (module("[gradient][epoch - 2], state"), module("open(1), state")):
        found = ruling(honest(), forger("forger", leaf(9, fuel_used=1)), session(source))
        assert set(found.wrong) == {"honest", "forger"}
        assert set(found.wrong.values()) == {("optimiser_digest",)}
        assert "no claim can come from this module: " in found.detail
        assert (found.epoch, found.differs) == (None, 9)


# -- transcripts that are the same -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"quality": 1},
        {"solution_digest": OTHER},
        {"stop_reason": StopReason.NON_FINITE_LOSS},
        {"fuel_used": 1},
        {"best_epoch": 1},
        {"train_losses": (0.5,) * 12, "validation_losses": (0.25,) * 12},
    ],
    ids="-".join,
)
def test_claims_that_differ_beside_their_transcripts(changes: dict[str, Any]) -> None:
    forged = party("forger", replace(solved().claim, **changes), solved().training.leaves)
    found = ruling(honest(), forged)
    assert (found.differs, found.epoch, dict(found.wrong)) == (None, None, {"forger": tuple(changes)})
    assert f"the claims differ in {', '.join(changes)}" in found.detail


def test_claims_that_differ_where_both_are_wrong() -> None:
    one = party("one", replace(solved().claim, quality=1), solved().training.leaves)
    other = party("other", replace(solved().claim, quality=2, fuel_used=3), solved().training.leaves)
    assert dict(ruling(one, other).wrong) == {"one": ("quality",), "other": ("fuel_used", "quality")}


def test_claims_that_say_the_same_need_no_training() -> None:
    again = replace(solved().claim, run={"machine": "another"})
    found = rule(honest(), party("again", again, solved().training.leaves), session(b"no module"))
    assert (dict(found.wrong), found.differs) == ({}, None)
    assert "nothing to decide" in found.detail


def test_the_same_claims_of_a_module_that_nobody_can_train() -> None:
    forged = party("forger", replace(solved().claim, quality=1), solved().training.leaves)
    found = ruling(honest(), forged, session(module("open(1), state")))
    assert dict(found.wrong) == {"honest": ("optimiser_digest",), "forger": ("optimiser_digest",)}


# -- transcripts that are not the claim's ------------------------------------------------------------------------


@pytest.mark.parametrize("of_longer", [False, True])
def test_a_party_that_shows_another_transcript_than_it_committed_to(of_longer: bool) -> None:
    leaves = more(2)(solved().training.leaves) if of_longer else leaf(4, fuel_used=1)(solved().training.leaves)
    found = ruling(honest(), party("forger", solved().claim, leaves), session(b"is not needed"))
    assert dict(found.wrong) == {"forger": ("transcript_root",)}
    assert (found.epoch, found.differs) == (None, None)


def test_a_party_whose_transcript_has_another_number_of_epochs_than_its_claim() -> None:
    """The root is the same, and yet it is not what the claim commits to."""
    claim = replace(forger("", more(1)).claim, transcript_root=solved().claim.transcript_root)
    found = ruling(honest(), party("forger", claim, solved().training.leaves))
    assert dict(found.wrong) == {"forger": ("transcript_root",)}


# -- the same task -----------------------------------------------------------------------------------------------

TASKS: dict[str, dict[str, Any]] = {
    "edition": {"edition": "december-2025"},
    "rand_hash": {"rand_hash": "0" * 32},
    "nonce": {"nonce": 8},
    "optimiser_digest": {"optimiser_digest": OTHER},
    "fuel_budget": {"fuel_budget": 10**11},
    "hyperparameters": {"hyperparameters": {"lr": 1}},
}


@pytest.mark.parametrize("name", TASKS)
def test_claims_about_different_trainings_are_no_dispute(name: str) -> None:
    base = changed(solved().claim, hyperparameters={"lr": 1.0})
    one = party("one.claim", base, solved().training.leaves)
    other = party("other.claim", changed(base, **TASKS[name]), solved().training.leaves)
    require_same_task(one, one)
    with pytest.raises(InputError, match=rf"one\.claim and other\.claim differ in {name}: "):
        require_same_task(one, other)


def test_settings_are_compared_one_by_one() -> None:
    for name in ("algorithm_id", "block_id", "challenge_id", "player_id", "track_id"):
        settings = replace(solved().claim.task.settings, **{name: "another"})
        other = party("other", changed(solved().claim, settings=settings), solved().training.leaves)
        with pytest.raises(InputError, match=rf"differ in settings\.{name}: "):
            require_same_task(honest(), other)


# -- few digests -------------------------------------------------------------------------------------------------


def test_no_side_sends_more_than_three_digests_for_each_level() -> None:
    for count in range(1, 34):
        for other_count in range(1, 34):
            for first in {0, count // 2, min(count, other_count) - 1}:
                same = [bytes([place]) * 32 for place in range(max(count, other_count))]
                other = same[:first] + [bytes([place, 255] * 16) for place in range(first, other_count)]
                trees = MerkleTree(same[:count]), MerkleTree(other[:other_count])
                sides = [Side("", tree.root, len(tree.leaves), tree) for tree in trees]
                assert first_difference(*sides) == min(first, count, other_count)
                for side in sides:
                    assert side.digests <= 3 * math.ceil(math.log2(side.count)) + 1


# -- leaves that are none ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fuel_used", -1),
        ("stale_epochs", -1),
        ("epoch", -1),
        ("network_digest", bytes(31)),
        ("state_digest", bytes(33)),
        ("gradient_digest", b""),
    ],
)
def test_a_leaf_that_cannot_be_hashed_is_no_leaf(name: str, value: Any) -> None:
    """Such a transcript is a bad file, not an error of ours."""
    good = solved().training.leaves[0]
    with pytest.raises(RecordError, match=rf"leaf\.{name}: expected"):
        replace(good, **{name: value})
    bad = {**asdict(good), name: value}
    with pytest.raises(RecordError, match=rf"transcript\.leaves\[0\]\.{name}: expected"):
        Transcript.from_bytes(encode({"claim_digest": bytes(32), "leaves": [bad]}))
