"""Devices that train ahead of processes: every item has one answer, whatever becomes of the device."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import WorkerFault
from tests.support.device_work import BROKEN, PLACES, SLOW, half_wanted, telling, trainings, unready, wanted
from tests.support.processes import descendants, eventually
from verifier.challenge.lockstep.device import Device, Wanted
from verifier.runs.device_pool import Devices, OpenTrainings
from verifier.runs.pool import Answers

pytestmark = pytest.mark.slow

ONE = (Device("cpu", "a device", "0"),)
TWO = (*ONE, Device("cpu", "another device", "1"))
SOUND = partial(trainings, None)


warned: list[str] = []


@pytest.fixture
def others() -> frozenset[int]:
    """Processes that other tests of this run have below it."""
    return frozenset(descendants(os.getpid()))


@pytest.fixture(autouse=True)
def _nobody_is_warned_yet() -> None:
    warned.clear()


def completed(
    items: Iterable[int],
    devices: tuple[Device, ...] = ONE,
    opening: OpenTrainings = SOUND,
    want: Callable[[int], Wanted | None] = wanted,
    **more: Any,
) -> Answers[int, object]:
    return Devices(devices, opening, want, 20, warned.append).completed(telling, items, 2, **more)


def expected(nonces: Iterable[int], want: Callable[[int], Wanted | None] = wanted) -> list[tuple[int, object]]:
    """Even ones come with a training."""
    return [(n, (n, None if n % 2 or want(n) is None else (n,))) for n in nonces]


@pytest.mark.parametrize("devices", [ONE, TWO])
def test_the_processes_get_what_the_devices_have_trained(devices: tuple[Device, ...], others: frozenset[int]) -> None:
    assert sorted(completed(range(100), devices)) == expected(range(100))
    assert others.issuperset(descendants(os.getpid()))
    assert not warned


def test_what_asks_for_no_training_goes_to_no_device() -> None:
    assert sorted(completed(range(40), want=half_wanted)) == expected(range(40), half_wanted)
    assert sorted(completed(range(0, 700, 7), want=half_wanted)) == expected(range(0, 700, 7), half_wanted)


def test_there_may_be_nothing_to_do() -> None:
    assert list(completed([])) == []


def test_items_are_taken_when_a_device_has_room_for_them() -> None:
    numbers = count()
    with closing(completed(numbers)) as answers:
        assert len(list(islice(answers, 10))) == 10
        time.sleep(0.5)
    assert next(numbers) < 10 + 2 + PLACES + 64 + 4


def test_a_device_that_is_lost_is_started_again_with_what_it_had_in_hand(tmp_path: Path) -> None:
    opening = partial(trainings, tmp_path / "mark")
    assert sorted(completed(range(20), TWO, opening)) == expected(range(20))
    (said,) = warned
    assert said.endswith("its process was killed by signal 9, as it is for want of memory; 4 trainings begin again")


def test_what_a_device_is_lost_over_twice_is_trained_elsewhere() -> None:
    """Here it is the last one, so that no third process begins."""
    found = sorted(completed([*range(6), BROKEN]))
    assert [nonce for nonce, _ in found] == [*range(6), BROKEN]
    assert found[-1] == (BROKEN, (BROKEN, None))


def test_a_device_that_is_always_lost_ends_the_call(others: frozenset[int]) -> None:
    problem = "a device: 3 of its processes in a row were lost; the last one ended unexpectedly .*: RuntimeError: CUDA"
    with pytest.raises(WorkerFault, match=problem):
        list(completed(range(BROKEN, BROKEN + 20)))
    assert others.issuperset(descendants(os.getpid()))


def test_a_device_that_never_begins_ends_the_call() -> None:
    with pytest.raises(WorkerFault, match=r"a device: 3 of its processes in a row were lost; .* no kernel image"):
        list(completed(range(4), opening=unready))


def test_a_deadline_gives_up_what_is_in_hand(others: frozenset[int]) -> None:
    began = time.monotonic()
    answers = completed([1, 2, *range(SLOW, SLOW + 9)], until=time.monotonic() + 4.0)
    assert {nonce for nonce, _ in answers} <= {1, 2}
    assert time.monotonic() - began < 30.0
    assert others.issuperset(descendants(os.getpid()))


def test_who_does_not_go_on_leaves_no_process(others: frozenset[int]) -> None:
    with closing(completed(count())) as answers:
        next(answers)
    eventually(lambda: others.issuperset(descendants(os.getpid())))
