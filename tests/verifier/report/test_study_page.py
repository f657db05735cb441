"""What a page about the papers' Figure 2 says."""

from __future__ import annotations

import math
from dataclasses import replace

from tests.support.study_rows import made_up
from verifier.report.content import Panels
from verifier.report.study_page import study_page

ROWS = [
    made_up("SGD", 1, 0, 0.10), made_up("Adam", 1, 0, 0.08), made_up("SGD", 1, 1, 0.12), made_up("Adam", 1, 1, 0.08),
    made_up("SGD", 3, 0, 0.20), made_up("Adam", 3, 0, 0.05), made_up("SGD", 1, 0, 0.3, n_data=2048),
]  # fmt: skip


def test_each_size_has_a_panel_and_each_optimiser_a_line() -> None:
    page = study_page("figure2", ROWS, [])
    errors, centred, epochs = (chart for chart in page.charts if isinstance(chart, Panels))
    assert [panel.title for panel in errors.panels] == ["N = 1,024", "N = 2,048"]
    sgd, adam = errors.panels[0].lines
    assert (sgd.name, sgd.x) == ("SGD", [1, 3])
    assert sgd.y[0] is not None
    assert math.isclose(sgd.y[0], 0.11)
    assert sgd.error[0] is not None
    assert math.isclose(sgd.error[0], 0.01)
    assert sgd.error[1] is None  # one instance tells no error
    assert adam.y == [0.08, 0.05]
    assert [guide.name for guide in errors.panels[0].guides] == [
        "noise", "threshold, 4 × noise", "noise + (mean of targets)²",
    ]  # fmt: skip
    assert len(centred.panels[0].guides) == 2
    assert not epochs.panels[0].guides


def test_what_diverged_is_on_no_line_and_in_the_table() -> None:
    rows = [*ROWS, replace(ROWS[1], n_hidden=5, test_error=math.inf, centred_error=math.inf)]
    page = study_page("figure2", rows, [])
    (errors, *_) = (chart for chart in page.charts if isinstance(chart, Panels))
    assert errors.panels[0].lines[1].y == [0.08, 0.05, None]
    assert math.inf in next(column.values for column in page.table.columns if column.name == "test error")


def test_the_observations_are_those_of_the_command() -> None:
    titles = [each.title for each in study_page("figure2", ROWS, []).remarks]
    assert titles[0].startswith("Test error by depth")
    assert all(each.lines for each in study_page("figure2", ROWS, []).remarks)


def test_editions_have_panels_and_observations_of_their_own() -> None:
    rows = [*ROWS, *(replace(row, edition="december-2025", test_error=0.5) for row in ROWS[:2])]
    page = study_page("figure2", rows, [])
    (errors, *_) = (chart for chart in page.charts if isinstance(chart, Panels))
    titles = ["april-2025: N = 1,024", "april-2025: N = 2,048", "december-2025: N = 1,024"]
    assert [panel.title for panel in errors.panels] == titles
    assert [line.y for line in errors.panels[2].lines] == [[0.5], [0.5]]
    april = {f"april-2025: {each.title}": each.lines for each in study_page("figure2", ROWS, []).remarks}
    remarks = {each.title: each.lines for each in page.remarks}
    assert april.items() < remarks.items()
    assert any(title.startswith("december-2025: ") for title in remarks)
