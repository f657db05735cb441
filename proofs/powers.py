"""Compares powers of arrays with MPFR on pairs of many kinds; results/powers.json has the counts.

MPFR rounds correctly, to 24 bits and, by its subnormalisation, to fewer among the subnormals. Needs gmpy2.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gmpy2  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from arithmetic.transcendental import midpoints, power_approximation, powers

Array = NDArray[np.float32]
Binary64 = NDArray[np.float64]
Pairs = tuple[Array, Array]
Generator = np.random.Generator

HERE = Path(__file__).parent
CHUNK = 1 << 20
SPECIALS = [
    0.0, 2.0**-149, 2.0**-126, 0.25, 0.5, 1 - 2.0**-24, 1.0, 1 + 2.0**-23, 1.5, 2.0, 2.5, 3.0, 4.0, 150.0, 151.0,
    2.0**23 - 0.5, 2.0**24 - 1, 2.0**24, 3.4028234663852886e38, np.inf, np.nan,
]  # fmt: skip
MPFR_BINARY32 = {"precision": 24, "emax": 128, "emin": -148, "subnormalize": True}


def bases(gen: Generator, n: int) -> Array:
    """Positive, every exponent alike."""
    return gen.integers(1, 0x7F800000, n).astype(np.uint32).view(np.float32)


def exponent_for(x: Array, log2_result: NDArray[np.float64]) -> Array:
    """y with x^y near to a given result."""
    with np.errstate(divide="ignore", over="ignore"):
        return (log2_result / np.log2(x.astype(np.float64))).astype(np.float32)


def any_bits(gen: Generator, n: int) -> Pairs:
    """Every pattern of bits alike."""
    x, y = gen.integers(0, 1 << 32, (2, n)).astype(np.uint32).view(np.float32)
    return x, y


def in_range(gen: Generator, n: int) -> Pairs:
    """Every exponent of a base and of a result."""
    x = bases(gen, n)
    return x, exponent_for(x, gen.uniform(-151, 129, n))


def ordinary(gen: Generator, n: int) -> Pairs:
    """What an optimiser may do."""
    return np.exp(3 * gen.normal(size=n)).astype(np.float32), (3 * gen.normal(size=n)).astype(np.float32)


def subnormal_result(gen: Generator, n: int) -> Pairs:
    """Results with fewer than 24 bits."""
    x = bases(gen, n)
    return x, exponent_for(x, gen.uniform(-150.5, -125.5, n))


def base_near_one(gen: Generator, n: int) -> Pairs:
    """Bases some units from 1 with huge exponents."""
    x = (1 + gen.integers(-(2**15), 2**15, n) * 2.0**-24).astype(np.float32)
    return x, exponent_for(x, gen.uniform(-151, 129, n))


def result_near_one(gen: Generator, n: int) -> Pairs:
    """Results next to the midpoints that follow 1 and precede it: the hardest to round."""
    x, k = bases(gen, n), np.floor(2.0 ** gen.uniform(0, 12, n)) - 0.5
    middle = np.where(gen.random(n) < 0.5, k * 2.0**-23, -k * 2.0**-24)
    return x, exponent_for(x, np.log1p(middle) / np.log(2))


def integer_exponent(gen: Generator, n: int) -> Pairs:
    """Exponents from -1024 to 1024, small ones more often, bases of both signs."""
    y = np.trunc(np.exp2(gen.uniform(0, 10.01, n))) * gen.choice([-1, 1], n)
    x = np.exp2(gen.uniform(-151, 129, n) / np.where(gen.random(n) < 0.9, y, 1))
    with np.errstate(over="ignore"):
        x = (x * gen.choice([-1, 1], n)).astype(np.float32)
    return x, y.astype(np.float32)


def exact_or_midpoint(gen: Generator, n: int) -> Pairs:
    """Powers of numbers of few bits by n / 2^j, so that many results are exact or midpoints."""
    j, k = gen.integers(0, 4, n), gen.integers(1, 17, n)
    width = np.minimum(24 / 2.0**j, gen.uniform(23, 26, n) / k)
    root = np.floor(np.exp2(width)) * np.exp2(np.trunc(gen.normal(0, 40, n) / k))
    y = np.where(gen.random(n) < 0.9, k / 2.0**j, gen.integers(-2400, 2400, n) / 16)
    with np.errstate(over="ignore", under="ignore"):
        x = np.where(gen.random(n) < 0.9, root ** (2.0**j), np.exp2(gen.integers(-149, 128, n)))
        return x.astype(np.float32), y.astype(np.float32)


def hard(gen: Generator, n: int) -> Pairs:
    """The hardest: of 16 n bases those whose best exponent comes closer to a midpoint next to 1 than 2^-46 of y."""
    found: list[Pairs] = []
    for _ in range(16):
        x = bases(gen, n)
        with np.errstate(divide="ignore"):
            ideal = np.log1p(gen.choice([2.0**-24, -(2.0**-25)])) / np.log(x.astype(np.float64))
        y = ideal.astype(np.float32)
        near = np.abs(y / ideal - 1) < 2.0**-46
        found.append((x[near], y[near]))
    return np.concatenate([x for x, _ in found]), np.concatenate([y for _, y in found])


def specials(_: Generator, __: int) -> Pairs:
    """Every pair of awkward numbers of both signs."""
    awkward = np.array([sign * v for v in SPECIALS for sign in (1, -1)], dtype=np.float32)
    x, y = np.meshgrid(awkward, awkward, indexing="ij")
    return x.ravel(), y.ravel()


FAMILIES: dict[str, tuple[float, Callable[[Generator, int], Pairs]]] = {
    "specials": (0, specials), "any_bits": (0.1, any_bits), "in_range": (0.25, in_range), "ordinary": (0.15, ordinary),
    "subnormal_result": (0.1, subnormal_result), "base_near_one": (0.1, base_near_one),
    "result_near_one": (0.1, result_near_one), "integer_exponent": (0.1, integer_exponent),
    "exact_or_midpoint": (0.1, exact_or_midpoint), "hard": (4, hard),
}  # fmt: skip
"""Each kind with its share of the pairs; the hard ones are found among 16 times as many."""


def by_mpfr(x: Array, y: Array) -> Array:
    """x^y correctly rounded."""
    number = gmpy2.mpfr
    with gmpy2.context(**MPFR_BINARY32):
        values = [float(number(a) ** number(b)) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    return np.array(values).astype(np.float32)


def canonical_bits(values: Array) -> NDArray[np.uint32]:
    """Bit patterns, any NaN that of the specification."""
    return np.where(np.isnan(values), np.uint32(0x7FC00000), values.view(np.uint32))


def largest_error(x: Array, y: Array, power: Array) -> float:
    """The largest error of the approximation in units of the margin that the code allows it, over some of the pairs."""
    usual = np.flatnonzero((x > 0) & (x != 1) & (y != 0) & np.isfinite(power) & (power > 0))[:20000]
    x, y = x[usual], y[usual]
    value = power_approximation.approximation(*(v.astype(np.float64) for v in (x, y)))
    columns = (value.k, value.high, value.low, value.margin)
    worst = 0.0
    with gmpy2.context(precision=300):
        for a, b, k, high, low, margin in zip(x.tolist(), y.tolist(), *(c.tolist() for c in columns), strict=True):
            found = (gmpy2.mpfr(high) + gmpy2.mpfr(low)) * gmpy2.exp2(k)
            worst = max(worst, float(abs(found / gmpy2.mpfr(a) ** gmpy2.mpfr(b) - 1)) / margin)
    return worst


class Watch:
    """Stands before the exact comparison and remembers what reaches it."""

    def __init__(self) -> None:
        self.compared = self.equal = 0
        self.hardest: list[Pairs] = []

    def __call__(self, x: Binary64, y: Binary64, midpoint: Binary64) -> Array:
        """What `settled` gives."""
        met = midpoints._meets(x, y, midpoint)
        self.compared += len(met)
        self.equal += int(met.sum())
        self.hardest.append((x[~met].astype(np.float32), y[~met].astype(np.float32)))
        return midpoints.settled(x, y, midpoint)


def compare(name: str, count: int, rows: list[str]) -> dict[str, Any]:
    """The counts for one kind of pairs; some pairs and their powers become rows of the fixture."""
    gen = np.random.default_rng(list(FAMILIES).index(name))
    share, draw = FAMILIES[name]
    watch = Watch()
    powers.settled = watch  # type: ignore[attr-defined]
    pairs = mismatches = 0
    worst = 0.0
    for start in range(0, max(1, int(share * count)), CHUNK):
        x, y = draw(gen, min(CHUNK, int(share * count) - start))
        with np.errstate(all="ignore"):
            ours = powers.power(x, y)
        theirs = by_mpfr(x, y)
        pairs += len(x)
        mismatches += int((bits(ours) != bits(theirs)).sum())
        if start == 0:
            worst = largest_error(x, y, theirs)
            kept = len(x) if name == "specials" else 300
            rows += fixture_rows(x[:kept], y[:kept])
    for x, y in watch.hardest:
        rows += fixture_rows(x, y)
    return {
        "pairs": pairs, "mismatches": mismatches, "compared_with_a_midpoint": watch.compared,
        "equal_to_the_midpoint": watch.equal, "largest_error_in_margins": round(worst, 3),
    }  # fmt: skip


def bits(values: Array) -> NDArray[np.uint32]:
    """Bit patterns, every NaN that of the specification."""
    return np.where(np.isnan(values), np.uint32(0x7FC00000), values.view(np.uint32))


def fixture_rows(x: Array, y: Array) -> list[str]:
    """Base, exponent and power as hexadecimal patterns."""
    return [f"{a:08x} {b:08x} {c:08x}" for a, b, c in zip(bits(x), bits(y), bits(by_mpfr(x, y)), strict=True)]


def main() -> None:
    """Compares, prints and records; with --fixture writes the pairs for the tests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10_000_000)
    parser.add_argument("--fixture", type=Path, help="where to write the test vectors")
    arguments = parser.parse_args()
    rows: list[str] = []
    families = {}
    for name in FAMILIES:
        families[name] = compare(name, arguments.pairs, rows)
        print(name, families[name], flush=True)
    total = {key: sum(f[key] for f in families.values()) for key in ("pairs", "mismatches")}
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    versions |= {"gmpy2": gmpy2.version(), "mpfr": gmpy2.mpfr_version()}
    record = {"date": f"{datetime.date.today()}", "machine": platform.machine(), "versions": versions, **total}
    (HERE / "results" / "powers.json").write_text(json.dumps({**record, "families": families}, indent=1) + "\n")
    if arguments.fixture:
        arguments.fixture.write_text(json.dumps({"powers": list(dict.fromkeys(rows))}, indent=0) + "\n")
    print(total)


if __name__ == "__main__":
    main()
