"""The kernels that this machine trains with: the fused ones where numba is installed, on a CPU; else the eager ones.

The choice changes no bit. The environment variable `TIG_VERIFY_KERNELS` (eager, fused) forces it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module

import numpy as np
import torch
from numpy.typing import NDArray

from arithmetic import engine_choice
from arithmetic.errors import MachineError
from arithmetic.self_test import small_numbers
from verifier.challenge.network.kernels import Affine, Kernels
from verifier.challenge.network.kernels_eager import EagerKernels

KERNELS_VARIABLE = "TIG_VERIFY_KERNELS"


@cache
def training_kernels(device: str = "cpu") -> type[Kernels]:
    """The kernels for a type of device. Raises MachineError."""
    name = engine_choice.forced(KERNELS_VARIABLE, ("eager", "fused"))
    fused = None if name == "eager" or device != "cpu" else _fused()
    if fused is None:
        if name == "fused":
            needs = "numba, a folder of yours alone for what it compiles, and a CPU"
            raise MachineError(f"{KERNELS_VARIABLE}=fused needs {needs}; provide them or unset the variable")
        return EagerKernels
    return fused


def _fused() -> type[Kernels] | None:
    """The compiled kernels; None where numba is not installed or cannot work. Raises MachineError for other bits."""
    try:
        fused: type[Kernels] = import_module("verifier.challenge.network.kernels_numba").NumbaKernels
        sound = agree(fused, EagerKernels)
    except MachineError:
        raise
    except Exception:  # a full disk, a spoilt file in the cache: whatever it is, it costs time and no answer
        return None
    if not sound:
        raise MachineError(f"numba compiles kernels that give other bits here; set {KERNELS_VARIABLE}=eager")
    return fused


def agree(candidate: type[Kernels], standard: type[Kernels]) -> bool:
    """Whether two implementations give the same bits in every pass of one small layer."""
    pairs = zip(_pass_through_a_layer(candidate), _pass_through_a_layer(standard), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def _pass_through_a_layer(implementation: type[Kernels]) -> Iterator[NDArray[np.generic]]:
    kernels, cpu = implementation(engine_choice.engine(), 14, 1e-5), torch.device("cpu")
    x, weight, dy = (kernels.quantise(small_numbers(rows, 24, cpu)) for rows in (17, 40, 17))
    affine = Affine(*small_numbers(3, 40, cpu))
    h, cache = kernels.forward(kernels.product(x, weight.transposed), affine)
    da, gradients = kernels.backward(kernels.product(dy, weight.transposed), cache)
    yield from (h.form.numpy(), da.form.numpy(), np.array([h.exponent, da.exponent]), cache.scale.numpy())
    yield from (cache.sums, cache.squares, gradients.bias, gradients.gamma, gradients.beta)
    seen = kernels.evaluate(kernels.product(x, weight.transposed), affine, affine.beta, cache.inverse)
    written = torch.empty(17, 40)
    kernels.write(kernels.product(x, weight.transposed), written)
    yield from (seen.form.numpy(), np.array([seen.exponent]), written.numpy())
