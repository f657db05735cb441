"""The engine that this machine computes products with, and the one that the environment forces.

The choice changes no bit, and no clock makes it: the same machine chooses the same every time. The environment variable
`TIG_VERIFY_ENGINE` forces one: `binary64`, or `int16`, which is the compiled network.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arithmetic.engines import Binary64Engine, Engine
from arithmetic.errors import MachineError

ENGINE_VARIABLE = "TIG_VERIFY_ENGINE"

_NAMES: Final = ("binary64", "int16")
"""What the environment may hold."""

Integers = NDArray[np.float64]
"""Integers in binary64."""


@cache
def engine() -> Engine:
    """The engine for products, which is exact. Raises MachineError."""
    candidate = Binary64Engine()
    if not is_exact(candidate):
        raise MachineError(f"the products of the {candidate.name} engine are not exact on this machine")
    return candidate


def forced() -> str | None:
    """The name that the environment forces, None if it forces none. Raises MachineError."""
    name = os.environ.get(ENGINE_VARIABLE)
    if name is not None and name not in _NAMES:
        raise MachineError(f"{ENGINE_VARIABLE}={name!r} is not one of {', '.join(_NAMES)}; correct or unset it")
    return name


def is_exact(candidate: Engine) -> bool:
    """Whether an engine multiplies integers at the limits of its contract, and mixed ones, as int64 does."""
    return all(_multiplies(candidate, left, right, bits) for left, right, bits in _worst_cases())


def _worst_cases() -> Iterator[tuple[Integers, Integers, int]]:
    """Factors [m, k] and [k, n] with their bits: the sums of the 22-bit ones reach 2^53, the most that is allowed."""
    for bits, k in ((14, 256), (15, 256), (22, 512)):
        top = 2**bits
        mixed = np.arange(5 * k) * 7919 % (2 * top + 1) - top  # every digit, both signs
        odd = np.full(k, top - 1)
        odd[-1] = 0  # an odd number of odd products: the sum needs all 53 bits
        extremes = [np.full(k, top), np.full(k, -top), np.full(k, top // 2 - 129), odd]
        factor = np.vstack([*extremes, mixed.reshape(5, k)]).astype(np.float64)
        yield factor, factor[::-1].copy().T, bits


def _multiplies(candidate: Engine, left: Integers, right: Integers, bits: int) -> bool:
    result = candidate.product(left, right, bits)
    return np.array_equal(result, left.astype(np.int64) @ right.astype(np.int64))
