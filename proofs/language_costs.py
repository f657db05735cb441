"""What the language costs in time and memory for its price, searched for over operations, values and sizes.

    python -m proofs.language_costs [--rounds 10] [--seed N]

Times are compared with that of adding two numbers, which is charged like most of the language. `proofs/README.md` says
what is claimed.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.fuzzing.dear_cases import OPERATIONS, Case
from tests.fuzzing.dear_search import YARDSTICK, Finding, density, nanoseconds, search

RESULTS: Final = Path(__file__).parent / "results" / "language_costs.json"
MOST_TIME: Final = 8.0
"""Times what an addition takes for its fuel."""
MOST_MEMORY: Final = 1.0
"""Bytes for each that is counted."""
SHOWN: Final = 15
"""The dearest operations, in a record."""


def dearest(measure: Callable[[Case], float], seed: int, rounds: int, unit: float) -> list[Finding]:
    """What the search finds, the dearest first, in units."""
    found = [Finding(one.case, one.cost / unit) for one in search(measure, seed, rounds)]
    return sorted(found, key=lambda one: -one.cost)


def confirmed(found: list[Finding], unit: float) -> list[Finding]:
    """The dearest once more, for longer: what a busy machine made of one loop is not the operation's."""
    again = [Finding(one.case, nanoseconds(one.case, 0.1) / unit) for one in found[: 2 * SHOWN]]
    return sorted(again, key=lambda one: -one.cost)


def record(seed: int, rounds: int) -> dict[str, Any]:
    """Search, and say what was found."""
    unit = nanoseconds(YARDSTICK, 0.2)
    times = confirmed(dearest(nanoseconds, seed, rounds, unit), unit)
    densities = dearest(density, seed, rounds, 1.0)
    return {
        "python": platform.python_version(),
        "operations": len(OPERATIONS),
        "rounds": rounds,
        "seed": seed,
        "nanoseconds_for_a_unit_of_an_addition": round(unit, 3),
        "dearest_in_additions": {str(one.case): round(one.cost, 2) for one in times[:SHOWN]},
        "densest_in_bytes_for_a_byte": {str(one.case): round(one.cost, 2) for one in densities[:SHOWN]},
        "within_the_bounds": times[0].cost <= MOST_TIME and densities[0].cost <= MOST_MEMORY,
    }


def main() -> int:
    """Searches and records in place of what was known of the same Python."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="cases of each operation")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    found = record(arguments.seed, arguments.rounds)
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    rows = {row["python"]: row for row in known} | {found["python"]: found}
    RESULTS.write_text(json.dumps([rows[name] for name in sorted(rows)], indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    return 0 if found["within_the_bounds"] else 1


if __name__ == "__main__":
    sys.exit(main())
