"""The one object of `score`: what a program that writes optimisers is told about a module (docs/score.md).

Its fields are promised: `SCHEMA` names their meaning, and they are described in score.schema.json.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from protocol.task import Task
from verifier.challenge.module import Module
from verifier.challenge.quality import qualifies
from verifier.command_line.exit_codes import DONE, REJECTED, UNDETERMINED, UNFINISHED, USAGE
from verifier.command_line.solving.nonce_solver import Answer, ModuleFailed, Refused, SolvedNonce
from verifier.command_line.trying.training_summary import place_in

if TYPE_CHECKING:
    from sandbox.diagnostics import Diagnostic

SCHEMA: Final = "tig-verify/score.v1"
EXIT_CODES: Final = {
    "scored": DONE,
    "refused": REJECTED,
    "failed": USAGE,
    "usage": USAGE,
    "undetermined": UNDETERMINED,
    "unfinished": UNFINISHED,
}
"""How a call ends, by its status."""


@dataclass
class ScoreObject:
    """What is known of a module, more and more in the course of a call."""

    file: str | None = None
    module: Module | None = None
    task: Task | None = None
    seconds_allowed: float | None = None
    nonces: Sequence[int] = ()
    diagnostics: list[Diagnostic] = field(default_factory=list)
    answers: dict[int, Answer] = field(default_factory=dict)
    is_refused: bool = False
    with_losses: bool = False

    @property
    def status(self) -> str:
        """`refused` if the dialect refuses it; else the worst that befell a nonce, or `scored`."""
        if self.is_refused:
            return "refused"
        found = {self._nonce_status(nonce) for nonce in self.nonces}
        return next((each for each in ("failed", "unfinished", "undetermined") if each in found), "scored")

    def as_json(self, seconds: float, status: str | None = None, message: str | None = None) -> dict[str, Any]:
        """The object of a call that took so long; a status from outside says what kept the module from being tried."""
        status = status or self.status
        entries = [] if status in ("refused", "usage") else [self._nonce(nonce) for nonce in self.nonces]
        qualities = [entry["quality"] for entry in entries] if status == "scored" else []
        return {
            "schema": SCHEMA,
            "status": status,
            "quality": round(sum(qualities) / len(qualities)) if qualities else None,
            "qualified": sum(bool(entry["qualified"]) for entry in entries),
            "message": message or self._problem(entries),
            "file": self.file,
            "optimiser_digest": self.module and self.module.digest.hex(),
            "edition": self.task and self.task.edition,
            "track": self.task and self.task.settings.track_id,
            "hyperparameters": dict(self.task.hyperparameters) if self.task else {},
            "fuel_budget": self.task and self.task.fuel_budget,
            "seconds": round(seconds, 3),
            "seconds_allowed": self.seconds_allowed,
            "diagnostics": [
                {"severity": each.severity, **asdict(each)} for each in self.diagnostics if each.severity != "note"
            ],
            "nonces": entries,
        }

    def _problem(self, entries: Sequence[Mapping[str, Any]]) -> str | None:
        """What went wrong first, in one sentence; None if every nonce is scored."""
        if self.is_refused:
            return self.diagnostics[0].message
        if self.status == "scored":
            return None
        reasons = [entry["reason"] for entry in entries if entry["status"] != "scored" and entry["reason"]]
        left = sum(entry["status"] == "unfinished" for entry in entries)
        return reasons[0] if reasons else f"the time was over; {left} of {len(entries)} nonces are left"

    def _nonce_status(self, nonce: int) -> str:
        answer = self.answers.get(nonce)
        if isinstance(answer, SolvedNonce):
            return "scored"
        if isinstance(answer, ModuleFailed | Refused):
            return "failed"
        return "unfinished" if answer is None else "undetermined"

    def _nonce(self, nonce: int) -> dict[str, Any]:
        """What is known of one nonce; fields that only a training has are null without one."""
        entry: dict[str, Any] = {
            "nonce": nonce, "status": self._nonce_status(nonce), "quality": None, "qualified": None, "epochs": None,
            "best_epoch": None, "stop_reason": None, "test_loss": None, "threshold": None, "fuel_used": None,
            "seconds": None, "reason": None, "line": None, "function": None,
        }  # fmt: skip
        answer = self.answers.get(nonce)
        if isinstance(answer, SolvedNonce):
            entry |= _trained(answer)
            if self.with_losses:
                entry["train_losses"] = list(answer.claim.train_losses)
                entry["validation_losses"] = list(answer.claim.validation_losses)
        elif answer is not None:
            entry["reason"] = answer.lines[0] if isinstance(answer, Refused) else answer.why
        if entry["reason"] and self.module:
            entry["line"], entry["function"] = place_in(entry["reason"], self.module)
        return entry


def _trained(solved: SolvedNonce) -> dict[str, Any]:
    claim = solved.claim
    return {
        "quality": claim.quality,
        "qualified": qualifies(claim.quality),
        "epochs": claim.epochs,
        "best_epoch": claim.best_epoch,
        "stop_reason": str(claim.stop_reason),
        "test_loss": solved.loss if math.isfinite(solved.loss) else None,  # JSON has no infinity
        "threshold": solved.threshold,
        "fuel_used": claim.fuel_used,
        "seconds": round(solved.seconds, 3),
        "reason": solved.explanation,
    }
