"""Rows as lines: every row comes back as it was, and every other line is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from proofs import roster
from tests.support.folders import ROOT
from tests.support.study_rows import ROW
from verifier.challenge.hyperparameters import Hyperparameters
from verifier.experiments.study.feedback import rows as feedback
from verifier.experiments.study.figure2.rows import Row
from verifier.experiments.study.loop import rows as loop
from verifier.experiments.study.sharpness import rows as sharpness
from verifier.runs.results_table import RowFormat
from verifier.runs.row_formats import csv_rows, json_rows

TABLE = csv_rows(Row, "study", "figure2,")


@dataclass(frozen=True)
class Inner:
    name: str
    share: float


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Outer:
    inner: Inner
    count: int
    is_good: bool
    values: tuple[float, ...]
    colour: Colour
    limit: float | None
    given: Hyperparameters

    @property
    def key(self) -> int:
        return self.count


LINES = json_rows(Outer, "test")
OUTER = Outer(
    Inner('a "b" é', 0.1 + 0.2), 7, True, (0.1, 2.0), Colour.RED, None, Hyperparameters({"lr": 1, "mode": "x"})
)


@pytest.mark.parametrize(
    ("layout", "row"),
    [
        (TABLE, ROW),
        (TABLE, replace(ROW, optimiser='my, "own"', hyperparameters="a=1;b=x", noise=0.1 + 0.2, test_error=5e-324)),
        (TABLE, replace(ROW, test_error=math.inf, centred_error=math.inf, quality=-10_000_000)),
        (LINES, OUTER),
        (LINES, Outer(Inner("", -math.inf), -1, False, (), Colour.BLUE, 0.5, Hyperparameters({"lr": 1.0}))),
    ],
    ids="plain quoted diverged nested infinite".split(),
)
def test_a_line_gives_the_row_back(layout: RowFormat[Any], row: object) -> None:
    line = layout.write(row)
    assert "\n" not in line
    assert line.startswith(layout.begins)
    assert layout.read(line) == row


def test_not_a_number_comes_back_as_one() -> None:
    assert math.isnan(TABLE.read(TABLE.write(replace(ROW, best_epoch=0, train_loss=math.nan))).train_loss)


def test_the_header_has_the_names() -> None:
    assert TABLE.header is not None
    assert TABLE.header.split(",") == list(Row.__dataclass_fields__)
    assert len(astuple(ROW)) == len(TABLE.header.split(","))


@pytest.mark.parametrize(
    "line", ["", "figure2", TABLE.header, TABLE.write(ROW) + ",", TABLE.write(ROW).replace(",1024,", ",1024.5,")]
)
def test_other_lines_of_a_table_are_refused(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the csv module says
        TABLE.read(line)


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "missing": lambda entry: entry.pop("count"),
    "more": lambda entry: entry.update(other=1),
    "text": lambda entry: entry.update(count="7"),
    "truth": lambda entry: entry.update(count=True),
    "fraction": lambda entry: entry.update(count=7.0),
    "whole": lambda entry: entry["inner"].update(share=1),
    "inner": lambda entry: entry["inner"].pop("name"),
    "flat": lambda entry: entry.update(inner=3),
    "one for many": lambda entry: entry.update(values=0.1),
    "whole among many": lambda entry: entry["values"].append(1),
    "other word": lambda entry: entry.update(colour="green"),
    "no word": lambda entry: entry.update(colour=[]),
    "text for none": lambda entry: entry.update(limit=""),
    "list of names": lambda entry: entry.update(given=["lr"]),
    "deep": lambda entry: entry["given"].update(lr={}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_objects_are_refused(change: str) -> None:
    entry = json.loads(LINES.write(OUTER))
    CHANGES[change](entry)
    with pytest.raises(ValueError):  # noqa: PT011
        LINES.read(json.dumps(entry))


RECORDED: dict[str, RowFormat[Any]] = {
    "docs/feedback/feedback.csv": csv_rows(feedback.Row, "study", "feedback,"),
    "docs/figure2/figure2.csv": TABLE,
    "docs/loop/loop.csv": csv_rows(loop.Row, "study", "loop,"),
    "docs/sharpness/sharpness.jsonl": json_rows(sharpness.Row, "study"),
    "proofs/results/roster.jsonl": roster.FORMAT,
}


@pytest.mark.parametrize("name", RECORDED)
def test_what_is_recorded_is_read_and_written_to_the_byte(name: str) -> None:
    layout = RECORDED[name]
    lines = Path(ROOT, name).read_text().splitlines()[layout.header is not None :]
    assert len(lines) > 100
    assert [layout.write(layout.read(line)) for line in lines] == lines
