"""One round of fuzzing the trusted side of an optimiser: it plays runs of which one message was changed."""

from __future__ import annotations

import re
import resource
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Final

from sandbox import state_codec
from sandbox.errors import WorkerFault
from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.program.program import Program
from tests.fuzzing.codec_round import Round
from tests.fuzzing.segment_mutations import mutate, mutate_template
from tests.fuzzing.tapes import MODULES, Played, Player, Tape, counted_otherwise, play, tape

LONGEST_MESSAGE: Final = 250
LARGEST: Final = 2**18
"""Elements of a program that is executed: larger ones are valid, and only take time."""
_VARIABLE: Final = re.compile(r"'.*'|\(.*\)|-?[0-9]+")


class TooLargeError(Exception):
    """A program that is valid, and not executed here."""


class SmallPrograms(ExecutedOptimiser):
    """The trusted side, which executes small programs only."""

    def _run(self, program: Program, *others: Any) -> Any:
        if program.structure.memory > LARGEST:
            raise TooLargeError
        return super()._run(program, *others)


def fuzz(seed: str, size: int) -> Round:
    """The round of a seed, of `size` runs."""
    done, random = Round(), Random(seed)
    for number in range(size):
        done.add("runs", lambda: ending(random), f"{seed} {number}")
    done.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return done


def ending(random: Random) -> str:
    """How a run with one changed message ends; AssertionError when that breaks the contract."""
    whole = tape(random.choice(sorted(MODULES)))
    optimiser = SmallPrograms(whole.assignment, Player(whole, _change(whole, random)))
    try:
        play(optimiser)
    except WorkerFault as fault:
        message = str(fault)
        assert len(message) <= LONGEST_MESSAGE, f"a message of {len(message)} characters"
        assert message.isascii(), "a message beyond ASCII"
        assert message.isprintable(), "a message that cannot be printed"
        return f"a fault: {_VARIABLE.sub('#', message)}"[:80]
    except TooLargeError:
        return "a large program"
    saved = optimiser.save()
    assert state_codec.decode(saved, len(optimiser.parameters)).digest() == optimiser.state_digest()
    return "a run"


def _change(whole: Tape, random: Random) -> Callable[[int, Played], Played]:
    """What changes one of the tape's messages."""
    chosen = random.randrange(len(whole.calls))

    def change(number: int, played: Played) -> Played:
        return _changed(played, whole, random) if number == chosen else played

    return change


def _changed(played: Played, whole: Tape, random: Random) -> Played:
    recorded, choice = played.recorded, random.random()
    if choice < 0.05:
        fuel, worked = random.choice((-(10**6), -1, 0, 1)), random.choice((-1, 0, 1))
        return replace(played, recorded=counted_otherwise(recorded, fuel, worked))
    if choice < 0.1:
        return replace(played, reads=played.reads + played.reads[-1:])
    if choice < 0.15:
        return replace(played, recorded=random.choice(whole.calls).recorded)
    if choice < 0.4 and recorded.segment[16:20] != bytes(4):
        return replace(played, recorded=replace(recorded, segment=mutate_template(recorded.segment, random)))
    place = random.randrange(len(played.reads) + 1)
    if place == len(played.reads):
        return replace(played, recorded=replace(recorded, segment=mutate(recorded.segment, recorded.segment, random)))
    reads = list(played.reads)
    reads[place] = mutate(reads[place], recorded.segment, random)
    return replace(played, reads=tuple(reads))
