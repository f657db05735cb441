"""Nothing but the saved state survives a call: an optimiser that is thrown away and restored goes on bit for bit."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from blake3 import blake3

from sandbox.errors import BudgetExhausted, SandboxError, StateError
from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.isolation import Jail
from sandbox.optimiser import Assignment, Optimiser, Vector
from tests.support.sample_hiding import HIDING, lines
from tests.support.sample_operations import OPERATIONS
from tests.support.sample_optimisers import LAYOUT, OPTIMISERS, as_bytes, assignment, in_process, module, numbers, play

pytestmark = pytest.mark.slow

Make = Callable[[Assignment], Optimiser]
Answers = list[object]

EPOCHS = 4
MOMENTS = range(1 + 2 * EPOCHS)
"""Where an optimiser may be thrown away: after its state is made, after each query and after each step."""


@pytest.fixture(params=["hosted", "jailed"])
def make(request: pytest.FixtureRequest) -> Make:
    """How an optimiser is in_process: each in this process, or each in a worker of its own."""
    if request.param == "hosted":
        return in_process
    jail: Jail = request.getfixturevalue("jail")
    return jail.start


MODULES = {path.stem: path.read_bytes() for path in OPTIMISERS} | HIDING
modules = pytest.mark.parametrize("name", MODULES)


class Life:
    """A scripted run of an optimiser that is thrown away at some moments."""

    def __init__(self, make: Make, given: Assignment, ends: frozenset[int]) -> None:
        self._make = make
        self._given = given
        self._ends = ends
        self._moment = 0
        self._told = (0, 0.0, 0.0)
        self.answers: Answers = []
        self.optimiser = make(given)
        self.optimiser.parameters[:] = numbers() / 7 - 1
        self.optimiser.gradient[:] = 0.0
        self.optimiser.initialise()
        self._note()

    def epoch(self, number: int) -> None:
        """A query and a step."""
        self._told = (number, 1 / (number + 1), 2 / (number + 1))
        self.optimiser.begin_epoch(*self._told, 1)
        location = self.optimiser.query_location()
        self._note(location)
        where = self.optimiser.parameters if location is None else location
        self.optimiser.gradient[:] = where * 0.3 + numbers() * number / 100 - 0.2
        updates = self.optimiser.step_updates()
        self.optimiser.parameters += updates
        self._note(updates)

    def _note(self, answer: Vector | None = None) -> None:
        saved = self.optimiser.save()
        assert blake3(saved).digest() == self.optimiser.state_digest()
        self.answers += [None if answer is None else as_bytes(answer), self.optimiser.fuel_used, saved]
        if self._moment in self._ends:
            self._renew(saved)
        self._moment += 1

    def _renew(self, saved: bytes) -> None:
        old, self.optimiser = self.optimiser, self._make(self._given)
        self.optimiser.parameters[:] = old.parameters
        self.optimiser.gradient[:] = old.gradient
        self.optimiser.restore(saved, old.fuel_used)
        self.optimiser.begin_epoch(*self._told, 0)  # the next call may be a step
        old.__exit__(None, None, None)


def lived(make: Make, given: Assignment, ends: frozenset[int] = frozenset(), epochs: int = EPOCHS) -> Answers:
    """Everything that an optimiser answered, and how it failed if it did."""
    life = None
    try:
        life = Life(make, given, ends)
        for number in range(epochs):
            life.epoch(number)
    except SandboxError as error:
        used = life.optimiser.fuel_used if life else 0
        return [*(life.answers if life else []), type(error), str(error), used]
    life.optimiser.__exit__(None, None, None)
    return life.answers


# Amnesia


@modules
def test_an_optimiser_is_its_state(name: str, jail: Jail) -> None:
    """Hosted here, and in workers, whose starts are most of the time: thrown away at some moments there."""
    given = assignment(MODULES[name], fuel_budget=10**10)
    answers = lived(in_process, given)
    assert len(answers) == 3 * len(MOMENTS)  # it did not fail
    some = frozenset(random.Random(name).sample(MOMENTS, 3))
    assert lived(in_process, given, frozenset(MOMENTS)) == lived(in_process, given, some) == answers
    assert lived(jail.start, given, some) == answers


@pytest.mark.parametrize("fuel", [120_000, 200_000, 433_333])
def test_fuel_runs_out_at_the_same_place(fuel: int, make: Make) -> None:
    given = assignment(Path(OPTIMISERS[0]).read_bytes(), fuel_budget=fuel)
    answers = lived(make, given, epochs=50)
    assert issubclass(answers[-3], BudgetExhausted)  # type: ignore[arg-type]
    assert lived(make, given, frozenset(range(100)), epochs=50) == answers


def test_an_error_comes_at_the_same_place(make: Make) -> None:
    given = assignment(module("return [3, 2, 1]", step="return gradient * (state.pop() / (len(state) - 1)), state"))
    assert lived(make, given, frozenset(MOMENTS)) == lived(make, given)
    assert "ZeroDivisionError" in str(lived(make, given)[-2])


# Purity


@modules
def test_a_query_leaves_no_trace(name: str) -> None:
    """In the module's own process, where a trace could be left."""
    optimiser = in_process(assignment(MODULES[name], fuel_budget=10**10))
    play(optimiser, 2)
    before = optimiser.save()
    optimiser.begin_epoch(3, 0.5, 0.25, 0)
    answers = [optimiser.query_location() for _ in range(3)]
    assert optimiser.save() == before
    assert len({None if answer is None else as_bytes(answer) for answer in answers}) == 1


@modules
def test_a_step_depends_on_the_state_alone(name: str) -> None:
    optimiser = in_process(assignment(MODULES[name], fuel_budget=10**10))
    play(optimiser, 2)
    before, fuel = optimiser.save(), optimiser.fuel_used
    outcomes = []
    for _ in range(2):
        optimiser.restore(before, fuel)
        optimiser.begin_epoch(3, 0.5, 0.25, 1)
        outcomes.append((as_bytes(optimiser.step_updates()), optimiser.save(), optimiser.fuel_used))
    assert outcomes[0] == outcomes[1]


@modules
def test_two_optimisers_share_nothing(name: str) -> None:
    given = assignment(MODULES[name], fuel_budget=10**10)
    alone = lived(in_process, given)
    lives = [Life(in_process, given, frozenset()) for _ in range(2)]
    for number in range(EPOCHS):
        for life in lives:
            life.epoch(number)
    assert lives[0].answers == lives[1].answers == alone


def test_what_was_returned_does_not_change() -> None:
    """Neither by what in-place methods do to the same tensors in the state, nor by what the trainer does."""
    optimiser = in_process(assignment(HIDING["the updates"]))
    optimiser.parameters.fill(1.0)
    optimiser.initialise()
    returned: list[Vector] = []
    copies: list[Vector] = []
    for epoch in range(EPOCHS):
        optimiser.gradient.fill(float(epoch + 1))
        optimiser.begin_epoch(epoch, 1.0, 1.0, 1)
        location = optimiser.query_location()
        updates = optimiser.step_updates()
        assert location is not None
        returned += [location, updates]
        copies += [location.copy(), updates.copy()]
        optimiser.parameters += updates
    assert all(map(np.array_equal, returned, copies))
    assert len({as_bytes(copy) for copy in copies}) > EPOCHS


def test_no_operation_writes_into_its_operands() -> None:
    """Copies, states and answers share storage with what they are copies of."""
    made = next(i for i, line in enumerate(OPERATIONS) if line.startswith("r = "))
    before = ["kept = [x, y, row] + list(v)", "copies = [t * 1 for t in kept]"]
    work = [*OPERATIONS[:made], *before, *OPERATIONS[made:]]
    optimiser = in_process(assignment(module(lines(*work, "return [kept, copies, r]"), math=True), fuel_budget=10**10))
    optimiser.parameters[:] = numbers()
    given = optimiser.parameters.copy()
    optimiser.initialise()
    count = 3 + len(LAYOUT.parts)
    originals, duplicates = optimiser.state.arrays[:count], optimiser.state.arrays[count : 2 * count]
    assert [one.tobytes() for one in originals] == [one.tobytes() for one in duplicates]
    assert (optimiser.parameters == given).all()


# Restoring


@pytest.mark.parametrize("fuel", [-1, 99, 10**9 + 1])
def test_fuel_that_no_run_has_used_is_refused(fuel: int) -> None:
    optimiser = in_process(assignment(HIDING["constants"]))
    with pytest.raises(StateError, match=f"{fuel} units of fuel are not what"):
        optimiser.restore(b"N", fuel)


def test_what_is_no_state_is_refused() -> None:
    optimiser = in_process(assignment(module()))
    with pytest.raises(StateError, match="this is not a state"):
        optimiser.restore(b"\x80", 10**6)


def exhaust(optimiser: ExecutedOptimiser) -> None:
    while True:
        optimiser.begin_epoch(1, 1.0, 1.0, 1)
        optimiser.step_updates()


def test_a_used_optimiser_is_restored(make: Make) -> None:
    optimiser = make(assignment(MODULES["adam"]))
    play(optimiser, 1)
    saved, fuel = optimiser.save(), optimiser.fuel_used
    optimiser.begin_epoch(1, 1.0, 1.0, 1)
    optimiser.step_updates()
    optimiser.restore(saved, fuel)
    assert (optimiser.save(), optimiser.fuel_used) == (saved, fuel)
    optimiser.__exit__(None, None, None)


def test_restoring_replaces_everything() -> None:
    optimiser = in_process(assignment(MODULES["adam"], fuel_budget=3_000_000))
    play(optimiser, 1)
    saved, fuel = optimiser.save(), optimiser.fuel_used
    with pytest.raises(BudgetExhausted):
        exhaust(optimiser)
    optimiser.restore(saved, fuel)
    assert (optimiser.save(), optimiser.fuel_used) == (saved, fuel)
    optimiser.begin_epoch(1, 1.0, 1.0, 1)
    optimiser.step_updates()
