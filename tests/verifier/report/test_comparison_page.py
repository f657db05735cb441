"""What a page about a comparison says."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from protocol.claim import StopReason
from tests.support.sample_records import SETTINGS
from tests.support.sample_runs import run
from verifier.challenge.hyperparameters import Hyperparameters
from verifier.experiments.comparison_trials import Row, TrialKey
from verifier.report.comparison_page import comparison_page
from verifier.report.content import Column, Page, Spread, Value


def row(name: str, nonce: int, quality: int, track: str = "n_hidden=4", **overrides: float) -> Row:
    given = Hyperparameters(overrides)
    key = TrialKey(2, "december-2025", replace(SETTINGS, track_id=track), "00", 10**9, f"{name:x>64}", given, nonce)
    return Row(key, f"{name}.py", run(nonce, quality, floor=0.01))


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
    assert cells["difference"] == [None, -50]
    assert cells["won-tied-lost"] == [None, "0-0-2"]
    assert "nonces" not in cells
    assert cells["below baseline"] == [750_000 - 200, 750_000 - 150]
    assert cells["ended by"] == ["early-stopping", "early-stopping"]
    qualities, differences = spreads(page)
    assert [dots.name for dots in qualities.rows] == ["mine", "adam"]
    assert (qualities.guide, qualities.guide_label) == (750_000, "baseline in the mean")
    assert differences.guide is None
    (adam,) = differences.rows
    assert (adam.labels, adam.values, adam.mean) == (["0", "1"], [-60, -40], -50)
    assert adam.low is not None
    assert adam.high is not None
    assert adam.low < -50 < adam.high
    assert values(page, "difference") == [None, None, -60, -40]


def summary(page: Page) -> dict[str, Sequence[Value]]:
    (table,) = page.summaries
    return {column.name: column.values for column in table.columns if isinstance(column, Column)}


def test_who_lacks_a_nonce_is_named_and_compared_on_the_others() -> None:
    page = comparison_page("runs.jsonl", [*ROWS, row("adam", 7, 10**6), row("sgd", 1, 100)], [])
    assert [(each.title, each.lines) for each in page.problems] == [
        ("Not on all nonces", [
            "mine: 2 of 3 nonces; its difference is over the 2 that adam has too",
            "sgd: 1 of 3 nonces; its difference is over the 1 that adam has too",
        ]),
    ]  # fmt: skip
    assert all(fact.label != "best mean quality" for fact in page.figures)
    assert values(page, "nonce") == [0, 1, 7, 0, 1, 1]
    assert values(page, "difference") == [None, None, None, 60, 40, -100]
    cells = summary(page)
    assert cells["optimiser"] == ["adam", "mine", "sgd"]  # who has most results is not beaten by who leaves some out
    assert cells["nonces"] == [None, "2 of 3", "1 of 3"]
    assert cells["qualified"] == ["3 of 3", "2 of 3", "1 of 3"]
    assert cells["difference"] == [None, 50, -100]


def test_optimisers_without_a_common_nonce_have_no_differences() -> None:
    page = comparison_page("runs.jsonl", [row("adam", 0, 1), row("mine", 1, 2), row("mine", 2, 2)], [])
    assert [chart.title for chart in page.charts] == ["Quality of each training"]
    assert page.problems[0].lines[0] == "mine: 2 of 3 nonces; its means are over these"
    assert page.problems[0].lines[1] == "adam: 1 of 3 nonces; its difference is over none, as mine has none of them"
    assert "difference" not in summary(page)
    assert values(page, "nonce") == [1, 2, 0]


def test_overrides_make_another_optimiser_of_one_module() -> None:
    page = comparison_page("x", [row("adam", 0, 100, lr=0.5), row("adam", 0, 300), row("adam", 0, 200, lr=0.25)], [])
    assert page.title == "3 optimisers on 1 nonce"
    assert summary(page)["optimiser"] == ["adam", "adam lr=0.25", "adam lr=0.5"]
    assert values(page, "hyperparameters") == [None, "lr=0.25", "lr=0.5"]


def test_why_trainings_ended_and_how_their_losses_went() -> None:
    diverged = replace(
        ROWS[0], run=run(0, -10_000_000, floor=0.01, best_epoch=2, stop_reason=StopReason.NON_FINITE_LOSS)
    )
    page = comparison_page("x", [diverged, *ROWS[1:]], [])
    assert summary(page)["ended by"] == ["early-stopping", "1 non-finite-loss, 1 early-stopping"]
    assert summary(page)["test loss"][1] is None
    assert values(page, "best epoch") == [3, 3, 2, 3]
    assert values(page, "validation loss") == [0.25] * 4
    assert values(page, "training loss") == [0.125] * 4
    assert values(page, "test loss")[2] is None
    numbers = np.frombuffer(zlib.decompress(page.losses.blocks[0]), np.uint8).reshape(3, -1)
    assert (list(page.losses.rows), numbers.shape) == ([4], (3, 4 * 2 * 10))


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
    twin = [replace(each, optimiser="adam.py") for each in ROWS]
    assert comparison_page("x", twin, []).summaries[0].columns[0].values == ["adam (2)", "adam"]
