"""A cohort does for each of its rows what an optimiser alone does: answers, states, fuel; or says that it does not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from arithmetic.canonical_bytes import canonical_bytes
from sandbox import calls
from sandbox.compiler import reads_losses
from sandbox.errors import FuelExhausted, ModuleRefused, OptimiserError, WorkerFault
from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.layout import Layout, Part
from sandbox.local_source import LocalSource
from sandbox.lockstep.cohort_optimiser import CohortOptimiser
from sandbox.meter import Meter
from sandbox.optimiser import Assignment
from sandbox.program import operations
from sandbox.program.call import Call, CallKind, Read, Recorded
from sandbox.program.recorder import Recorder
from sandbox.program.value import GRADIENT, NUMBERS, Value
from sandbox.source import Source
from tests.support.folders import FIXTURES
from tests.support.sample_optimisers import OPTIMISERS, assignment, module

TRIALS = sorted(path for path in (FIXTURES / "trials").glob("*.py") if ".before" not in path.name)
LAYOUT = Layout(
    (
        Part("layers.0.weight", "weight", (6, 5)),
        Part("layers.0.bias", "bias", (5,)),
        Part("layers.0.norm.weight", "norm", (5,)),
        Part("layers.1.weight", "weight", (5, 5)),
    )
)
ROWS, STEPS = 3, 4


def of(source: bytes, layout: Layout = LAYOUT, **others: Any) -> Assignment:
    return replace(assignment(source, **{"fuel_budget": 10**11, **others}), layout=layout)


class Cohort:
    """A cohort, and the same optimisers alone, which are driven together."""

    def __init__(self, given: Assignment, rows: int = ROWS, source: Source | None = None) -> None:
        keys = [bytes([row]) * 32 for row in range(rows)]
        self.parameters, self.gradient = torch.zeros(2, rows, given.layout.size)
        self.whole = CohortOptimiser(given, keys, source or LocalSource(), self.parameters, self.gradient)
        self.alone = [ExecutedOptimiser(replace(given, key=key), LocalSource()) for key in keys]
        self._draw = np.random.default_rng(5)
        for row in range(rows):
            self.set(self.parameters, "parameters", row, self._numbers())

    def set(self, tensor: torch.Tensor, name: str, row: int, values: np.ndarray) -> None:
        tensor[row] = torch.from_numpy(values)
        getattr(self.alone[row], name)[:] = values

    def initialise(self) -> None:
        self.whole.initialise()
        for one in self.alone:
            one.initialise()
        self.compare_states()

    def epoch(self, epoch: int, losses: Sequence[float] = (math.nan,) * ROWS, steps: int = STEPS) -> None:
        """An epoch of all, in which whatever rows answer that are not apart is compared."""
        self.whole.begin_epoch(epoch, losses, [2.0 * loss for loss in losses], steps)
        for one, loss in zip(self.alone, losses, strict=True):
            one.begin_epoch(epoch, loss, 2.0 * loss, steps)
        for _ in range(steps):
            self.step()
        self.compare_states()

    def step(self) -> None:
        locations = self.whole.query_location()
        places = [one.query_location() for one in self.alone]
        self.compare(locations, places)
        for row, (one, place) in enumerate(zip(self.alone, places, strict=True)):
            where = one.parameters if place is None else place
            self.set(self.gradient, "gradient", row, (0.3 * where + 0.1 * self._numbers()).astype(np.float32))
        updates = self.whole.step_updates()
        alone = [one.step_updates() for one in self.alone]
        self.compare(updates, alone)
        self.parameters += updates
        for row, update in enumerate(alone):
            self.set(self.parameters, "parameters", row, self.alone[row].parameters + update)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows, from new tensors."""
        self.parameters, self.gradient = self.parameters[rows].clone(), self.gradient[rows].clone()
        self.whole.keep(rows, self.parameters, self.gradient, torch.ones(len(rows), dtype=torch.bool))
        self.alone = [self.alone[row] for row in rows]

    @property
    def together(self) -> list[int]:
        return [row for row in range(len(self.alone)) if row not in self.whole.apart and self.whole.is_live[row]]

    def compare(self, found: torch.Tensor | None, alone: Sequence[np.ndarray | None]) -> None:
        for row in self.together:
            expected = alone[row]
            assert (found is None) == (expected is None)
            if found is not None and expected is not None:
                assert found.shape == self.parameters.shape
                assert canonical_bytes(found[row].numpy()) == canonical_bytes(expected)

    def compare_states(self) -> None:
        digests = self.whole.state_digests()
        assert (digests.shape, digests.dtype) == ((len(self.alone), 32), torch.uint8)
        for row in self.together:
            assert bytes(digests[row].tolist()) == self.alone[row].state_digest()
            assert self.whole.fuel_used == self.alone[row].fuel_used

    def _numbers(self) -> np.ndarray:
        return np.asarray(self._draw.standard_normal(self.parameters.shape[1], np.float32))


def played(source: bytes, epochs: int = 2, **others: Any) -> Cohort:
    cohort = Cohort(of(source, **others))
    cohort.initialise()
    for epoch in range(1, epochs + 1):
        cohort.epoch(epoch, [1.0 / epoch] * ROWS)
    return cohort


OBSERVING = {"optimisers/barzilai_borwein", "optimisers/lars", "trials/shampoo"}
"""Those that read numbers which depend on the gradient: all rows but the leader are apart."""


@pytest.mark.parametrize("path", OPTIMISERS + TRIALS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_row_is_an_optimiser_alone(path: Any) -> None:
    name = f"{path.parent.name}/{path.stem}"
    assert played(path.read_bytes()).whole.apart == ({1, 2} if name in OBSERVING else set())


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_cohort_has_any_number_of_rows(rows: int) -> None:
    cohort = Cohort(of(OPTIMISERS[0].read_bytes()), rows)
    cohort.initialise()
    cohort.epoch(1, [0.5] * rows)
    assert not cohort.whole.apart


# Random numbers


def test_each_row_draws_numbers_of_its_own() -> None:
    drawn = "[rng.normal(3, 4), rng.uniform(2), rng.rademacher(5), torch.tensor([1.0, 2.0]), torch.eye(2)]"
    cohort = played(module(f"return {drawn}"))
    assert len({bytes(row.tolist()) for row in cohort.whole.state_digests()}) == ROWS
    assert not cohort.whole.apart
    assert [len(one) for one in cohort.whole.state.arrays] == [ROWS, ROWS, ROWS, 1, 1]


def test_a_permutation_that_is_read_sets_all_rows_apart_but_the_first() -> None:
    assert played(module("return rng.permutation(20)")).whole.apart == {1, 2}


# What all rows have


@pytest.mark.parametrize("state", ["()", "[1, 2.5, None, 'a']", "torch.ones(3)", "[parameters, 2, parameters[0]]"])
def test_states_of_constants_and_of_parameters(state: str) -> None:
    cohort = played(module(f"return {state}", step="return 0.5 - gradient, state"))
    for tensor in cohort.whole.state.arrays:
        assert tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
        assert tensor.is_contiguous()


def test_a_state_does_not_follow_the_parameters() -> None:
    cohort = played(module("return parameters", step="return torch.zeros_like(gradient), state"), epochs=0)
    before = cohort.whole.state_digests()
    cohort.parameters += 1.0
    assert torch.equal(cohort.whole.state_digests(), before)


def test_updates_can_be_the_same_for_all_rows() -> None:
    cohort = played(module(step="return torch.full_like(parameters, -0.25), state"))
    assert cohort.whole.step_updates().shape == cohort.parameters.shape


def test_updates_can_be_a_tensor_for_each_parameter() -> None:
    played(module(query="return [p + 1.0 for p in parameters]", step="return [-g for g in gradient], state"))


# Rows apart


STEP = "return -gradient * (1.0 if {} else 0.5), state"


def test_an_observation_sets_apart_whoever_has_another_answer() -> None:
    cohort = Cohort(of(module(step=STEP.format("gradient[0].sum().item() > 0.0"))), rows=4)
    cohort.initialise()
    cohort.whole.begin_epoch(1, [1.0] * 4, [1.0] * 4, 2)
    cohort.gradient[:] = torch.tensor([0.0, -0.0, 1.0, 0.0])[:, None]
    cohort.whole.step_updates()  # a sum that is zero is +0
    assert cohort.whole.apart == {2}
    cohort.gradient[3, 0] = 1.0
    cohort.whole.step_updates()
    assert cohort.whole.apart == {2, 3}


def test_a_mask_is_read_as_it_is_in_the_leader() -> None:
    cohort = Cohort(of(module(step=STEP.format("(gradient > 0.0).all()"))))
    cohort.initialise()
    cohort.whole.begin_epoch(1, [1.0] * 3, [1.0] * 3, 1)
    cohort.gradient[:] = torch.tensor([-1.0, 2.0, -3.0])[:, None]
    assert cohort.whole.step_updates()[:, 0].tolist() == [0.5, -1.0, 1.5]
    assert cohort.whole.apart == {1}


def test_all_rows_that_have_a_nan_are_told_the_same() -> None:
    cohort = Cohort(of(module(step="return -gradient * gradient.sum().item(), state")))
    cohort.initialise()
    cohort.whole.begin_epoch(1, [1.0] * 3, [1.0] * 3, 1)
    cohort.gradient[:] = torch.tensor([math.nan, -math.nan, math.inf])[:, None]
    cohort.whole.step_updates()
    assert not cohort.whole.apart


def test_what_is_the_same_in_all_rows_sets_none_apart() -> None:
    cohort = played(module(step="return -gradient * torch.ones(3).sum().item(), state"))
    assert not cohort.whole.apart


def test_the_first_live_row_leads() -> None:
    cohort = Cohort(of(module(step=STEP.format("gradient[0].sum().item() > 0.0"))))
    cohort.initialise()
    cohort.whole.is_live[0] = False
    cohort.whole.begin_epoch(1, [1.0] * 3, [1.0] * 3, 1)
    cohort.gradient[:] = torch.tensor([-1.0, 2.0, 2.0])[:, None]
    assert cohort.whole.step_updates()[:, 0].tolist() == [1.0, -2.0, -2.0]
    assert not cohort.whole.apart  # nor is one that ended


def test_the_leader_is_not_apart() -> None:
    cohort = Cohort(of(module(step=STEP.format("gradient[0].sum().item() > 0.0"))))
    cohort.initialise()
    cohort.whole.apart = {0}
    cohort.whole.begin_epoch(1, [1.0] * 3, [1.0] * 3, 1)
    cohort.gradient[:] = torch.tensor([-1.0, 2.0, 3.0])[:, None]
    cohort.whole.step_updates()
    assert cohort.whole.apart == {0, 2}


LOSSES = {
    "train_loss": {1},
    "validation_loss": {1},
    "max(epoch, train_loss)": {1},
    "epoch": set[int](),
    "0.5": set[int](),
}


@pytest.mark.parametrize("factor", LOSSES)
def test_losses_set_apart_if_the_module_reads_them(factor: str) -> None:
    cohort = Cohort(of(module(step=f"return -gradient * {factor}, state")))
    cohort.initialise()
    cohort.epoch(1)  # all are told NaN
    assert not cohort.whole.apart
    cohort.epoch(2, [0.5, 0.25, 0.5])
    assert cohort.whole.apart == LOSSES[factor]


@pytest.mark.parametrize(
    ("step", "reads"),
    [
        ("x = [train_loss for _ in range(2)]; return -gradient, state", True),
        ("train_loss **= 100; return -gradient, state", True),  # which may fail
        ("return -gradient, [helper(validation_loss)]", True),
        ("return -gradient, [helper(epoch), 'train_loss']", False),
    ],
)
def test_whether_a_module_reads_losses_is_seen_in_its_text(step: str, reads: bool) -> None:
    helper = b"def helper(train_loss):\n    return train_loss\n"  # of a name that is its own
    assert reads_losses(module(step=step) + helper, "losses.py") is reads


def test_losses_that_only_a_query_reads_set_apart_too() -> None:
    cohort = Cohort(of(module(query="return parameters * train_loss")))
    cohort.initialise()
    cohort.epoch(1, [0.5, 0.25, 0.5])
    assert cohort.whole.apart == {1}


def test_what_ended_rows_are_told_sets_nobody_apart() -> None:
    cohort = Cohort(of(module(step="return -gradient * train_loss, state")))
    cohort.initialise()
    cohort.whole.is_live[0] = False
    cohort.epoch(1, [0.5, 0.25, 0.25])
    assert not cohort.whole.apart


# Fewer rows


MIXED = module(
    "return [parameters, rng.normal(3), torch.ones(2), parameters[0].sum()]",
    query="return parameters + state[3]",
    step="return -gradient * state[2].sum(), [state[0] + gradient, state[1], state[2] * 0.5, state[3] + 1.0]",
)


@pytest.mark.parametrize("rows", [[2, 0], [1], [0, 1, 2]])
def test_some_rows_go_on_in_another_place(rows: list[int]) -> None:
    cohort = Cohort(of(MIXED))
    cohort.initialise()
    cohort.epoch(1)
    cohort.keep(rows)
    for epoch in (2, 3):
        cohort.epoch(epoch, [0.5] * len(rows))
    assert not cohort.whole.apart


def test_rows_that_are_apart_are_so_in_another_place() -> None:
    cohort = Cohort(of(module(step=STEP.format("gradient[0].sum().item() > 0.0"))))
    cohort.initialise()
    cohort.whole.apart = {0, 2}
    cohort.whole.outside[1] = True
    cohort.keep([2, 1])
    assert cohort.whole.apart == {0}
    assert cohort.whole.outside.tolist() == [False, True]


# Ends


def test_a_refused_module_is_refused() -> None:
    with pytest.raises(ModuleRefused):
        Cohort(of(b"import os")).whole.initialise()


def test_an_error_of_the_module_ends_all_rows() -> None:
    cohort = Cohort(of(module("return [1]", step="return -gradient / (1 / (epoch - 2)), state + [1]")))
    cohort.initialise()
    cohort.epoch(1)
    before = cohort.whole.state_digests(), cohort.whole.fuel_used
    cohort.whole.begin_epoch(2, [1.0] * 3, [1.0] * 3, 1)
    with pytest.raises(OptimiserError, match="ZeroDivisionError"):
        cohort.whole.step_updates()
    assert torch.equal(cohort.whole.state_digests(), before[0])
    assert cohort.whole.fuel_used == before[1]


def test_spent_fuel_is_the_whole_budget() -> None:
    cohort = Cohort(of(module(step="while True: x = gradient + 1.0"), fuel_budget=10**6))
    cohort.whole.initialise()
    with pytest.raises(FuelExhausted):
        cohort.whole.step_updates()
    assert cohort.whole.fuel_used == 10**6


def test_a_state_of_too_many_bytes_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MAX_BYTES", 20)
    with pytest.raises(WorkerFault, match="or too many bytes"):
        Cohort(of(module("return [1, 2, 3]"))).whole.initialise()


class Scripted(LocalSource):
    """A source whose steps are as they are scripted."""

    def __init__(self, script: Callable[[Recorder], tuple[bytes, int]]) -> None:
        super().__init__()
        self._script = script

    def call(self, call: Call, read: Read) -> Recorded:
        if call.kind is not CallKind.STEP:
            return super().call(call, read)
        recorder = Recorder(Meter(10**12), read)
        recorder.begin(call.kind, 0)
        segment, fuel = self._script(recorder)
        return Recorded(segment, 10**6, recorder.worked + fuel)


SLOPE = Value(GRADIENT, NUMBERS, (LAYOUT.size,))
EMPTY = b"t" + bytes(4)
OF_EMPTY = 5_000 + 5 // 4
"""Fuel of keeping an empty tuple."""


def unasked(recorder: Recorder) -> tuple[bytes, int]:
    """A step that picks rows without asking whether they are there: of one element, by places in all."""
    order = recorder.apply(operations.ARGMAX, (SLOPE,), dim=None, keepdim=False)
    few = recorder.apply(operations.PART, (SLOPE,), start=0, sizes=(2,))
    picked = recorder.apply(operations.ROWS, (few, order))
    return recorder.end([recorder.apply(operations.MULTIPLY, (SLOPE, picked))], EMPTY), OF_EMPTY


def test_an_index_that_is_outside_is_seen_in_its_row() -> None:
    cohort = Cohort(of(module("return ()")), source=Scripted(unasked))
    cohort.initialise()
    cohort.gradient[:] = 0.0
    cohort.gradient[0, 1] = cohort.gradient[1, 2] = cohort.gradient[2, 0] = 3.0
    cohort.whole.begin_epoch(1, [1.0] * 3, [1.0] * 3, 0)
    updates = cohort.whole.step_updates()
    assert cohort.whole.outside.tolist() == [False, True, False]
    assert (updates[0, 1].item(), updates[2, 0].item()) == (9.0, 9.0)


def test_other_work_than_was_counted_is_a_fault() -> None:
    def dearer(recorder: Recorder) -> tuple[bytes, int]:
        return recorder.end([SLOPE], EMPTY), OF_EMPTY + 1

    cohort = Cohort(of(module("return ()")), source=Scripted(dearer))
    cohort.initialise()
    with pytest.raises(WorkerFault, match="counted"):
        cohort.whole.step_updates()


@pytest.mark.parametrize(
    ("error", "raised"), [(torch.OutOfMemoryError("none"), torch.OutOfMemoryError), (MemoryError(), WorkerFault)]
)
def test_a_want_of_a_devices_memory_is_no_fault(
    monkeypatch: pytest.MonkeyPatch, error: Exception, raised: type[Exception]
) -> None:
    def refuse(*_: object) -> None:
        raise error

    cohort = Cohort(of(module()))
    cohort.initialise()
    monkeypatch.setattr("sandbox.lockstep.executor.Executor.run", refuse)
    with pytest.raises(raised):
        cohort.whole.step_updates()


# What is waited for


def test_nothing_is_fetched_where_nothing_is_observed(monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = Cohort(of(OPTIMISERS[2].read_bytes()))
    cohort.initialise()
    fetched: list[str] = []
    for name in ("cpu", "tolist", "item"):
        monkeypatch.setattr(torch.Tensor, name, lambda *_, name=name: fetched.append(name))
    cohort.whole.begin_epoch(1, [0.5, 0.25, 0.125], [1.0] * 3, 2)
    for _ in range(2):
        cohort.whole.query_location()
        cohort.whole.step_updates()
        cohort.whole.state_digests()
    assert fetched == []


def test_an_observation_is_fetched_once_for_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = Cohort(of(module(step="return -gradient * gradient.sum().item(), state")))
    cohort.initialise()
    fetched: list[tuple[int, ...]] = []
    right = torch.Tensor.cpu

    def fetch(tensor: torch.Tensor) -> torch.Tensor:
        fetched.append(tuple(tensor.shape))
        return right(tensor)

    monkeypatch.setattr(torch.Tensor, "cpu", fetch)
    cohort.whole.begin_epoch(1, [1.0] * 3, [1.0] * 3, 1)
    cohort.whole.step_updates()
    assert fetched == [(ROWS, 5)]  # four bytes of each, and whether it is live
