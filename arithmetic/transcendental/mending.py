"""Mends what an approximation rounded once does not give: exceptions, signs, and the one NaN (specification 2.9)."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from arithmetic.transcendental.exceptions import EXCEPTIONS
from arithmetic.transcendental.libraries import library_of

_MAGNITUDE = 0x7FFFFFFF


def mend(result: Any, argument: Any, name: str, signs: Any) -> None:
    """Put the exceptions, the signs of an odd function and the one NaN in their places, in arrays of either library."""
    bits = _patterns(argument)
    for exception, value in _exceptions(name):
        result[bits == exception] = value
    if signs is not None:
        patterns = _patterns(result)
        patterns ^= _patterns(signs) & ~_MAGNITUDE
    result[result != result] = np.nan  # noqa: PLR0124 - NaNs


@functools.cache
def _exceptions(name: str) -> list[tuple[int, float]]:
    """Bits of arguments as signed numbers, and the results."""
    table = np.array(list(EXCEPTIONS[name].items()), np.uint32).reshape(-1, 2)
    arguments, results = table[:, 0].copy().view(np.int32), table[:, 1].copy().view(np.float32)
    return list(zip(arguments.tolist(), results.tolist(), strict=True))


def _patterns(x: Any) -> Any:
    return x.view(library_of(x).int32)
