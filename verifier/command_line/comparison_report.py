"""A comparison of optimisers as a table, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from verifier.command_line.terminal import json_text
from verifier.experiments.comparison import Comparison
from verifier.experiments.statistics import CONFIDENCE

_FEW = 10
"""Nonces below which an interval leans on the normal distribution of the differences."""


def as_table(comparisons: Sequence[Comparison]) -> list[str]:
    """The lines of a table for a terminal; qualities are in units of 1e-6."""
    rows = [as_row(each, comparisons[0].name) for each in comparisons]
    cells = [list(rows[0]), *(list(row.values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in cells
    ]  # fmt: skip
    return [*lines, "", *_notes(comparisons[0])]


def as_row(each: Comparison, first: str) -> dict[str, str]:
    """The figures of an optimiser beside the first one."""
    compared = each.name != first
    return {
        "optimiser": each.name,
        "quality": f"{each.quality:,.0f}",
        f"less {first}'s": f"{each.difference.mean:+,.0f}" if compared else "",
        f"{CONFIDENCE:.0%} interval": _interval(each) if compared else "",
        "won-tied-lost": f"{each.wins}-{each.ties}-{each.losses}" if compared else "",
        "qualified": f"{each.qualified}/{each.solvable}",
        "excess": "" if each.excess is None else f"{each.excess:.3f}",
        "epochs": f"{each.epochs:.1f}",
        "fuel": f"{each.fuel_used:.3g}",
        "seconds": f"{each.seconds:.1f}",
    }


def as_json(each: Comparison) -> str:
    """The figures of an optimiser as one JSON object."""
    interval = each.difference
    return json_text(
        {
            "optimiser": each.name,
            "nonces": len(each.runs),
            "quality": each.quality,
            "difference": interval.mean,
            "difference_low": interval.low if interval.is_known else None,
            "difference_high": interval.high if interval.is_known else None,
            "wins": each.wins,
            "ties": each.ties,
            "losses": each.losses,
            "solvable": each.solvable,
            "qualified": each.qualified,
            "excess": each.excess,
            "epochs": each.epochs,
            "fuel_used": each.fuel_used,
            "seconds": each.seconds,
        }
    )


def _interval(each: Comparison) -> str:
    if not each.difference.is_known:
        return "unknown"
    return f"{each.difference.low:+,.0f} to {each.difference.high:+,.0f}"


def _notes(first: Comparison) -> list[str]:
    count = len(first.runs)
    notes = [
        f"Means over {count} nonces, {first.solvable} of them solvable; quality in units of 10⁻⁶.",
        "Qualified and excess, which is (loss - floor) / threshold, are of the solvable ones.",
    ]
    if count < _FEW:
        notes.append(f"{count} nonces are few: an interval from fewer than {_FEW} is rough.")
    return notes
