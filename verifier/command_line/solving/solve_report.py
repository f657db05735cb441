"""What `solve` says of each nonce, and at the end of all."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from verifier.challenge.quality import qualifies
from verifier.command_line.exit_codes import DONE, UNDETERMINED, UNFINISHED, USAGE
from verifier.command_line.options.nonces_option import reasons_text
from verifier.command_line.progress import Progress
from verifier.command_line.solving.nonce_solver import SolvedNonce
from verifier.command_line.terminal import json_text, say
from verifier.command_line.text_table import number_text


@dataclass
class SolveReport:
    """Prints claims as they are written, and remembers what failed."""

    optimiser: Path
    signer: bytes
    """The public key (32 bytes) of the claims."""
    progress: Progress
    as_json: bool
    failed: dict[int, str] = field(default_factory=dict)
    """Nonces on which the module failed, and why."""
    lost: dict[int, str] = field(default_factory=dict)
    """Nonces whose process or machine failed, and why."""

    def solved(self, path: Path, solved: SolvedNonce) -> None:
        """Print a claim that has been written."""
        entry = {"event": "claim", **_entry(path, self.optimiser, solved), "signer": self.signer.hex()}
        self.progress.echo(json_text(entry) if self.as_json else _as_text(path, solved))
        self.progress.advance(quality=solved.claim.quality)

    def missed(self, nonce: int, why: str, is_lost: bool) -> None:
        """Remember a nonce without a claim; to programs it is told at once."""
        (self.lost if is_lost else self.failed)[nonce] = why
        if self.as_json:
            say(json_text({"event": "failed", "nonce": nonce, "why": why, "lost": is_lost}))
        self.progress.fail()

    def end(self, folder: Path, before: int, left: int) -> int:
        """Say how it ended; the exit code. `left` nonces have not been tried."""
        code = self._code(left)
        figures = self.progress.figures
        if self.as_json:
            end = {"event": "end", **figures.as_json(), "before": before, "left": left, "exit_code": code}
            say(json_text(end))
        elif figures.total > 1 or before:
            known = f" ({before:,} of them from before)" if before else ""
            text = ", ".join([f"{figures.done:,} of {figures.total:,} nonces done{known}", *figures.details()])
            say(f"{folder}: {text}", is_error=True)
        for prefix, nonces in (("tig-verify:", self.failed), ("tig-verify: undetermined:", self.lost)):
            lines = reasons_text(nonces) if figures.total > 1 else nonces.values()
            say(*(f"{prefix} {self.optimiser}: {line}" for line in lines), is_error=True)
        if left:
            say(f"tig-verify: {left:,} nonces are left; the same call goes on", is_error=True)
        return code

    def _code(self, left: int) -> int:
        if left:
            return UNFINISHED
        if self.failed:
            return USAGE
        return UNDETERMINED if self.lost else DONE


def _as_text(path: Path, solved: SolvedNonce) -> str:
    claim = solved.claim
    qualified = "qualifies" if qualifies(claim.quality) else "does not qualify"
    return (
        f"{path}: quality {claim.quality:,} ({qualified}) after {claim.epochs} epochs ({claim.stop_reason}, "
        f"best {claim.best_epoch}), test loss {number_text(solved.loss)}, threshold {number_text(solved.threshold)}, "
        f"fuel {number_text(claim.fuel_used)}, {number_text(solved.seconds)} s{_ended(solved)}"
    )


def _ended(solved: SolvedNonce) -> str:
    return f"; ended early: {solved.explanation}" if solved.explanation else ""


def _entry(path: Path, optimiser: Path, solved: SolvedNonce) -> dict[str, object]:
    claim, task = solved.claim, solved.claim.task
    return {
        "file": str(path),
        "optimiser": optimiser.stem,
        "optimiser_digest": task.optimiser_digest.hex(),
        "edition": task.edition,
        "track": task.settings.track_id,
        "nonce": claim.nonce,
        "hyperparameters": dict(task.hyperparameters),
        "quality": claim.quality,
        "qualified": qualifies(claim.quality),
        "epochs": claim.epochs,
        "best_epoch": claim.best_epoch,
        "stop_reason": claim.stop_reason,
        "explanation": solved.explanation,
        "test_loss": solved.loss if math.isfinite(solved.loss) else None,
        "threshold": solved.threshold,
        "fuel_used": claim.fuel_used,
        "seconds": round(solved.seconds, 3),
        "transcript_root": claim.transcript_root.hex(),
    }
