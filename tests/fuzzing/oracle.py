"""What must hold of every run of every program: how it may end, and that two runs are one and the same."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from blake3 import blake3

from arithmetic.canonical_bytes import canonical_bytes
from sandbox.errors import BudgetExhausted, ModuleRefused, OptimiserError
from sandbox.optimiser import Assignment, Vector
from tests.fuzzing.samples import Program
from tests.support.sample_optimisers import LAYOUT, assignment, numbers

EPOCHS: Final = 3
LONGEST_MESSAGE: Final = 400
"""Characters of a line of a message."""

_AUTHORS_ERRORS: Final = frozenset(
    """
    ValueError TypeError RuntimeError AssertionError IndexError KeyError AttributeError ZeroDivisionError OverflowError
    NameError UnboundLocalError
    """.split()
)

Factory = Callable[[Assignment], Any]
"""Makes a new optimiser, which is a context manager."""

ENDINGS: Final = ("completed", "ModuleRefused", "OptimiserError", "FuelExhausted", "MemoryExhausted")
"""How a program may end."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended; `answers` is the hash of all that the optimiser answered until then."""

    ending: str
    message: str
    fuel_used: int
    answers: str


def observe(program: Program, make: Factory, handover: int = 0) -> Outcome:
    """Run a program for some epochs; after the epoch `handover` another optimiser goes on from the saved state."""
    run = _Run(program, make, handover)
    try:
        run.play()
    except (BudgetExhausted, OptimiserError) as error:
        return run.outcome(type(error).__name__, error.said)
    except ModuleRefused as error:
        return run.outcome(type(error).__name__, "\n".join(error.lines))
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return run.outcome(type(error).__name__, f"{error} [{place.name}, line {place.lineno}]")
    return run.outcome("completed", "")


def complaint(program: Program, outcome: Outcome) -> str:
    """What is wrong with one run, or nothing."""
    if outcome.ending not in ENDINGS:
        return f"ended with {outcome.ending}: {outcome.message}"
    if outcome.ending == "OptimiserError" and _is_foreign(program, outcome.message):
        return f"an error that no author can make: {outcome.message}"
    for line in outcome.message.split("\n"):
        if not line.isprintable():
            return f"a message cannot be printed: {line!r}"
        if len(line) > LONGEST_MESSAGE:
            return f"a message has {len(line)} characters: {line[:80]!r}"
    return ""


def difference(first: Outcome, second: Outcome) -> str:
    """What tells two runs of one program apart, or nothing."""
    for name in ("ending", "message", "fuel_used", "answers"):
        one, other = getattr(first, name), getattr(second, name)
        if one != other:
            return f"two runs differ in {name}: {one!r} and {other!r}"
    return ""


def finding(program: Program, *factories: Factory) -> str:
    """Run a program once for each factory, the second time with a change of optimisers; what is wrong, or nothing."""
    outcomes = [observe(program, make, (0, 1 + program.seed % EPOCHS)[i % 2]) for i, make in enumerate(factories)]
    found = [complaint(program, outcome) for outcome in outcomes] + [
        difference(outcomes[0], outcome) for outcome in outcomes[1:]
    ]
    return next(filter(None, found), "")


def _is_foreign(program: Program, message: str) -> bool:
    """Whether an author is blamed for an error of the sandbox's own or of the libraries below it."""
    error = re.match(r"(line \d+: )?(\w+(?:Error|Exception|Exit|Interrupt|Iteration|Warning))\b", message)
    if error is None:
        return False
    if error[1] is None or error[2] not in _AUTHORS_ERRORS:
        return True
    if error[2] == "AttributeError":
        return not re.search("has no attribute '[^_]", message)  # a private one is refused before the module runs
    if "dictionary changed size during iteration" in message:  # Python's own answer to an author who does that
        return False
    return error[2] in ("AssertionError", "RuntimeError") and not re.search(rb"assert|RuntimeError", program.source)


class _Run:
    def __init__(self, program: Program, make: Factory, handover: int) -> None:
        self._make = make
        self._assignment = assignment(program.source, fuel_budget=program.fuel_budget)
        self._handover = handover
        self._optimiser: Any = None
        self._answers = blake3()

    def outcome(self, ending: str, message: str) -> Outcome:
        used = 0 if self._optimiser is None else self._optimiser.fuel_used
        return Outcome(ending, message, used, self._answers.hexdigest())

    def play(self) -> None:
        start, gradient = numbers() / np.float32(7) - 1, np.zeros(LAYOUT.size, np.float32)
        with ExitStack() as stack:
            self._replace(stack, start, gradient)
            self._optimiser.initialise()
            for epoch in range(1, EPOCHS + 1):
                loss = 1.0 / epoch
                self._optimiser.begin_epoch(epoch, loss, 2 * loss, 1)
                location = self._optimiser.query_location()
                self._note(None if location is None else _bits(location))
                where = self._optimiser.parameters if location is None else location
                self._optimiser.gradient[:] = where * 0.3 + numbers() * epoch / 100 - 0.2
                updates = self._optimiser.step_updates()
                with np.errstate(all="ignore"):
                    self._optimiser.parameters += updates
                self._note(_bits(updates), self._optimiser.state_digest())
                if epoch == self._handover:
                    saved, used = self._optimiser.save(), self._optimiser.fuel_used
                    self._replace(stack, self._optimiser.parameters, self._optimiser.gradient)
                    self._optimiser.restore(saved, used)

    def _replace(self, stack: ExitStack, parameters: Vector, gradient: Vector) -> None:
        """Another optimiser with these numbers before it; the last one lives on, so that addresses differ."""
        optimiser = stack.enter_context(self._make(self._assignment))
        optimiser.parameters[:] = parameters
        optimiser.gradient[:] = gradient
        self._optimiser = optimiser

    def _note(self, *answers: bytes | None) -> None:
        for answer in answers:
            self._answers.update(b"-" if answer is None else answer)
        self._answers.update(self._optimiser.fuel_used.to_bytes(8, "little"))


def _bits(values: Vector) -> bytes:
    """The bytes of numbers, every NaN the same one, as the specification has it."""
    return canonical_bytes(values)
