"""The report of `verify`: its lines, and its exit code."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from protocol.envelope import Envelope, seal
from protocol.keys import SigningKey
from protocol.verdict import Level, Outcome, Reason, Verdict
from verifier.challenge.errors import InputError
from verifier.command_line.claim_cases import Case, Mistake
from verifier.command_line.exit_codes import DONE, REJECTED, UNDETERMINED, UNFINISHED, USAGE
from verifier.command_line.files import ClaimFiles, write_file
from verifier.command_line.judge import Answer
from verifier.command_line.rejected_claims import RejectedClaims
from verifier.command_line.terminal import json_text, say
from verifier.command_line.verdict_log import LoggedVerdict, VerdictLog, described
from verifier.runs.row_formats import json_object

_WRITERS: Final = 8
"""Signed verdicts that a disk keeps at once."""
_CODES = {Outcome.ACCEPTED: DONE, Outcome.REJECTED: REJECTED, Outcome.UNDETERMINED: UNDETERMINED}


class Tally:
    """The number of claims for each outcome; None for those without a verdict."""

    def __init__(self) -> None:
        self.counts: Counter[Outcome | None] = Counter()
        self.copies: Counter[Outcome | None] = Counter()
        """Those among them that state what another one states, which anybody can sign and file again."""
        self._stated: set[tuple[Outcome | None, str]] = set()
        self.unqualified = 0
        """Rejected for their claimed quality, without another look."""
        self.unwritten = 0
        """Whose .verdict could not be written."""

    def add(self, outcome: Outcome | None, reason: Reason = Reason.NONE, claim_digest: str = "") -> None:
        """Count a claim; the digest, where it has one, is of what it states."""
        self.counts[outcome] += 1
        if claim_digest:
            self.copies[outcome] += (outcome, claim_digest) in self._stated
            self._stated.add((outcome, claim_digest))
        self.unqualified += reason is Reason.UNQUALIFIED

    @property
    def claims(self) -> int:
        """All of them."""
        return self.counts.total()

    def code(self, left: int = 0) -> int:
        """The exit code, if so many claims are left to the next call: it tries again what is undetermined or a mistake.

        1 if one is rejected, else 4 if one is left, else 3 if one is undetermined, else 2 if one has no verdict or its
        .verdict could not be written.
        """
        codes = {USAGE if outcome is None else _CODES[outcome] for outcome in self.counts}
        codes |= ({USAGE} if self.unwritten else set()) | ({UNFINISHED} if left else set())
        return next((code for code in (REJECTED, UNFINISHED, UNDETERMINED, USAGE) if code in codes), DONE)

    def __str__(self) -> str:
        kinds = (*Outcome, None)
        told = ", ".join(self._told(kind) for kind in kinds if self.counts[kind]) or "nothing judged"
        return f"{told} ({self.unqualified} unqualified)" if self.unqualified else told

    def _told(self, kind: Outcome | None) -> str:
        copies = f" ({self.copies[kind]} of them copies)" if self.copies[kind] else ""
        return f"{self.counts[kind]} {kind or 'without verdict'}{copies}"


@dataclass(frozen=True)
class Report:
    """The places that answers go to. A context manager, at whose end all of them are there."""

    tally: Tally
    as_json: bool
    key: SigningKey | None = None
    log: VerdictLog | None = None
    echo: Callable[..., None] = say
    """Prints lines; with `is_error` on standard error."""
    kept: RejectedClaims | None = None
    """Where what is rejected is kept."""
    learn: Callable[[LoggedVerdict], None] = lambda row: None
    """Is told what the log has from then on."""
    _writers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_WRITERS))
    """They wait for the disk, which keeps several files in the time of one."""
    _written: deque[tuple[Case, Verdict, Envelope, Future[None]]] = field(default_factory=deque)
    """Those on their way, in the order of the answers: nobody hears of them before they are there, nor the log."""

    def add(self, case: Case, answer: Answer) -> None:
        """Count, keep and print one answer."""
        if isinstance(answer, Mistake):
            self.tally.add(answer.outcome)
            self.echo(f"tig-verify: {answer.text}", is_error=True)
            return
        self.tally.add(answer.outcome, answer.reason, answer.claim_digest.hex())
        if self.key is None:
            self._tell(case, answer, None)
            return
        signed = seal(answer, self.key)
        written = self._writers.submit(write_file, ClaimFiles(case.path).verdict, signed.to_bytes())
        self._written.append((case, answer, signed, written))
        self._settle(_WRITERS if case.level is Level.EVALUATE else 0)  # after a training, nobody waits for the next one

    def ask(self, case: Case, request: Path) -> None:
        """Say that a request was written in place of a verdict."""
        if self.as_json:
            self.echo(json_text({"claim": str(case.path), "request": str(request)}))
        else:
            self.echo(f"{case.path}: drawn for an audit; send {request} to its signer")

    def _settle(self, most: int) -> None:
        """Tell those verdicts whose file is written, and wait until at most so many are not."""
        while self._written and (len(self._written) > most or self._written[0][-1].done()):
            case, verdict, signed, written = self._written.popleft()
            try:
                written.result()
            except InputError as error:  # a folder or a link has its name: the other claims have verdicts all the same
                self.tally.unwritten += 1
                self.echo(f"tig-verify: {error}", is_error=True)
            self._tell(case, verdict, signed)

    def _tell(self, case: Case, verdict: Verdict, signed: Envelope | None) -> None:
        line = as_json(case.path, verdict)
        if self.kept is not None and verdict.outcome is Outcome.REJECTED:
            self.kept.keep(case, verdict, line, signed)
        if self.log is not None:
            row = LoggedVerdict.read(json_object(line), line)
            self.log.add(row)
            self.learn(row)
        if self.as_json or self.log is None:
            self.echo(*([line] if self.as_json else as_text(case.path, verdict)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._writers:
            if kind is None:
                self._settle(0)


def as_text(path: Path, verdict: Verdict) -> list[str]:
    """A verdict for people."""
    if verdict.outcome is Outcome.ACCEPTED:
        head = f"{path}: accepted at level {verdict.level}: {verdict.detail}"
    else:
        where = f"at level {verdict.level}" + (f", step {verdict.step}" if verdict.step else "")
        head = f"{path}: {verdict.outcome} {where}, {verdict.reason}: {verdict.detail}"
    shown = ", ".join(f"{name} {_number(value)}" for name, value in sorted(verdict.measured.items()))
    return [head, f"  {shown}"] if shown else [head]


def _number(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def as_json(path: Path, verdict: Verdict) -> str:
    """A verdict for programs, with the terms of the validator: an object on one line."""
    return json_text(
        {
            "claim": str(path),
            "claim_digest": verdict.claim_digest.hex(),
            "claim_signer": verdict.claim_signer.hex(),
            "evidence": {kind: digest.hex() for kind, digest in sorted(verdict.evidence.items())},
            "level": verdict.level,
            "outcome": verdict.outcome,
            "reason": verdict.reason,
            "step": verdict.step,
            "detail": verdict.detail,
            "measured": dict(sorted(verdict.measured.items())),
            **described(verdict.terms),
        }
    )
