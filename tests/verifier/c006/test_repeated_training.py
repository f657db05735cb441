"""Trainings of one instance of the live network, again and again, at once or one after the other."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from protocol.claim import StopReason
from sandbox.errors import ModuleRefused, OptimiserError
from sandbox.isolation import InProcess, Jail
from sandbox.optimiser import Assignment, HostedOptimiser
from tests.support.folders import FIXTURES
from tests.support.small_contest import module
from verifier.c006 import repeated_training, training
from verifier.c006.initial_weights import initial_weights
from verifier.c006.repeated_training import LiveTask, Repetition, initial_layers, repeat
from verifier.challenge.errors import EditionError
from verifier.challenge.training.trainer import Epoch

ADAM = (FIXTURES / "optimisers" / "adam.py").read_bytes()
TASK = LiveTask(bytes(range(32)), 2, ADAM, "adam.py", {}, 10**12)


@pytest.fixture(autouse=True)
def two_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "MAX_EPOCHS", 2)


def timeless(runs: Sequence[Repetition]) -> list[Repetition]:
    return sorted((replace(run, seconds=0.0) for run in runs), key=lambda run: run.number)


def test_repetitions_differ_and_are_the_same_again_at_once_and_jailed(jail: Jail) -> None:
    first = timeless(list(repeat(TASK, 3, InProcess())))
    assert [run.number for run in first] == [0, 1, 2]
    assert len({run.quality for run in first}) == 3
    assert all((run.epochs, run.stop_reason) == (2, StopReason.EPOCH_LIMIT) for run in first)
    assert timeless(list(repeat(TASK, 3, InProcess(), jobs=3))) == first
    assert timeless(list(repeat(TASK, 3, jail, jobs=2))) == first


def test_jobs_start_one_after_the_other_as_they_share_the_jail() -> None:
    started: list[object] = []

    class OneAtATime(InProcess):
        def start(self, assignment: Assignment) -> HostedOptimiser:
            started.append(assignment)
            assert len(started) - finished[0] == 1, "two starts at once"
            optimiser = super().start(assignment)
            finished[0] += 1
            return optimiser

    finished = [0]
    assert len(list(repeat(TASK, 4, OneAtATime(), jobs=4))) == 4
    assert len(started) == 4


def test_even_repetitions_start_with_equal_layers_and_odd_ones_with_shifted_layers() -> None:
    even, odd = initial_layers(6, 4), initial_layers(7, 4)
    for layers in (even, odd):
        assert [layer.shape for layer in layers] == [(1, 256), (256, 256), (256, 256), (256, 256), (256, 2)]
    assert (even[1] == even[2]).all()
    assert (even[2] == even[3]).all()
    flat = [layer.ravel() for layer in odd]
    assert (flat[2][:-512] == flat[1][512:]).all()
    assert (flat[3][:-512] == flat[2][512:]).all()
    assert (flat[2] != flat[1]).mean() > 0.99


def test_layers_are_the_networks_from_a_plausible_address(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses: list[int] = []

    def recorded(address: int, out: int, inputs: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        addresses.append(address)
        return initial_weights(address, out, inputs)

    monkeypatch.setattr(repeated_training, "initial_weights", recorded)
    for number in range(10):
        layers = initial_layers(number, 2)
        here = addresses[-3:]
        assert [address - here[0] for address in here] == ([0, 0, 0] if number % 2 == 0 else [0, 512, 1024])
        # Element (o, i) of a flat buffer is at i * out + o.
        flat = initial_weights(here[2], 2, 256)
        assert [layers[2][i, o] for i, o in ((0, 1), (7, 0), (255, 1))] == [flat[1], flat[14], flat[511]]
    assert all(address % 512 == 0 and 2**32 < address < 2**47 for address in addresses)
    assert len({addresses[3 * number] for number in range(10)}) == 10


def test_an_optimiser_that_never_improves_leaves_no_solution() -> None:
    source = module(updates="gradient + math.inf, state")
    runs = list(repeat(replace(TASK, source=source), 2, InProcess()))
    assert [(run.quality, run.epochs, run.stop_reason) for run in runs] == [(None, 0, StopReason.NON_FINITE_LOSS)] * 2


def test_hyperparameters_and_fuel_reach_the_optimiser() -> None:
    slow, fast = (next(repeat(replace(TASK, hyperparameters={"lr": lr}), 1, InProcess())) for lr in (1e-6, 1e-2))
    assert slow.validation_loss != fast.validation_loss
    spent = next(repeat(replace(TASK, fuel_budget=2_000_000), 1, InProcess()))
    assert spent.stop_reason is StopReason.FUEL_EXHAUSTED


def test_a_failure_ends_the_other_jobs_within_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "MAX_EPOCHS", 1000)
    observed: list[tuple[int, int]] = []
    under_way = threading.Event()

    def observe(number: int, epoch: Epoch) -> None:
        observed.append((number, epoch.number))
        if number == 1:
            under_way.set()
        elif under_way.wait(60):
            raise RuntimeError("this job fails")

    before = set(threading.enumerate())
    with pytest.raises(RuntimeError, match="this job fails"):
        list(repeat(TASK, 8, InProcess(), jobs=2, observer=observe))
    assert set(threading.enumerate()) <= before
    assert {number for number, _ in observed} == {0, 1}
    assert max(epoch for _, epoch in observed) < 50


def test_closing_ends_the_jobs_that_run_and_starts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "PATIENCE", 5)
    monkeypatch.setattr(training, "MAX_EPOCHS", 1000)
    observed: set[int] = set()
    running = repeat(TASK, 100, InProcess(), jobs=2, observer=lambda number, _: observed.add(number))
    next(running)
    running.close()
    assert len(observed) <= 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPool")]


@pytest.mark.parametrize("jobs", [1, 2])
def test_errors_of_the_optimiser_are_raised(jobs: int) -> None:
    failing = module(updates="gradient.nothing, state")
    with pytest.raises((OptimiserError, ModuleRefused)):
        list(repeat(replace(TASK, source=failing), 3, InProcess(), jobs=jobs))
    with pytest.raises(OptimiserError, match="has no hyperparameter 'rate'"):
        list(repeat(replace(TASK, hyperparameters={"rate": 1}), 3, InProcess(), jobs=jobs))


def test_a_network_with_nothing_to_train_is_refused() -> None:
    with pytest.raises(EditionError, match="n_hidden=1: both of its layers are frozen"):
        list(repeat(replace(TASK, n_hidden=1), 2, InProcess()))
