"""The results of the known training are those of a golden run, which the second implementation has confirmed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.examination import Check, Condition
from sandbox.isolation import InProcess, Jail
from tests.golden.golden_run import named
from verifier.challenge.session import Session
from verifier.challenge.solving import Solved, solve
from verifier.machine import known_training

(RUN,) = named(["momentum-n_hidden=1"])


def test_the_constants_are_those_of_the_golden_run() -> None:
    results = RUN.record.results
    outcome, score = results["outcome"], results["score"]
    names = ("transcript_root", "fuel_used", "quality")
    assert {name: (outcome | score)[name] for name in names} == known_training.RESULTS


def test_the_training_is_that_of_the_golden_run() -> None:
    session = known_training.session(InProcess())
    assert session.task == RUN.task
    assert session.nonce == RUN.record.nonce
    assert known_training.module() == RUN.module


@pytest.mark.slow
def test_it_is_trained_in_the_jail(jail: Jail) -> None:
    found = known_training.examine(jail)
    assert (found.check, found.condition, dict(found.measured)) == (
        Check.TRAINING,
        Condition.OK,
        known_training.RESULTS,
    )


@pytest.mark.slow
def test_another_result_is_a_failure_that_names_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt(session: Session) -> Solved:
        solved = solve(session)
        return replace(solved, claim=replace(solved.claim, quality=1, transcript_root=bytes(32)))

    monkeypatch.setattr(known_training, "solve", spoilt)
    found = known_training.examine(InProcess())
    assert found.condition is Condition.FAILED
    problem = "a known training ends with another transcript root and quality; solve and verify nothing here"
    assert found.detail == problem
    assert found.measured["quality"] == 1
