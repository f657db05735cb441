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
from sandbox.errors import MAX_SAID, ModuleRefused, OptimiserError, StateError, WorkerFault
from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.isolation import InProcess, Jail
from sandbox.optimiser import Assignment, Optimiser
from sandbox.worker import client
from sandbox.worker.client import ProcessSource
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
ENDLESS = "did not answer"
DEADLINE, PATIENCE = 0.5, 60.0
"""Seconds for a call: of an impostor that only the deadline ends, and of the others."""
FINITE = frozenset((StopReason.EARLY_STOPPING, StopReason.EPOCH_LIMIT))
NON_FINITE = FINITE | {StopReason.NON_FINITE_UPDATE}

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the worker needs Linux")]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    started = Zygote((sys.executable, "-I", str(IMPOSTORS)))
    yield started
    started.close()


@pytest.fixture(autouse=True)
def _trusting_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the impostor for jailed."""
    monkeypatch.setattr(client, "confirm", lambda number: None)
    monkeypatch.setattr(client, "CALL_SECONDS", PATIENCE)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_impostor_ends_as_it_must(case: Case, zygote: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    started = time.monotonic()
    if any(text.startswith(ENDLESS) for text in case.detail):
        monkeypatch.setattr(client, "CALL_SECONDS", DEADLINE)
    check(case, lambda given: ExecutedOptimiser(given, ProcessSource(zygote)))
    if case.verdict is not Verdict.NEUTRAL:
        assert time.monotonic() - started < PATIENCE / 2


def lying(script: str, zygote: Zygote) -> ExecutedOptimiser:
    return ExecutedOptimiser(assignment(script.encode()), ProcessSource(zygote))


class Lying:
    """An isolation whose workers do not run the module that they are given."""

    def __init__(self, script: str, zygote: Zygote) -> None:
        self._script = script.encode()
        self._zygote = zygote

    def start(self, given: Assignment) -> Optimiser:
        return ExecutedOptimiser(replace(given, source=self._script), ProcessSource(self._zygote))

    def describe(self) -> dict[str, str]:
        return {"isolation": "process"}


def replayed(solved: Solved, source: bytes) -> Outcome:
    """What an honest replay of the module makes of a claim."""
    key = SigningKey.generate()
    evidence = Evidence(seal(solved.claim, key), seal(solved.solution, key), lambda _: Module("a.py", source))
    return verify(evidence, Level.REPLAY, InProcess()).outcome


# -- while the trainer reads -------------------------------------------------------------------------------------

FLICKER = """
import struct
import threading
from impostors import Page, downwards, nothing
from sandbox.program import operations
from sandbox.worker.channel import Kind

def attack(channel):
    page = Page()
    scalar = 0

    def overwrite():
        while True:
            for number in (float("{value}"), -0.001):
                if scalar:
                    struct.pack_into("<d", page.memory, scalar, number)

    def where(channel):
        return (channel.recorder.apply(operations.MULTIPLY, (channel.gradient, -0.001)),)

    threading.Thread(target=overwrite, daemon=True).start()
    while True:
        build = where if channel.request.kind in (Kind.STEP, {located}) else nothing
        frame = (channel.honest() if channel.request.kind is Kind.LOAD else channel.program(build)).pack()
        page.await_reader(channel)
        scalar = 0
        page.say(channel, frame)
        scalar = frame.rfind(struct.pack("<d", -0.001)) if build is where else 0
        if channel.hear() is None:
            return
"""


@pytest.mark.parametrize(("value", "ends"), [("nan", NON_FINITE), ("-inf", NON_FINITE), ("0.001", FINITE)])
def test_updates_that_change_while_they_are_read_are_finite_or_end_training(
    value: str, ends: frozenset[StopReason], zygote: Zygote
) -> None:
    """What is validated is what is used, and a replay finds that it is not what the module says."""
    source = module()
    solved = solve(session(source, isolation=Lying(FLICKER.format(value=value, located="None"), zygote)))
    assert solved.claim.stop_reason in ends
    assert np.isfinite(np.frombuffer(solved.solution.parameters, np.float32)).all()
    assert replayed(solved, source) is Outcome.REJECTED


def test_a_location_that_changes_meanwhile_is_a_private_copy(zygote: Zygote) -> None:
    with lying(FLICKER.format(value="0.002", located="Kind.QUERY"), zygote) as optimiser:
        optimiser.gradient.fill(1.0)
        optimiser.initialise()
        seen = set()
        for epoch in range(300):
            optimiser.begin_epoch(epoch, 0.0, 0.0, 1)
            location = optimiser.query_location()
            assert location is not None
            bits = location.view(np.int32).tolist()
            assert location.view(np.int32).tolist() == bits
            assert len(set(bits)) == 1
            seen |= set(bits)
            optimiser.step_updates()
        assert len(seen) >= 2  # otherwise nothing flickered


CHANGING_TEXT = """
from impostors import Page
from sandbox.worker.channel import Kind

def attack(channel):
    good = b'[[1, 1, "D100", "m", "h"]]'
    page = Page()
    page.say(channel, channel.reply(Kind.REFUSED, body=good + b" " * 200).pack())
    for number in range(20_000):
        page.memory[64 : 64 + len(good)] = b"\\xff" * len(good) if number % 2 else good
"""


def test_a_text_that_changes_while_it_is_read_is_read_once(zygote: Zygote) -> None:
    for _ in range(20):
        with lying(CHANGING_TEXT, zygote) as optimiser, pytest.raises((ModuleRefused, WorkerFault), match=r"D100|form"):
            optimiser.initialise()


# -- who never reads ---------------------------------------------------------------------------------------------

DEAF = """
import fcntl
from impostors import nothing, zeros
from sandbox.worker.channel import Frame, Kind

def attack(channel):
    {narrow}
    channel.say(channel.honest())
    channel.request = Frame(Kind.INITIALISE, 2)
    channel.say(channel.program(nothing))
    number = 2
    while True:
        for kind, build in ((Kind.QUERY, nothing), (Kind.STEP, zeros)):
            number += 1
            channel.request = Frame(kind, number)
            channel.say(channel.program(build))
"""


@pytest.mark.parametrize("narrow", ["", "fcntl.fcntl(channel.requests, 1031, 4096)"], ids=["wide", "narrow"])
def test_who_answers_without_reading_cannot_hold_the_trainer_up(
    narrow: str, zygote: Zygote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All answers in advance, until the pipe of requests is full; writing to it must not block."""

    def too_late(number: int, frame: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(client, "CALL_SECONDS", DEADLINE)
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
from sandbox.worker.channel import MAX_TEXT, Kind

def attack(channel):
    channel.say(channel.reply(Kind.FAILED, body=b"x" * MAX_TEXT))
    channel.behave()
"""


def test_the_text_of_an_error_is_short(zygote: Zygote) -> None:
    with lying(LONG_TEXT, zygote) as optimiser, pytest.raises(OptimiserError) as failed:
        optimiser.initialise()
    assert str(failed.value) == f"'{'x' * (MAX_SAID - 5)}...'"


# -- fuel --------------------------------------------------------------------------------------------------------

FRUGAL = """
from dataclasses import replace
from sandbox.worker.channel import Kind

def attack(channel):
    while True:
        frame = channel.honest()
        if channel.request.kind is Kind.LOAD:
            frame = replace(frame, kind=Kind.NO_LOCATION)
        channel.say(replace(frame, fuel_used=frame.fuel_used - {less}))
        if channel.hear() is None:
            return
"""


def test_fuel_that_the_trainer_cannot_check_is_found_by_a_replay(zygote: Zygote) -> None:
    """That of the language's own operations is not seen here: who replays the claim counts for himself."""
    source = module(updates="-0.5 * gradient, state", state="{}")
    honest, forged = (solve(session(source, isolation=place)) for place in (None, Lying(FRUGAL.format(less=0), zygote)))
    assert honest.solution.parameters == forged.solution.parameters  # the updates themselves are right
    assert honest.claim.fuel_used > forged.claim.fuel_used
    assert (replayed(honest, source), replayed(forged, source)) == (Outcome.ACCEPTED, Outcome.REJECTED)


def test_fuel_that_the_program_shows_is_checked(zygote: Zygote) -> None:
    with (
        lying(FRUGAL.format(less="(frame.kind is Kind.PROGRAM)"), zygote) as optimiser,
        pytest.raises(WorkerFault, match="fuel that does not add up"),
    ):
        play(optimiser)


# -- states ------------------------------------------------------------------------------------------------------

LARGE = """
from impostors import nothing
from sandbox.worker.channel import Kind

def attack(channel):
    channel.until(Kind.INITIALISE)
    text = b"s" + (2**16).to_bytes(4, "little") + b"x" * 2**16
    channel.say(channel.program(nothing, b"l" + ({parts}).to_bytes(4, "little") + text * ({parts})))
    channel.hear()
"""


def test_a_state_of_any_length_is_bounded(zygote: Zygote) -> None:
    """It is read, as it might be one, and then it is not."""
    script = LARGE.format(parts="2**24 // 2**16")
    with lying(script, zygote) as optimiser, pytest.raises(WorkerFault, match="a state that is none"):
        optimiser.initialise()


@pytest.mark.parametrize("saved", [b"", b"\x80", b"d" + b"\xff" * 8, b"l\xff\xff\xff\xff", b"NN"])
def test_a_forged_state_is_refused_where_it_is_restored(saved: bytes, jail: Jail) -> None:
    """By the trainer, before a worker hears of it."""
    with jail.start(assignment(module())) as honest, pytest.raises(StateError, match="this is not"):
        honest.restore(saved, 10**6)


# -- ends --------------------------------------------------------------------------------------------------------


def test_nothing_is_restarted(zygote: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is gone stays gone: each later request is the same fault, and no other worker is forked."""
    forks: list[int] = []
    fork = zygote.fork

    def counted(requests: int, replies: int) -> object:
        forks.append(requests)
        return fork(requests, replies)

    monkeypatch.setattr(zygote, "fork", counted)
    with lying("import os\ndef attack(channel): os._exit(3)", zygote) as optimiser:
        for _ in range(5):
            with pytest.raises(WorkerFault, match="the worker process ended unexpectedly"):
                optimiser.initialise()
    assert len(forks) == 1
