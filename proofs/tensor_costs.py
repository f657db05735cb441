"""What operations on tensors cost in time and memory for their price, searched for over sizes, layouts and contents.

    python -m proofs.tensor_costs [--rounds 10] [--seed N]

Times are of both sides of the boundary together, recording and executing, divided by those of the dearest step of a
shipped optimiser (`benchmarks/fuel.py`), measured in the same run. `proofs/README.md` says what is claimed.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from textwrap import shorten
from typing import Any, Final

from arithmetic import engine_choice
from arithmetic.allocator import keep_freed_memory
from benchmarks import fuel
from tests.fuzzing.dear_cases import Case
from tests.fuzzing.dear_programs import again, cold, excess
from tests.fuzzing.dear_search import Finding, search
from tests.fuzzing.dear_tensors import LARGE, MANY, OPERATIONS, VALUES, constructs

RESULTS: Final = Path(__file__).parent / "results" / "tensor_costs.json"
MOST_TIME: Final = 5.0
"""Times what the dearest optimiser takes for its fuel."""
MOST_MEMORY: Final = 1.0
"""Bytes for each unit, beside those that are counted."""
SHOWN: Final = 15
"""The dearest operations, in a record."""
_WIDTH: Final = 120
"""Characters of a case, in a record; the seed gives all of it."""


def dearest(measure: Callable[[Case], float], found: Iterable[Finding]) -> dict[str, float]:
    """The dearest, measured twice: what a busy machine made of one loop is not the operation's."""
    first = sorted(found, key=lambda one: -one.cost)[: 2 * SHOWN]
    confirmed = sorted(
        [(min(one.cost, measure(one.case)), shorten(str(one.case), _WIDTH)) for one in first], reverse=True
    )
    return {case: cost for cost, case in confirmed[:SHOWN]}


def record(seed: int, rounds: int) -> dict[str, Any]:
    """Search, and say what was found."""
    steps = fuel.steps(15)
    unit = max(cost.price for cost in steps.values())
    (name, n_hidden), _ = max(steps.items(), key=lambda item: item[1].price)
    once = [*search(cold, seed, rounds, OPERATIONS, VALUES), *_each(cold, (*MANY, *LARGE))]
    programs = constructs(Random(seed))
    dear = dearest(cold, once)
    repeated = dearest(again, _each(again, programs))
    dense = dearest(excess, [*search(excess, seed, max(1, rounds // 4), OPERATIONS, VALUES), *_each(excess, MANY)])
    return {
        "operations": len(OPERATIONS),
        "programs": len(programs),
        "rounds": rounds,
        "seed": seed,
        "dearest_optimiser": f"{name}, n_hidden {n_hidden}",
        "nanoseconds_for_its_unit": round(unit, 3),
        "dearest_operations_in_its_units": _rounded(dear, unit),
        "dearest_programs_in_its_units": _rounded(repeated, unit),
        "bytes_for_a_unit_beside_those_counted": _rounded(dense, 1.0),
        "within_the_bounds": max(*dear.values(), *repeated.values()) <= MOST_TIME * unit
        and max(dense.values()) <= MOST_MEMORY,
    }


def _each(measure: Callable[[Case], float], cases: Iterable[Case]) -> list[Finding]:
    return [Finding(case, measure(case)) for case in cases]


def _rounded(costs: dict[str, float], unit: float) -> dict[str, float]:
    return {case: round(cost / unit, 2) for case, cost in costs.items()}


def main() -> int:
    """Searches and records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="cases of each operation")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    keep_freed_memory()
    engine_choice.engine()
    gc.freeze()  # a pass of the collector over all modules is no operation's
    found = record(arguments.seed, arguments.rounds)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    return 0 if found["within_the_bounds"] else 1


if __name__ == "__main__":
    sys.exit(main())
