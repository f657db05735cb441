"""A file of JSON lines that is kept between calls: ours alone while it is open, and whole lines only."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from verifier.challenge.errors import InputError

_LONGEST: Final = 1 << 16
"""Bytes of a line."""


class LinesFile:
    """An open file of lines, to which lines are added; one that was cut short by a kill is removed.

    A context manager. `begins` is how every line begins, but for the first one where there is a `header`; `note` is
    told of each that is there, and raises ValueError, KeyError or TypeError for one that `command` does not write.
    Raises InputError for such a file, and for one that cannot be written.
    """

    def __init__(
        self, path: Path, command: str, begins: bytes, note: Callable[[bytes], None], header: str | None = None
    ) -> None:
        self._path, self._command, self._begins, self._note, self._header = path, command, begins, note, header
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
                problem = f"another {command} is writing to it; wait for it, or choose another file with --out"
                raise InputError(f"{path}: {problem}") from None
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # of what could not be written, and has been reported
            self._file.close()

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
            try:
                self._take(number, line)
            except (ValueError, KeyError, TypeError, RecursionError):
                raise self._foreign(number) from None
            end += len(line)
        begins = self._header.encode() if self._header and not end else self._begins
        if len(line) == _LONGEST or not (line.startswith(begins) or begins.startswith(line)):
            raise self._foreign(number)
        self._file.truncate(end)
        if self._header and not end:
            self.append(self._header)

    def _take(self, number: int, line: bytes) -> None:
        if number > 1 or self._header is None:
            self._note(line)
        elif line.decode() != self._header + "\n":
            raise ValueError

    def _foreign(self, number: int) -> InputError:
        problem = f"line {number} is none that {self._command} writes; choose another file with --out"
        return InputError(f"{self._path}: {problem}")
