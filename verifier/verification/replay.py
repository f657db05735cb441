"""Level `replay`: steps 12 to 15 of the verification of a claim (specification, 10.2)."""

from __future__ import annotations

from collections.abc import Callable

from protocol.claim import Claim
from protocol.solution import Solution
from protocol.verdict import Reason
from sandbox.errors import ModuleRefused, OptimiserError
from verifier.challenge.solving import Solved, Task
from verifier.verification.rejection import Rejection


def replay(task: Task, claim: Claim, solution: Solution, train: Callable[[Task], Solved]) -> None:
    """Train again and compare everything. Raises Rejection."""
    solved = _train_again(task, train)
    for step, reason, name, value in _COMPARISONS:
        again, claimed = value(solved.claim), value(claim)
        if again != claimed:
            raise Rejection(step, reason, f"{name}: replay gives {_show(again)}, the claim says {_show(claimed)}")
    if solved.solution != solution:
        raise Rejection(14, Reason.SOLUTION, "training again gives other weights")
    if solved.claim.quality != claim.quality:
        raise Rejection(15, Reason.QUALITY, "training again gives another quality")


_COMPARISONS: tuple[tuple[int, Reason, str, Callable[[Claim], object]], ...] = (
    (12, Reason.EPOCHS, "T", lambda c: c.epochs),
    (12, Reason.STOP_REASON, "stop reason", lambda c: c.stop_reason),
    (12, Reason.LOSSES, "losses", lambda c: (c.train_losses, c.validation_losses)),
    (12, Reason.BEST_EPOCH, "best epoch", lambda c: c.best_epoch),
    (12, Reason.FUEL, "fuel used", lambda c: c.fuel_used),
    (13, Reason.TRANSCRIPT, "transcript root", lambda c: c.transcript_root),
)


def _train_again(task: Task, train: Callable[[Task], Solved]) -> Solved:
    try:
        return train(task)
    except ModuleRefused as refused:
        raise Rejection(12, Reason.OPTIMISER_REFUSED, str(refused)) from None
    except OptimiserError as error:
        raise Rejection(12, Reason.OPTIMISER_FAILED, str(error)) from None


def _show(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()[:16]
    return "others" if isinstance(value, tuple) else str(value)
