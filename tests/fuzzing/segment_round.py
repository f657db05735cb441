"""One round of fuzzing who reads programs: the same inputs for the same seed."""

from __future__ import annotations

import resource
from random import Random
from typing import Final

from sandbox.program.call import CallKind
from sandbox.program.program import Validator
from sandbox.program.segment import SAME
from sandbox.program.value import Value
from tests.fuzzing.byte_mutations import noise
from tests.fuzzing.codec_round import Round
from tests.fuzzing.recordings import SIZE, Recording, Recordings
from tests.fuzzing.segment_mutations import mutate
from tests.fuzzing.validating import check_bytes, ending

MUTANTS: Final = 100
"""Inputs for each valid call."""


def fuzz(seed: str, size: int) -> Round:
    """The round of a seed, of `size` segments."""
    done, random = Round(), Random(seed)
    number = 0
    while number < size:
        recordings = Recordings(random)
        intact, validator = Validator(SIZE), Validator(SIZE)  # which keep what was sent, and what mutants sent
        calls = [_call(recordings, random) for _ in range(4)]
        for call in calls:
            done.add("segments", lambda: _valid(intact, call), f"{seed} {number}")  # noqa: B023
            for _ in range(MUTANTS):
                number += 1
                data = _mutant(call, random.choice(calls), random)
                done.add("segments", lambda: _mutated(validator, call, data, random), f"{seed} {number} {data.hex()}")  # noqa: B023
    done.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return done


def _call(recordings: Recordings, random: Random) -> Recording:
    kind = CallKind(random.randrange(3))
    state: tuple[Value, ...] = () if kind is CallKind.INITIALISE else recordings.state()
    return recordings.call(kind, state, random.choice((1, 2, 4, 8)))


def _valid(validator: Validator, call: Recording) -> str:
    """A call as it was recorded is read whole, a second time too."""
    validator.begin(call.kind, call.state)
    for segment in call.segments:
        what, program = ending(validator, segment)
        assert program is not None, f"a program refused: {what}"
        if not segment[28] & SAME:
            check_bytes(program, segment, None)
    return "a program as recorded"


def _mutant(call: Recording, other: Recording, random: Random) -> bytes:
    data = random.choice(call.segments)
    return noise(random) if random.random() < 0.01 else mutate(data, random.choice(other.segments), random)


def _mutated(validator: Validator, call: Recording, data: bytes, random: Random) -> str:
    """The mutant in place of the call's first segment."""
    validator.begin(call.kind, call.state)
    what, program = ending(validator, data)
    if program is not None and not data[28] & SAME and random.random() < 0.2:
        check_bytes(program, data, None)
    return what
