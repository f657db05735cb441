"""The trainer against workers that are not jailed, and lie (section G): a fault or an ordinary answer, in time."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from protocol.claim import StopReason
from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.verdict import Level, Outcome
from sandbox import state_limits
from sandbox.errors import MAX_SAID, ModuleRefused, OptimiserError, StateError, WorkerFault
from sandbox.isolation import InProcess, Jail
from sandbox.optimiser import Assignment
from sandbox.worker import client
from sandbox.worker.client import ProcessOptimiser
from sandbox.worker.zygote_client import Zygote
from tests.attacks.corpus import Build, Case, Verdict, read_corpus
from tests.attacks.verdicts import check
from tests.support.sample_optimisers import assignment, play
from tests.support.small_contest import module, session
from verifier.challenge.module import Module
from verifier.challenge.solving import Solved, solve
from verifier.verification.context import Evidence
from verifier.verification.verify import verify

IMPOSTORS = Path(__file__).with_name("impostors.py")
CASES = [case for item in read_corpus() for case in item.cases if case.build is Build.IMPOSTOR]
DEADLINE = 0.5
FINITE = frozenset((StopReason.EARLY_STOPPING, StopReason.EPOCH_LIMIT))
NON_FINITE = FINITE | {StopReason.NON_FINITE_UPDATE}

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="the worker needs Linux")]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    started = Zygote((sys.executable, "-I", str(IMPOSTORS)))
    yield started
    started.close()


@pytest.fixture(autouse=True)
def _trusting_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the impostor for jailed, and has little patience."""
    monkeypatch.setattr(client, "confirm", lambda number: None)
    monkeypatch.setattr(client, "CALL_SECONDS", DEADLINE)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_impostor_ends_as_it_must(case: Case, zygote: Zygote) -> None:
    started = time.monotonic()
    check(case, lambda given: ProcessOptimiser(given, zygote))
    if case.verdict is not Verdict.NEUTRAL:
        assert time.monotonic() - started < DEADLINE + 5.0


def lying(script: str, zygote: Zygote) -> ProcessOptimiser:
    return ProcessOptimiser(assignment(script.encode()), zygote)


class Lying:
    """An isolation whose workers do not run the module that they are given."""

    def __init__(self, script: str, zygote: Zygote) -> None:
        self._script = script.encode()
        self._zygote = zygote

    def start(self, given: Assignment) -> ProcessOptimiser:
        return ProcessOptimiser(replace(given, source=self._script), self._zygote)

    def describe(self) -> dict[str, str]:
        return {"isolation": "process"}


def replayed(solved: Solved, source: bytes) -> Outcome:
    """What an honest replay of the module makes of a claim."""
    key = SigningKey.generate()
    evidence = Evidence(seal(solved.claim, key), seal(solved.solution, key), lambda _: Module("a.py", source))
    return verify(evidence, Level.REPLAY, InProcess()).outcome


# -- while the trainer reads -------------------------------------------------------------------------------------

FLICKER = """
import threading
from sandbox.worker.channel import Kind

def attack(channel):
    def overwrite():
        updates = channel.updates
        while True:
            updates.fill_(float("{value}"))
            updates.fill_(-0.001)

    threading.Thread(target=overwrite, daemon=True).start()
    while True:
        channel.say(channel.reply(Kind.NO_LOCATION if channel.request.kind is Kind.LOAD and {unasked} else Kind.DONE))
        if channel.hear() is None:
            return
"""


@pytest.mark.parametrize(("value", "ends"), [("nan", NON_FINITE), ("-inf", NON_FINITE), ("0.001", FINITE)])
def test_updates_that_change_while_they_are_read_are_finite_or_end_training(
    value: str, ends: frozenset[StopReason], zygote: Zygote
) -> None:
    """What is validated is what is used, and a replay finds that it is not what the module says."""
    source = module()
    solved = solve(session(source, isolation=Lying(FLICKER.format(value=value, unasked=True), zygote)))
    assert solved.claim.stop_reason in ends
    assert np.isfinite(np.frombuffer(solved.solution.parameters, np.float32)).all()
    assert replayed(solved, source) is Outcome.REJECTED


def test_a_location_that_changes_meanwhile_is_a_private_copy(zygote: Zygote) -> None:
    with lying(FLICKER.format(value="nan", unasked=False), zygote) as optimiser:
        optimiser.initialise()
        seen = set()
        for epoch in range(300):
            location = optimiser.query_location(epoch, 0.0, 0.0)
            assert location is not None
            bits = location.view(np.int32).tolist()
            assert location.view(np.int32).tolist() == bits
            seen |= set(bits)
        assert len(seen) >= 2  # otherwise nothing flickered


CHANGING_TEXT = """
from sandbox.worker.channel import Kind

def attack(channel):
    good = b'[[1, 1, "D100", "m", "h"]]'
    channel.say(channel.reply(Kind.REFUSED, length=channel.shown.write_message(good + b" " * 200_000)))
    for number in range(20_000):
        channel.shown.write_message(b"\\xff" * len(good) if number % 2 else good)
"""


def test_a_text_that_changes_while_it_is_read_is_read_once(zygote: Zygote) -> None:
    for _ in range(20):
        with lying(CHANGING_TEXT, zygote) as optimiser, pytest.raises((ModuleRefused, WorkerFault), match=r"D100|form"):
            optimiser.initialise()


# -- who never reads ---------------------------------------------------------------------------------------------

DEAF = """
import fcntl
from sandbox.worker.channel import Frame, Kind

def attack(channel):
    {narrow}
    number = 0
    while True:
        number += 1
        channel.say(Frame(Kind.DONE, number))
"""


@pytest.mark.parametrize("narrow", ["", "fcntl.fcntl(channel.requests, 1031, 4096)"], ids=["wide", "narrow"])
def test_who_answers_without_reading_cannot_hold_the_trainer_up(narrow: str, zygote: Zygote) -> None:
    """All answers in advance, until the pipe of requests is full; writing to it must not block."""

    def too_late(number: int, frame: object) -> None:
        raise TimeoutError

    previous = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(20)
    try:
        with (
            lying(DEAF.format(narrow=narrow), zygote) as optimiser,
            pytest.raises(WorkerFault, match="does not read what it is asked"),
        ):
            play(optimiser, 1000)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


# -- texts -------------------------------------------------------------------------------------------------------

LONG_TEXT = """
from sandbox.worker.channel import Kind

def attack(channel):
    channel.say(channel.reply(Kind.FAILED, length=channel.shown.write_message(b"x" * 200_000)))
    channel.behave()
"""


def test_the_text_of_an_error_is_short(zygote: Zygote) -> None:
    with lying(LONG_TEXT, zygote) as optimiser, pytest.raises(OptimiserError) as failed:
        optimiser.initialise()
    assert str(failed.value) == f"'{'x' * (MAX_SAID - 5)}...'"


# -- fuel --------------------------------------------------------------------------------------------------------

FRUGAL = """
from sandbox.worker.channel import Kind

def attack(channel):
    while True:
        if channel.request.kind is Kind.STEP:
            channel.updates.copy_(channel.gradient * -0.5)
        channel.say(channel.reply(Kind.NO_LOCATION if channel.request.kind is Kind.LOAD else Kind.DONE, fuel_used=1))
        if channel.hear() is None:
            return
"""


def test_fuel_that_the_trainer_cannot_check_is_found_by_a_replay(zygote: Zygote) -> None:
    """Less fuel than was used is not seen here: who replays the claim counts for himself."""
    source = module(updates="-0.5 * gradient, state", state="None")
    honest, forged = (solve(session(source, isolation=place)) for place in (None, Lying(FRUGAL, zygote)))
    assert honest.solution.parameters == forged.solution.parameters  # the updates themselves are right
    assert (replayed(honest, source), replayed(forged, source)) == (Outcome.ACCEPTED, Outcome.REJECTED)


# -- states ------------------------------------------------------------------------------------------------------

SAVING = """
from sandbox.worker.channel import MAX_MESSAGE, Kind

def attack(channel):
    while True:
        left = {length} - channel.request.position if channel.request.kind is Kind.SAVE else 0
        channel.say(channel.reply(length=min(left, MAX_MESSAGE)))
        if channel.hear() is None:
            return
"""


@pytest.mark.parametrize("more", [1, 2**17, 2**40])
def test_a_state_of_any_length_is_bounded(more: int, zygote: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_limits, "MAX_BYTES", 2**20)
    with lying(SAVING.format(length=2**20), zygote) as optimiser:
        optimiser.initialise()
        assert optimiser.save() == bytes(2**20)
    with lying(SAVING.format(length=2**20 + more), zygote) as optimiser:
        optimiser.initialise()
        with pytest.raises(WorkerFault, match="a state that is too long to be one"):
            optimiser.save()


FORGED = """
from sandbox.worker.channel import Kind

def attack(channel):
    while True:
        state = b"d\\xff\\xff\\xff\\xff" * 20 if channel.request.kind is Kind.SAVE else b""
        channel.say(channel.reply(length=channel.shown.write_message(state)))
        if channel.hear() is None:
            return
"""


def test_a_forged_state_is_refused_by_the_worker_that_reads_it(zygote: Zygote, jail: Jail) -> None:
    with lying(FORGED, zygote) as liar:
        liar.initialise()
        saved = liar.save()
    with (
        jail.start(assignment(module())) as honest,
        pytest.raises(StateError, match="this is not the canonical encoding of a state"),
    ):
        honest.restore(saved, 10**6)


# -- ends --------------------------------------------------------------------------------------------------------


def test_nothing_is_restarted(zygote: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is gone stays gone: each later request is the same fault, and no other worker is forked."""
    forks: list[int] = []
    fork = zygote.fork

    def counted(descriptors: tuple[int, ...], size: int) -> object:
        forks.append(size)
        return fork(descriptors, size)

    monkeypatch.setattr(zygote, "fork", counted)
    with lying("import os\ndef attack(channel): os._exit(3)", zygote) as optimiser:
        for _ in range(5):
            with pytest.raises(WorkerFault, match="the worker process ended unexpectedly"):
                optimiser.initialise()
    assert len(forks) == 1
