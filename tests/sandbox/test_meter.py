"""Fuel and memory are sums; what exceeds one is refused before it is done, and everything after it too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import BudgetExhausted, FuelExhausted, MemoryExhausted
from sandbox.meter import CALL_BYTES, CALL_FUEL, CALL_OBJECT_BYTES, ELEMENT_BYTES, UNIT_BYTES, Meter
from sandbox.program import prices
from sandbox.tensors.namespaces import MathNamespace

charges = st.lists(
    st.one_of(
        st.tuples(st.just("charge"), st.integers(0, 10**8)),
        st.tuples(st.just("hold"), st.integers(0, 2**27)),
        st.tuples(st.just("work"), st.integers(0, 10**10), st.integers(0, 2**28)),
    ),
    max_size=30,
)
"""Units of the language, bytes beside them, or units and elements of tensors."""


@given(charges, st.integers(0, 10**11), st.integers(0, 20))
def test_what_is_counted_is_the_sum(work: list[tuple[str, *tuple[int, ...]]], budget: int, begins_at: int) -> None:
    meter = Meter(budget)
    used = call_fuel = call_bytes = call_objects = 0
    expected: type[BudgetExhausted] | None = None
    for i, (kind, *numbers) in enumerate(work):
        if i == begins_at:
            meter.begin()
            call_fuel = call_bytes = call_objects = 0
        units = 0 if kind == "hold" else numbers[0]
        call_fuel += units
        call_bytes += ELEMENT_BYTES * numbers[1] if kind == "work" else 0
        call_objects += {"charge": UNIT_BYTES * units, "hold": numbers[0], "work": 0}[kind]
        if expected is None:
            if used + units > budget or call_fuel > CALL_FUEL:
                expected, used = FuelExhausted, budget
            elif call_bytes > CALL_BYTES or call_objects > CALL_OBJECT_BYTES:
                expected, used = MemoryExhausted, budget
            else:
                used += units
        found = None
        try:
            getattr(meter, kind)(*numbers)
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
    with pytest.raises(MemoryExhausted, match="memory of one call for its tensors, 4,096 MiB in all, is spent"):
        meter.work(0, 1)
    meter = Meter(10**12)
    meter.charge(CALL_OBJECT_BYTES // UNIT_BYTES - 7)
    meter.work(10**9, CALL_BYTES // ELEMENT_BYTES)
    meter.hold(7)
    with pytest.raises(MemoryExhausted, match="for numbers, texts and containers, 256 MiB in all, is spent"):
        meter.charge(1)


@pytest.mark.parametrize("spend", [lambda m: m.charge(10**12), lambda m: m.work(1, 2**40), lambda m: m.hold(2**30)])
def test_a_new_call_does_not_help_once_a_budget_is_spent(spend: object) -> None:
    meter = Meter(10**11)
    with pytest.raises(BudgetExhausted) as first:
        spend(meter)  # type: ignore[operator]
    meter.begin()
    with pytest.raises(type(first.value)):
        meter.charge(0)
    with pytest.raises(type(first.value)):
        meter.work(0, 0)
    with pytest.raises(type(first.value)):
        meter.hold(0)


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
    MathNamespace(meter).sqrt(2.0)
    assert (meter.used, meter.tensor_bytes, meter.object_bytes) == (prices.SCALAR, 0, 0)
