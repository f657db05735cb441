"""Parties of disputes, honest and forged, on the small edition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from protocol.claim import Claim
from protocol.transcript import Leaf, Transcript
from tests.support.small_contest import module, session
from verifier.challenge.solving import Solved, solve
from verifier.verification.dispute import Party

ADAPTIVE = module("-0.02 * gradient * state, state * 0.9", state="parameters * 0 + 1.0")
Leaves = tuple[Leaf, ...]


@cache
def solved(source: bytes = ADAPTIVE, fuel_budget: int = 10**12) -> Solved:
    return solve(session(source, fuel_budget))


def party(name: str, claim: Claim, leaves: Leaves) -> Party:
    return Party(name, claim, Transcript(claim.digest(), leaves))


def honest(name: str = "honest", made: Solved | None = None) -> Party:
    made = made or solved()
    return party(name, made.claim, made.training.leaves)


def forger(name: str, change: Callable[[Leaves], Leaves], made: Solved | None = None) -> Party:
    """One whose claim commits to other leaves, and agrees with them."""
    made = made or solved()
    leaves = change(made.training.leaves)
    claim = replace(
        made.claim,
        epochs=len(leaves) - 1,
        best_epoch=min(made.claim.best_epoch, len(leaves) - 1),
        train_losses=tuple(leaf.train_loss or 0.0 for leaf in leaves[1:]),
        validation_losses=tuple(leaf.validation_loss or 0.0 for leaf in leaves[1:]),
        transcript_root=Transcript(bytes(32), leaves).tree().root,
    )
    return party(name, claim, leaves)


def leaf(epoch: int, **changes: Any) -> Callable[[Leaves], Leaves]:
    """Other fields in one leaf."""
    return lambda leaves: tuple(replace(found, **changes) if found.epoch == epoch else found for found in leaves)


def fewer(count: int) -> Callable[[Leaves], Leaves]:
    return lambda leaves: leaves[:-count]


def more(count: int) -> Callable[[Leaves], Leaves]:
    def change(leaves: Leaves) -> Leaves:
        return leaves + tuple(replace(leaves[-1], epoch=len(leaves) + i) for i in range(count))

    return change
