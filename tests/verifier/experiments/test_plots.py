"""Pictures: sizes, the same bytes again, nobody's settings changed, no warnings, pages that refer to nothing."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pytest

from sandbox.profiler import Cost
from tests.support.sample_runs import run
from verifier.command_line.trying import training_pictures
from verifier.experiments.comparison import Run, compare
from verifier.experiments.plots import loss_curves
from verifier.experiments.plots.comparison import comparison_picture
from verifier.experiments.plots.loss_curves import histories_picture, history_picture
from verifier.experiments.plots.page import page
from verifier.experiments.plots.profile import profile_picture
from verifier.experiments.plots.style import new_figure
from verifier.experiments.prediction_maps import SIDE, PredictionMaps
from verifier.experiments.profile import LineCost, Part
from verifier.experiments.training_history import TrainingHistory

pytestmark = pytest.mark.slow

HISTORY = TrainingHistory(
    title="adam",
    train_losses=(1.5, 0.4, 0.2, 0.15),
    validation_losses=(1.2, 0.5, 0.21, 0.3),
    best_epoch=3,
    fuel_used=123,
    stop_reason="early-stopping",
    quality=250_000,
    threshold=0.16,
    floor=0.002,
    baseline_loss=0.045,
)


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def small_maps() -> PredictionMaps:
    points = np.random.default_rng(0).uniform(-1.0, 1.0, (60, 2))
    initial, best = np.zeros((SIDE, SIDE)), np.full((SIDE, SIDE), -2.0)
    return PredictionMaps(points, points[:, 0] * points[:, 1], initial, best, train_points=40)


def runs_of(qualities: Sequence[int]) -> list[Run]:
    return [run(nonce, quality, floor=0.01, is_solvable=nonce % 3 > 0) for nonce, quality in enumerate(qualities)]


ODD = {
    "transcript": replace(HISTORY, quality=None, threshold=None, floor=None, baseline_loss=None, stop_reason=None),
    "initial-best": replace(HISTORY, best_epoch=0, train_losses=(0.3,), validation_losses=(0.3,)),
    "zero-floor": replace(HISTORY, floor=0.0),
    "high-floor": replace(HISTORY, floor=5.0, quality=-10_000_000),
    "zero-losses": replace(HISTORY, train_losses=(0.0, 0.0, 0.0, 0.0)),
    "wide-losses": replace(HISTORY, train_losses=(1.7e308, 1.0, 1e-300, 1.0)),
    "not-finite": replace(HISTORY, train_losses=(math.nan,) * 4, validation_losses=(math.inf,) * 4, threshold=None),
    "odd-title": replace(HISTORY, title=r"a $\frac$ and a _"),
}


@pytest.mark.parametrize("history", ODD.values(), ids=ODD.keys())
def test_every_training_can_be_drawn(history: TrainingHistory) -> None:
    assert size(history_picture(history, None)) == (1350, 600)


@pytest.mark.parametrize(("count", "rows"), [(3, 1), (8, 3)])
def test_several_trainings(count: int, rows: int) -> None:
    """The rows are those of the names."""
    assert size(histories_picture(list(ODD.values())[:count])) == (1500, round(150 * (4.4 + 0.2 * rows)))


def test_long_names_are_below_each_other() -> None:
    several = [replace(HISTORY, title=f"{number}{'x' * 98}") for number in range(8)]
    assert size(histories_picture(several)) == (1500, round(150 * (4.4 + 0.2 * 8)))


def test_each_of_the_most_trainings_has_its_own_look() -> None:
    assert len(set(loss_curves._LOOKS)) == len(loss_curves._LOOKS) == training_pictures.MOST


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 12, 57, 1000])
def test_epochs_are_whole(epochs: int) -> None:
    axes = new_figure(9.0, 4.0).subplots()
    losses = (0.5,) * epochs
    loss_curves._alone(axes, replace(HISTORY, train_losses=losses, validation_losses=losses, best_epoch=1))
    ticks = axes.get_xticks()
    assert len(ticks) > 2
    assert all(tick == round(tick) for tick in ticks)


@pytest.mark.parametrize("costs", [[], [0], [7, 5], range(40)], ids=str)
def test_a_profile_has_its_dearest_lines(costs: Sequence[int]) -> None:
    lines = [LineCost(None if n == 1 else n, "f", "x" * n * 3, Cost(1, n, n, n / 9)) for n in costs]
    drawn = profile_picture(Part(lines, [], 0, 0, 0), "time", "a $ profile")
    assert size(drawn) == (1650, round(150 * (1.4 + 0.38 * min(len(costs), 16))))


@pytest.mark.parametrize(
    "others",
    [[500_000] * 6, [480_000, -10_000_000, 1, 0, 20, 510_000], [400_000]],
    ids="ties outlier one-nonce".split(),
)
def test_every_comparison_can_be_drawn(others: list[int]) -> None:
    runs = {"adam": runs_of([500_000] * len(others)), "mine": runs_of(others)}
    assert size(comparison_picture({"n_hidden=4": compare(runs)})) == (1500, 480)


def test_several_tracks_are_below_each_other_and_one_optimiser_has_no_differences() -> None:
    alone = compare({"adam": runs_of([500_000, 1, -7])})
    assert size(comparison_picture({"n_hidden=4": alone})) == (1500, 397)
    partial = compare({"adam": runs_of([5, 1]), "mine": [], "yours": runs_of([4])}, nonces=range(3))
    nothing = compare({"adam": [], "mine": [], "yours": []}, nonces=range(3))
    tracks = {"n_hidden=1": partial, "n_hidden=2": nothing, "n_hidden=4": partial}
    assert size(comparison_picture(tracks)) == (1500, 1537)


def test_the_same_picture_has_the_same_bytes_whatever_the_users_settings() -> None:
    before = history_picture(HISTORY, small_maps())
    assert size(before) == (1350, 1050)
    with mpl.rc_context({"font.size": 30.0, "axes.facecolor": "red", "lines.linewidth": 9.0}):
        settings = dict(mpl.rcParams)
        assert history_picture(HISTORY, small_maps()) == before
        assert dict(mpl.rcParams) == settings


class Reader(HTMLParser):
    """Every tag is closed by its own, and what refers elsewhere is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.cells.append(data)


def test_a_page_is_whole_and_refers_to_nothing() -> None:
    rows = [{"training": "<script>", "epochs": "4"}]
    html = page("a < b", b"\x89PNG", 'curves of "a"', "Means & squares.", [rows, rows], ["training"])
    assert html.startswith("<!DOCTYPE html>\n<html lang=")
    assert "http" not in html
    assert "url(" not in html
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    assert [link[:22] for link in reader.links] == ["data:image/png;base64,"]
    assert reader.cells == ["training", "epochs", "<script>", "4"] * 2
    assert html.count('class="text"') == 4  # of each table, the head and the cell of the column that is no number
