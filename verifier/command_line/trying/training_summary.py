"""How a training went, for who tries an optimiser: in words, and as JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from protocol.claim import Claim, StopReason
from protocol.task import Task
from verifier.challenge.editions import Edition, Track
from verifier.challenge.module import Module
from verifier.challenge.quality import UNIT, qualifies
from verifier.command_line.solving.nonce_solver import SolvedNonce
from verifier.command_line.text_table import number_text

_LINE: Final = re.compile(r"\bline ([0-9]{1,9})\b")
_FUNCTION: Final = re.compile(r"def +(\w+)")
_RETURNED: Final = re.compile(r"['\"]?(\w{1,50}) (?:returned|must return) ")


def as_text(file: Path, solved: SolvedNonce) -> list[str]:
    """The lines of a summary."""
    claim = solved.claim
    track = Track.parse(claim.task.edition, claim.task.settings.track_id)
    lines = {
        "ended": _ended(solved, track.edition),
        "epochs": f"{claim.epochs:,}" + (f", the best one {claim.best_epoch:,}" if claim.best_epoch else ""),
        "losses": _losses(solved),
        "threshold": f"{solved.threshold:.3g}",
        "quality": f"{claim.quality:,} of {UNIT:,}: {_verdict(claim)}",
        "fuel": f"{number_text(claim.fuel_used)} of {number_text(claim.task.fuel_budget)}",
        "time": f"{solved.seconds:.1f} s",
    }
    return [f"{file}: {track.id}, nonce {claim.nonce}", *(f"  {name:<11}{text}" for name, text in lines.items())]


def as_json(file: Path, solved: SolvedNonce) -> dict[str, object]:
    """The same for programs, with the losses of every epoch; what is not finite is None."""
    claim = solved.claim
    return {
        **_what(file, claim.task, claim.nonce),
        "quality": claim.quality,
        "qualified": qualifies(claim.quality),
        "test_loss": solved.loss if solved.loss < float("inf") else None,
        "threshold": solved.threshold,
        "epochs": claim.epochs,
        "best_epoch": claim.best_epoch,
        "stop_reason": claim.stop_reason,
        "explanation": solved.explanation,
        "fuel_used": claim.fuel_used,
        "seconds": round(solved.seconds, 3),
        "train_losses": claim.train_losses,
        "validation_losses": claim.validation_losses,
    }


def failure_as_json(file: Path, task: Task, nonce: int, why: str, is_lost: bool) -> dict[str, object]:
    """What there is to say for programs of a training that failed."""
    return {**_what(file, task, nonce), "why": why, "lost": is_lost}


def failure_place(why: str, module: Module) -> list[str]:
    """The line of the module that a failure names, and its function, as lines to print; none if it names none."""
    number, function = place_in(why, module)
    if number is None:
        return []
    within = f"in {function}:" if function else ""
    return [f"  line {number} {within}".rstrip(), f"    {_lines(module)[number - 1].strip()}"]


def place_in(why: str, module: Module) -> tuple[int | None, str | None]:
    """The line of the module that a failure names, and the function that it names or that the line is in."""
    found, lines = _LINE.search(why), _lines(module)
    if found is None or not 0 < int(found[1]) <= len(lines):
        named = _RETURNED.match(why)
        return None, named[1] if named else None
    number = int(found[1])
    heads = (_FUNCTION.match(line) for line in reversed(lines[:number]))
    return number, next((head[1] for head in heads if head), None)


def _lines(module: Module) -> list[str]:
    return module.source.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")


def _what(file: Path, task: Task, nonce: int) -> dict[str, object]:
    """What was trained."""
    return {
        "file": str(file),
        "optimiser": file.stem,
        "optimiser_digest": task.optimiser_digest.hex(),
        "edition": task.edition,
        "track": task.settings.track_id,
        "nonce": nonce,
        "hyperparameters": dict(task.hyperparameters),
    }


def _verdict(claim: Claim) -> str:
    return "qualifies" if qualifies(claim.quality) else "does not qualify, as it is not above 0"


def _losses(solved: SolvedNonce) -> str:
    claim, best, test = solved.claim, solved.claim.best_epoch, f"test {solved.loss:.3g}"
    if best:
        return (
            f"training {claim.train_losses[best - 1]:.3g}, validation {claim.validation_losses[best - 1]:.3g}, {test}"
        )
    why = "no epoch had a finite validation loss" if claim.epochs else "no epoch was completed"
    return f"{test}, of the initial parameters: {why}"


def _ended(solved: SolvedNonce, edition: Edition) -> str:
    """Why training ended, in words."""
    reason = solved.claim.stop_reason
    words = {
        StopReason.EARLY_STOPPING: f"no lower validation loss in {edition.patience} epochs (early stopping)",
        StopReason.EPOCH_LIMIT: f"after the last epoch of the edition, {edition.max_epochs:,}",
        StopReason.FUEL_EXHAUSTED: "fuel was spent",
        StopReason.MEMORY_EXHAUSTED: "memory was spent",
        StopReason.NON_FINITE_LOSS: "a loss became infinite or NaN",
        StopReason.NON_FINITE_UPDATE: "an update or a location became infinite or NaN",
    }[reason]
    return f"{words}: {solved.explanation}" if solved.explanation else words
