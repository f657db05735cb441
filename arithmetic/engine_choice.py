"""The engine that this machine computes products with: on a CPU the only one, on a GPU the first that is exact there.

The choice changes no bit, and no clock makes it: the same machine chooses the same every time. The environment variable
`TIG_VERIFY_ENGINE` forces one: `binary64`; `int16`, which is the compiled network of a CPU; `int8`, which a CUDA device
alone has.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from arithmetic.engines import Binary64Engine, Engine
from arithmetic.errors import MachineError

ENGINE_VARIABLE = "TIG_VERIFY_ENGINE"

_DEVICES = {"binary64": ("cpu", "cuda"), "int16": ("cpu",), "int8": ("cuda",)}
"""The names that the environment may hold, and where their engines compute."""

Integers = NDArray[np.float64]
"""Integers in binary64."""


@cache
def engine(device: str = "cpu") -> Engine:
    """The engine for products on a type of device: the first that is exact. Raises MachineError."""
    candidates = _candidates(device)
    exact = [candidate for candidate in candidates if is_exact(candidate)]
    if not exact:
        names = " and ".join(candidate.name for candidate in candidates)
        raise MachineError(f"the products of the {names} engine are not exact on this machine's {device}")
    return exact[0]


def forced(device: str = "cpu") -> str | None:
    """The name that the environment forces for a type of device, None if it forces none. Raises MachineError."""
    name = os.environ.get(ENGINE_VARIABLE)
    if name is None:
        return None
    if name not in _DEVICES:
        raise MachineError(f"{ENGINE_VARIABLE}={name!r} is not one of {', '.join(_DEVICES)}; correct or unset it")
    if device not in _DEVICES[name]:
        raise MachineError(f"the {name} engine does not compute on {device}; unset {ENGINE_VARIABLE} to use {device}")
    return name


def is_exact(candidate: Engine) -> bool:
    """Whether an engine multiplies integers at the limits of its contract, and mixed ones, as int64 does."""
    return all(_multiplies(candidate, left, right, bits) for left, right, bits in _worst_cases())


def _candidates(device: str) -> list[Engine]:
    if device == "cpu":
        return [Binary64Engine()]
    from arithmetic.device import engines  # torch, which nothing on a CPU needs

    name = forced(device)
    return [candidate for candidate in engines.engines() if name in (None, candidate.name)]


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
    try:
        result = candidate.product(left, right, bits)
    except RuntimeError:  # torch does not have this product for this device
        return False
    return np.array_equal(result, left.astype(np.int64) @ right.astype(np.int64))
