"""A table of results: whole rows only, one writer, nothing of anybody else is touched."""

from __future__ import annotations

import errno
import fcntl
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from verifier.challenge.errors import InputError
from verifier.runs.results_table import ResultsTable, RowFormat, is_being_written, read_rows, table_text
from verifier.runs.row_formats import csv_rows


@dataclass(frozen=True)
class Row:
    kind: str
    number: int
    result: float

    @property
    def key(self) -> int:
        return self.number


HEADED = csv_rows(Row, "test", "row,")
PLAIN = replace(HEADED, header=None)
ROWS = [Row("row", number, number / 4) for number in range(3)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table"


@pytest.mark.parametrize("layout", [HEADED, PLAIN], ids="headed plain".split())
def test_rows_are_there_in_the_next_call(path: Path, layout: RowFormat[Row]) -> None:
    for row in ROWS:
        with ResultsTable(path, layout) as table:
            assert list(table.rows.values()) == ROWS[: row.number]
            table.add(row)
            assert table.rows[row.number] == row
            assert list(read_rows(path, layout).values()) == ROWS[: row.number + 1]
    assert path.read_text() == table_text(ROWS, layout)


def test_without_a_file_rows_last_as_long_as_the_table() -> None:
    with ResultsTable(None, PLAIN) as table:
        table.add(ROWS[1])
        assert table.rows == {1: ROWS[1]}


@pytest.mark.parametrize("layout", [HEADED, PLAIN], ids="headed plain".split())
def test_a_row_that_was_cut_short_is_removed_wherever_it_was_cut(path: Path, layout: RowFormat[Row]) -> None:
    whole = table_text(ROWS, layout)
    for end in range(len(whole)):
        path.write_text(whole[:end])
        before = list(read_rows(path, layout).values())
        with ResultsTable(path, layout) as table:
            assert list(table.rows.values()) == before
            for row in ROWS[len(before) :]:
                table.add(row)
        assert path.read_text() == whole


def test_a_repeated_row_counts_once_and_another_result_of_its_key_is_refused(path: Path) -> None:
    path.write_text(table_text([ROWS[0], ROWS[1], *[ROWS[0]] * 1000], HEADED))
    assert read_rows(path, HEADED) == {0: ROWS[0], 1: ROWS[1]}
    text = table_text([ROWS[1], ROWS[0], ROWS[2], replace(ROWS[0], result=9.0)], HEADED)
    path.write_text(text)
    for reader in (ResultsTable, read_rows):
        with pytest.raises(InputError) as refusal:
            reader(path, HEADED)
        assert str(refusal.value) == (
            f"{path}: lines 3 and 5 have different results of the same thing; remove the one that is wrong"
        )
    assert path.read_text() == text


def test_without_that_check_the_last_row_of_a_key_counts(path: Path) -> None:
    path.write_text(table_text([ROWS[0], replace(ROWS[0], result=9.0)], HEADED))
    blind = replace(HEADED, agree=lambda earlier, later: True)
    assert read_rows(path, blind) == {0: replace(ROWS[0], result=9.0)}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("kind,number\nrow,1,2.0\n", 1),
        ("something else", 1),
        (f"{HEADED.header}\nrow,one,2.0\n", 2),
        (f"{HEADED.header}\nrow,1,2.0\ncolumn", 3),
        ("x" * (1 << 17), 1),
        (f"{HEADED.header}\nrow," + "1" * (1 << 17), 2),
    ],
    ids="header other value cut long long-row".split(),
)
def test_a_file_of_something_else_is_left_alone(path: Path, text: str, number: int) -> None:
    path.write_text(text)
    for reader in (ResultsTable, read_rows):
        with pytest.raises(InputError) as refusal:
            reader(path, HEADED)
        assert str(refusal.value).startswith(f"{path}: line {number} is none that test writes")
        assert str(refusal.value).endswith("; name another file")
    assert path.read_text() == text


def test_a_table_has_one_writer_and_any_readers(path: Path) -> None:
    with ResultsTable(path, HEADED) as table:
        table.add(ROWS[0])
        with pytest.raises(InputError, match="another test is writing to it; wait for it, or name another file"):
            ResultsTable(path, HEADED)
        assert read_rows(path, HEADED) == {0: ROWS[0]}
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it was given back


def test_who_asks_whether_a_table_is_being_written_is_in_nobodys_way(path: Path) -> None:
    assert not is_being_written(path)
    with path.open("a") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        threading.Timer(0.1, lambda: fcntl.flock(asking, fcntl.LOCK_UN)).start()
        with ResultsTable(path, HEADED):
            assert is_being_written(path)
    assert not is_being_written(path)


def test_where_files_have_no_locks_a_table_is_written_all_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: object, operation: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with ResultsTable(path, HEADED) as table:
        table.add(ROWS[0])
        assert not is_being_written(path)
    assert read_rows(path, HEADED) == {0: ROWS[0]}


def test_files_that_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no ordinary file; name another one"):
        ResultsTable(tmp_path, HEADED)
    with pytest.raises(InputError, match="cannot be written: No such file or directory; name another file"):
        ResultsTable(tmp_path / "no" / "table", HEADED)
    with pytest.raises(InputError, match="No such file or directory; check the name"):
        read_rows(tmp_path / "none", HEADED)


def test_a_disk_that_is_full_is_said() -> None:
    table = ResultsTable(None, PLAIN)
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(InputError, match="call again when it can"):
        table._append(full, "row,1,2.0")
