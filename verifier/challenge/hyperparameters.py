"""Overrides of a module's hyperparameters, as a part of keys and rows."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

from protocol.canonical_msgpack import Scalar, encode
from protocol.errors import CodecError
from protocol.task import MAX_HYPERPARAMETERS

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_LONGEST: Final = 40
"""Characters of a value that are shown."""


class Hyperparameters(Mapping[str, Scalar]):
    """Overrides of a module's HYPERPARAMETERS, by name, ascending; hashable.

    They are equal if an optimiser cannot tell them apart: to Python 1, 1.0 and True are the same, to a module they are
    three values. As text they are what is written after `-p`, such as `lr=0.01 steps=3`.
    """

    def __init__(self, values: Mapping[str, Scalar] | None = None) -> None:
        """Raises ValueError for overrides that no claim can have."""
        self._values = dict(sorted((values or {}).items()))
        for name, value in self._values.items():
            if not is_scalar(value):
                problem = "expected a finite number of 64 bits, text, true, false or null"
                raise ValueError(f"{name!a:.40}: {problem}, found {value!a:.40}")
        try:
            size = len(encode(self._values))
        except CodecError as error:
            raise ValueError(error.problem) from None
        if size > MAX_HYPERPARAMETERS:
            raise ValueError(f"expected at most {MAX_HYPERPARAMETERS} bytes when encoded, found {size}")
        self._text = json.dumps(self._values)

    def __getitem__(self, name: str) -> Scalar:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hyperparameters) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"Hyperparameters({self._values})"

    def __str__(self) -> str:
        return " ".join(f"{_word(name)[:_LONGEST]}={_shown(value)}" for name, value in self._values.items())


def is_scalar(value: object) -> bool:
    """True if a value can be that of a hyperparameter: None, a boolean, a 64-bit integer, a finite float or text."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str)


def _shown(value: Scalar) -> str:
    """A value as it is written after `-p`, cut where it is long."""
    text = _word(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _word(text: str) -> str:
    """A text without quotes where it is one plain word that stays text so."""
    if not _PLAIN.fullmatch(text):
        return json.dumps(text)
    try:
        json.loads(text)
    except ValueError:
        return text
    return json.dumps(text)
