"""What `verify` says of one claim: an object for programs, made once, and the lines of it for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from protocol.verdict import Outcome, Verdict
from verifier.command_line.text_table import number_text
from verifier.command_line.verifying.claim_statement import ClaimStatement
from verifier.command_line.verifying.verdict_log import described

Entry = Mapping[str, Any]
"""Each has a file, what the claim states, a file that it is a copy of, a level, an outcome and a detail, or nulls."""


def of_verdict(file: str, stated: ClaimStatement, copy_of: str | None, verdict: Verdict) -> Entry:
    """A verdict, with the terms of the validator."""
    about = {"signer": verdict.claim_signer.hex(), "claim_digest": verdict.claim_digest.hex()}
    return {
        "file": file,
        **(asdict(stated) | about),
        "copy_of": copy_of,
        "level": verdict.level,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "step": verdict.step,
        "detail": verdict.detail,
        "measured": dict(sorted(verdict.measured.items())),
        "evidence": {kind: digest.hex() for kind, digest in sorted(verdict.evidence.items())},
        "terms": described(verdict.terms),
    }


def unjudged(file: str, stated: ClaimStatement, level: str, outcome: Outcome | None, detail: str) -> Entry:
    """A claim that nobody could judge, and why."""
    about = {"file": file, **asdict(stated), "copy_of": None}
    return {**about, "level": level, "outcome": outcome, "left": False, "detail": detail}


def left(file: str, stated: ClaimStatement, level: str | None, detail: str, request: Path | None = None) -> Entry:
    """A claim that is left to the next call, and why; with the request, where an audit of it is asked for."""
    about = {"file": file, **asdict(stated), "copy_of": None}
    told = {"level": level, "outcome": None, "left": True, "detail": detail}
    return {**about, **told, "request": None if request is None else str(request)}


def as_text(entry: Entry) -> list[str]:
    """A verdict for people."""
    file, level, outcome, detail = (entry[name] for name in ("file", "level", "outcome", "detail"))
    if outcome == Outcome.ACCEPTED:
        head = f"{file}: accepted at level {level}: {detail}"
    else:
        where = f"at level {level}" + (f", step {entry['step']}" if entry["step"] else "")
        head = f"{file}: {outcome} {where}, {entry['reason']}: {detail}"
    shown = ", ".join(_measured(name, value) for name, value in entry["measured"].items())
    return [head, f"  {shown}"] if shown else [head]


def seconds(entry: Entry) -> float:
    """The time that judging it took; 0 where nothing was measured."""
    times = (value for name, value in entry.get("measured", {}).items() if name.endswith("_ms"))
    return sum(time for time in times if isinstance(time, int | float)) / 1000.0


def _measured(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{name} {value}"
    if name.endswith("_ms"):
        return f"{name.removesuffix('_ms')} {number_text(value / 1000.0)} s"
    return f"{name} {value:,}" if isinstance(value, int) else f"{name} {number_text(value)}"
