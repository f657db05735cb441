"""The page about the papers' Figure 2: test errors and epochs over depths, for each size of data."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from verifier.experiments.study.figure2.aggregates import Value, by_depth
from verifier.experiments.study.figure2.observations import observations
from verifier.experiments.study.figure2.rows import Row
from verifier.report.content import (
    ALWAYS,
    IN_DETAIL,
    ON_DESKTOPS,
    ON_TABLETS,
    Choices,
    Column,
    Fact,
    Facts,
    Form,
    Line,
    Page,
    Panel,
    Panels,
    Remarks,
    Table,
)
from verifier.report.content import Value as Cell

_MEANS: Final = "Means over the instances of a depth and size, with standard errors where there are several."


def study_page(where: str, rows: Sequence[Row], made: Sequence[Facts]) -> Page:
    """The page of at least one training."""
    names = list(dict.fromkeys(row.optimiser for row in rows))
    depths = sorted({row.n_hidden for row in rows})
    limits: dict[str, Value] = {
        "noise": lambda row: row.noise,
        "threshold, 4 × noise": lambda row: row.threshold,
        "noise + (mean of targets)²": lambda row: row.noise + row.floor,
    }
    return Page(
        title="Figure 2: errors and epochs over depths",
        lead=where,
        figures=[
            Fact("trainings", len(rows), Form.INTEGER),
            Fact("optimisers", len(names), Form.INTEGER, ", ".join(names)),
            Fact("depths", f"{depths[0]} to {depths[-1]}"),
            Fact("instances", len({row.instance for row in rows}), Form.INTEGER),
            Fact("below the threshold", sum(row.test_error < row.threshold for row in rows) / len(rows), Form.SHARE),
            Fact("training time", sum(row.seconds for row in rows), Form.SECONDS),
        ],
        problems=[],
        charts=[
            _chart("Test error", "mean of squares", rows, lambda row: row.test_error, limits),
            _chart("Centred test error: without the squared mean of the residual", "mean of squares", rows,
                   lambda row: row.centred_error, {name: limits[name] for name in list(limits)[:2]}),
            _chart("Epochs before training ended", "epochs", rows, lambda row: row.epochs, {}),
        ],
        summaries=[],
        table=_table(rows),
        remarks=_observations(rows),
        made=made,
    )  # fmt: skip


def _chart(title: str, axis: str, rows: Sequence[Row], value: Value, guides: dict[str, Value]) -> Panels:
    names = list(dict.fromkeys(row.optimiser for row in rows))
    panels = []
    for edition, n_data in sorted({(row.edition, row.n_data) for row in rows}):
        here = [row for row in rows if (row.edition, row.n_data) == (edition, n_data)]
        lines = [_line(name, [row for row in here if row.optimiser == name], value) for name in names]
        guided = [_line(name, here, guide) for name, guide in guides.items()]
        panels.append(Panel(f"{_of_edition(edition, rows)}N = {n_data:,}", lines, guided))
    return Panels(
        title=title,
        summary=f"{title} of {', '.join(names)} over hidden layers",
        x_label="hidden layers L",
        y_label=axis,
        panels=panels,
        note=_MEANS,
    )


def _line(name: str, rows: Sequence[Row], value: Value) -> Line:
    means = by_depth(rows, value)
    return Line(
        name,
        x=list(means),
        y=[_finite(each.mean) for each in means.values()],
        error=[_finite(each.error) for each in means.values()],
    )


def _of_edition(edition: str, rows: Sequence[Row]) -> str:
    """What a title of one edition begins with, where the page has several."""
    return f"{edition}: " if any(row.edition != edition for row in rows) else ""


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _observations(rows: Sequence[Row]) -> list[Remarks]:
    """The numbers behind the paper's observations, as `study` prints them: a title, then lines that are indented."""
    sections: list[tuple[str, list[str]]] = []
    for edition in sorted({row.edition for row in rows}):
        for line in filter(None, observations([row for row in rows if row.edition == edition])):
            if line.startswith(" "):
                sections[-1][1].append(line[2:])
            else:
                sections.append((f"{_of_edition(edition, rows)}{line}", []))
    return [Remarks(title, lines) for title, lines in sections]


def _table(rows: Sequence[Row]) -> Table:
    def column(name: str, form: Form, value: Callable[[Row], Cell], rank: int) -> Column:
        return Column(name, form, list(map(value, rows)), rank)

    def name(row: Row) -> str:
        size = f"{_of_edition(row.edition, rows)}L = {row.n_hidden}, N = {row.n_data}"
        return f"{row.optimiser}, {size}, nonce {row.nonce}"

    return Table(
        "Trainings",
        [
            Column("training", Form.TEXT, list(map(name, rows))),
            Choices.of("optimiser", [row.optimiser for row in rows], ON_TABLETS),
            Choices.of("edition", [row.edition for row in rows], IN_DETAIL),
            column("hidden layers L", Form.INTEGER, lambda row: row.n_hidden, ON_TABLETS),
            Choices.of("points N", [f"{row.n_data:,}" for row in rows], ON_TABLETS),
            column("nonce", Form.INTEGER, lambda row: row.nonce, IN_DETAIL),
            column("test error", Form.LOSS, lambda row: row.test_error, ALWAYS),
            column("centred error", Form.LOSS, lambda row: row.centred_error, ON_DESKTOPS),
            column("threshold", Form.LOSS, lambda row: row.threshold, IN_DETAIL),
            column("quality", Form.QUALITY, lambda row: row.quality, ALWAYS),
            column("epochs", Form.INTEGER, lambda row: row.epochs, ON_TABLETS),
            column("best epoch", Form.INTEGER, lambda row: row.best_epoch, ON_DESKTOPS),
            Choices.of("ended by", [row.stop_reason for row in rows], IN_DETAIL),
            column("training loss", Form.LOSS, lambda row: row.train_loss, IN_DETAIL),
            column("validation loss", Form.LOSS, lambda row: row.validation_loss, IN_DETAIL),
            column("noise", Form.LOSS, lambda row: row.noise, IN_DETAIL),
            column("floor", Form.LOSS, lambda row: row.floor, IN_DETAIL),
            column("fuel", Form.LARGE, lambda row: row.fuel_used, ON_DESKTOPS),
            column("time", Form.SECONDS, lambda row: row.seconds, ON_DESKTOPS),
            Choices.of("hyperparameters", [row.hyperparameters for row in rows], IN_DETAIL),
            Choices.of("module", [row.digest for row in rows], IN_DETAIL),
            Choices.of("versions", [row.versions for row in rows], IN_DETAIL),
        ],
        has_detail=True,
    )
