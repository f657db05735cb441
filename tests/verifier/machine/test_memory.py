from __future__ import annotations

import resource

import pytest

from protocol.examination import Check, Condition
from tests.support.fresh_process import printed
from verifier.machine import control_group, memory

MIB, GIB = 2**20, 2**30


@pytest.fixture(autouse=True)
def _four_cores_and_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "usable_cores", lambda: 4)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY,) * 2)


@pytest.mark.parametrize(
    ("free", "taken", "condition", "said"),
    [
        (GIB, 256 * MIB, Condition.OK, "1.0 GiB available, 256 MiB for a training: 4 fit"),
        (GIB, 512 * MIB, Condition.WARNING, ": 2 fit, fewer than the 4 cores; pass --jobs 2"),
        (GIB - 1, GIB, Condition.FAILED, ": 0 fit; free some, or raise the limit"),
        (None, GIB, Condition.WARNING, "it is not known how many trainings fit: /proc does not say"),
        (GIB, None, Condition.WARNING, "it is not known how many trainings fit: none could be tried"),
        (GIB, 0, Condition.WARNING, "it is not known how many trainings fit: none could be tried"),
    ],
)
def test_trainings_fit_or_not(free: int | None, taken: int | None, condition: Condition, said: str) -> None:
    found = memory.examine(free, taken)
    assert (found.check, found.condition) == (Check.MEMORY, condition)
    assert found.detail.endswith(said)


def test_a_limit_of_the_address_space_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (5 * GIB, 5 * GIB))
    found = memory.examine(GIB, MIB)
    assert found.condition is Condition.WARNING
    assert found.detail.endswith("a process may map 5.0 GiB alone, less than the rules grant to a module (ulimit -v)")


def test_less_is_available_in_a_control_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_group, "memory_left", lambda: None)
    alone = memory.available()
    assert alone is not None
    assert alone > MIB
    monkeypatch.setattr(control_group, "memory_left", lambda: MIB)
    assert memory.available() == MIB


HOLDING = """
import os, subprocess, sys
from verifier.machine import memory
hold = "import time; held = b'x' * {}; print(flush=True); time.sleep(60)"
print(memory.of_a_training(), memory._own_bytes(os.getpid()))
programs = [[sys.executable, "-c", hold.format(size << 20)] for size in (20, 90)]
processes = [subprocess.Popen(program, stdout=subprocess.PIPE) for program in programs]
for process in processes:
    process.stdout.readline()
print(memory.of_a_training())
for process in processes:
    process.kill()
"""


def test_a_training_takes_this_process_and_the_largest_below() -> None:
    alone, own, together = map(int, printed(HOLDING).split())
    assert own > MIB
    assert abs(alone - own) < MIB
    assert 90 * MIB < together - alone < 110 * MIB


def test_a_process_that_has_ended_holds_nothing() -> None:
    assert memory._own_bytes(2**30) == 0
    assert list(memory._below(2**30)) == []
