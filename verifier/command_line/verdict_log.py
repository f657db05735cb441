"""The file of `verify --out`: a line of JSON for each verdict, and what is not to be done again."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from protocol.hashes import blake3_digest
from protocol.verdict import Level, Outcome, Reason, StatedTerms
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_file
from verifier.command_line.judge import Answered, Judge
from verifier.runs.results_table import ResultsTable, RowFault, RowFormat
from verifier.runs.row_formats import json_object

Key = tuple[object, ...]
"""File as named, level, the validator's terms, digests of the envelopes that a verdict depends on. The digest of what
the claim states would not do: anybody can sign a copy of a claim and get it rejected, and the claim itself must not be
skipped for that. The solution's is not needed: a claim names its solution, and no verdict follows from another one."""
_EVIDENCE: Final = "claim", "request", "response"


def described(terms: StatedTerms) -> dict[str, str | int | None]:
    """The terms as entries of a line."""
    return {
        "signer": _hex(terms.signer),
        "precommit": _hex(terms.precommit_digest),
        "precommit_signer": _hex(terms.precommit_signer),
        "seed_beacon": terms.seed_beacon,
        "threshold": terms.threshold,
    }


def _hex(data: bytes | None) -> str | None:
    return None if data is None else data.hex()


@dataclass(frozen=True)
class LoggedVerdict:
    """A line of the log, and what is needed of it."""

    line: str
    key: Key
    claim_digest: str
    outcome: Outcome
    reason: Reason

    @property
    def file(self) -> str:
        """The claim as it was named."""
        return str(self.key[0])

    @classmethod
    def read(cls, line: str) -> Self:
        """The verdict in a line. Raises ValueError, KeyError or TypeError."""
        entry = json_object(line)
        evidence, claim_digest = entry["evidence"], entry["claim_digest"]
        if type(claim_digest) is not str:
            raise RowFault("claim_digest: expected text")
        names = "claim", "level", *described(StatedTerms())
        key = *(entry[name] for name in names), *(evidence.get(kind) for kind in _EVIDENCE)
        return cls(line, key, claim_digest, Outcome(entry["outcome"]), Reason(entry["reason"]))


def _agree(earlier: LoggedVerdict, later: LoggedVerdict) -> bool:
    """Whether both can be in one log: what is undetermined is tried again, and what is decided is so once, for ever."""
    undecided = earlier.outcome is Outcome.UNDETERMINED
    return undecided or (earlier.outcome, earlier.reason) == (later.outcome, later.reason)


FORMAT: Final = RowFormat("verify", lambda row: row.line, LoggedVerdict.read, begins='{"claim": ', agree=_agree)
VerdictLog = ResultsTable[LoggedVerdict]


@dataclass(frozen=True)
class Decisions:
    """What a log says of claims under the terms of one judge."""

    rows: Mapping[Hashable, LoggedVerdict]
    files: frozenset[str]
    """The claims that the log has a line on."""
    terms: Key
    audit: Key
    """Digests of the request and of the response."""

    @classmethod
    def of(cls, log: VerdictLog, judge: Judge) -> Self:
        """Those of a log. Raises InputError for a response that cannot be read."""
        files = frozenset(row.file for row in log.rows.values())
        audit = judge.audit
        digests = (audit.request.digest(), audit.response().digest()) if isinstance(audit, Answered) else (None, None)
        return cls(log.rows, files, (*described(judge.terms.stated()).values(),), (*map(_hex, digests),))

    def find(self, path: Path, level: Level) -> LoggedVerdict | None:
        """The decision about this file as it is now; None if there is none, so also for the undetermined, to be tried
        again. Nothing is read of a claim that the log has no line on."""
        if str(path) not in self.files:
            return None
        try:
            claim = blake3_digest(read_file(path))  # the envelope's, which has one encoding
        except InputError:
            return None  # it is looked at again, and reported
        logged = self.rows.get((str(path), str(level), *self.terms, claim.hex(), *self.audit))
        return None if logged is None or logged.outcome is Outcome.UNDETERMINED else logged
