"""Where better values of hyperparameters may be: for each name a range or a list of choices, as a short text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from protocol.canonical_msgpack import Scalar
from sandbox.declaration import Declaration
from verifier.challenge.errors import InputError
from verifier.challenge.hyperparameters import Hyperparameters, is_scalar

_NUMBER: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_RANGE: Final = re.compile(rf"(log )?\s*({_NUMBER})\s*\.\.\s*({_NUMBER})")
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,15}")
_PYTHON: Final[Mapping[str, Scalar]] = {"True": True, "False": False, "None": None}
_EXAMPLES: Final = "write a range such as 0.9..0.999, 1..8 or log 1e-4..1e-1, or choices such as a|b"
_DIGITS: Final = 4
"""Significant digits of a value that is proposed: of the number where the range is logarithmic, else of its width."""


@dataclass(frozen=True)
class Reals:
    """Numbers with a point between two of them."""

    low: float
    high: float
    is_log: bool = False
    """Whether ratios count, and not differences."""

    def __contains__(self, value: Scalar) -> bool:
        return type(value) is float and self.low <= value <= self.high

    def rounded(self, value: float) -> float:
        """A value of few digits near one of the range, in the range: it is to be read and written by people."""
        size = abs(value) if self.is_log else self.high - self.low
        digits = _DIGITS - 1 - math.floor(math.log10(size))
        return min(max(round(value, digits), self.low), self.high)

    def problem_of(self, own: Scalar) -> str:
        """Why a module with this value would be surprised by values of the range; empty if it would not."""
        if type(own) is int:
            return "has numbers with a point, and the module's value has none; write both ends as whole numbers"
        return "" if type(own) is float else f"is a range, and the module's value is no number; {_CHOICES}"


@dataclass(frozen=True)
class Wholes:
    """Whole numbers between two of them, which are among them."""

    low: int
    high: int
    is_log: bool = False

    def __contains__(self, value: Scalar) -> bool:
        return type(value) is int and self.low <= value <= self.high

    def problem_of(self, own: Scalar) -> str:
        """As that of `Reals`."""
        if type(own) is float:
            return "has whole numbers alone, and the module's value has a point; write an end with one, such as 1.0"
        return "" if type(own) is int else f"is a range, and the module's value is no number; {_CHOICES}"


@dataclass(frozen=True)
class Choices:
    """Some values; one alone, which is no text, is given to every training."""

    values: tuple[Scalar, ...]

    def __contains__(self, value: Scalar) -> bool:
        return json.dumps(value) in map(json.dumps, self.values)  # to Python 1, 1.0 and True are equal

    def problem_of(self, own: Scalar) -> str:
        """None: whoever lists values knows what the module takes."""
        return ""


_CHOICES: Final = "list choices, such as a|b"
Range: TypeAlias = Reals | Wholes | Choices
Space: TypeAlias = Mapping[str, Range]
"""By the name of each hyperparameter that is searched for."""


def range_of(text: str) -> Range:
    """Read `0.9..0.999`, `1..8`, `log 1e-4..1e-1` or `a|b`. Raises ValueError."""
    if (match := _RANGE.fullmatch(text.strip())) is not None:
        return _between(match[2], match[3], bool(match[1]))
    if ".." in text or text.strip().startswith("log "):
        raise ValueError(f"{text!r} is no range; {_EXAMPLES}")
    choices = Choices(tuple(_value(part.strip()) for part in text.split("|")))
    if len(choices.values) == 1 and isinstance(choices.values[0], str):
        raise ValueError(f"{text!r} is neither a range nor a choice; {_EXAMPLES}")
    texts = [json.dumps(value) for value in choices.values]
    if len(set(texts)) < len(texts):
        raise ValueError(f"{text!r} has a choice twice; write each once")
    return choices


def space_of(declared: Declaration, given: Mapping[str, str], where: str) -> Space:
    """The space that a module's annotation and the command line give, which counts where both do.

    Raises InputError for one that is none, or that does not go with the module's values.
    """
    texts = {name: (f"{where}: HYPERPARAMETERS", text) for name, text in declared.spaces.items()}
    texts |= {name: ("--search", text) for name, text in given.items()}
    if not texts:
        raise InputError(
            f"{where}: nothing says what to search for; pass --search, such as --search 'lr=log 1e-4..1e-1', or "
            'annotate the module: HYPERPARAMETERS: {"lr": "log 1e-4..1e-1"} = ...'
        )
    space: dict[str, Range] = {}
    for name, (source, text) in texts.items():
        if name not in declared.values:
            known = ", ".join(declared.values) or "none"
            raise InputError(f"{source}: {name!a:.40} is no hyperparameter of the module; it has {known:.200}")
        try:
            space[name] = range_of(text)
        except ValueError as error:
            raise InputError(f"{source}: {name}: {error}") from None
        if problem := space[name].problem_of(declared.values[name]):
            own = json.dumps(declared.values[name])
            raise InputError(f"{source}: {name}: {text} {problem} (it is {own:.40})")
    try:
        Hyperparameters({name: _longest(each) for name, each in space.items()})
    except ValueError as error:
        raise InputError(f"--search: {error}; leave some out") from None
    return space


def _longest(each: Range) -> Scalar:
    """The value that takes most bytes in a claim."""
    return max(each.values, key=lambda value: len(json.dumps(value))) if isinstance(each, Choices) else each.high


def _between(low: str, high: str, is_log: bool) -> Range:
    text = f"{'log ' if is_log else ''}{low}..{high}"
    whole = _WHOLE.fullmatch(low) is not None and _WHOLE.fullmatch(high) is not None
    ends: Reals | Wholes = Wholes(int(low), int(high), is_log) if whole else Reals(float(low), float(high), is_log)
    if not -math.inf < ends.low < ends.high < math.inf:
        raise ValueError(f"{text!r} is empty or has no end; write the lower number first")
    if is_log and ends.low <= 0:
        raise ValueError(f"{text!r}: a logarithmic range begins above 0")
    return ends


def _value(text: str) -> Scalar:
    """A choice as JSON reads it, or Python; else the text itself. Raises ValueError."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = _PYTHON.get(text, text)
    if text == "" or not is_scalar(value):
        raise ValueError(f"{text!a:.40} is no choice; {_EXAMPLES}")
    found: Scalar = value
    return found
