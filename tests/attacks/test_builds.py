"""The corpus in real workers: with all layers on, and with the first one off, when the next one has to hold."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import recording
from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.isolation import Jail
from sandbox.worker import client
from sandbox.worker.client import ProcessSource, WorkerProcess
from sandbox.worker.zygote_client import Zygote
from tests.attacks import weakened
from tests.attacks.corpus import Build, Case, Verdict, read_corpus
from tests.attacks.verdicts import Factory, check, observe
from tests.support.sample_optimisers import assignment, in_process, module, play

ENDLESS = "did not answer"
DEADLINE, PATIENCE = 0.25, 30.0
"""Seconds for a call: of an attack that only the deadline ends, and of the others."""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the jail needs Linux")]

CASES = [case for item in read_corpus() for case in item.cases]
FULL = [case for case in CASES if case.build is Build.FULL]
RUN = [case for case in FULL if case.verdict is not Verdict.REJECT]
REFUSED = list({case.detail: case for case in FULL if case.verdict is Verdict.REJECT}.values())
"""One refused module for each rule: they do not run, and `test_corpus` has them all refused by the same code."""
REPEATED = frozenset((Verdict.REJECT, Verdict.DENY, Verdict.FUEL, Verdict.INVALID, Verdict.STOP))
"""The verdicts after which the worker serves the next attack."""
WEAK = [case for case in CASES if case.build not in (Build.FULL, Build.IMPOSTOR)]


class Zygotes:
    """One zygote for each build, started when it is first needed."""

    def __init__(self) -> None:
        self._running: dict[Build, Zygote] = {}

    def __getitem__(self, build: Build) -> Zygote:
        if build not in self._running:
            self._running[build] = Zygote((sys.executable, "-I", weakened.__file__, build.value))
        return self._running[build]

    def close(self) -> None:
        for zygote in self._running.values():
            zygote.close()


@pytest.fixture(scope="session")
def zygotes() -> Iterator[Zygotes]:
    started = Zygotes()
    yield started
    started.close()


def in_worker_of(zygote: Zygote) -> Factory:
    """Gives each module a worker of a zygote."""
    return lambda given: ExecutedOptimiser(given, ProcessSource(zygote))


class Lasting(WorkerProcess):
    """A worker that outlives its optimiser."""

    def __exit__(self, *_: object) -> None:
        return None

    def end(self) -> None:
        super().__exit__()


class Reused:
    """A worker for one attack after the other, as a worker for each would take a minute in all."""

    def __init__(self) -> None:
        self._running: Lasting | None = None

    def worker(self, zygote: Zygote) -> WorkerProcess:
        """What stands in for the class of workers."""
        if self._running is None:
            self._running = Lasting(zygote)
        return self._running

    def end(self) -> None:
        if self._running is not None:
            self._running.end()
            self._running = None


@pytest.fixture(scope="module")
def reused() -> Iterator[Reused]:
    kept = Reused()
    yield kept
    kept.end()


@pytest.fixture(autouse=True)
def deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CALL_SECONDS", PATIENCE)


@pytest.mark.parametrize("case", [*REFUSED, *RUN], ids=lambda case: case.name)
def test_in_a_worker_the_attack_ends_as_it_must(
    case: Case, jail: Jail, reused: Reused, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case.verdict in REPEATED:
        monkeypatch.setattr(client, "WorkerProcess", reused.worker)
    try:
        check(case, jail.start)
    except AssertionError:
        reused.end()  # whatever state it is in
        raise


@pytest.mark.parametrize("case", WEAK, ids=lambda case: f"{case.name}-{case.build.value}")
def test_without_the_first_layer_the_next_one_holds(
    case: Case, zygotes: Zygotes, monkeypatch: pytest.MonkeyPatch
) -> None:
    if any(text.startswith(ENDLESS) for text in case.detail):
        monkeypatch.setattr(client, "CALL_SECONDS", DEADLINE)
    check(case, in_worker_of(zygotes[case.build]))


@pytest.mark.parametrize("build", [Build.UNGATED, Build.RAW, Build.UNFACED])
def test_honest_modules_run_in_every_build(build: Build, zygotes: Zygotes) -> None:
    """So that no attack is thought to be contained because nothing works."""
    given = assignment(module("return {'n': 0}", step="return -0.5 * gradient, {'n': state['n'] + 1}"))
    with in_worker_of(zygotes[build])(given) as running, in_process(given) as expected:
        answers, others = play(running), play(expected)
    assert (answers[3::6], answers[4::6]) == (others[3::6], others[4::6])


def test_only_the_jail_keeps_a_module_from_the_files(
    zygotes: Zygotes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that SIGSYS is the jail's doing, and no weakness of the attack or of the build."""
    kept = tmp_path / "kept"
    attack = module(f"open({str(kept)!r}, 'w').close()\n    return {{}}")
    killed = observe(attack, in_worker_of(zygotes[Build.RAW]))
    assert (killed.verdict, killed.detail, kept.exists()) == (Verdict.KILL, "SIGSYS", False)
    monkeypatch.setattr(recording, "compile_optimiser", weakened.compile_raw)
    monkeypatch.setattr(recording, "load_module", weakened.load_raw)
    assert observe(attack, in_process).verdict is Verdict.NEUTRAL
    assert kept.exists()


@pytest.mark.parametrize("library", ["numpy", "torch._C", "ctypes.util"])
def test_a_worker_imports_nothing(library: str, zygotes: Zygotes) -> None:
    """Neither what was left out of its zygote on purpose nor anything else: the first file that it opens ends it."""
    attack = module(f"import {library}\n    return {{}}")
    killed = observe(attack, in_worker_of(zygotes[Build.RAW]))
    assert (killed.verdict, killed.detail) == (Verdict.KILL, "SIGSYS")
