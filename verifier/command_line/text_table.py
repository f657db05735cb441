"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

_LEAST: Final = 0.001
_MILLION: Final = 10**6


def text_table(rows: Sequence[Mapping[str, str]], texts: Collection[str]) -> list[str]:
    """The lines of a table whose columns have the names of the first row; those that are no `texts` are numbers."""
    names = list(rows[0])
    cells = [names, *(list(row.values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if name in texts else cell.rjust(width)
            for name, cell, width in zip(names, row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def number_text(value: float) -> str:
    """A number that is not negative, in three digits: <0.001, 0.0123, 12.3, 1,230, or from a million on 1.23e6."""
    if 0 < value < _LEAST:
        return f"<{_LEAST}"
    rounded = float(f"{value:.3g}")
    if rounded >= _MILLION:
        return f"{rounded:.3g}".replace("e+0", "e").replace("e+", "e")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:.3g}"
