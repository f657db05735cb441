"""A short run of the search that `proofs/tensor_costs.py` runs for long, and proof that it sees what is too cheap."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from statistics import median
from typing import Final

import pytest

from benchmarks.fuel import FIXTURES, hosted, step
from proofs.tensor_costs import MOST_MEMORY, MOST_TIME
from sandbox.program import operations
from sandbox.program.prices import Price
from tests.fuzzing.dear_cases import Case, Operation
from tests.fuzzing.dear_programs import cold, excess
from tests.fuzzing.dear_search import search
from tests.fuzzing.dear_tensors import OPERATIONS, VALUES

pytestmark = pytest.mark.slow

BUSY = 5
"""How much longer something may take on a busy machine; what is wrong takes much longer still."""
SORTED = Case(Operation("x.sort()", ("vector",)), ("normal(2 ** 18)",))


def a_unit() -> float:
    """Nanoseconds for a unit of the dearest shipped optimiser."""
    sgd = FIXTURES / "optimisers" / "sgd.py"
    optimiser = hosted(sgd.read_bytes(), sgd.name, 4, {})
    optimiser.initialise()
    return median(step(optimiser, epoch).price for epoch in range(30))


FEW_OF_MANY: Final = [
    Case(Operation("x.gather(0, y)", ("matrix", "paired")), ("matrix(normal, 1024, 1024).T", "x[0:1].argsort(-1)")),
    Case(Operation("x[y]", ("matrix", "indices")), ("matrix(normal, 1024, 1024).T", "torch.arange(3)")),
]
"""What the long search found: all of a matrix was copied into row order for the few elements that are paid for."""


@pytest.mark.parametrize("of", FEW_OF_MANY, ids=str)
def test_few_elements_are_picked_without_a_copy_of_all(of: Case) -> None:
    assert cold(of) <= MOST_TIME * a_unit()


def test_no_operation_takes_more_time_than_it_pays_for() -> None:
    unit = a_unit()
    for found in search(cold, 7, 1, Random(7).sample(OPERATIONS, 12), VALUES):
        if found.cost > MOST_TIME * unit:
            assert cold(found.case) <= BUSY * MOST_TIME * a_unit(), found.case


def test_no_operation_holds_more_memory_than_it_pays_for() -> None:
    for found in search(excess, 8, 1, Random(8).sample(OPERATIONS, 8), VALUES):
        assert found.cost <= MOST_MEMORY, found.case


def test_what_is_done_without_a_price_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = a_unit()
    free = replace(operations.SORT, price=Price(1_000))
    monkeypatch.setattr(operations, "SORT", free)  # of who records
    monkeypatch.setitem(operations.OPERATIONS, free.code, free)  # of who executes
    assert cold(SORTED) > BUSY * MOST_TIME * unit
