"""A process pool: every item gets one answer, whatever happens to the processes, and none of them stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.errors import WorkerFault
from tests.support import pool_work
from tests.support.folders import ROOT
from tests.support.processes import children, descendants, eventually, is_alive
from verifier.runs.pool import ProcessPool, TaskLost

pytestmark = pytest.mark.slow


def workers(before: list[int]) -> list[int]:
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
    with ProcessPool(pool_work.doubling, size) as pool:
        found = list(pool.run(items))
    expected = [(item, TaskLost(ENDS[item]) if item in ENDS else item * 2) for item in items]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert workers(before) == []


@pytest.mark.parametrize("size", [1, 2])
def test_an_item_whose_process_was_killed_is_tried_once_more(size: int, tmp_path: Path) -> None:
    item = f"once {tmp_path / 'killed'}"
    with ProcessPool(pool_work.doubling, size) as pool:
        assert sorted(pool.run(["a", item, "b"])) == [("a", "aa"), ("b", "bb"), (item, item * 2)]


def test_an_item_is_tried_as_often_as_the_caller_says(tmp_path: Path) -> None:
    item = f"once {tmp_path / 'killed'}"
    with ProcessPool(pool_work.doubling, 1, tries=1) as pool:
        assert list(pool.run([item])) == [(item, TaskLost(ENDS["die"]))]


def test_the_last_item_of_all_is_tried_again_by_a_process_that_was_idle(tmp_path: Path) -> None:
    """Whose own work was done before the other process died."""
    item = f"once {tmp_path / 'killed'}"
    with ProcessPool(pool_work.doubling, 2) as pool:
        list(pool.run(["a", "b"]))
        assert list(pool.run([item])) == [(item, item * 2)]
        assert list(pool.run(["c"])) == [("c", "cc")]


def test_a_pool_of_one_keeps_the_order_and_works_with_one_thread() -> None:
    with ProcessPool(pool_work.noting, 1) as pool:
        found = list(pool.run(["a", "b", "c"]))
    assert [item for item, _ in found] == ["a", "b", "c"]
    assert {str(answer).split()[0] for _, answer in found} == {"1"}
    assert len({answer for _, answer in found}) == 1


def test_no_more_processes_start_than_there_are_items() -> None:
    before = children(os.getpid())
    with ProcessPool(pool_work.doubling, 8) as pool:
        for _ in pool.run(["a", "b"]):
            assert len(workers(before)) <= 2


def test_an_item_is_taken_when_a_process_is_free_for_it() -> None:
    taken = []

    def items() -> Iterator[str]:
        for number in range(100):
            taken.append(number)
            yield str(number)

    with ProcessPool(pool_work.doubling, 2) as pool:
        for done, _ in enumerate(pool.run(items()), 1):
            assert len(taken) <= done + 3  # two in hand, and an answer may be waiting behind this one
    assert len(taken) == 100


@pytest.mark.parametrize("size", [1, 2])
def test_large_items_are_sent_when_there_is_a_reader(size: int) -> None:
    with ProcessPool(pool_work.doubling, size) as pool:
        assert [len(str(answer)) for _, answer in pool.run(["x" * 2**22] * 4)] == [2**23] * 4


def test_what_is_in_hand_at_the_end_of_the_time_is_given_up() -> None:
    before = children(os.getpid())
    with ProcessPool(pool_work.doubling, 2) as pool:
        assert len(list(pool.run(["a", "b"]))) == 2  # both are ready
        started = time.monotonic()
        found = sorted(pool.run(["a", "sleep", "b", "c", "sleep", "d"], until=started + 1.0))
        assert found == [("a", "aa"), ("b", "bb"), ("c", "cc")]
        assert 1.0 <= time.monotonic() - started < 10.0
        assert workers(before) == []
        assert list(pool.run(["e"], until=time.monotonic())) == []
        assert list(pool.run(["e"])) == [("e", "ee")]


def test_a_caller_who_does_not_go_on_gives_up_what_is_in_hand() -> None:
    with ProcessPool(pool_work.doubling, 2) as pool:
        answers = pool.run(["a", "sleep", "sleep"])
        assert next(answers) == ("a", "aa")
        answers.close()
        assert list(pool.run(["b"])) == [("b", "bb")]


def test_processes_that_are_killed_from_outside_are_replaced() -> None:
    """Whatever they were doing: starting, working or waiting."""
    before = children(os.getpid())
    items = [str(n) for n in range(400)]
    found = []
    with ProcessPool(pool_work.doubling, 2) as pool:
        for item, answer in pool.run(items):
            found.append((item, answer))
            if len(found) in (1, 100, 200):
                for pid in workers(before):
                    os.kill(pid, signal.SIGKILL)
        for pid in workers(before):  # now with nothing in hand
            os.kill(pid, signal.SIGKILL)
        assert sorted(pool.run(["a", "b", "c"])) == [("a", "aa"), ("b", "bb"), ("c", "cc")]
    assert sorted(found) == sorted((item, item * 2) for item in items)


def test_processes_that_never_start_are_no_answer_about_anything(capfd: pytest.CaptureFixture[str]) -> None:
    with ProcessPool(pool_work.breaking, 2) as pool, pytest.raises(WorkerFault, match=r"3 processes in a .*status 7"):
        list(pool.run(["a", "b"]))
    why = r"did not start; .*: RuntimeError: no memory\x1b\[2J"
    with ProcessPool(pool_work.failing, 1) as pool, pytest.raises(WorkerFault, match=why):
        list(pool.run(["a"]))
    assert capfd.readouterr().err == ""  # only the command itself prints, and escapes


def test_an_interruption_leaves_no_process() -> None:
    before = children(os.getpid())
    started = time.monotonic()

    def interrupted() -> None:
        with ProcessPool(pool_work.doubling, 2) as pool:
            for _ in pool.run(["a", "sleep", "sleep", "sleep"]):
                assert len(workers(before)) == 2
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert workers(before) == []
    assert time.monotonic() - started < 30.0


@contextmanager
def another(opening: str, folder: Path, least: int) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process in `folder` whose pool of two sleeps over its items, and all the processes below it."""
    program = "from tests.support import jailed_work, pool_work\nfrom verifier.runs.pool import ProcessPool\n"
    program += f"with ProcessPool({opening}, 2) as pool:\n"
    program += "    for item, _ in pool.run(['a', 'b', 'sleep', 'sleep']): print(item, flush=True)\n"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    assert process.stdout is not None
    with process:
        assert {process.stdout.readline(), process.stdout.readline()} == {"a\n", "b\n"}
        eventually(lambda: len(descendants(process.pid)) >= least)
        yield process, descendants(process.pid)


OPENINGS = [("pool_work.doubling", 2), ("jailed_work.sleeping", 6)]
"""What is opened in each process, and how many processes there are then: each jail has a zygote and a worker."""


@pytest.mark.parametrize(("opening", "least"), OPENINGS)
def test_no_process_outlives_a_pool_that_is_killed(opening: str, least: int, tmp_path: Path) -> None:
    with another(opening, tmp_path, least) as (process, below):
        process.kill()
        process.communicate()
    eventually(lambda: not any(is_alive(pid) for pid in below))


@pytest.mark.parametrize(("opening", "least"), OPENINGS)
def test_ctrl_c_reaches_one_process_and_ends_all(opening: str, least: int, tmp_path: Path) -> None:
    with another(opening, tmp_path, least) as (process, below):
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, err = process.communicate(timeout=30.0)
    assert err.count("KeyboardInterrupt") == 1
    assert process.returncode == -signal.SIGINT
    eventually(lambda: not any(is_alive(pid) for pid in below))


def test_code_in_the_current_folder_is_never_run(tmp_path: Path) -> None:
    for name in ("selectors", "torch", "pickle", "verifier"):
        (tmp_path / f"{name}.py").write_text("import os\nos._exit(9)\n")
    with another("pool_work.doubling", tmp_path, 2) as (process, _):
        process.kill()
        process.communicate()


def test_the_memory_of_a_process_does_not_grow() -> None:
    """Each item is a megabyte, and so would be what is kept of it."""
    with ProcessPool(pool_work.growing, 1) as pool:
        list(pool.run([bytes(2**20)] * 5))
        sizes = [answer for _, answer in pool.run([bytes(2**20)] * 100)]
    assert isinstance(sizes[0], int)
    assert isinstance(sizes[-1], int)
    assert sizes[-1] - sizes[0] < 10 * 1024
