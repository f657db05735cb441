"""The file of `verify --out`: a line of JSON for each verdict, and what is not to be done again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from protocol.verdict import Level, Outcome, Reason
from verifier.challenge.errors import InputError
from verifier.command_line.claim_files_verifier import claim_digest
from verifier.runs.results_table import ResultsTable, RowFormat
from verifier.verification.context import Terms

Key = tuple[object, ...]
"""File as named, digest of the claim, level, and the validator's terms. The digest alone would not do: anybody can sign
a copy of a claim and get it rejected, and the claim itself must not be skipped for that."""


def described(terms: Terms) -> dict[str, str | int | None]:
    """The terms as entries of a line."""
    seeding = terms.seeding
    return {
        "signer": terms.signer.hex() if terms.signer else None,
        "precommit": seeding.precommit.digest.hex() if seeding else None,
        "seed_beacon": seeding.beacon if seeding else None,
        "threshold": terms.threshold,
    }


@dataclass(frozen=True)
class LoggedVerdict:
    """A line of the log, and what is needed of it."""

    line: str
    key: Key
    outcome: Outcome
    reason: Reason

    @classmethod
    def read(cls, line: str) -> Self:
        """The verdict in a line. Raises ValueError, KeyError or TypeError."""
        entry = json.loads(line)
        names = "claim", "claim_digest", "level", *described(Terms())
        key = tuple(entry[name] for name in names)
        return cls(line, key, Outcome(entry["outcome"]), Reason(entry["reason"]))


def _agree(earlier: LoggedVerdict, later: LoggedVerdict) -> bool:
    """Whether both can be in one log: what is undetermined is tried again, what is decided is so once."""
    decided_both = Outcome.UNDETERMINED not in (earlier.outcome, later.outcome)
    return not decided_both or (earlier.outcome, earlier.reason) == (later.outcome, later.reason)


FORMAT: Final = RowFormat("verify", lambda row: row.line, LoggedVerdict.read, begins='{"claim": ', agree=_agree)
VerdictLog = ResultsTable[LoggedVerdict]


def decided(log: VerdictLog, path: Path, level: Level, terms: Terms) -> LoggedVerdict | None:
    """The decision about a claim; None if there is none, so also for the undetermined, to be tried again."""
    try:
        key = str(path), claim_digest(path).hex(), str(level), *described(terms).values()
    except InputError:
        return None  # it is looked at again, and reported
    logged = log.rows.get(key)
    return None if logged is None or logged.outcome is Outcome.UNDETERMINED else logged
