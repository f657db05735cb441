"""The profiler changes nothing, and what it says adds up to what the meter counted."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

from sandbox import meter
from sandbox.errors import BudgetExhausted, OptimiserError
from sandbox.profiler import Cost, Costs, Function, Profiler
from tests.support.sample_optimisers import LAYOUT, OPTIMISERS, assignment, in_process, module, play

STEPS = 3
HELPERS = module(
    step="""
    def twice(x):
        return x + x
    add = lambda x: x + x
    a = twice(gradient)
    b = [g + g for g in [gradient, gradient]]
    c = add(gradient)
    d = deep(gradient, 3)
    return -a, state
def deep(x, times):
    if times == 0:
        return x
    return deep(x + x, times - 1)"""
)
TWICE, IN_TWICE, LAMBDA, CALLS_TWICE, LISTED, CALLS_LAMBDA, CALLS_DEEP, DEEP, ENDS_DEEP = (
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    17,
    20,
)
SUM, CALL = 20_016, 1_000
"""Fuel of the sum of two vectors of the layout, of entering a function, and a few nodes of syntax around each."""


def profiled(source: bytes, steps: int = STEPS, fuel: int = 10**12) -> Profiler:
    """A module after so many steps, or as many as it completes."""
    profiler = Profiler()
    with contextlib.suppress(BudgetExhausted):
        play(profiler.start(assignment(source, fuel_budget=fuel)), steps)
    return profiler


def by_line(costs: Costs) -> dict[int, Cost]:
    found: dict[int, Cost] = {}
    for (_, line), cost in costs.lines.items():
        one = found.setdefault(line, Cost())
        one.times += cost.times
        one.add(cost.fuel, cost.memory, cost.seconds)
    return found


def fuel(*parts: Costs) -> int:
    """The fuel of everything."""
    return sum(cost.fuel for part in parts for cost in (*part.lines.values(), *part.states.values()))


@pytest.mark.parametrize("path", OPTIMISERS, ids=lambda path: path.stem)
def test_answers_and_fuel_are_those_without_it_and_every_unit_has_a_line(path: Path) -> None:
    given = assignment(path.read_bytes())
    profiler = Profiler()
    optimiser = profiler.start(given)
    assert play(optimiser) == play(in_process(given))
    assert fuel(profiler.before, profiler.steps) == optimiser.fuel_used
    assert min(cost.fuel for part in (profiler.before, profiler.steps) for cost in part.lines.values()) >= 0


def test_a_line_has_what_it_does_itself_and_not_what_functions_that_it_calls_do() -> None:
    lines = by_line(profiled(HELPERS).steps)
    each = {line: cost.fuel / STEPS for line, cost in lines.items()}
    assert SUM < each[IN_TWICE] < SUM + CALL + 500
    assert SUM < each[LAMBDA] < SUM + 3 * CALL + 500
    assert 2 * SUM < each[LISTED] < 2 * SUM + 10 * CALL
    assert 3 * SUM < each[ENDS_DEEP] < 3 * SUM + 3 * 3 * CALL
    assert max(each[line] for line in (CALLS_TWICE, CALLS_LAMBDA, CALLS_DEEP)) < CALL
    times = {line: cost.times / STEPS for line, cost in lines.items()}
    assert (times[IN_TWICE], times[LISTED], times[DEEP], times[ENDS_DEEP]) == (1, 1, 4, 3)


def test_a_function_has_what_it_calls_once() -> None:
    costs = profiled(HELPERS).steps
    functions = {function.name: cost for function, cost in costs.functions.items()}
    assert Function("twice", TWICE) in costs.functions
    assert set(functions) == {"optimiser_step_updates", "twice", "<lambda>", "deep"}
    assert [functions[name].times for name in ("optimiser_step_updates", "twice", "deep")] == [3, 3, 12]
    outer = functions["optimiser_step_updates"]
    assert outer.fuel + costs.states["optimiser_step_updates"].fuel == fuel(costs)
    deep = sum(cost.fuel for (function, _), cost in costs.lines.items() if function.name == "deep")
    assert functions["deep"].fuel == deep  # a recursion is counted once
    assert outer.seconds > functions["deep"].seconds > 0.0


def test_a_state_is_paid_for_when_it_is_kept_and_when_it_is_copied() -> None:
    profiler = profiled(module(initial='return {"m": parameters + 0.0, "t": [1, 2]}', query="return parameters"))
    optimiser = profiler.optimisers[0]
    size = optimiser.state.size
    assert profiler.before.states["init_optimiser_state"].fuel == size.fuel
    assert {name: (cost.times, cost.fuel) for name, cost in profiler.steps.states.items()} == {
        "query_location_parameters": (STEPS, STEPS * size.fuel),
        "optimiser_step_updates": (STEPS, STEPS * size.fuel),
    }
    entries = optimiser.state_sizes()
    assert list(entries) == ["t", "m"]  # the dearest first: three parts, one part
    assert sum(each.parts for each in entries.values()) + 1 == size.parts == 5
    assert sum(each.bytes for each in entries.values()) + 5 == size.bytes == len(optimiser.save())
    assert profiler.digests.times == STEPS
    assert profiled(module(initial="return None")).optimisers[0].state_sizes() == {}


def test_memory_is_that_of_the_limit() -> None:
    many = 1000
    profiler = profiled(module(step=f"x = torch.zeros({many})\n    return -gradient, state"))
    line = by_line(profiler.steps)[8]
    assert 8 * many * STEPS <= line.memory < (8 * many + 2000) * STEPS
    assert profiler.steps.most_tensors == 8 * (many + LAYOUT.size)
    assert 0 < profiler.steps.most_objects < 5000
    assert profiler.steps.most_fuel < 10**5


@pytest.mark.parametrize(
    ("source", "budget"),
    [
        (module(step="while True: x = torch.zeros(2**16)"), 10**12),
        (module(step="while True: x = gradient + gradient"), 10**6),
        (module(step="return -gradient, [0.0] * 500"), 10**6),
    ],
    ids=["memory", "fuel", "state"],
)
def test_what_is_refused_is_no_cost(source: bytes, budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The meter says that all is spent; what had been used is what counts."""
    monkeypatch.setattr(meter, "CALL_BYTES", 2**22)
    profiler = profiled(source, fuel=budget)
    assert profiler.optimisers[0].fuel_used == budget
    assert 0 < fuel(profiler.before, profiler.steps) < budget
    assert profiler.steps.most_tensors <= 2**22


@pytest.mark.parametrize("step", ["return -gradient, state", "return [][0]", "while True: x = gradient + gradient"])
def test_who_traced_before_goes_on(step: str) -> None:
    def trace(*_: object) -> None:
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with contextlib.suppress(OptimiserError):
            profiled(module(step=step), fuel=10**6)
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)
