"""The table of a study: what it has is not trained again."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from verifier.command_line.files import write_file
from verifier.command_line.options.execution_options import Execution
from verifier.command_line.trying.trials import Shortfall, Trial, fill
from verifier.runs.results_table import Keyed, ResultsTable, RowFormat, table_text


class Ordered(Keyed, Protocol):
    """A row that knows its place."""

    @property
    def order(self) -> tuple[object, ...]:
        """Its place in a table that is complete."""


Row = TypeVar("Row", bound=Ordered)


def trained(
    path: Path, layout: RowFormat[Row], trials: Sequence[Trial[Row]], execution: Execution
) -> tuple[dict[Hashable, Row], Shortfall]:
    """Train what the table lacks; when all is there, the table is sorted. Raises InputError or WorkerFault."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with ResultsTable(path, layout) as table:
        shortfall = fill(table, trials, execution)
        if not shortfall.missing:
            in_order = sorted(table.rows.values(), key=lambda row: row.order)
            write_file(path, table_text(in_order, layout).encode())
        return table.rows, shortfall
