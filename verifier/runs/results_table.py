"""A table of results that is kept between calls, so that what it has is not done again."""

from __future__ import annotations

import contextlib
import fcntl
import operator
import os
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Generic, Protocol, Self, TypeVar

from protocol.regular_file import IrregularFileError, open_regular
from verifier.challenge.errors import InputError

_PATIENCE: Final = 0.5
"""Seconds; who only asks whether a file is being written to holds its lock for an instant."""


class RowFault(ValueError):
    """A line that is no row; the text names the field, and says what is wrong with it."""


class Keyed(Protocol):
    """A row of a table."""

    @property
    def key(self) -> Hashable:
        """Everything that the result depends on: rows with the same key are results of the same thing."""


Row = TypeVar("Row", bound=Keyed)
T = TypeVar("T")


@dataclass(frozen=True)
class RowFormat(Generic[Row]):
    """The text of a row, without the end of its line."""

    writer: str
    """The command that writes such rows, for messages."""
    write: Callable[[Row], str]
    read: Callable[[str], Row]
    """Raises ValueError, KeyError or TypeError; RowFault where it can name the field."""
    begins: str
    """The beginning of every row, by which a file of something else is told from a row that was cut short."""
    header: str | None = None
    """The first line of the file; it may come again, where tables were put one behind the other."""
    agree: Callable[[Row, Row], bool] = operator.eq
    """Whether a later row may stand beside an earlier one of the same key: two results of one thing are no result."""
    elsewhere: str = "name another file"
    """What to do about a file of something else."""
    meanwhile: str = "wait for it, or name another file"
    """What to do while another call is writing."""
    longest: int = 1 << 16
    """Bytes of a line: room for the losses of a training of 1000 epochs, of 24 bytes each."""


class ResultsTable(Generic[Row]):
    """The rows of a file, to which rows are added; without a file, the rows of this call. A context manager.

    A row that was cut short by a kill is removed. Raises InputError for a file that another call is writing to, that
    holds anything else or that cannot be written.
    """

    def __init__(self, path: Path | None, layout: RowFormat[Row]) -> None:
        self._path, self._format = path, layout
        self.rows: dict[Hashable, Row] = {}
        """The last row of each key, in the order of the file."""
        self._file = None if path is None else self._open(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # of what could not be written, and has been reported
                self._file.close()

    def add(self, row: Row) -> None:
        """Keep a row. Raises InputError."""
        self.rows.pop(row.key, None)
        self.rows[row.key] = row
        if self._file is not None:
            self._append(self._file, self._format.write(row))

    def _open(self, path: Path) -> BinaryIO:
        try:
            file = os.fdopen(open_regular(path, os.O_RDWR | os.O_APPEND | os.O_CREAT), "r+b")
        except IrregularFileError:
            raise InputError(f"{path}: is no ordinary file; name another one") from None
        except OSError as error:
            raise self._unwritable(path, error) from None
        try:
            _lock(file)
            self.rows, end = _read(path, file, self._format)
            file.truncate(end)
            if self._format.header and not end:
                self._append(file, self._format.header)
        except BlockingIOError:
            file.close()
            problem = f"another {self._format.writer} is writing to it; {self._format.meanwhile}"
            raise InputError(f"{path}: {problem}") from None
        except OSError as error:  # as of a disk that fails, or of a file of the kernel's
            with contextlib.suppress(OSError):
                file.close()
            raise self._unwritable(path, error) from None
        except BaseException:
            file.close()
            raise
        return file

    def _unwritable(self, path: Path, error: OSError) -> InputError:
        return InputError(f"{path}: cannot be written: {error.strerror}; {self._format.elsewhere}")

    def _append(self, file: BinaryIO, line: str) -> None:
        try:
            file.write(line.encode() + b"\n")
            file.flush()
        except OSError as error:
            problem = f"cannot be written: {error.strerror}; call again when it can be, and what is in it is kept"
            raise InputError(f"{self._path}: {problem}") from None


def read_rows(path: Path, layout: RowFormat[Row]) -> dict[Hashable, Row]:
    """The whole rows of a file, which may be growing: the last one of each key, in the order of the file.

    Raises InputError for a file of anything else, or for none.
    """
    return _of_file(path, lambda file: _read(path, file, layout)[0])


def read_lines(path: Path, layout: RowFormat[Row]) -> list[tuple[int, Row]]:
    """The row of each whole line of a file, with its number; a header has none. Raises InputError, as `read_rows`."""
    return _of_file(
        path, lambda file: [(number, row) for number, row, _ in _rows(path, file, layout) if row is not None]
    )


def _of_file(path: Path, read: Callable[[BinaryIO], T]) -> T:
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            return read(file)
    except IrregularFileError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; check the name") from None


def is_being_written(path: Path) -> bool:
    """Whether a table of that name is open in some process. Where files have no locks, nobody knows: false."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def table_text(rows: Iterable[Row], layout: RowFormat[Row]) -> str:
    """The text of a file with these rows."""
    lines = [*([layout.header] if layout.header else []), *map(layout.write, rows)]
    return "".join(f"{line}\n" for line in lines)


def _lock(file: BinaryIO) -> None:
    """Be the only writer, until the file is closed. Raises BlockingIOError if another one is."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        except OSError:  # no locks here, as on some file systems of clusters
            return
        else:
            return


def _read(path: Path, file: BinaryIO, layout: RowFormat[Row]) -> tuple[dict[Hashable, Row], int]:
    """The whole rows, and the bytes that they take. Raises InputError."""
    rows: dict[Hashable, Row] = {}
    taken = 0
    for _, row, size in _rows(path, file, layout):
        taken += size
        if row is not None:
            rows.pop(row.key, None)
            rows[row.key] = row
    return rows, taken


def _rows(path: Path, file: BinaryIO, layout: RowFormat[Row]) -> Iterator[tuple[int, Row | None, int]]:
    """Each whole line with its number, its row, which a header has not, and its bytes. Raises InputError."""
    earlier: dict[Hashable, tuple[Row, int]] = {}
    file.seek(0)
    for number in count(1):
        line = file.readline(layout.longest)
        is_first = layout.header is not None and number == 1
        if not line.endswith(b"\n"):
            begins = (layout.header if layout.header is not None and is_first else layout.begins).encode()
            if len(line) == layout.longest or not (line.startswith(begins) or begins.startswith(line)):
                raise _foreign(path, number, layout)
            return
        try:
            text = line.decode().removesuffix("\n")
            if is_first and text != layout.header:
                raise ValueError
            row = None if text == layout.header else _row(text, layout)
            known, first = earlier.get(row.key, (row, number)) if row is not None else (None, number)
        except RowFault as fault:
            raise _foreign(path, number, layout, str(fault)) from None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _foreign(path, number, layout) from None
        if row is not None and known is not None:
            if first != number and not layout.agree(known, row):
                raise InputError(
                    f"{path}: lines {first} and {number} have different results of the same thing; "
                    "remove the one that is wrong"
                )
            earlier[row.key] = row, first
        yield number, row, len(line)


def _row(text: str, layout: RowFormat[Row]) -> Row:
    """The row of a line that is spelt as the writer spells it: what two readers could take for two rows is none."""
    row = layout.read(text)
    if layout.write(row) != text:
        raise RowFault("spelt in another way")
    return row


def _foreign(path: Path, number: int, layout: RowFormat[Row], why: str = "") -> InputError:
    told = f" ({why})" if why else ""
    return InputError(f"{path}: line {number} is none that {layout.writer} writes{told}; {layout.elsewhere}")
