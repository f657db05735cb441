"""Fuel and memory are sums; what exceeds one is refused before it is done, and everything after it too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import BudgetExhausted, FuelExhausted, MemoryExhausted
from sandbox.meter import CALL_BYTES, CALL_FUEL, ELEMENT_BYTES, UNIT_BYTES, Meter
from sandbox.tensors import prices
from sandbox.tensors.namespaces import MathNamespace

charges = st.lists(st.tuples(st.integers(0, 10**10), st.one_of(st.none(), st.integers(0, 2**28))), max_size=30)
"""Units, and elements of a tensor (None: the language)."""


@given(charges, st.integers(0, 10**11), st.integers(0, 20))
def test_what_is_counted_is_the_sum(work: list[tuple[int, int | None]], budget: int, begins_at: int) -> None:
    meter = Meter(budget)
    used = call_fuel = call_bytes = 0
    expected: type[BudgetExhausted] | None = None
    for i, (units, elements) in enumerate(work):
        if i == begins_at:
            meter.begin()
            call_fuel = call_bytes = 0
        call_fuel += units
        call_bytes += UNIT_BYTES * units if elements is None else ELEMENT_BYTES * elements
        if expected is None:
            if used + units > budget or call_fuel > CALL_FUEL:
                expected, used = FuelExhausted, budget
            elif call_bytes > CALL_BYTES:
                expected, used = MemoryExhausted, budget
            else:
                used += units
        found = None
        try:
            meter.charge(units) if elements is None else meter.work(units, elements)
        except BudgetExhausted as exhausted:
            found = type(exhausted)
        assert (found, meter.used) == (expected, used)


def test_the_last_unit_may_be_used() -> None:
    meter = Meter(100, used=40)
    meter.charge(60)
    meter.charge(0)
    with pytest.raises(FuelExhausted, match="fuel budget of 100 units"):
        meter.charge(1)


def test_the_last_byte_may_be_taken() -> None:
    meter = Meter(10**12)
    meter.work(7, CALL_BYTES // ELEMENT_BYTES)
    with pytest.raises(MemoryExhausted, match="memory of one call, 4,096 MiB in all, is spent"):
        meter.work(0, 1)


@pytest.mark.parametrize("spend", [lambda m: m.charge(10**12), lambda m: m.work(1, 2**40)])
def test_a_new_call_does_not_help_once_a_budget_is_spent(spend: object) -> None:
    meter = Meter(10**11)
    with pytest.raises(BudgetExhausted) as first:
        spend(meter)  # type: ignore[operator]
    meter.begin()
    with pytest.raises(type(first.value)):
        meter.charge(0)
    with pytest.raises(type(first.value)):
        meter.work(0, 0)


def test_what_a_call_left_is_not_there_for_the_next() -> None:
    meter = Meter(3 * CALL_FUEL)
    for _ in range(3):
        meter.begin()
        meter.work(CALL_FUEL)
    assert meter.used == 3 * CALL_FUEL
    meter = Meter(3 * CALL_FUEL)
    meter.begin()
    with pytest.raises(FuelExhausted, match="fuel of one call, 50,000,000,000 units, is spent"):
        meter.work(CALL_FUEL + 1)
    assert meter.used == meter.budget


def test_functions_of_math_make_no_memory() -> None:
    """7.4; they cost fuel as tensors do, and were once counted like the language."""
    meter = Meter(10**12)
    for _ in range(CALL_BYTES // (UNIT_BYTES * prices.SCALAR) + 1):
        MathNamespace(meter).sqrt(2.0)
    meter.work(0, CALL_BYTES // ELEMENT_BYTES)
