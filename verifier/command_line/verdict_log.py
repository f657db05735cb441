"""The file of `verify --out`: a line of JSON for each verdict, and what is not to be done again."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from protocol.verdict import Level, Outcome
from verifier.challenge.errors import InputError
from verifier.command_line.claim_files_verifier import claim_digest
from verifier.runs.append_log import LinesFile

_BEGINS: Final = b'{"claim": '
Key = tuple[str, str, Level, str | None]
"""File as named, digest of the claim, level, and the signer that was expected. The digest alone would not do:
anybody can sign a copy of a claim and get it rejected, and the claim itself must not be skipped for that."""


class Ledger:
    """The verdicts that are kept between calls; a context manager.

    Raises InputError for a file that cannot be written, or holds anything else.
    """

    def __init__(self, path: Path) -> None:
        self._outcomes: dict[Key, Outcome] = {}
        self._file = LinesFile(path, "verify", _BEGINS, self._note)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)

    def outcome(self, path: Path, level: Level, signer: bytes | None) -> Outcome | None:
        """What has been decided about a claim; None if nothing, so also for the undetermined, to be tried again."""
        try:
            return self._outcomes.get((str(path), claim_digest(path).hex(), level, signer.hex() if signer else None))
        except InputError:
            return None  # it is looked at again, and reported

    def append(self, line: str) -> None:
        """Add a line, whole. Raises InputError."""
        self._file.append(line)

    def _note(self, line: bytes) -> None:
        entry = json.loads(line)
        signer = entry["signer"] and str(entry["signer"])
        key = str(entry["claim"]), str(entry["claim_digest"]), Level(entry["level"]), signer
        outcome = Outcome(entry["outcome"])
        if outcome is not Outcome.UNDETERMINED:
            self._outcomes[key] = outcome
