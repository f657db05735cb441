"""Every operation of the arithmetic on fixed operands, by NumPy and on devices of torch's: what must have one answer.

    python -m tests.parity.operations check|fill

compares the digests on this machine's CPU with fixtures/parity/operations.json, or writes them.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from blake3 import blake3

from arithmetic import engine_choice, exact_sums
from tests.support.folders import FIXTURES
from tests.support.libraries import library
from verifier.challenge.network.eager_passes import Affine, EagerPasses

RECORD = FIXTURES / "parity" / "operations.json"

Device = str
"""`numpy`, or a type of device of torch's."""
Results = Iterable[object]


def on(device: Device, name: str) -> Callable[..., Any]:
    """A function of the arithmetic as it is computed on a device, by the names of its module and its own."""
    module, function = name.split(".")
    found: Callable[..., Any] = getattr(library("numpy" if device == "numpy" else "torch")[module], function)
    return found


def place(device: Device) -> torch.device:
    """Where the tensors are that a device is given."""
    return torch.device("cpu" if device == "numpy" else device)


def patterns(count: int, device: Device, step: int = 2654435761) -> torch.Tensor:
    """Binary32 numbers of all kinds: both signs, zeros, subnormals, infinities, NaNs."""
    bits = (np.arange(count, dtype=np.uint64) * np.uint64(step) % np.uint64(2**32)).astype(np.uint32)
    bits[:8] = (0, 0x80000000, 1, 0x80000001, 0x7F800000, 0xFF800000, 0x7FC00001, 0x3F800000)
    return torch.from_numpy(bits.view(np.int32)).view(torch.float32).to(place(device))


def matrix(rows: int, columns: int, device: Device, spread: int = 0) -> torch.Tensor:
    """Finite numbers between -1 and 1, with exponents spread over `spread` powers of two either way."""
    words = np.arange(1, rows * columns + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    values = (words >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0
    shift = (words % np.uint64(2 * spread + 1)).astype(np.int64) - spread
    return torch.from_numpy(np.ldexp(values, shift).astype(np.float32)).view(rows, columns).to(place(device))


def binary(name: str) -> Callable[[Device], Results]:
    def results(device: Device) -> Results:
        function = on(device, name)
        a, b = patterns(4099, device), patterns(4099, device, 40503)
        return [function(a, b), function(a, a), function(a, b.flip(0)), function(a[:60, None], b[None, :70])]

    return results


def by_number(name: str) -> Callable[[Device], Results]:
    numbers = (0.1, -3.0, 1e-45, 1e39, 0.0, math.inf)
    return lambda device: [on(device, name)(patterns(4099, device), number) for number in numbers]


def from_number(name: str) -> Callable[[Device], Results]:
    return lambda device: [on(device, name)(number, patterns(4099, device)) for number in (0.1, -3.0, 0.0, math.inf)]


def unary(name: str) -> Callable[[Device], Results]:
    return lambda device: [on(device, name)(patterns(8209, device)), on(device, name)(matrix(33, 65, device, 20))]


def lines(name: str, *parameters: tuple[object, ...]) -> Callable[[Device], Results]:
    """Along each dimension of some matrices; once with each of the parameters, those before the dimension first."""

    def results(device: Device) -> Results:
        function = on(device, name)
        for a in (patterns(60 * 70, device).view(60, 70), matrix(60, 70, device, 30), matrix(257, 3, device).round()):
            for dim in (0, 1):
                for given in parameters or ((),):
                    yield function(a, *given[:-1], dim, *given[-1:])

    return results


def products(device: Device) -> Results:
    matmul = on(device, "reductions.matmul")
    for m, k, n in ((1, 1, 1), (3, 5, 7), (125, 256, 256), (256, 125, 256), (2, 2049, 3), (2, 70000, 2)):
        yield matmul(matrix(m, k, device, 10), matrix(k, n, device, 10))
    yield matmul(matrix(12, 35, device).view(4, 3, 35), matrix(140, 6, device).view(4, 35, 6))


def a_layer(_: Device) -> Results:
    """Forward, backward and evaluation of a normed layer."""
    passes = EagerPasses(engine_choice.engine(), 11, 1e-5)
    x, weight, dy = (passes.quantise(matrix(rows, 256, "cpu", 4).numpy()) for rows in (125, 64, 125))
    for affine in (Affine(*matrix(3, 64, "cpu").numpy()), None):
        h, cache = passes.forward(passes.product(x, weight.transposed), affine)
        da, gradients = passes.backward(passes.product(dy, weight.transposed), cache)
        again = passes.evaluate(passes.product(x, weight.transposed), affine, cache.z[0], cache.inverse)
        yield from (h.integers + 0.0, h.exponent + 11, cache.z, cache.c, cache.scale, cache.sums, cache.squares)
        yield from (da.integers + 0.0, da.exponent + 11, gradients.bias, gradients.gamma, gradients.beta)
        yield passes.product(da.transposed, x).rounded()
        yield from (again.integers + 0.0, again.exponent + 14)


def moves(device: Device) -> Results:
    move = library("numpy" if device == "numpy" else "torch")["data_movement"]
    where = () if device == "numpy" else (torch.device(device),)
    a, b = matrix(9, 11, device), matrix(9, 11, device).flip(0)
    index = move.indices(np.array([3, 0, 3, 8]), *where)
    yield from (move.stack([a, b]), move.cat([a, b]), move.rows(a, index), move.take(a, index))
    yield from (move.diagonal(a[:9, :9]), move.diagonal(a[0]), move.full([3], 0.1, *where))
    yield on(device, "ieee.where")(on(device, "ieee.greater")(a, b), a, b)
    yield from (move.stack([a, b], -1), move.cat([a, b], 1), move.expand(a[:1], (2, 9, 11)))
    yield from (move.upper(a, 1), move.lower(a, -2), move.identity(3, 5, *where))
    yield from (move.replaced(a, (0, slice(1, 9, 2)), b[0, :4]), move.replaced(a, (slice(None), None, 3), 0.1))
    yield move.replaced_rows(a, index, 1e39)


NUMERIC = ("add", "subtract", "multiply", "divide", "maximum")
OPERATIONS: dict[str, Callable[[Device], Results]] = {
    **{name: binary(f"ieee.{name}") for name in (*NUMERIC, "minimum")},
    **{f"{name} of a number": by_number(f"ieee.{name}") for name in NUMERIC},
    **{name: from_number(f"ieee.{name}") for name in ("subtract_from", "reciprocal_times")},
    **{
        name: unary(f"ieee.{name}")
        for name in ("square_root", "negate", "absolute", "sign", "floor", "ceil", "round_half_even")
    },
    **{
        name: unary(f"functions.{name}")
        for name in ("exp", "log", "log1p", "expm1", "sin", "cos", "tanh", "sigmoid", "erf", "rsqrt")
    },
    "is_finite": lambda device: [
        exact_sums.is_finite(a.cpu().numpy()) for a in (patterns(8209, device), matrix(33, 65, device, 20))
    ],
    "power": binary("powers.power"),
    "power to a number": by_number("powers.power"),
    "sums": lines("reductions.sums"),
    "prefix_sums": lines("prefix_sums.prefix_sums"),
    **{name: lines(f"sorting.{name}") for name in ("argmax", "argmin", "largest", "smallest")},
    "sort": lines("sorting.sort", (False,), (True,)),
    "topk": lines("sorting.topk", (3, True), (3, False)),
    "matmul": products,
    "column_sums": lambda _: [exact_sums.column_sums(matrix(125, 256, "cpu", 30).numpy())],
    "total": lambda _: [exact_sums.total(matrix(125, 256, "cpu", 30).numpy())],
    "normed layer": a_layer,
    "moves": moves,
}


def digest(name: str, device: Device = "cpu") -> str:
    """BLAKE3 of the bits of an operation's results, every NaN as the same one."""
    hasher = blake3()
    with np.errstate(all="ignore"):
        results = list(OPERATIONS[name](device))
    for value in results:
        for part in value if isinstance(value, list | tuple) else [value]:
            hasher.update(_bytes(part))
    return hasher.hexdigest()


def _bytes(value: object) -> bytes:
    if isinstance(value, torch.Tensor):
        if value.is_floating_point():
            value = torch.where(value.isnan(), torch.full_like(value, math.nan), value)
        value = value.cpu().numpy()
    return np.ascontiguousarray(value).tobytes()


def main() -> None:
    found = {name: digest(name) for name in OPERATIONS}
    if sys.argv[1:] == ["fill"]:
        RECORD.write_text(json.dumps(found, indent=1) + "\n")
    elif wrong := [name for name in found if found[name] != json.loads(RECORD.read_text()).get(name)]:
        sys.exit(f"other bits than recorded: {', '.join(wrong)}")
    print(f"{len(found)} operations {'recorded' if sys.argv[1:] == ['fill'] else 'agree'}")


if __name__ == "__main__":
    main()
