"""What one device trains: in groups of one task and module, in as many places as its memory has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
import torch

from protocol.hashes import blake3_digest
from protocol.task import Task
from sandbox.isolation import InProcess, Isolation
from tests.support import small_contest
from verifier.challenge.lockstep import device_trainings
from verifier.challenge.lockstep.device import Wanted
from verifier.challenge.lockstep.device_trainings import DeviceTrainings, free_memory, place_bytes
from verifier.challenge.lockstep.starts import draw_when_asked
from verifier.challenge.lockstep.torch_network import TorchNetwork
from verifier.challenge.module import Module
from verifier.challenge.training.trainer import Training

Calls = list[tuple[int, list[int]]]
"""The places of each trainer, and the nonces that it took."""


class Trainer:
    """Answers with the nonce, and is out of memory where it has more places than `most`."""

    def __init__(self, calls: Calls, most: int, places: int, left: frozenset[int]) -> None:
        self._took: list[int] = []
        self._most, self._places, self._left = most, places, left
        calls.append((places, self._took))

    def run(self, nonces: Iterable[int]) -> Iterator[tuple[int, Training | None]]:
        rest, hand = iter(nonces), list[int]()
        while True:
            while len(hand) < self._places and (nonce := next(rest, None)) is not None:
                hand.append(nonce)
                self._took.append(nonce)
            if not hand:
                return
            if len(self._took) > 2 and self._places > self._most:  # it is no matter of the first trainings alone
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
            done = hand.pop(0)
            yield done, None if done in self._left else done  # type: ignore[misc]


class Trained:
    """What the trainings of one device made of some nonces."""

    def __init__(
        self,
        wanted: Iterable[Wanted],
        most: int = 99,
        expected: int = 8,
        left: frozenset[int] = frozenset(),
    ) -> None:
        self.calls: Calls = []

        def make(task: Task, module: Module, isolation: Isolation, device: str, places: int) -> Trainer:
            return Trainer(self.calls, most, places, left)

        trainings = DeviceTrainings("cpu", InProcess(), expected, draw_when_asked, make)
        self.answers: dict[int, object] = {
            number: None if done is None else done.training for number, done in trainings.train(enumerate(wanted))
        }
        self.places = [places for places, _ in self.calls]


@pytest.fixture(autouse=True)
def _memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_trainings, "free_memory", lambda device: 10**9)


def wanted(*nonces: int, source: bytes = small_contest.module(), **hyperparameters: float) -> list[Wanted]:
    task = replace(small_contest.task(), optimiser_digest=blake3_digest(source), hyperparameters=hyperparameters)
    return [Wanted(task, Module("small.py", source), nonce) for nonce in nonces]


def test_all_are_answered_once_and_those_that_are_left_as_none() -> None:
    found = Trained(wanted(*range(20)), left=frozenset({3, 19}))
    assert found.answers == {n: None if n in {3, 19} else n for n in range(20)}
    assert found.places == [8]


def test_nonces_of_one_task_are_trained_together() -> None:
    found = Trained([*wanted(1, 2), *wanted(1, 5, lr=0.5), *wanted(7, lr=0.5, source=small_contest.module("0"))])
    assert [took for _, took in found.calls] == [[1, 2], [1, 5], [7]]
    assert found.answers == dict(enumerate([1, 2, 1, 5, 7]))


def test_a_nonce_may_be_wanted_twice() -> None:
    assert Trained(wanted(4, 4, 5, 4)).answers == {0: 4, 1: 4, 2: 5, 3: 4}


@pytest.mark.parametrize(("most", "places"), [(8, [8]), (7, [8, 4]), (3, [8, 4, 2]), (1, [8, 4, 2, 1])])
def test_out_of_memory_half_the_places_go_on(most: int, places: list[int]) -> None:
    found = Trained(wanted(*range(12)), most)
    assert found.answers == {n: n for n in range(12)}
    assert found.places == places


def test_where_one_place_is_too_much_all_are_left() -> None:
    found = Trained([*wanted(*range(6)), *wanted(9, lr=0.5)], most=0)
    assert found.answers.keys() == set(range(7))
    assert [n for n, done in found.answers.items() if done is None] == [3, 4, 5]  # the others were trained before
    assert found.places == [8, 4, 2, 1, 8]


def test_there_are_as_many_places_as_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = wanted(1)
    size = place_bytes(one.task, one.module, 1, InProcess())
    monkeypatch.setattr(device_trainings, "free_memory", lambda device: 7 * size)
    assert Trained([one], expected=100).places == [5]  # four fifths
    monkeypatch.setattr(device_trainings, "free_memory", lambda device: 0)
    assert Trained([one], expected=100).places == [1]
    monkeypatch.setattr(device_trainings, "free_memory", lambda device: 10**15)
    assert Trained([one], expected=100).places == [100]
    assert Trained([one], expected=10**6).places == [1024]


def test_what_a_module_keeps_is_counted() -> None:
    sizes = []
    for state in ("None", "[torch.zeros_like(x) for x in parameters]", "[torch.zeros(10000)]"):
        (one,) = wanted(1, source=small_contest.module("gradient, state", state=state))
        sizes.append(place_bytes(one.task, one.module, 1, InProcess()))
    nothing, vector, large = sizes
    parameters = small_contest.session().initial.size
    assert vector - nothing == pytest.approx(2 * 4 * parameters, abs=200)
    assert large - nothing == pytest.approx(2 * 4 * 10000, abs=200)


def test_a_module_that_fails_is_left_to_who_says_so() -> None:
    assert Trained(wanted(1, source=small_contest.module(state="1 / 0"))).answers == {0: 1}


def test_the_free_memory_of_this_machine_is_known() -> None:
    assert 2**20 < free_memory("cpu") < 2**45


class Cramped(TorchNetwork):
    """Networks of a device that is too small for more than four at once, as only a step shows."""

    def loss_and_gradient(self, locations: torch.Tensor, batches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if len(batches) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return super().loss_and_gradient(locations, batches)


def test_trainings_are_those_of_a_cpu_though_memory_ran_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_trainings, "networks_for", lambda edition, device: Cramped)
    trainings = DeviceTrainings("cpu", InProcess(), 8, draw_when_asked)
    found = dict(trainings.train(enumerate(wanted(*range(10)))))
    assert found.keys() == set(range(10))
    for nonce, done in found.items():
        alone = small_contest.session(nonce=nonce).train()
        assert done is not None
        assert (done.training.leaves, done.training.transcript_root) == (alone.leaves, alone.transcript_root)
        assert done.seconds > 0.0
