"""The level of each claim of a call: one for all, or drawn by a pool's policy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from protocol.envelope import Envelope
from protocol.hashes import blake3_digest
from protocol.verdict import Level, Outcome, Verdict
from verifier.challenge.errors import InputError, UnopenedError
from verifier.command_line.files import read_envelope
from verifier.command_line.verifying.answered_audit import AnsweredAudit
from verifier.command_line.verifying.audit_requests import AuditRequests
from verifier.command_line.verifying.claim_cases import Case, CaseReader, Mistake, Papers
from verifier.command_line.verifying.judge import Answer
from verifier.command_line.verifying.verdict_log import Decisions, LoggedDraw, LoggedVerdict, VerdictLog
from verifier.verification.context import Evidence, Terms
from verifier.verification.draw import draw
from verifier.verification.evaluate import open_evidence
from verifier.verification.policy import Policy
from verifier.verification.self_audit import SelfAudit
from verifier.verification.standing import Standings


class Levels(Protocol):
    """What a call asks of each of its claims."""

    deepest: Level
    """That a claim may need."""
    long_first: bool
    """Whether claims may be judged in another order."""

    def decided(self, claims: Iterable[Path]) -> dict[Path, LoggedVerdict | None]:
        """The claims about which this call has nothing to do: with the verdict that the log has, or with None where
        somebody else has to answer first. Raises InputError."""

    def case(self, path: Path) -> Case:
        """A claim, read to be judged. Raises InputError where the log cannot be written."""

    def request(self, case: Case, answer: Answer) -> Path | None:
        """The file of the request that is written in place of a verdict, where the answer only shows that an audit is
        worth it. Raises InputError."""

    def learn(self, row: LoggedVerdict) -> None:
        """Take in what the log has from now on."""


class OneLevel:
    """The same level for all claims."""

    def __init__(
        self,
        level: Level,
        reader: CaseReader,
        terms: Terms,
        log: VerdictLog | None = None,
        audit: AnsweredAudit | SelfAudit | None = None,
    ) -> None:
        self.deepest, self.long_first = level, level is not Level.EVALUATE
        self._reader, self._audit = reader, audit
        self._decisions = Decisions(log, terms) if log else None

    def decided(self, claims: Iterable[Path]) -> dict[Path, LoggedVerdict | None]:
        """Those with a verdict of this level."""
        if self._decisions is None:
            return {}
        answered = self._audit if isinstance(self._audit, AnsweredAudit) else None
        found = ((path, self._decisions.find(path, self.deepest, answered)) for path in claims)
        return {path: verdict for path, verdict in found if verdict is not None}

    def case(self, path: Path) -> Case:
        """A claim, read for this level."""
        return replace(self._reader.read(path, self.deepest), audit=self._audit)

    def request(self, case: Case, answer: Answer) -> Path | None:
        """Nobody is asked."""
        return None

    def learn(self, row: LoggedVerdict) -> None:
        """Nothing depends on other verdicts."""


@dataclass(frozen=True)
class Drawing:
    """What levels are drawn by."""

    policy: Policy
    beacon: str
    requests: AuditRequests | None = None
    """Where audits are asked for; None where none can be."""


class DrawnLevels:
    """A level for each claim, drawn when it is read, by a policy and by what the log has then."""

    deepest = Level.REPLAY
    long_first = False  # claims are drawn in the order in which they are named

    def __init__(self, drawing: Drawing, reader: CaseReader, terms: Terms, log: VerdictLog) -> None:
        self._drawing, self._reader, self._log = drawing, reader, log
        self._decisions, self._standings = Decisions(log, terms), Standings()
        for row in log.rows.values():
            if isinstance(row, LoggedVerdict):
                self._standings.note(row)

    def decided(self, claims: Iterable[Path]) -> dict[Path, LoggedVerdict | None]:
        """Those that have a verdict of the level that was drawn, or wait for an answer."""
        found: dict[Path, LoggedVerdict | None] = {}
        for path in claims:
            drawn = self._known(path)
            if drawn is None:
                continue
            verdict = self._decisions.find_any(path, drawn.level) or self._decisions.find_any(path, Level.EVALUATE)
            if verdict is not None and (verdict.level is drawn.level or verdict.outcome is Outcome.REJECTED):
                found[path] = verdict
            elif drawn.level is Level.AUDIT and self._asked().is_waiting(read_envelope(path)):
                found[path] = None
        return found

    def case(self, path: Path) -> Case:
        """A claim, read with its module and drawn; without a module, or if nobody vouches for it, it is not drawn."""
        case = self._reader.read(path, Level.REPLAY)
        papers = case.papers
        if isinstance(papers, Mistake):
            return case
        if isinstance(papers.module, Mistake):
            return replace(case, papers=papers.module)
        evaluated = replace(case, level=Level.EVALUATE, papers=replace(papers, module=None))
        try:
            claim, solution = papers.envelopes(path)
            open_evidence(Evidence(claim, solution))
        except (InputError, UnopenedError):
            return evaluated  # who judges says what is wrong
        level = self._draw(path, claim).level
        if level is not Level.AUDIT:
            return case if level is Level.REPLAY else evaluated
        try:
            answered = self._asked().answered(claim)
        except InputError as error:
            return replace(case, papers=Mistake(str(error)))
        return evaluated if answered is None else replace(case, level=level, audit=answered)

    def request(self, case: Case, answer: Answer) -> Path | None:
        """Ask for the audit that was drawn, of a claim that an evaluation has accepted."""
        if case.level is not Level.EVALUATE or not isinstance(answer, Verdict) or not isinstance(case.papers, Papers):
            return None
        drawn = self._log.rows.get(LoggedDraw.key_of(answer.claim_digest, answer.claim_signer))
        if not isinstance(drawn, LoggedDraw) or (drawn.level, answer.outcome) != (Level.AUDIT, Outcome.ACCEPTED):
            return None
        return self._asked().write(case.papers.envelopes(case.path)[0])

    def learn(self, row: LoggedVerdict) -> None:
        """Let the standing of its signer follow."""
        self._standings.note(row)

    def _known(self, path: Path) -> LoggedDraw | None:
        """The draw of the claim that is in a file now; nothing is read of a file that the log has no line on."""
        if str(path) not in self._decisions.files:
            return None
        try:
            claim = read_envelope(path)
        except InputError:
            return None  # it is looked at again, and reported
        drawn = self._log.rows.get(LoggedDraw.key_of(blake3_digest(claim.payload), claim.public_key))
        return drawn if isinstance(drawn, LoggedDraw) else None

    def _draw(self, path: Path, claim: Envelope) -> LoggedDraw:
        digest, signer = blake3_digest(claim.payload), claim.public_key
        known = self._log.rows.get(LoggedDraw.key_of(digest, signer))
        if isinstance(known, LoggedDraw):
            return known
        given = self._drawing
        drawn = LoggedDraw.of(path, draw(given.policy, self._standings, given.beacon, digest.hex(), signer.hex()))
        self._log.add(drawn)
        return drawn

    def _asked(self) -> AuditRequests:
        if self._drawing.requests is None:
            raise InputError("the log has claims that were drawn for an audit; name the folder of --requests")
        return self._drawing.requests
