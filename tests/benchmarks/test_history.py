"""The history of the benchmark is read strictly, and compares a run with the last one on a machine of the same kind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import history
from benchmarks.figure import Figure
from benchmarks.history import Run, add, comparison, last_alike
from verifier.challenge.errors import InputError

RUN = Run(
    date="2026-11-30T09:40:12Z",
    commit="cecb047d1e05",
    machine="AMD EPYC 25 17, 2 cores: avx2",
    versions={"python": "3.11.7", "torch": "2.13.0+cpu"},
    engine="int16",
    rounds=9,
    figures={
        "in process / plain, n_hidden=4": Figure("", 0.9, 1.0, 1.1),
        "tig-verify --help": Figure("ms", 90.0, 95.0, 99.0),
    },
)


def test_what_is_recorded_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    assert last_alike(RUN, path) is None
    later, elsewhere = replace(RUN, date="2026-12-01T00:00:00Z"), replace(RUN, date="2026-12-02T00:00:00Z", machine="x")
    for run in (RUN, later, elsewhere):
        add(run, path)
    assert last_alike(RUN, path) == later
    assert len(path.read_text().splitlines()) == 3


def test_changes_are_told_with_their_size() -> None:
    now = {
        "in process / plain, n_hidden=4": Figure("", 0.7, 0.8, 0.85),
        "tig-verify --help": Figure("ms", 94.0, 96.0, 98.0),
        "evaluate": Figure("ms", 7.0, 8.0, 9.0),
    }
    assert [line.strip() for line in comparison(RUN, replace(RUN, figures=now))][1:] == [
        "in process / plain, n_hidden=4: 1 -> 0.8 (-20.0%, less)",
        "tig-verify --help: 95 -> 96 ms (+1.1%)",
        "evaluate: 8 ms, new",
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"rounds": "9"}, "rounds: expected int"),
        ({"versions": {"torch": 2}}, "versions.torch: expected str"),
        ({"figures": {"x": {"unit": "", "low": 2.0, "median": 1.0, "high": 3.0}}}, "low <= median <= high"),
        ({"figures": {"x": {"unit": "", "low": 1, "median": 1.0, "high": 3.0}}}, "low: expected float"),
        ({"figures": {"x": 1.0}}, "x: expected an object of unit, low, median, high"),
        ({"more": 1}, "expected an object of date, commit"),
    ],
)
def test_a_line_of_another_form_is_refused_by_name(tmp_path: Path, change: dict[str, object], why: str) -> None:
    path = tmp_path / "history.jsonl"
    add(RUN, path)
    with path.open("a") as file:
        file.write(json.dumps(json.loads(path.read_text()) | {"date": "2026-12-01T00:00:00Z"} | change) + "\n")
    with pytest.raises(InputError, match=r"line 2 .*" + why):
        last_alike(RUN, path)


def test_what_is_in_the_repository_can_be_read() -> None:
    last_alike(RUN, history.HISTORY)


def test_a_figure_has_the_middle_of_its_rounds() -> None:
    assert Figure.of("ms", [4.0, 1.0, 2.0, 3.0, 50.0]) == Figure("ms", 2.0, 3.0, 4.0)
    assert Figure.of("ms", [2.0]) == Figure("ms", 2.0, 2.0, 2.0)
    assert str(Figure("", 0.9, 1.0, 1.1)) == "1 (0.9 to 1.1)"
