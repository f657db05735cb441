"""The checks of level `replay` (specification, 10.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from protocol.claim import Claim
from protocol.verdict import Reason
from verifier.challenge.solving import solved
from verifier.verification.context import Context
from verifier.verification.rejection import module_faults, require

_HISTORY: Final[tuple[tuple[Reason, str, Callable[[Claim], object]], ...]] = (
    (Reason.EPOCHS, "T", lambda c: c.epochs),
    (Reason.STOP_REASON, "stop reason", lambda c: c.stop_reason),
    (Reason.LOSSES, "losses", lambda c: (c.train_losses, c.validation_losses)),
    (Reason.BEST_EPOCH, "best epoch", lambda c: c.best_epoch),
    (Reason.FUEL, "fuel used", lambda c: c.fuel_used),
)


def check_training(context: Context) -> None:
    """Training again from the seed ends the same way: T, stop reason, losses, best epoch, fuel."""
    with module_faults():
        done = context.training or context.session.train(context.observer)
    context.solved = solved(context.session, done)
    for reason, name, value in _HISTORY:
        _compare(context, reason, name, value)


def check_transcript(context: Context) -> None:
    """The transcript's root is the same."""
    _compare(context, Reason.TRANSCRIPT, "transcript root", lambda c: c.transcript_root)


def check_weights(context: Context) -> None:
    """The weights are the same."""
    same = context.solved.solution == context.solution.record
    require(same, Reason.SOLUTION, "training again gives other weights")


def check_quality(context: Context) -> None:
    """Their quality is the same."""
    same = context.solved.claim.quality == context.claim.record.quality
    require(same, Reason.QUALITY, "training again gives another quality")


STEPS = (
    (14, check_training),
    (15, check_transcript),
    (16, check_weights),
    (17, check_quality),
)


def _compare(context: Context, reason: Reason, name: str, value: Callable[[Claim], object]) -> None:
    again, claimed = value(context.solved.claim), value(context.claim.record)
    require(again == claimed, reason, f"{name}: replay gives {_show(again)}, the claim says {_show(claimed)}")


def _show(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()[:16]
    return "others" if isinstance(value, tuple) else str(value)
