"""The product of a hidden layer in 16-bit integers, beside OpenBLAS's in float32: x [125, 256] times w' [256, 256]."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from benchmarks.figure import Figure, Figures

ROWS, WIDTH = 125, 256
BITS = 11
REPEATS = 50
"""Products in a row; the fastest counts, as other work only adds time."""

Matrix = NDArray[np.float32]


def product_figures(rounds: int) -> Figures:
    """Microseconds of the float32 product, and the ratios of the exact one to it, where numba is installed."""
    random = np.random.default_rng(0)
    x, w = (random.uniform(-1.0, 1.0, (rows, WIDTH)).astype(np.float32) for rows in (ROWS, WIDTH))
    transposed, out = np.ascontiguousarray(w.T), np.empty((ROWS, WIDTH), np.float32)  # OpenBLAS is slower with w itself
    ours = exact_products(x, w) if find_spec("numba") else {}
    times = []
    for _ in range(rounds):
        theirs = _microseconds(lambda: np.matmul(x, transposed, out=out))
        times.append({"float32": theirs, **{name: _microseconds(product) for name, product in ours.items()}})
    shape = f"{ROWS} x {WIDTH} x {WIDTH}"
    found = {f"OpenBLAS float32 product, {shape}": Figure.of("us", [each["float32"] for each in times])}
    for name in ours:
        found[f"{name} / float32, {shape}"] = Figure.of("", [each[name] / each["float32"] for each in times])
    return found


def exact_products(x: Matrix, w: Matrix) -> dict[str, Callable[[], object]]:
    """From packed operands to sums in int32; the same with both operands quantised and packed anew each time."""
    from arithmetic.compiled.arguments import Argument
    from verifier.challenge.network.compiled.network_kernels import network_kernels

    ours = network_kernels()
    padded = -(-ROWS // ours.rows) * ours.rows
    rows, out = np.zeros((padded, WIDTH), np.int16), np.zeros((padded, WIDTH), np.int32)
    weight, pairs, nothing = np.zeros((WIDTH, WIDTH), np.int16), np.zeros((WIDTH // 2, WIDTH), np.int32), out[:0]

    points = [Argument(each) for each in (x, BITS, rows)]
    weights = [Argument(each) for each in (w, BITS, weight, pairs, nothing)]
    factors = [Argument(each) for each in (rows, pairs, out)]

    def packed() -> None:
        ours.pack_points(*points)
        ours.pack_weight(*weights)
        ours.product(*factors)

    packed()
    expected = (rows[:ROWS].astype(np.int64) @ weight.astype(np.int64).T).astype(np.int32)
    assert np.array_equal(out[:ROWS], expected)
    return {"int16 product": lambda: ours.product(*factors), "int16 product with packing": packed}


def _microseconds(product: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        product()
        times.append(time.perf_counter() - started)
    return min(times) * 1e6
