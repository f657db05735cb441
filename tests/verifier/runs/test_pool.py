"""A crew: every item gets one answer, whatever happens to the processes, and none of them stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.errors import WorkerFault
from tests.support import pool_work
from tests.support.folders import ROOT
from verifier.runs.pool import Crew, Lost

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def members(before: list[int]) -> list[int]:
    return [pid for pid in children(os.getpid()) if pid not in before]


ENDS = {
    "die": "the process that had it in hand was killed by signal 9, as it is for want of memory",
    "leave": "the process that had it in hand ended unexpectedly (exit status 5)",
    "raise": "ValueError: oops",
}


@pytest.mark.parametrize("size", [1, 2, 4])
def test_every_item_is_answered_once_and_only_those_in_dead_hands_are_lost(size: int) -> None:
    items = [*(f"{n}" for n in range(20)), "die", "leave", "raise", "die", *(f"{n}" for n in range(20, 60))]
    before = children(os.getpid())
    with Crew(pool_work.doubling, size) as crew:
        found = list(crew.work(items))
    expected = [(item, Lost(ENDS[item]) if item in ENDS else item * 2) for item in items]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert members(before) == []


def test_a_crew_of_one_keeps_the_order_and_works_with_one_thread() -> None:
    with Crew(pool_work.noting, 1) as crew:
        found = list(crew.work(["a", "b", "c"]))
    assert [item for item, _ in found] == ["a", "b", "c"]
    assert {str(answer).split()[0] for _, answer in found} == {"1"}
    assert len({answer for _, answer in found}) == 1


def test_processes_that_are_killed_from_outside_are_replaced() -> None:
    """Whatever they were doing: starting, working or waiting."""
    before = children(os.getpid())
    items = [str(n) for n in range(400)]
    found = []
    with Crew(pool_work.doubling, 2) as crew:
        for item, answer in crew.work(items):
            found.append((item, answer))
            if len(found) in (1, 100, 200):
                for pid in members(before):
                    os.kill(pid, signal.SIGKILL)
    assert sorted(item for item, _ in found) == sorted(items)
    assert sum(isinstance(answer, Lost) for _, answer in found) <= 6
    assert all(answer == item * 2 for item, answer in found if not isinstance(answer, Lost))


def test_processes_that_never_start_are_no_answer_about_anything(capfd: pytest.CaptureFixture[str]) -> None:
    with Crew(pool_work.breaking, 2) as crew, pytest.raises(WorkerFault, match=r"3 processes in a row .*status 7"):
        list(crew.work(["a"]))
    with Crew(pool_work.failing, 1) as crew, pytest.raises(WorkerFault, match="did not start"):
        list(crew.work(["a"]))
    assert "RuntimeError: no memory" in capfd.readouterr().err


def test_an_interruption_leaves_no_process() -> None:
    before = children(os.getpid())
    started = time.monotonic()

    def interrupted() -> None:
        with Crew(pool_work.doubling, 2) as crew:
            for _ in crew.work(["a", "sleep", "sleep", "sleep"]):
                assert len(members(before)) == 2
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert members(before) == []
    assert time.monotonic() - started < 30.0


def test_members_die_with_a_crew_that_is_killed() -> None:
    program = "from tests.support import pool_work\nfrom verifier.runs.pool import Crew\n"
    program += "with Crew(pool_work.doubling, 2) as crew:\n"
    program += "    for item, _ in crew.work(['a', 'b', 'sleep', 'sleep']): print(item, flush=True)\n"
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert {process.stdout.readline(), process.stdout.readline()} == {"a\n", "b\n"}
    started = children(process.pid)
    assert len(started) == 2
    process.kill()
    process.communicate()
    eventually(lambda: not any(_alive(pid) for pid in started))


def _alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()  # nobody may be there to reap it
    except FileNotFoundError:
        return False
