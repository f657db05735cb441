"""Mistakes that an implementation of the passes could make, computed: each gives another result in some vector.

A mistake takes what a vector gives, and returns the results that it changes, under their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tests.reference import network
from tests.reference.arithmetic import (
    Double,
    Quantised,
    Single,
    column_sums,
    exact_product,
    exponent,
    power_of_two,
    product,
    quantise,
    single,
)
from tests.vectors.texts import Vector, binary32, binary64, hexadecimals, numbers

Mistake = Callable[[Vector], Vector]
Rounding = Callable[[NDArray[Any]], NDArray[Any]]

SMALLEST_NORMAL: Final = 2.0**-126


def flushed(v: NDArray[Any]) -> NDArray[Any]:
    """Subnormal numbers of binary32 as zeros."""
    return np.where(np.abs(v) < SMALLEST_NORMAL, v.dtype.type(0), v)


def whole(q: Quantised, bits: int) -> Vector:
    """Exponent and integers of a quantised matrix."""
    return {"exponent": q.exponent + bits, "integers": [[int(value) for value in row] for row in q.integers.tolist()]}


# Quantising


def ties_away(given: Vector) -> Vector:
    v, bits = binary32(given["matrix"]).astype(np.float64), given["bits"]
    scaled = v * power_of_two(bits - exponent(v))
    return whole(Quantised(np.copysign(np.floor(np.abs(scaled) + 0.5), scaled), exponent(v) - bits), bits)


def exponent_that_reaches(given: Vector) -> Vector:
    v, bits = binary32(given["matrix"]).astype(np.float64), given["bits"]
    largest = np.abs(v).max()
    e = int(np.ceil(np.log2(largest))) if largest else 0
    return whole(Quantised(np.rint(v * power_of_two(bits - e)), e - bits), bits)


def quantised_without_subnormals(given: Vector) -> Vector:
    return whole(quantise(flushed(binary32(given["matrix"])), given["bits"]), given["bits"])


def exponent_of_each_row(given: Vector) -> Vector:
    bits = given["bits"]
    rows = [quantise(row[None, :], bits) for row in binary32(given["matrix"])]
    return {"integers": [[int(value) for value in row.integers[0].tolist()] for row in rows]}


# Products


def multiplied(given: Vector) -> Double:
    left, right = (quantise(binary32(given[name]), given["bits"]) for name in ("left", "right"))
    return exact_product(left, right)


def zeros_with_signs(given: Vector) -> Vector:
    return {"product": hexadecimals(single(multiplied(given)))}


def flushed_products(given: Vector) -> Vector:
    return {"product": hexadecimals(flushed(single(multiplied(given)) + np.float32(0)))}


def sums_in_binary32(given: Vector) -> Vector:
    left, right = (binary32(given[name]) for name in ("left", "right"))
    terms = (quantise(left, given["bits"]), quantise(right, given["bits"]))
    a, b = (single(q.integers * power_of_two(q.exponent)) for q in terms)
    total = np.zeros((len(a), b.shape[1]), np.float32)
    for k in range(a.shape[1]):
        total = total + a[:, k : k + 1] * b[k : k + 1]
    return {"product": hexadecimals(total)}


def operands_as_they_are(given: Vector) -> Vector:
    left, right = (binary32(given[name]).astype(np.float64) for name in ("left", "right"))
    return {"product": hexadecimals(single(left @ right) + np.float32(0))}


# ReLU


def negative_alone(given: Vector) -> Vector:
    x = binary32(given["numbers"])
    return {"relu": hexadecimals(np.where(x < 0, np.float32(0), x))}


# Forward


def traced(given: Vector) -> network.Trace:
    layer = network.Layer(quantise(binary32(given["weight"]), given["bits"]), *(binary32(given[n]) for n in AFFINE))
    return network.forward(quantise(binary32(given["h"]), given["bits"]), layer)[0]


AFFINE: Final = ("bias", "gamma", "beta")


def scale_rounded_twice(given: Vector) -> Vector:
    return {"s": hexadecimals(binary32(given["gamma"]) * single(traced(given).nu))}


def mean_not_rounded(given: Vector) -> Vector:
    trace = traced(given)
    return {"c": hexadecimals(single(trace.z.astype(np.float64) - trace.s1 / len(trace.z)))}


def variance_of_all_points(given: Vector) -> Vector:
    trace = traced(given)
    after = network.average(binary32(given["running_variance"]), trace.s2 / len(trace.z))
    return {"following_running_variance": hexadecimals(after)}


# Backward


def gone_back(
    given: Vector,
    coefficient: Callable[[Double, Double, int], Double] = lambda nu, s_gamma, size: ((nu * nu) * s_gamma) / size,
    closed: Callable[[Single], NDArray[np.bool_]] = lambda z: z <= 0,
    rest: Callable[[Single, Single, Single], Single] = lambda dy, o, ck: (dy - o) - ck,
) -> Vector:
    """5.4.1 to 4, with one step other than it should be."""
    bits, (z, c, s) = given["bits"], (binary32(given[name]) for name in ("z", "c", "s"))
    exact = exact_product(*(quantise(binary32(given[name]), bits) for name in ("d", "weight")))
    dy = single(exact) + np.float32(0)
    o = single(exact.sum(axis=0) / len(z))
    k = single(coefficient(binary64(given["nu"]), column_sums(dy * c), len(z)))
    d = quantise(np.where(closed(z), np.float32(0), rest(dy, o, c * k) * s), bits)
    return {"k": hexadecimals(k), "following_d": whole(d, bits)}


def sums_of_rounded(given: Vector) -> Vector:
    dy = product(*(quantise(binary32(given[name]), given["bits"]) for name in ("d", "weight")))
    return {"s_beta": hexadecimals(column_sums(dy))}


# Train losses


def weighed(given: Vector, weigh: Callable[[list[float], list[int], int], float]) -> Vector:
    return {"train_loss": weigh(numbers(given["losses"]), given["sizes"], given["points"]).hex()}


def added(values: Iterable[float]) -> float:
    """From left to right, each addition rounded; Python's own sum does otherwise from 3.12 on."""
    total = 0.0
    for value in values:
        total = total + value
    return total


MISTAKES: Final[dict[str, dict[str, Mistake]]] = {
    "quantising": {
        "ties go away from zero": ties_away,
        "a power of two has its own exponent": exponent_that_reaches,
        "subnormal numbers are flushed": quantised_without_subnormals,
        "each row has an exponent": exponent_of_each_row,
    },
    "products": {
        "a zero keeps the sign of what was rounded to it": zeros_with_signs,
        "subnormal results are flushed": flushed_products,
        "terms are added in binary32": sums_in_binary32,
        "operands are not quantised": operands_as_they_are,
    },
    "relu": {"relu(x) is +0 for x < 0, else x": negative_alone},
    "forward": {
        "s is gamma times the rounded nu": scale_rounded_twice,
        "c is z minus the mean, rounded once": mean_not_rounded,
        "the running variance is that of B points, not of B - 1": variance_of_all_points,
    },
    "backward": {
        "k = (nu (nu S_gamma)) / B": lambda given: gone_back(given, lambda nu, s, size: (nu * (nu * s)) / size),
        "k = (nu nu) (S_gamma / B)": lambda given: gone_back(given, lambda nu, s, size: (nu * nu) * (s / size)),
        "k = ((nu nu) / B) S_gamma": lambda given: gone_back(given, lambda nu, s, size: ((nu * nu) / size) * s),
        "k = nu ((nu S_gamma) / B)": lambda given: gone_back(given, lambda nu, s, size: nu * ((nu * s) / size)),
        "the ReLU lets a gradient through where z = 0": lambda given: gone_back(given, closed=lambda z: z < 0),
        "dz = (dy - (o + c k)) s": lambda given: gone_back(given, rest=lambda dy, o, ck: dy - (o + ck)),
        "S_beta is the sum of the rounded dy": sums_of_rounded,
    },
    "train_losses": {
        "each loss times B / n": lambda given: weighed(
            given, lambda losses, sizes, n: added(x * (size / n) for x, size in zip(losses, sizes, strict=True))
        ),
        "each loss times B, divided by n": lambda given: weighed(
            given, lambda losses, sizes, n: added(x * size / n for x, size in zip(losses, sizes, strict=True))
        ),
        "each loss times B, the sum divided by n": lambda given: weighed(
            given, lambda losses, sizes, n: added(x * size for x, size in zip(losses, sizes, strict=True)) / n
        ),
        "the mean of the losses": lambda given: weighed(given, lambda losses, sizes, n: added(losses) / len(losses)),
    },
}


def caught(section: str, vector: Vector) -> dict[str, Vector]:
    """The mistakes that give another result than a vector has, with what they give."""
    made = {name: mistake(vector) for name, mistake in MISTAKES.get(section, {}).items()}
    differing = {name: {key: v for key, v in found.items() if vector[key] != v} for name, found in made.items()}
    return {name: found for name, found in differing.items() if found}
