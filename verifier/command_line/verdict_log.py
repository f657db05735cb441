"""The file of `verify --out`: a line of JSON for each verdict, and what is not to be done again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from protocol.verdict import Outcome, Reason, StatedTerms
from verifier.challenge.errors import InputError
from verifier.command_line.claim_files_verifier import Judge
from verifier.runs.results_table import ResultsTable, RowFault, RowFormat
from verifier.runs.row_formats import json_object

Key = tuple[object, ...]
"""File as named, level, the validator's terms, digests of the envelopes. The claim's digest would not do: anybody can
sign a copy of a claim and get it rejected, and the claim itself must not be skipped for that. And files that changed
since are another question."""
_EVIDENCE: Final = "claim", "solution", "request", "response"


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


def decided(log: VerdictLog, path: Path, judge: Judge) -> LoggedVerdict | None:
    """The decision about these files; None if there is none, so also for the undetermined, to be tried again."""
    try:
        digests = judge.evidence(path).digests()
    except InputError:
        return None  # they are looked at again, and reported
    evidence = (_hex(digests.get(kind)) for kind in _EVIDENCE)
    key = str(path), str(judge.level), *described(judge.terms.stated()).values(), *evidence
    logged = log.rows.get(key)
    return None if logged is None or logged.outcome is Outcome.UNDETERMINED else logged
