"""The file of `verify --out`: a line of JSON for each verdict, and what is not to be done again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from protocol.verdict import Level, Outcome
from verifier.challenge.errors import InputError
from verifier.command_line.claim_files_verifier import claim_digest
from verifier.runs.results_table import ResultsTable, RowFormat

Key = tuple[str, str, Level, str | None]
"""File as named, digest of the claim, level, and the signer that was expected. The digest alone would not do:
anybody can sign a copy of a claim and get it rejected, and the claim itself must not be skipped for that."""


@dataclass(frozen=True)
class LoggedVerdict:
    """A line of the log, and what is needed of it."""

    line: str
    key: Key
    outcome: Outcome

    @classmethod
    def read(cls, line: str) -> Self:
        """The verdict in a line. Raises ValueError, KeyError or TypeError."""
        entry = json.loads(line)
        signer = entry["signer"] and str(entry["signer"])
        key = str(entry["claim"]), str(entry["claim_digest"]), Level(entry["level"]), signer
        return cls(line, key, Outcome(entry["outcome"]))


FORMAT: Final = RowFormat("verify", lambda row: row.line, LoggedVerdict.read, begins='{"claim": ')
VerdictLog = ResultsTable[LoggedVerdict]


def decided(log: VerdictLog, path: Path, level: Level, signer: bytes | None) -> Outcome | None:
    """The decision about a claim; None if there is none, so also for the undetermined, to be tried again."""
    try:
        key = str(path), claim_digest(path).hex(), level, signer.hex() if signer else None
    except InputError:
        return None  # it is looked at again, and reported
    logged = log.rows.get(key)
    return None if logged is None or logged.outcome is Outcome.UNDETERMINED else logged.outcome
