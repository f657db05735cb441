"""The zygote forks workers that share nothing, and leaves nothing behind, however it or the trainer ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.errors import JailError, WorkerFault
from sandbox.isolation import Jail
from sandbox.program.call import Call, CallKind
from sandbox.worker.client import ProcessSource, WorkerProcess
from sandbox.worker.zygote_client import Zygote
from tests.support.sample_optimisers import assignment, descriptors, module

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the jail needs Linux")]


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    """A zygote of its own, for tests that do it harm."""
    own = Zygote()
    yield own
    own.close()


def processes_below(pid: int) -> list[int]:
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return children + [below for child in children for below in processes_below(child)]


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 10.0
    while any(is_running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [pid for pid in pids if is_running(pid)] == []


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


INITIALISE, STEP = Call(CallKind.INITIALISE), Call(CallKind.STEP, 1, 0.5, 0.5)


def recorded(zygote: Zygote, source: bytes) -> tuple[list[bytes], int]:
    """The programs of two calls of a module in a worker of its own, and who that was."""
    with ProcessSource(zygote) as running:
        running.load(assignment(source))
        segments = [running.call(call, lambda _: b"").segment for call in (INITIALISE, STEP)]
        return segments, pid_of(running)


def pid_of(source: ProcessSource) -> int:
    assert source._worker._child is not None
    return source._worker._child.process


def test_two_workers_in_sequence_share_nothing(jail: Jail) -> None:
    """The second worker is a fork of the zygote, not of the first: what that one did to its memory is not there."""
    hoarder = module(initial="x = torch.ones(1000, 1000); return {'x': [x + i for i in range(20)]}")
    plain = module(initial="return {'x': rng.normal(4)}")
    alone, first = recorded(jail.zygote, plain)
    recorded(jail.zygote, hoarder)
    again, second = recorded(jail.zygote, plain)
    assert again == alone
    assert first != second


def test_workers_run_side_by_side_from_threads(jail: Jail) -> None:
    answers: dict[int, list[bytes]] = {}

    def run(number: int) -> None:
        answers[number], _ = recorded(jail.zygote, module(initial=f"return {{'n': {number}}}"))

    threads = [threading.Thread(target=run, args=(number,)) for number in (1, 2, 1003, 1004)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert len({repr(answer) for answer in answers.values()}) == 4  # the state differs


def test_many_workers_leave_no_descriptor_and_no_process(jail: Jail) -> None:
    def start_and_end(times: int) -> tuple[int, list[int]]:
        for _ in range(times):
            with WorkerProcess(jail.zygote) as worker:
                worker.start()
        return descriptors(), processes_below(os.getpid())

    assert start_and_end(20) == start_and_end(1)


def test_a_zygote_that_is_killed_takes_its_workers_along_and_is_a_fault(zygote: Zygote) -> None:
    with ProcessSource(zygote) as source:
        source.load(assignment(module()))
        below = processes_below(zygote._process.pid)
        zygote._process.kill()
        zygote._process.wait()
        wait_until_gone(below)
        assert below
        with pytest.raises(WorkerFault, match="ended unexpectedly"):
            source.call(INITIALISE, lambda _: b"")
    with ProcessSource(zygote) as late, pytest.raises(WorkerFault, match=r"the zygote (is gone|ended)"):
        late.load(assignment(module()))


def test_closing_the_zygote_ends_its_workers(zygote: Zygote) -> None:
    worker = WorkerProcess(zygote)
    worker.start()
    below = processes_below(os.getpid())
    zygote.close()
    wait_until_gone([pid for pid in below if pid not in processes_below(os.getpid())])
    worker.__exit__()


PARENT = """
import os, sys, time
from sandbox.worker.client import WorkerProcess
from sandbox.worker.zygote_client import Zygote
worker = WorkerProcess(Zygote())
worker.start()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("stopped", [False, True])
def test_everything_ends_with_the_trainer(stopped: bool) -> None:
    """Also while a worker cannot notice by itself that nobody is left."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        below = processes_below(parent.pid)
        assert len(below) >= 2
        if stopped:
            os.kill(below[-1], signal.SIGSTOP)
        parent.kill()
        parent.wait()
        try:
            wait_until_gone(below)
        finally:
            for pid in below:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (("/nonexistent/python",), "the zygote could not start: .*No such file"),
        ((sys.executable, "-c", "raise SystemExit(7)"), "the zygote ended unexpectedly .exit status 7"),
        (
            (sys.executable, "-c", "import socket, sys; socket.socket(fileno=int(sys.argv[1])).send(b'no memory')"),
            "the zygote failed: no memory",
        ),
    ],
)
def test_a_zygote_that_cannot_start_is_a_fault(program: tuple[str, ...], message: str) -> None:
    with pytest.raises(WorkerFault, match=message):
        start_worker(program)


def start_worker(program: tuple[str, ...]) -> None:
    with contextlib.closing(Zygote(program)) as broken, WorkerProcess(broken) as worker:
        worker.start()


def test_other_systems_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    with pytest.raises(JailError, match="--isolation none runs the module unprotected"):
        Zygote()


def test_the_zygote_holds_nothing_of_the_trainer(zygote: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "in the environment")
    with WorkerProcess(zygote) as worker:
        worker.start()
        for pid in processes_below(os.getpid()):
            with contextlib.suppress(PermissionError):
                assert b"SECRET" not in Path(f"/proc/{pid}/environ").read_bytes()
