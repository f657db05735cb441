"""Who reads programs: whatever it is sent ends as a program or as one refusal."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from sandbox.program import program
from sandbox.program.call import CallKind
from sandbox.program.operations import OPERATIONS
from sandbox.program.program import Validator
from tests.fuzzing import validating
from tests.fuzzing.recordings import SIZE, Recordings
from tests.fuzzing.segment_round import fuzz


@pytest.mark.parametrize("seed", range(4))
def test_no_segment_breaks_the_contract(seed: int) -> None:
    assert fuzz(f"suite {seed}", 2500).findings == []


def test_programs_have_every_operation() -> None:
    found: Counter[int] = Counter()
    for seed in range(40):
        call = Recordings(Random(seed)).call(CallKind.INITIALISE, (), 60)
        validator = Validator(SIZE)
        validator.begin(call.kind, call.state)
        for segment in call.segments:
            found.update(each.operation.code for each in validator.read(segment).structure.instructions)
    assert set(found) == set(OPERATIONS)


def test_mutants_end_in_many_ways() -> None:
    endings = fuzz("many", 5000).endings
    assert len(endings) > 40
    assert endings["segments: a program"] > 500


def test_a_seed_gives_one_round() -> None:
    first, again, other = fuzz("0 1", 300), fuzz("0 1", 300), fuzz("0 2", 300)
    assert first.endings == again.endings != other.endings


def test_the_oracle_sees_another_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "WorkerFault", KeyError)
    assert any("KeyError" in finding for finding in fuzz("0", 200).findings)


def test_the_oracle_sees_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validating, "SLOW", 0.0)
    assert "bytes" in fuzz("0", 100).findings[0]


def test_the_oracle_sees_a_program_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "MAX_RECORDS", 0)
    assert any("a program refused" in finding for finding in fuzz("0", 100).findings)


def test_the_oracle_sees_operands_that_change_places(monkeypatch: pytest.MonkeyPatch) -> None:
    in_order = program._Reading._operands_of
    monkeypatch.setattr(program._Reading, "_operands_of", lambda self, count: in_order(self, count)[::-1])
    assert any("in two ways" in finding for finding in fuzz("0", 200).findings)
