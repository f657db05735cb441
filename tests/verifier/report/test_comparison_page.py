"""What a page about a comparison says."""

from __future__ import annotations

from dataclasses import replace

from tests.support.sample_records import SETTINGS
from verifier.challenge.hyperparameters import Hyperparameters
from verifier.experiments.comparison import Run
from verifier.experiments.comparison_trials import Row, TrialKey
from verifier.report.comparison_page import comparison_page
from verifier.report.content import Page, Spread, Value


def row(name: str, nonce: int, quality: int, track: str = "n_hidden=4", **overrides: float) -> Row:
    given = Hyperparameters(overrides)
    key = TrialKey(2, "december-2025", replace(SETTINGS, track_id=track), "00", 10**9, f"{name:x>64}", given, nonce)
    return Row(key, f"{name}.py", Run(nonce, quality, 0.16, 0.01, True, epochs=100, fuel_used=1000, seconds=2.0))


ROWS = [row("adam", 0, 100), row("mine", 0, 160), row("mine", 1, 240), row("adam", 1, 200)]


def values(page: Page, name: str) -> list[Value]:
    found = next(each for each in page.table.columns if each.name == name)
    return list(found.values)


def spreads(page: Page) -> list[Spread]:
    return [chart for chart in page.charts if isinstance(chart, Spread)]


def test_each_optimiser_is_compared_with_the_best_nonce_by_nonce() -> None:
    page = comparison_page("runs.jsonl", ROWS, [])
    assert (page.title, page.lead) == ("2 optimisers on 2 nonces", "runs.jsonl; n_hidden=4, december-2025")
    best = page.figures[3]
    assert (best.value, best.note) == (200, "mine")
    (summary,) = page.summaries
    cells = {column.name: column.values for column in summary.columns}
    assert cells["optimiser"] == ["mine", "adam"]
    assert cells["less mine's"] == [None, -50]
    assert cells["won-tied-lost"] == [None, "0-0-2"]
    qualities, differences = spreads(page)
    assert [dots.name for dots in qualities.rows] == ["mine", "adam"]
    (adam,) = differences.rows
    assert (adam.labels, adam.values, adam.mean) == (["0", "1"], [-60, -40], -50)
    assert adam.low is not None
    assert adam.high is not None
    assert adam.low < -50 < adam.high
    assert values(page, "difference") == [None, None, -60, -40]


def test_a_nonce_without_a_partner_is_named_and_in_no_mean() -> None:
    page = comparison_page("runs.jsonl", [*ROWS, row("mine", 7, 10**6)], [])
    assert [(each.title, each.lines) for each in page.problems] == [
        ("Without a partner", ["mine: 1 of 3 nonces"]),
    ]
    assert page.figures[3].value == 200
    assert values(page, "nonce") == [0, 1, 7, 0, 1]
    assert values(page, "difference") == [None, None, None, -60, -40]


def test_optimisers_without_a_common_nonce_are_listed_and_not_compared() -> None:
    page = comparison_page("runs.jsonl", [row("adam", 0, 1), row("mine", 1, 2)], [])
    assert (page.charts, page.summaries) == ([], [])
    assert len(page.problems[0].lines) == 2
    assert len(values(page, "nonce")) == 2


def test_one_optimiser_has_qualities_and_no_differences() -> None:
    (chart,) = spreads(comparison_page("runs.jsonl", [row("adam", 0, 1), row("adam", 1, 2)], []))
    assert chart.rows[0].values == [1, 2]


def test_tasks_are_compared_apart() -> None:
    page = comparison_page("runs.jsonl", [*ROWS, row("adam", 0, 9, "n_hidden=2"), row("mine", 0, 3, "n_hidden=2")], [])
    assert [table.title for table in page.summaries] == [
        "Means over 2 nonces: n_hidden=4, december-2025", "Means over 1 nonce: n_hidden=2, december-2025",
    ]  # fmt: skip
    assert page.summaries[1].columns[0].values == ["adam", "mine"]
    assert all(fact.label != "best mean quality" for fact in page.figures)


def test_modules_with_one_name_have_numbers() -> None:
    twin = [replace(each, name="adam.py") for each in ROWS]
    assert comparison_page("x", twin, []).summaries[0].columns[0].values == ["adam (2)", "adam"]
