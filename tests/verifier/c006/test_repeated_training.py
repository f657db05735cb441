"""Trainings of one instance of the live network, again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from protocol.claim import StopReason
from sandbox.errors import ModuleRefused, OptimiserError
from sandbox.isolation import InProcess, Isolation, Jail
from tests.support.folders import FIXTURES
from tests.support.small_contest import module
from verifier.c006 import repeated_training, training
from verifier.c006.initial_weights import initial_weights
from verifier.c006.repeated_training import LiveTask, Repetition, initial_layers, repetitions
from verifier.challenge.errors import EditionError
from verifier.challenge.module import Module
from verifier.challenge.training.trainer import Epoch

ADAM = (FIXTURES / "optimisers" / "adam.py").read_bytes()
TASK = LiveTask(bytes(range(32)), 2, Path("adam.py"), Module("adam.py", ADAM), {}, 10**12)


@pytest.fixture(autouse=True)
def two_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "MAX_EPOCHS", 2)


def timeless(runs: Sequence[Repetition]) -> list[Repetition]:
    return sorted((replace(run, seconds=0.0) for run in runs), key=lambda run: run.number)


def repeated(task: LiveTask, count: int, isolation: Isolation | None = None) -> list[Repetition]:
    return [each.run(isolation or InProcess(), None) for each in repetitions(task, count)]


def test_repetitions_differ_and_are_the_same_again_and_jailed(jail: Jail) -> None:
    first = timeless(repeated(TASK, 3))
    assert [run.number for run in first] == [0, 1, 2]
    assert len({run.quality for run in first}) == 3
    assert all((run.epochs, run.stop_reason) == (2, StopReason.EPOCH_LIMIT) for run in first)
    assert timeless(repeated(TASK, 3)) == first
    assert timeless(repeated(TASK, 3, jail)) == first


def test_they_are_named_by_number_and_told_epoch_by_epoch() -> None:
    (_, second) = repetitions(TASK, 2)
    assert (str(second), second.key, second.origin) == ("run 1", 1, "adam.py")
    epochs: list[Epoch] = []
    second.run(InProcess(), epochs.append)
    assert [epoch.number for epoch in epochs] == [1, 2]


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
    runs = repeated(replace(TASK, module=Module("m.py", source)), 2)
    assert [(run.quality, run.epochs, run.stop_reason) for run in runs] == [(None, 0, StopReason.NON_FINITE_LOSS)] * 2


def test_hyperparameters_and_fuel_reach_the_optimiser() -> None:
    slow, fast = (repeated(replace(TASK, hyperparameters={"lr": lr}), 1)[0] for lr in (1e-6, 1e-2))
    assert slow.validation_loss != fast.validation_loss
    (spent,) = repeated(replace(TASK, fuel_budget=2_000_000), 1)
    assert spent.stop_reason is StopReason.FUEL_EXHAUSTED


def test_errors_of_the_optimiser_are_raised() -> None:
    failing = module(updates="gradient.nothing, state")
    with pytest.raises((OptimiserError, ModuleRefused)):
        repeated(replace(TASK, module=Module("m.py", failing)), 1)
    with pytest.raises(OptimiserError, match="has no hyperparameter 'rate'"):
        repeated(replace(TASK, hyperparameters={"rate": 1}), 1)


def test_a_network_with_nothing_to_train_is_refused() -> None:
    with pytest.raises(EditionError, match="n_hidden=1: both of its layers are frozen"):
        repetitions(replace(TASK, n_hidden=1), 2)
