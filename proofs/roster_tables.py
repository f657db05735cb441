"""Writes the tables of docs/optimisers.md from the trainings of roster.py, from those so far if not all are done."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from proofs.roster import (
    BEST,
    CENTRED,
    FORMAT,
    NONCES,
    NONCES_OF_THE_BEST,
    PLAIN,
    PLAIN_TRACK,
    RESULTS,
    ROOT,
    TRACKS,
    Entry,
    Row,
    by_nonce,
    chosen,
    current,
    ranked,
)
from verifier.experiments.statistics import mean_of
from verifier.runs.results_table import read_rows

DOCUMENT: Final = ROOT / "docs" / "optimisers.md"
BEGIN, END = "<!-- tables by proofs/roster_tables.py -->\n", "<!-- end of the tables -->\n"


def spread(values: list[float], digits: int, nonces: int) -> str:
    """Mean and standard error; the number of values if there are fewer than there should be."""
    if not values:
        return "-"
    mean = mean_of(values)
    error = "" if math.isnan(mean.error) else f" ± {mean.error:.{digits}f}"
    few = f" ({len(values)})" if len(values) < nonces else ""
    return f"{mean.mean:.{digits}f}{error}{few}"


def markdown(heads: list[str], lines: Iterable[list[str]]) -> str:
    """A table."""
    rows = [heads, ["---"] * len(heads), *lines]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


# The same for all tracks


def standing(rows: list[Row], entry: Entry, first: Entry, nonces: int) -> list[str]:
    """Two cells: the mean quality of the tracks, and its difference from the first's on the same instances."""
    own, firsts = (by_nonce(rows, one, nonces) for one in (entry, first))
    differences = [own[nonce] - firsts[nonce] for nonce in own.keys() & firsts.keys()]
    return [spread(list(own.values()), 3, nonces), "" if entry is first else spread(differences, 3, nonces)]


def standings(rows: list[Row], order: list[Entry]) -> str:
    """A line for each entry: its standing on few nonces, and that of the best on many."""
    first, best, less = order[0], order[:BEST], f"less {order[0].name}'s"
    heads = ["optimiser", f"nonces 0 to {NONCES - 1}", less, f"nonces 0 to {NONCES_OF_THE_BEST - 1}", less]
    few = {entry: standing(rows, entry, first, NONCES) for entry in order}
    many = {entry: standing(rows, entry, first, NONCES_OF_THE_BEST) for entry in best}
    return markdown(heads, [[entry.name, *few[entry], *many.get(entry, ["", ""])] for entry in order])


# A column for each track

Show = Callable[[list[Row], int], str]


def of(field: str, unit: float, digits: int) -> Show:
    """Show a field of the rows in a unit."""
    return lambda rows, nonces: spread([getattr(row, field) / unit for row in rows], digits, nonces)


def by_track(rows: list[Row], entries: list[Entry], nonces: int, show: Show, plain: bool = True) -> str:
    """A line for each entry, a column for each track, and one for the plain edition."""
    cells = [(CENTRED, n_hidden) for n_hidden in TRACKS] + [(PLAIN, PLAIN_TRACK)] * plain
    heads = [f"{n_hidden}{', plain' * (edition == PLAIN)}" for edition, n_hidden in cells]
    lines = [[entry.name, *(show(chosen(rows, entry, *cell, nonces), nonces) for cell in cells)] for entry in entries]
    return markdown(["optimiser", *heads], lines)


def tables(rows: list[Row]) -> str:
    """All tables, as text."""
    order, quality = ranked(rows), of("quality", 1e6, 3)
    best = by_track(rows, order[:BEST], NONCES_OF_THE_BEST, quality, plain=False)
    parts = [
        ("Standings", "The mean of the five tracks, and its difference from the first's.", standings(rows, order)),
        ("Quality", f"Nonces 0 to {NONCES - 1}.", by_track(rows, order, NONCES, quality)),
        ("Quality of the five best", f"Nonces 0 to {NONCES_OF_THE_BEST - 1}.", best),
        ("Epochs T", "Until training ended.", by_track(rows, order, NONCES, of("epochs", 1, 0))),
        ("Best epoch", "With the lowest validation loss.", by_track(rows, order, NONCES, of("best_epoch", 1, 0))),
        ("Fuel", "In 10^9 units; the budget is 5000.", by_track(rows, order, NONCES, of("fuel_used", 1e9, 2))),
        ("Seconds", "Of one core, for the whole training.", by_track(rows, order, NONCES, of("seconds", 1, 0))),
    ]
    return "\n".join(f"### {title}\n\n{about}\n\n{body}" for title, about, body in parts)


def write_tables(rows: list[Row]) -> None:
    """Replace the tables of the document."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{tables(rows)}\n{END}{after}")


def main() -> int:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS)
    path = parser.parse_args().results
    rows = current(read_rows(path, FORMAT).values())
    if not rows:
        parser.error(f"{path}: has no trainings of the modules as they are now; run proofs/roster.py")
    write_tables(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
