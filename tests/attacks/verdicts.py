"""How the run of an attack ends, with any optimiser that can be made from an assignment."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sandbox.errors import FuelExhausted, MemoryExhausted, ModuleRefused, OptimiserError, WorkerFault
from sandbox.optimiser import Assignment, Optimiser
from tests.attacks.corpus import Case, Verdict
from tests.support.sample_optimisers import assignment, play

Factory = Callable[[Assignment], Optimiser]
"""Makes an optimiser; it may already raise what the optimiser would."""
Answers = tuple[bytes | int | None, ...]

_ANSWERS_OF_AN_EPOCH = 6  # location, fuel, updates, parameters, digest, fuel; before the first there is one
_CHECKED = (0, 2)
_SEEN = (0, 2, 3)
_SIGNAL = re.compile(r"signal (SIG[A-Z0-9]+)")
_RETURNED = re.compile(r"(the )?state|init_optimiser_state|query_location_parameters|optimiser_step_updates")
_PREPARING = {"before the first epoch the fuel": Verdict.FUEL, "before the first epoch the memory": Verdict.MEMORY}


@dataclass(frozen=True)
class Observed:
    """The end of a run."""

    verdict: Verdict
    detail: str = ""
    """Rule codes, a message, or the name of a signal."""
    answers: Answers = ()
    """Everything that a completed run answered."""


def observe(source: bytes, factory: Factory, fuel: int = 10**9) -> Observed:
    """Run a module as training would. What is not one of the sandbox's own errors passes through: it is a bug."""
    try:
        with factory(assignment(source, fuel_budget=fuel)) as optimiser:
            answers = tuple(play(optimiser))
    except ModuleRefused as refused:
        return Observed(Verdict.REJECT, " ".join(problem.code for problem in refused.diagnostics))
    except FuelExhausted as exhausted:
        return Observed(Verdict.FUEL, exhausted.said)
    except MemoryExhausted as exhausted:
        return Observed(Verdict.MEMORY, exhausted.said)
    except OptimiserError as error:
        return Observed(_verdict_of_error(error.said), error.said)
    except WorkerFault as fault:
        killed = _SIGNAL.search(str(fault))
        return Observed(Verdict.KILL, killed[1]) if killed else Observed(Verdict.FAULT, str(fault))
    return Observed(Verdict.NEUTRAL if _finite(answers) else Verdict.STOP, answers=answers)


def check(case: Case, factory: Factory) -> None:
    """Run a case and assert that it ends as it must."""
    observed = observe(case.source, factory, case.fuel)
    assert observed.verdict in (case.verdict, case.also), f"{case.name}: {observed.verdict.name} {observed.detail}"
    if observed.verdict is not case.verdict:
        return
    for text in case.detail:
        assert text in observed.detail, f"{case.name}: {observed.detail}"
    if case.repeatable:
        assert observe(case.source, factory, case.fuel).answers == observed.answers
    if case.equals is not None:
        assert _seen(observe(case.equals, factory, case.fuel).answers) == _seen(observed.answers)


def _verdict_of_error(message: str) -> Verdict:
    """Tell what untrusted code raised from what it returned, and from what it used up before the first epoch."""
    for beginning, verdict in _PREPARING.items():
        if message.startswith(beginning):
            return verdict
    return Verdict.INVALID if _RETURNED.match(message) else Verdict.DENY


def _finite(answers: Answers) -> bool:
    """Whether training would go on: it ends at a location or update that is not finite."""
    numbers = [np.frombuffer(a, np.float32) for a in _pick(answers, _CHECKED) if type(a) is bytes]
    return all(bool(np.isfinite(n).all()) for n in numbers)


def _seen(answers: Answers) -> Answers:
    """What the training loop sees of a run: locations, updates and parameters, but no fuel and no digests."""
    return _pick(answers, _SEEN)


def _pick(answers: Answers, positions: tuple[int, ...]) -> Answers:
    return tuple(answer for i, answer in enumerate(answers[1:]) if i % _ANSWERS_OF_AN_EPOCH in positions)
