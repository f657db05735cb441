"""The trusted side of an optimiser: a run of which a message was changed is a run, or ends as a fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sandbox.calls import Calls
from sandbox.errors import WorkerFault
from sandbox.executed_optimiser import ExecutedOptimiser
from tests.fuzzing.segment_mutations import Tables
from tests.fuzzing.tapes import MODULES, Played, Player, counted_otherwise, play, tape
from tests.fuzzing.trusted_round import fuzz


@pytest.mark.parametrize("seed", range(3))
def test_no_message_breaks_the_contract(seed: int) -> None:
    assert fuzz(f"suite {seed}", 100).findings == []


def played(name: str, change: Callable[[int, Played], Played]) -> ExecutedOptimiser:
    whole = tape(name)
    optimiser = ExecutedOptimiser(whole.assignment, Player(whole, change))
    play(optimiser)
    return optimiser


@pytest.mark.parametrize("name", MODULES)
def test_a_tape_that_is_not_changed_is_a_run(name: str) -> None:
    first, second = (played(name, lambda _, call: call) for _ in range(2))
    assert first.save() == second.save()
    assert first.fuel_used == tape(name).calls[-1].recorded.fuel_used


@pytest.mark.parametrize(
    ("fuel", "worked", "said"),
    [(0, 1, "counted"), (0, -1, "counted"), (-(10**9), 0, "does not add up"), (10**12, 0, "does not add up")],
)
def test_fuel_is_counted_again(fuel: int, worked: int, said: str) -> None:
    def change(number: int, call: Played) -> Played:
        return replace(call, recorded=counted_otherwise(call.recorded, fuel, worked)) if number == 2 else call

    with pytest.raises(WorkerFault, match=said):
        played("adam", change)


def test_an_index_that_is_outside_is_a_fault() -> None:
    """A worker asks for the largest one, is told, and picks by it all the same."""

    def change(number: int, call: Played) -> Played:
        if number == 0:  # the indices that the state will have are larger
            tables = Tables(call.recorded.segment)
            at = next(at for at in range(0, len(tables.tables[0]), 4) if tables.tables[0][at] == 126)
            first = sum(tables.tables[0][2:at:4])
            tables.tables[2][first] += 1
            return replace(call, recorded=replace(call.recorded, segment=tables.encode()))
        return call

    with pytest.raises(WorkerFault, match="a program failed: IndexError"):
        played("everything", change)


def test_memory_that_is_not_to_be_had_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("sandbox.execution.executor.Executor.run", refuse)
    with pytest.raises(WorkerFault, match="a program failed: "):
        played("adam", lambda _, call: call)


def test_the_oracle_sees_another_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a number")

    for name in MODULES:
        tape(name)
    monkeypatch.setattr(Calls, "_count", fail)
    assert "KeyError" in fuzz("0", 3).findings[0]
