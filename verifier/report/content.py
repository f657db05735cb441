"""What a page says. How it looks is the business of its template, which draws whatever it finds here.

Texts may be of strangers and of any length: `html.py` makes them harmless, all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

from verifier.report.loss_blocks import LossBlocks

Value = str | int | float | None

IN_DETAIL: Final = 0
ALWAYS: Final = 1
ON_TABLETS: Final = 2
ON_DESKTOPS: Final = 3
"""Ranks of columns: the width of screen from which a column is in the table. All are in a row's detail."""


class Form(StrEnum):
    """How a value is written."""

    TEXT = "text"
    CODE = "code"  # a digest, a key, a command
    INTEGER = "integer"
    LARGE = "large"  # three digits and a letter for thousands, millions ..
    QUALITY = "quality"  # an integer in units of 1e-6, with a sign
    LOSS = "loss"  # four digits
    SHARE = "share"  # of 1, as per cent
    SECONDS = "seconds"


@dataclass(frozen=True)
class Fact:
    """A value with its name."""

    label: str
    value: Value
    form: Form = Form.TEXT
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """Facts that belong together."""

    title: str
    facts: Sequence[Fact]
    note: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table: its values from the first row to the last."""

    name: str
    form: Form
    values: Sequence[Value]
    rank: int = ALWAYS


@dataclass(frozen=True)
class Choice:
    """One of few values, and what else a row's detail tells of it."""

    label: str
    facts: Sequence[Fact] = ()


@dataclass(frozen=True)
class Choices:
    """A column whose values are few, so that rows can be chosen by them: their places in `choices`."""

    name: str
    choices: Sequence[Choice]
    values: Sequence[int | None]
    rank: int = ALWAYS

    @classmethod
    def of(cls, name: str, labels: Sequence[str | None], rank: int = ALWAYS) -> Self:
        """The column of these labels, in the order in which they come first."""
        places = {label: place for place, label in enumerate(dict.fromkeys(filter(None, labels)))}
        return cls(name, [Choice(label) for label in places], [places.get(label or "") for label in labels], rank)


@dataclass(frozen=True)
class Table:
    """Rows, of which the first column is the name; with `has_detail` it opens all that is known of a row."""

    title: str
    columns: Sequence[Column | Choices]
    note: str = ""
    has_detail: bool = False


@dataclass(frozen=True)
class Attached:
    """Rows that belong to rows of the table, and are shown in their detail."""

    title: str
    rows: Sequence[int]
    """The place in the table of the row that each belongs to."""
    columns: Sequence[Column | Choices]


@dataclass(frozen=True)
class Histogram:
    """Counts of values between edges, a row of bars for each group, with one edge marked."""

    title: str
    summary: str
    """For who cannot see it."""
    axis: str
    second_axis: str
    """Of 1 less the values in units of 1e-6: the loss as a share of the threshold."""
    edges: Sequence[float]
    """Each bar holds the values above one edge and not above the next."""
    groups: Sequence[Group]
    mark: float
    mark_label: str
    kind: str = field(default="histogram", init=False)


@dataclass(frozen=True)
class Group:
    """A row of a histogram; what is beyond the outermost edges is counted apart."""

    name: str
    counts: Sequence[int]
    below: int
    above: int


@dataclass(frozen=True)
class Spread:
    """A row of dots for each name, on one axis, with a mean and perhaps an interval of it."""

    title: str
    summary: str
    axis: str
    rows: Sequence[Dots]
    mark: float
    mark_label: str
    guide: float | None = None
    """A value to compare the others with."""
    guide_label: str = ""
    note: str = ""
    kind: str = field(default="spread", init=False)


@dataclass(frozen=True)
class Dots:
    """A row of a spread."""

    name: str
    labels: Sequence[str]
    """Of the dots, such as their nonces."""
    values: Sequence[float]
    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Panels:
    """Lines in panels that have the same axes; the vertical one is logarithmic."""

    title: str
    summary: str
    x_label: str
    y_label: str
    panels: Sequence[Panel]
    note: str = ""
    kind: str = field(default="panels", init=False)


@dataclass(frozen=True)
class Panel:
    """One panel; a guide is a line to compare the others with."""

    title: str
    lines: Sequence[Line]
    guides: Sequence[Line] = ()


@dataclass(frozen=True)
class Line:
    """Points of one name, with standard errors where they are known."""

    name: str
    x: Sequence[float]
    y: Sequence[float | None]
    error: Sequence[float | None] = ()


@dataclass(frozen=True)
class Remarks:
    """Lines of text; of many only the first ones."""

    title: str
    lines: Sequence[str]
    more: int = 0


@dataclass(frozen=True)
class Page:
    """Everything, from top to bottom."""

    title: str
    lead: str
    figures: Sequence[Fact]
    problems: Sequence[Remarks]
    """What failed."""
    charts: Sequence[Histogram | Spread | Panels]
    summaries: Sequence[Table]
    table: Table
    made: Sequence[Facts]
    remarks: Sequence[Remarks] = ()
    attached: Sequence[Attached] = ()
    losses: LossBlocks = field(default_factory=LossBlocks)
