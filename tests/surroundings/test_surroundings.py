from __future__ import annotations

import json
import resource
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from sandbox.isolation import InProcess, Jail
from tests.attacks.corpus import Verdict
from tests.attacks.verdicts import observe
from tests.support.sample_optimisers import module
from tests.surroundings.environments import TOGETHER, VARIABLES
from tests.surroundings.probe import endings

pytestmark = pytest.mark.slow

DIGEST = "54623ba38072fab2"
"""Of what the module that uses everything answers: on every Python, processor and system."""


@pytest.fixture(scope="module")
def here() -> dict[str, str]:
    return endings(InProcess().start)


def test_endings_are_those_of_every_python(here: dict[str, str]) -> None:
    assert here["everything"] == f"NEUTRAL {DIGEST}"


@pytest.mark.parametrize("environment", TOGETHER)
def test_no_setting_changes_an_answer(environment: str, here: dict[str, str]) -> None:
    answer = TOGETHER[environment].run(())
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert json.loads(answer.stdout) == here


def test_a_worker_gives_the_same_answers(here: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, environment in VARIABLES.items():
        if name not in ("PYTHONINSPECT=", "PYTHONMALLOC=debug"):
            for variable, value in environment.variables.items():
                monkeypatch.setenv(variable, value)
    with Jail() as jail:
        assert endings(jail.start) == here


HUNGRY = module(
    initial="x = parameters.norm() * torch.ones(2**23)\n    return [x + 1.0, (x + 2.0).exp(), (x + 3.0).sort()]"
)
"""Honest work that takes some 300 MiB."""


def short_of_memory(source: bytes, spare: int) -> Verdict:
    """How a module ends where so many bytes are left to this process."""
    with open("/proc/self/statm", "rb") as statm:
        taken = int(statm.read().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + spare, limits[1]))
    try:
        return observe(source, InProcess().start, 10**11).verdict
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def hungry_endings() -> tuple[Verdict, set[Verdict]]:
    """How it ends with all memory, and where little is left."""
    whole = observe(HUNGRY, InProcess().start, 10**11).verdict
    return whole, {short_of_memory(HUNGRY, megabytes * 2**20) for megabytes in (1, 20, 40, 80, 160)}


def test_want_of_memory_is_never_the_authors_fault() -> None:
    """In a process of its own: one that has run many tests keeps as much memory as the module takes."""
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        whole, short = fresh.submit(hungry_endings).result()
    assert whole is Verdict.NEUTRAL
    assert short <= {Verdict.FAULT, Verdict.NEUTRAL}
    assert Verdict.FAULT in short
