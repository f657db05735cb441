"""The engine that this machine computes products with: the fastest of those that are exact here.

The choice changes no bit, so it is made once in a process. The environment variable `TIG_VERIFY_ENGINE` (binary64,
numpy, int8) forces one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from functools import cache

import torch

from arithmetic.engines import Binary64Engine, Engine, Int8Engine, NumpyEngine
from arithmetic.errors import MachineError

ENGINE_VARIABLE = "TIG_VERIFY_ENGINE"

_ENGINES: dict[str, Engine] = {engine.name: engine for engine in (Binary64Engine(), NumpyEngine(), Int8Engine())}


@cache
def engine(device: str = "cpu") -> Engine:
    """The engine for products on a type of device. Raises MachineError."""
    name = forced(ENGINE_VARIABLE, _ENGINES.keys())
    candidates = [_ENGINES[name]] if name else list(_ENGINES.values())
    fitting = [candidate for candidate in candidates if device == "cpu" or not candidate.cpu_only]
    if not fitting:
        raise MachineError(f"the {name} engine computes on a CPU only; unset {ENGINE_VARIABLE} to use {device}")
    exact = [candidate for candidate in fitting if is_exact(candidate, device)]
    if not exact:
        names = " and ".join(candidate.name for candidate in candidates)
        raise MachineError(f"the products of the {names} engine are not exact on this machine's {device}")
    return exact[0] if len(exact) == 1 else _fastest(exact, device)


def is_exact(candidate: Engine, device: str = "cpu") -> bool:
    """Whether an engine multiplies integers at the limits of its contract, and mixed ones, as int64 does."""
    return all(_multiplies(candidate, left, right, bits, device) for left, right, bits in _worst_cases())


def _worst_cases() -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
    """Factors [m, k] and [k, n] with their bits: the sums of the 22-bit ones reach 2^53, the most that is allowed."""
    for bits, k in ((14, 256), (15, 256), (22, 512)):
        top = 2**bits
        mixed = torch.arange(5 * k).mul_(7919).remainder_(2 * top + 1).sub_(top)  # every digit, both signs
        odd = torch.full((k,), top - 1)
        odd[-1] = 0  # an odd number of odd products: the sum needs all 53 bits
        extremes = torch.stack([torch.full((k,), top), torch.full((k,), -top), torch.full((k,), top // 2 - 129), odd])
        factor = torch.cat([extremes, mixed.view(5, k)])
        yield factor, factor.flip(0).t(), bits


def _multiplies(candidate: Engine, left: torch.Tensor, right: torch.Tensor, bits: int, device: str) -> bool:
    try:
        a, b = (candidate.form(integers.to(device), bits) for integers in (left, right))
        result = candidate.product(a, b).cpu()
    except RuntimeError:  # torch does not have this product for this device
        return False
    return torch.equal(result.to(torch.int64), left @ right)


def _fastest(candidates: list[Engine], device: str) -> Engine:
    """The fastest at a network product; those that are far behind at a small part of one are not tried further."""
    first = {candidate.name: _seconds(candidate, 16, device) for candidate in candidates}
    close = [candidate for candidate in candidates if first[candidate.name] < 4.0 * min(first.values())]
    return min(close, key=lambda candidate: _seconds(candidate, 125, device))


def _seconds(candidate: Engine, rows: int, device: str) -> float:
    """The time of a product [rows, 256] x [256, 256], the best of three."""
    left, right = (candidate.form(torch.ones(n, 256, dtype=torch.int32, device=device), 14) for n in (rows, 256))
    times = []
    for _ in range(3):
        started = time.perf_counter()
        candidate.product(left, right)[0, 0].item()  # waits for a GPU
        times.append(time.perf_counter() - started)
    return min(times)


def forced(variable: str, names: Collection[str]) -> str | None:
    """The name that an environment variable forces, None if it is not set. Raises MachineError."""
    name = os.environ.get(variable)
    if name is not None and name not in names:
        raise MachineError(f"{variable}={name!r} is not one of {', '.join(sorted(names))}; correct or unset it")
    return name
