"""The text of a golden file: it round-trips, it has a line for each epoch, and what is wrong in it is named."""

from __future__ import annotations

import json
import math
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.golden.sample_golden_files import changed, golden_file, training, with_cell
from verifier.golden.golden_file import GoldenFile, GoldenFileError, file_name, relative_path
from verifier.golden.training import COLUMNS, number


def said(text: str | None = None) -> dict[str, Any]:
    """A file as JSON has it."""
    values: dict[str, Any] = json.loads(text or golden_file().text())
    return values


def test_what_is_written_is_read_again() -> None:
    for file in (golden_file(), golden_file({"why": ["ä", 1.5]}), with_cell(1, 2, "inf")):
        assert GoldenFile.parse(file.text().encode()) == file


def test_what_is_read_is_written_again() -> None:
    text = golden_file("kept").text()
    assert GoldenFile.parse(text.encode()).text() == text


@given(st.floats(min_value=0.0))
def test_a_loss_keeps_its_bits(loss: float) -> None:
    cell = json.loads(json.dumps(number(loss)))
    read = float(cell)
    assert (type(cell), struct.pack("<d", read)) == (float if math.isfinite(loss) else str, struct.pack("<d", loss))


def test_each_epoch_is_a_line_and_its_columns_stand_below_each_other() -> None:
    file = with_cell(2, 1, 1e-300)
    rows = file.results["leaves"]
    lines = [line for line in file.text().splitlines() if line.startswith("  [")]
    assert [json.loads(line.rstrip(",")) for line in lines] == rows
    assert len({line.rstrip(",").rindex(", ") for line in lines}) == 1
    assert all(len(row) == len(COLUMNS) for row in rows)


def test_a_value_that_changes_changes_one_line() -> None:
    before, after = (file.text().splitlines() for file in (golden_file(), with_cell(3, 1, 0.5)))
    assert len(before) == len(after)
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def test_the_training_that_is_read_is_the_one_that_was_written() -> None:
    file = GoldenFile.parse(golden_file().text().encode())
    assert (file.task, file.nonce) == (training().task, training().nonce)
    given_values = {"a": 1, "b": 1.0, "c": True, "d": "text", "e": None}
    values = said()
    values["task"]["hyperparameters"] = given_values
    read = GoldenFile.parse(json.dumps(values).encode()).task.hyperparameters
    assert {name: repr(value) for name, value in read.items()} == {n: repr(v) for n, v in given_values.items()}


def test_the_name_of_a_file_says_what_is_trained() -> None:
    made = training()
    assert file_name(Path("x/small.py"), made.task, made.nonce) == "small-small-n_hidden=1-nonce=7.golden"


def test_the_module_is_found_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the folder is reached through a link, or the call is made elsewhere."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "tests" / "golden").mkdir(parents=True)
    (tmp_path / "link").symlink_to("tests/golden")
    module = tmp_path / "modules" / "a.py"
    module.touch()
    for folder in (tmp_path / "tests" / "golden", tmp_path / "link"):
        path = relative_path(module, folder)
        assert path == "../../modules/a.py"
        monkeypatch.chdir(tmp_path / "tests")
        file = GoldenFile.of(training(), {}, folder)
        found = GoldenFile(path, 1, file.task, 0, {}).module_path(folder / "x.golden")
        assert str(found) == os.path.join("..", "modules", "a.py")


WRONG = [
    (("format",), "golden.v9", "is not a golden file of this version, whose format is golden.v1"),
    (("task",), None, "task: is not there; fill the file again"),
    (("task",), [], "task: expected an object, found []"),
    (("task", "nonce"), True, "task.nonce: expected a whole number, found True"),
    (("task", "nonce"), -1, "nonce: expected an integer from 0 to 2^64 - 1, found -1"),
    (("task", "optimiser"), None, "task.optimiser: is not there; fill the file again"),
    (("task", "optimiser_digest"), "AB" * 32, "task.optimiser_digest: expected 64 hexadecimal digits"),
    (("task", "specification"), "2", "task.specification: expected a whole number, found '2'"),
    (("task", "settings", "player_id"), 7, "task.settings.player_id: expected text, found 7"),
    (("task", "settings", "track_id"), "n_hidden=0", "track 'n_hidden=0' is not one of edition small"),
    (("task", "edition"), "june-2030", "unknown edition 'june-2030'"),
    (("task", "rand_hash"), "ä", "rand_hash: expected printable ASCII, found '\\xe4'"),
    (("task", "fuel_budget"), 2**64, "task.fuel_budget: expected 0 to"),
    (("task", "hyperparameters"), {"lr": [1]}, "task.hyperparameters: 'lr': expected a finite number"),
    (("task", "hyperparameters"), {"lr": 2**70}, "task.hyperparameters: 'lr': expected a finite number of 64 bits"),
    (("outcome",), "x" * 100, "outcome: expected an object, found 'xxxx"),
    (("score",), None, "score: is not there"),
    (("leaves",), {}, "leaves: expected a list, found {}"),
    (("leaves",), [[0, None, None, 5]], "leaves: expected a row of epoch 0 with epoch, train_loss"),
    (("leaves",), [[1, None, None, 5, ""]], "leaves: expected a row of epoch 0 with"),
    (("leaves",), ["x"], "leaves: expected a row of epoch 0 with"),
    (("opened_leaves",), [7], "opened_leaves.epoch: is not there"),
]


@pytest.mark.parametrize(("place", "value", "problem"), WRONG, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_named(place: tuple[str, ...], value: Any, problem: str) -> None:
    values = said()
    *outer, last = place
    section = values
    for name in outer:
        section = section[name]
    if value is None:
        del section[last]
    else:
        section[last] = value
    with pytest.raises(GoldenFileError) as error:
        GoldenFile.parse(json.dumps(values).encode())
    assert str(error.value).startswith(problem)


def test_no_cut_file_is_read() -> None:
    text = golden_file().text().rstrip().encode()
    for length in range(0, len(text), 7):
        with pytest.raises(GoldenFileError, match="no golden file, or was cut"):
            GoldenFile.parse(text[:length])


@pytest.mark.parametrize("text", [b"[" * 100_000, b"\xff", b"[]", b"7", b"<<<<<<< ours\n", b'{"a": ' + b"9" * 5000])
def test_what_is_something_else_is_refused(text: bytes) -> None:
    with pytest.raises(GoldenFileError):
        GoldenFile.parse(text)


def test_other_sections_are_kept_apart_from_notes() -> None:
    assert "notes" not in said(changed().text())
    assert said(golden_file({"a": 1}).text())["notes"] == {"a": 1}
