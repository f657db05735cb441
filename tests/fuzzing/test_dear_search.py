"""A short run of the search that `proofs/language_costs.py` runs for long, and proof that it sees what is too cheap."""

from __future__ import annotations

from random import Random

import pytest

from proofs.language_costs import MOST_MEMORY, MOST_TIME
from sandbox.language.methods import Methods
from sandbox.language.operations import Operations
from tests.fuzzing.dear_cases import OPERATIONS, Case, Operation, case
from tests.fuzzing.dear_search import YARDSTICK, density, nanoseconds, search

pytestmark = pytest.mark.slow

BUSY = 5
"""How much longer something may take on a busy machine; what is wrong takes much longer still."""
LIGHT = tuple(one for one in OPERATIONS if not {"iterable", "sortable", "dict", "texts"} & set(one.kinds))
"""Operations on values that are made in a moment."""
SLICE = Case(Operation("x[:]", ("list",)), ("[0] * 20000",))
SEARCHED = Case(Operation("x.startswith(y)", ("text", "text")), ("'a' * 60000", "'a' * 59999 + 'b'"))


def test_no_operation_takes_more_time_than_it_pays_for() -> None:
    random = Random(5)
    unit = nanoseconds(YARDSTICK)
    for found in search(nanoseconds, 5, 2, random.sample(LIGHT, 40)):
        if found.cost > MOST_TIME * unit:
            assert nanoseconds(found.case, 0.05) <= BUSY * MOST_TIME * nanoseconds(YARDSTICK, 0.05), found.case


def test_no_operation_takes_more_memory_than_is_counted() -> None:
    random = Random(6)
    for found in search(density, 6, 1, random.sample(OPERATIONS, 60)):
        assert found.cost <= MOST_MEMORY, found.case


def test_what_copies_without_paying_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Operations, "copying", lambda *_: None)
    assert nanoseconds(SLICE) > BUSY * MOST_TIME * nanoseconds(YARDSTICK)
    assert density(SLICE) > MOST_MEMORY


def test_what_looks_without_paying_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Methods, "_end", lambda *_: None)
    assert nanoseconds(SEARCHED) > nanoseconds(YARDSTICK)


def test_a_seed_gives_one_case() -> None:
    first, second = ([case(one, Random(3)) for one in OPERATIONS] for _ in range(2))
    assert first == second
