"""The kernels that this machine trains with: the fused ones where numba is installed, on a CPU; else the eager ones.

The choice changes no bit. The environment variable `TIG_VERIFY_KERNELS` (eager, fused) forces it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from arithmetic import engine_choice
from arithmetic.errors import MachineError
from arithmetic.self_test import small_numbers
from verifier.challenge.network import kernels_eager
from verifier.challenge.network.kernels import Affine, Kernels
from verifier.challenge.network.products import Factor, product

KERNELS_VARIABLE = "TIG_VERIFY_KERNELS"

_BITS, _CPU = 14, torch.device("cpu")


@cache
def training_kernels(device: str = "cpu") -> Kernels:
    """The kernels for a type of device. Raises MachineError."""
    name = engine_choice.forced(KERNELS_VARIABLE, ("eager", "fused"))
    fused = None if name == "eager" or device != "cpu" else _fused()
    if fused is None:
        if name == "fused":
            raise MachineError(f"{KERNELS_VARIABLE}=fused needs numba and a CPU; install numba or unset the variable")
        return kernels_eager
    if not agree(fused, kernels_eager):
        raise MachineError(f"numba compiles kernels that give other bits here; set {KERNELS_VARIABLE}=eager")
    return fused


def _fused() -> Kernels | None:
    """The compiled kernels; None where numba is not installed or, with no folder for its cache, refuses to work."""
    try:
        return cast("Kernels", import_module("verifier.challenge.network.kernels_numba"))
    except (ImportError, RuntimeError):
        return None


def agree(candidate: Kernels, standard: Kernels) -> bool:
    """Whether two implementations give the same bits in a forward and a backward pass of one small layer."""
    pairs = zip(_pass_through_a_layer(candidate), _pass_through_a_layer(standard), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def _pass_through_a_layer(kernels: Kernels) -> Iterator[NDArray[np.generic]]:
    engine = engine_choice.engine()

    def factor(rows: int, columns: int) -> Factor:
        return Factor.of(kernels.quantise(small_numbers(rows, columns, _CPU), _BITS, engine.dtype), engine)

    x, weight, dy = factor(17, 24), factor(40, 24), factor(17, 24)
    affine = Affine(*small_numbers(3, 40, _CPU))
    h, passed = kernels.forward(product(x, weight.transposed), affine, 1e-5, _BITS, engine.dtype)
    da, gradients = kernels.backward(product(dy, weight.transposed), passed, _BITS, engine.dtype)
    yield from (h.integers.numpy(), da.integers.numpy(), np.array([h.exponent, da.exponent]), passed.scale.numpy())
    yield from (passed.sums, passed.squares, gradients.bias, gradients.gamma, gradients.beta)
