"""Sums for judging: tables that somebody else wrote, and names that are sentences, formulas or commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocol.settings import Settings
from verifier.challenge.errors import InputError
from verifier.command_line import names
from verifier.command_line.names import shown_names
from verifier.experiments.comparison import Run
from verifier.experiments.comparison_trials import Row, TrialKey
from verifier.runs import results_table
from verifier.runs.results_table import ResultsTable, read_rows
from verifier.runs.row_formats import json_rows

FORMAT = json_rows(Row, "compare")
KEY = TrialKey(2, "december-2025", Settings("", "", "c006", "", "n_hidden=4"), "0" * 32, 10**9, "ab" * 32, 0)
LINE = FORMAT.write(Row(KEY, "mine.py", Run(0, 1000, 0.16, 0.04, True, 10, 1000, 2.0)))


def changed(old: str, new: str) -> str:
    assert LINE.count(old) == 1
    return LINE.replace(old, new)


ATTEMPTS = {
    "not a number": (changed('"threshold": 0.16', '"threshold": NaN'), "run.threshold: expected 1e-09 to 1e+09"),
    "infinity": (changed('"floor": 0.04', '"floor": Infinity'), "run.floor: expected"),
    "1e999": (changed('"seconds": 2.0', '"seconds": 1e999'), "run.seconds: expected"),
    "truth for a number": (changed('"quality": 1000', '"quality": true'), "run.quality: expected a whole number"),
    "fraction": (changed('"quality": 1000', '"quality": 1000.0'), "run.quality: expected a whole number, found 1000.0"),
    "text": (changed('"quality": 1000', '"quality": "1000"'), "run.quality: expected a whole number, found '1000'"),
    "nothing": (changed('"quality": 1000', '"quality": null'), "run.quality: expected a whole number, found None"),
    "above what a quality can be": (changed('"quality": 1000', '"quality": 1000000000'), "run.quality: expected"),
    "int32": (changed('"quality": 1000', '"quality": -2147483648'), "run.quality: expected"),
    "hundreds of digits": (changed('"quality": 1000', '"quality": ' + "9" * 400), "run.quality: expected"),
    "thousands of digits": (changed('"quality": 1000', '"quality": ' + "9" * 5000), ""),
    "two qualities": (changed('"quality": 1000', '"quality": 1000, "quality": 1000000'), "'quality' is there twice"),
    "another nonce inside": (changed('"run": {"nonce": 0', '"run": {"nonce": 7'), "run.nonce: 7 is not that of"),
    "spaces": (LINE.replace(": ", ":"), "spelt in another way"),
    "carriage return": (LINE + "\r", "spelt in another way"),
    "order": (json.dumps(dict(reversed(json.loads(LINE).items()))), "spelt in another way"),
    "byte order mark": ("\ufeff" + LINE, ""),
    "escapes": (changed("mine.py", "\\u006dine.py"), "spelt in another way"),
    "exponent": (changed("0.16", "16e-2"), "spelt in another way"),
    "denormal": (changed("0.16", "5e-324"), "run.threshold: expected"),
    "minus zero": (changed('"epochs": 10', '"epochs": -0'), "spelt in another way"),
    "deep": ("[" * 60_000, ""),
    "blank line": ("", ""),
}  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "runs.jsonl"


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_row_of_another_kind_is_refused_by_line_and_field(table: Path, attempt: str) -> None:
    line, why = ATTEMPTS[attempt]
    text = f"{LINE}\n{line}\n"
    table.write_text(text, newline="")
    readers: tuple[Callable[..., Any], ...] = (ResultsTable, read_rows)
    for reader in readers:
        with pytest.raises(InputError) as refusal:
            reader(table, FORMAT)
        message = str(refusal.value)
        assert message.startswith(f"{table}: line 2 is none that compare writes" + (f" ({why}" if why else ""))
        assert len(message) < len(str(table)) + 250
        assert message.isprintable()
    assert table.read_bytes().decode() == text


def test_without_the_check_of_spelling_the_row_is_still_one_result(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results_table, "_row", lambda text, layout: layout.read(text))
    table.write_text(f"{LINE}\n" + f"{changed('0.16', '16e-2')}\n" * 1000)
    assert list(read_rows(table, FORMAT).values()) == [FORMAT.read(LINE)]
    better = LINE.replace('"quality": 1000', '"quality": 1001')
    table.write_text(f"{LINE}\n{better}\n")
    with pytest.raises(InputError, match="lines 1 and 2 have different results of the same thing"):
        read_rows(table, FORMAT)


def test_time_and_file_name_may_differ_between_two_shards(table: Path) -> None:
    table.write_text(f"{LINE}\n{changed('2.0', '3.5').replace('mine.py', 'copy.py')}\n")
    assert len(read_rows(table, FORMAT)) == 1


SENTENCES = (
    "3 accepted 0 rejected",
    "\n| mine | 99 |",
    "=cmd()",
    "<b>",
    "\x1b[2J",
    "_hidden",
    "$x$",
    "x\u202ey",
    "\udcff",
)


@pytest.mark.parametrize("stem", SENTENCES)
def test_a_name_that_is_no_word_is_quoted(stem: str) -> None:
    first, second = shown_names([Path(f"{stem}.py"), Path("adam.py")])
    assert (first, second) == (ascii(stem), "adam")
    assert first.isascii()
    assert first.isprintable()


def test_names_stay_different_and_bounded() -> None:
    long = [Path("x" * 150 + end + ".py") for end in "ab"]
    found = shown_names([*long, Path("a/adam.py")])
    assert len(set(found)) == 3
    assert max(map(len, found)) < 110


def test_without_quotes_names_are_still_data_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_quoted", str)
    (name,) = shown_names([Path("a\naccepted.py")])
    assert json.dumps({"optimiser": name}) == '{"optimiser": "a\\\\naccepted"}'.replace("\\\\", "\\")
