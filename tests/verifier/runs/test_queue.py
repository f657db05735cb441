"""The queue: the same results in this process and in others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count, islice

import pytest

from verifier.challenge.training.trainer import Observer
from verifier.runs.pool import TaskLost
from verifier.runs.queue import completed, cores, open_queue

pytestmark = pytest.mark.slow


@contextmanager
def squares(observer: Observer | None) -> Iterator[Callable[[int], tuple[int, bool, bool]]]:
    """The square, whether it is this process, and whether somebody watches."""

    def work(item: int) -> tuple[int, bool, bool]:
        if item < 0:
            raise ValueError("negative")
        return item * item, os.getpid() == int(os.environ["CALLER"]), observer is not None

    yield work


@pytest.fixture(autouse=True)
def caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLER", str(os.getpid()))


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_job_is_this_process_and_tells_its_epochs(jobs: int) -> None:
    here = jobs == 1
    found = list(completed(squares, range(10), jobs, lambda epoch: None))
    assert sorted(found) == [(n, (n * n, here, here)) for n in range(10)]


def test_with_an_end_one_job_is_another_process_which_can_be_killed() -> None:
    assert list(completed(squares, [3], 1, until=time.monotonic() + 60.0)) == [(3, (9, False, False))]
    assert list(completed(squares, [3], 1, until=time.monotonic())) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_items_are_taken_one_by_one(jobs: int) -> None:
    numbers = count()
    with closing(completed(squares, numbers, jobs)) as answers:
        assert len(list(islice(answers, 10))) == 10
    assert next(numbers) <= 13


def test_an_error_is_raised_here_and_a_lost_task_elsewhere() -> None:
    with pytest.raises(ValueError, match="negative"):
        list(completed(squares, [1, -1], 1))
    assert list(completed(squares, [-1], 2)) == [(-1, TaskLost("ValueError: negative"))]


def test_all_cores_are_those_of_this_process() -> None:
    assert cores() == len(os.sched_getaffinity(0))


@contextmanager
def processes(observer: Observer | None) -> Iterator[Callable[[int], int]]:
    """The process that does an item."""
    yield lambda item: os.getpid()


@pytest.mark.parametrize("jobs", [1, 2])
def test_lists_are_done_one_after_the_other_by_the_same_processes(jobs: int) -> None:
    with open_queue(processes, jobs) as complete:
        done = [[process for _, process in complete(range(count))] for count in (20, 0, 1, 20)]
    assert [len(each) for each in done] == [20, 0, 1, 20]
    assert len({process for each in done for process in each}) == jobs
