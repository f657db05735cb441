"""The file of `verify --out`: a line of JSON for each verdict, and what is not to be done again."""

from __future__ import annotations

import contextlib
import fcntl
import json
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from protocol.verdict import Level, Outcome
from verifier.command_line.judge import claim_digest
from verifier.errors import InputError

_BEGINS: Final = b'{"claim": '
_LONGEST: Final = 1 << 16
"""Bytes of a line."""
Key = tuple[str, str, Level, str | None]
"""File as named, digest of the claim, level, and the signer that was expected. The digest alone would not do:
anybody can sign a copy of a claim and get it rejected, and the claim itself must not be skipped for that."""


class Ledger:
    """An open file of verdicts, ours alone until it is closed; a line that was cut short by a kill is removed.

    A context manager. Raises InputError for a file that cannot be written, or holds anything else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._outcomes: dict[Key, Outcome] = {}
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is no ordinary file; choose another with --out")
        try:
            self._file = path.open("a+b")
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}; choose another file with --out") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read()
        except BaseException as error:
            self._file.close()
            if isinstance(error, BlockingIOError):
                problem = "another verify is writing to it; wait for it, or choose another file with --out"
                raise InputError(f"{path}: {problem}") from None
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # of what could not be written, and has been reported
            self._file.close()

    def outcome(self, path: Path, level: Level, signer: bytes | None) -> Outcome | None:
        """What has been decided about a claim; None if nothing, so also for the undetermined, to be tried again."""
        try:
            return self._outcomes.get((str(path), claim_digest(path).hex(), level, signer.hex() if signer else None))
        except InputError:
            return None  # it is looked at again, and reported

    def append(self, line: str) -> None:
        """Add a line, whole. Raises InputError."""
        try:
            self._file.write(line.encode() + b"\n")
            self._file.flush()
        except OSError as error:
            problem = f"cannot be written: {error.strerror}; call again when it can be, and what is in it is kept"
            raise InputError(f"{self._path}: {problem}") from None

    def _read(self) -> None:
        self._file.seek(0)
        end = 0
        for number in count(1):
            line = self._file.readline(_LONGEST)
            if not line.endswith(b"\n"):
                break
            self._note(line, number)
            end += len(line)
        if len(line) == _LONGEST or not (line.startswith(_BEGINS) or _BEGINS.startswith(line)):
            raise self._foreign(number)
        self._file.truncate(end)

    def _note(self, line: bytes, number: int) -> None:
        try:
            entry = json.loads(line)
            signer = entry["signer"] and str(entry["signer"])
            key = str(entry["claim"]), str(entry["claim_digest"]), Level(entry["level"]), signer
            outcome = Outcome(entry["outcome"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self._foreign(number) from None
        if outcome is not Outcome.UNDETERMINED:
            self._outcomes[key] = outcome

    def _foreign(self, number: int) -> InputError:
        return InputError(f"{self._path}: line {number} is none that verify writes; choose another file with --out")
