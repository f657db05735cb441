"""Every operation of the arithmetic on fixed operands, on any device: what must have the same bits everywhere.

    python -m tests.parity.operations check|fill

compares the digests on this machine's CPU with fixtures/parity/operations.json, or writes them.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable

import numpy as np
import torch
from blake3 import blake3

from arithmetic import data_movement, engine_choice, exact_sums, ieee, prefix_sums, reductions, sorting
from arithmetic.transcendental import functions, powers
from tests.support.folders import FIXTURES
from verifier.challenge.network.eager_passes import Affine, EagerPasses

RECORD = FIXTURES / "parity" / "operations.json"

Device = str
Results = Iterable[object]


def patterns(count: int, device: Device, step: int = 2654435761) -> torch.Tensor:
    """Binary32 numbers of all kinds: both signs, zeros, subnormals, infinities, NaNs."""
    bits = (np.arange(count, dtype=np.uint64) * np.uint64(step) % np.uint64(2**32)).astype(np.uint32)
    bits[:8] = (0, 0x80000000, 1, 0x80000001, 0x7F800000, 0xFF800000, 0x7FC00001, 0x3F800000)
    return torch.from_numpy(bits.view(np.int32)).view(torch.float32).to(device)


def matrix(rows: int, columns: int, device: Device, spread: int = 0) -> torch.Tensor:
    """Finite numbers between -1 and 1, with exponents spread over `spread` powers of two either way."""
    words = np.arange(1, rows * columns + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    values = (words >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0
    shift = (words % np.uint64(2 * spread + 1)).astype(np.int64) - spread
    return torch.from_numpy(np.ldexp(values, shift).astype(np.float32)).view(rows, columns).to(device)


def binary(function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[[Device], Results]:
    def results(device: Device) -> Results:
        a, b = patterns(4099, device), patterns(4099, device, 40503)
        return [function(a, b), function(a, a), function(a, b.flip(0)), function(a[:60, None], b[None, :70])]

    return results


def by_number(function: Callable[..., torch.Tensor]) -> Callable[[Device], Results]:
    numbers = (0.1, -3.0, 1e-45, 1e39, 0.0, math.inf)
    return lambda device: [function(patterns(4099, device), number) for number in numbers]


def from_number(function: Callable[..., torch.Tensor]) -> Callable[[Device], Results]:
    return lambda device: [function(number, patterns(4099, device)) for number in (0.1, -3.0, 0.0, math.inf)]


def unary(function: Callable[[torch.Tensor], object]) -> Callable[[Device], Results]:
    return lambda device: [function(patterns(8209, device)), function(matrix(33, 65, device, 20))]


def lines(function: Callable[[torch.Tensor, int], object]) -> Callable[[Device], Results]:
    def results(device: Device) -> Results:
        for a in (patterns(60 * 70, device).view(60, 70), matrix(60, 70, device, 30), matrix(257, 3, device).round()):
            for dim in (0, 1):
                yield function(a, dim)

    return results


def products(device: Device) -> Results:
    for m, k, n in ((1, 1, 1), (3, 5, 7), (125, 256, 256), (256, 125, 256), (2, 2049, 3), (2, 70000, 2)):
        yield reductions.matmul(matrix(m, k, device, 10), matrix(k, n, device, 10))
    yield reductions.matmul(matrix(12, 35, device).view(4, 3, 35), matrix(140, 6, device).view(4, 35, 6))


def a_layer(device: Device) -> Results:
    """Forward, backward and evaluation of a normed layer."""
    passes = EagerPasses(engine_choice.engine(device), 11, 1e-5)
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
    a, b = matrix(9, 11, device), matrix(9, 11, device).flip(0)
    index = data_movement.indices(np.array([3, 0, 3, 8]), torch.device(device))
    yield from (
        data_movement.stack([a, b]),
        data_movement.cat([a, b]),
        data_movement.rows(a, index),
        data_movement.take(a, index),
    )
    yield from (
        data_movement.diagonal(a[:9, :9]),
        data_movement.diagonal(a[0]),
        data_movement.full([3], 0.1, torch.device(device)),
    )
    yield ieee.where(ieee.greater(a, b), a, b)
    yield from (data_movement.stack([a, b], -1), data_movement.cat([a, b], 1), data_movement.expand(a[:1], (2, 9, 11)))
    yield from (
        data_movement.upper(a, 1),
        data_movement.lower(a, -2),
        data_movement.identity(3, 5, torch.device(device)),
    )
    yield from (
        data_movement.replaced(a, (0, slice(1, 9, 2)), b[0, :4]),
        data_movement.replaced(a, (slice(None), None, 3), 0.1),
    )
    yield data_movement.replaced_rows(a, index, 1e39)


NUMERIC = (ieee.add, ieee.subtract, ieee.multiply, ieee.divide, ieee.maximum)
OPERATIONS: dict[str, Callable[[Device], Results]] = {
    **{f.__name__: binary(f) for f in (*NUMERIC, ieee.minimum)},
    **{f.__name__ + " of a number": by_number(f) for f in NUMERIC},
    **{f.__name__: from_number(f) for f in (ieee.subtract_from, ieee.reciprocal_times)},
    **{
        f.__name__: unary(f)
        for f in (
            ieee.square_root, ieee.negate, ieee.absolute, ieee.sign, ieee.floor, ieee.ceil, ieee.round_half_even,
            functions.exp, functions.log, functions.log1p, functions.expm1, functions.sin, functions.cos,
            functions.tanh, functions.sigmoid, functions.erf, functions.rsqrt,
        )
    },
    "is_finite": unary(lambda a: exact_sums.is_finite(a.cpu().numpy())),
    "power": binary(powers.power),
    "power to a number": by_number(powers.power),
    **{
        f.__name__: lines(f)
        for f in (
            reductions.sums, prefix_sums.prefix_sums, sorting.argmax, sorting.argmin, sorting.largest, sorting.smallest,
        )
    },
    "sort": lines(lambda a, dim: [*sorting.sort(a, dim, False), *sorting.sort(a, dim, True)]),
    "topk": lines(lambda a, dim: [*sorting.topk(a, 3, dim, True), *sorting.topk(a, 3, dim, False)]),
    "matmul": products,
    "column_sums": lambda _: [exact_sums.column_sums(matrix(125, 256, "cpu", 30).numpy())],
    "total": lambda _: [exact_sums.total(matrix(125, 256, "cpu", 30).numpy())],
    "normed layer": a_layer,
    "moves": moves,
}  # fmt: skip


def digest(name: str, device: Device = "cpu") -> str:
    """BLAKE3 of the bits of an operation's results, every NaN as the same one."""
    hasher = blake3()
    for value in OPERATIONS[name](device):
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
