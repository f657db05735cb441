"""Powers are correctly rounded for every pair: against MPFR's answers, Python's decimals, and rationals."""

from __future__ import annotations

import decimal
import functools
import json
import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from arithmetic.device.transcendental import powers as device_powers
from arithmetic.ieee import scalar
from arithmetic.transcendental import midpoints, power_approximation, powers
from tests.support.folders import FIXTURES
from tests.support.sample_numbers import (
    LARGEST,
    SMALLEST,
    SMALLEST_NORMAL,
    any32,
    bits,
    exponent_of,
    finite32,
    nearest32,
    tensor32,
)

VECTORS = FIXTURES / "vectors" / "powers.json"
CANONICAL_NAN = 0x7FC00000
POSITIVE = [
    0.0, SMALLEST, SMALLEST_NORMAL, 0.25, 0.5, 1 - 2.0**-24, 1.0, 1 + 2.0**-23, 1.5, 2.0, 2.5, 3.0, 4.0,
    2.0**22 + 0.5, 2.0**23 + 1, 2.0**24 - 1, 2.0**24, 2.0**24 + 2, LARGEST, math.inf, math.nan,
]  # fmt: skip
AWKWARD = [*POSITIVE, *(-v for v in POSITIVE)]
TO_BE_ROUNDED = [-1.0, -2.0, -0.5, 1 + 1e-12, 2 - 1e-12, 1e-46, 1e39, -1e39, 0.1, 2.0**24 + 1]
DIGITS = decimal.Context(prec=60, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN, traps=[])

positive32 = st.floats(SMALLEST, LARGEST, width=32)


def of_decimal(x: float, y: float) -> decimal.Decimal:
    """x^y with an error of about 10^-60, for x > 0."""
    return DIGITS.power(decimal.Decimal(x), decimal.Decimal(y))


def reference(x: float, y: float) -> float:
    """x^y for finite numbers, x > 0, rounded from 60 digits."""
    value = of_decimal(x, y)
    if not decimal.Decimal("1e-46") < value < decimal.Decimal("1e39"):
        return 0.0 if value < 1 else math.inf
    exact = Fraction(value)
    # There are less than 2^64 pairs: none comes as close as 10^-50 to what has 25 bits, unless it is that.
    half = Fraction(2) ** (max(exponent_of(exact) - 24, -149) - 1)
    short = round(exact / half) * half
    return nearest32(short if abs(short - exact) < exact / 10**50 else exact)


def annex_f(x: float, y: float) -> float:  # noqa: PLR0911
    """C's Annex F, F.10.4.4, read line by line; what it leaves to rounding comes from the reference."""
    odd = math.isfinite(y) and y == int(y) and int(y) % 2 == 1
    if x == 1 or y == 0:
        return 1.0
    if math.isnan(x) or math.isnan(y):
        return math.nan
    if x == 0:
        if y < 0:
            return math.copysign(math.inf, x) if odd else math.inf
        return x if odd else 0.0
    if math.isinf(y):
        if x == -1:
            return 1.0
        return math.inf if (abs(x) > 1) == (y > 0) else 0.0
    if math.isinf(x):
        if x > 0:
            return 0.0 if y < 0 else math.inf
        if y < 0:
            return -0.0 if odd else 0.0
        return -math.inf if odd else math.inf
    if x < 0 and y != int(y):
        return math.nan
    return -reference(-x, y) if x < 0 and odd else reference(abs(x), y)


@functools.cache
def vectors() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rows = [[int(word, 16) for word in row.split()] for row in json.loads(VECTORS.read_text())["powers"]]
    x, y, result = np.array(rows, dtype=np.uint32).T.copy().view(np.float32)
    return torch.from_numpy(x), torch.from_numpy(y), torch.from_numpy(result)


def patterns(x: torch.Tensor) -> list[int]:
    """Bit patterns, those of a NaN too."""
    return [int(p) & 0xFFFFFFFF for p in x.reshape(-1).view(torch.int32)]


def samples(count: int, seed: int) -> list[tuple[float, float]]:
    """Pairs whose powers lie anywhere from underflow to overflow, bases mostly near 1."""
    draw = random.Random(seed)
    pairs: list[tuple[float, float]] = []
    while len(pairs) < count:
        x = tensor32(2.0 ** (draw.choice([-1, 1]) * 2.0 ** draw.uniform(-23, 7))).item()
        z = draw.uniform(-151, 129) * draw.random()
        if draw.random() < 0.5:
            z = round(z * 128) / 128  # where the error of the logarithm is most of the whole
        if x != 1:
            pairs.append((x, tensor32(z / math.log2(x)).item()))
    return pairs


def columns(pairs: list[tuple[float, float]]) -> tuple[torch.Tensor, torch.Tensor]:
    return tensor32([x for x, _ in pairs]), tensor32([y for _, y in pairs])


def test_what_mpfr_says(power: Any) -> None:
    x, y, expected = vectors()
    assert len(x) > 3000
    assert patterns(power(x, y)) == patterns(expected)
    for i in range(0, len(x), 7):
        assert patterns(power(x[i : i + 1], y[i].item())) == patterns(expected[i : i + 1])


def test_every_pair_of_awkward_numbers(power: Any) -> None:
    n = len(AWKWARD)
    x, y = tensor32(AWKWARD).repeat_interleave(n), tensor32(AWKWARD).repeat(n)
    expected = [annex_f(a, b) for a in AWKWARD for b in AWKWARD]
    found = power(x, y)
    assert bits(found) == bits(tensor32(expected))
    assert all(p == CANONICAL_NAN for p, v in zip(patterns(found), expected, strict=True) if math.isnan(v))


@pytest.mark.parametrize("y", [*AWKWARD, *TO_BE_ROUNDED])
def test_numbers_as_exponents_are_first_rounded_to_binary32(power: Any, y: float) -> None:
    rounded = tensor32(scalar(y)).item()
    found = power(tensor32(AWKWARD), y)
    expected = [annex_f(x, rounded) for x in AWKWARD]
    assert bits(found) == bits(tensor32(expected))
    assert all(p == CANONICAL_NAN for p, v in zip(patterns(found), expected, strict=True) if math.isnan(v))


@pytest.mark.parametrize("y", [1.0, 2.0, -1.0, 0.5, 0.3, 3.0, math.nan])
def test_payloads_of_nan_are_lost(power: Any, y: float) -> None:
    payloads = torch.tensor([0x7FC00001, 0x7F800001, -1, -0x400000], dtype=torch.int32).view(torch.float32)
    assert patterns(power(payloads, y)) == [CANONICAL_NAN] * 4
    assert patterns(power(payloads, torch.full((4,), y))) == [CANONICAL_NAN] * 4
    assert power(payloads, 0.0).tolist() == power(torch.ones(4), payloads).tolist() == [1.0] * 4


def test_random_pairs(power: Any) -> None:
    pairs = samples(4000, 1)
    assert power(*columns(pairs)).tolist() == [reference(x, y) for x, y in pairs]


@pytest.mark.parametrize("x", [1.25, 0.93, 2.0, 1 + 5 * 2.0**-23, 1.1])
def test_integer_exponents(power: Any, x: float) -> None:
    base, n = tensor32(x), torch.arange(-1024, 1025).float()
    expected = [reference(base.item(), e) for e in n.tolist()]
    assert power(base, n).tolist() == expected
    signs = [1 if e % 2 == 0 else -1 for e in range(-1024, 1025)]
    assert bits(power(-base, n)) == bits(tensor32([s * v for s, v in zip(signs, expected, strict=True)]))


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 3), st.integers(1, 15), st.floats(0.1, 1), st.integers(-149, 127), st.sampled_from([0.0, math.inf])
)
def test_exact_powers_and_midpoints(power: Any, j: int, n: int, share: float, e: int, neighbour: float) -> None:
    n = n | 1 if j else n
    s = max(3, int(2 ** (share * min(24 / 2**j, 25 / n)))) | 1
    assume(s ** (2**j) < 2**24 and s**n < 2**25)
    root = Fraction(s) * Fraction(2) ** (math.trunc(e / max(n, 2**j)))
    x, exact = root ** (2**j), root**n
    assume(nearest32(x) == x)
    y = n / 2**j
    assert power(tensor32([float(x)]), y).tolist() == [nearest32(exact)]
    near = np.nextafter(np.float32(x), np.float32(neighbour))
    assume(0 < near < math.inf)
    assert power(tensor32([near]), torch.tensor([y])).tolist() == [reference(float(near), y)]


def test_powers_of_two_at_the_midpoint_below_the_smallest_number(power: Any) -> None:
    pairs = [(2.0**e, -150 / e) for e in [*range(-149, 0), *range(1, 128)] if float(np.float32(150 / e)) == 150 / e]
    assert len(pairs) > 30
    x, y = columns(pairs)
    assert power(x, y).tolist() == [0.0] * len(pairs)
    assert power(x, y * (1 - 2.0**-23)).tolist() == [SMALLEST] * len(pairs)


@pytest.mark.parametrize(("x", "y"), [(3.0**8 * 2.0**-80, 15 / 8), (3.0**4 * 2.0**-40, 15 / 4), (3.0 * 2.0**-10, 15.0)])
def test_midpoints_of_subnormal_numbers(power: Any, x: float, y: float) -> None:
    assert power(tensor32([x]), y).tolist() == [nearest32(Fraction(3) ** 15 / 2**150)]


def test_many_midpoints_at_once_are_found_without_integers(power: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unexpected(*_: float) -> bool:
        raise AssertionError

    monkeypatch.setattr(midpoints, "_exceeds", unexpected)
    x = torch.arange(257.0, 322.0, 2.0)
    expected = [nearest32(Fraction(v) ** 3) for v in x.tolist()]
    assert power(x, 3.0).tolist() == expected
    x = torch.arange(4097.0, 5792.0, 2.0)
    assert power(x * x, torch.tensor(0.5)).tolist() == x.tolist()
    assert power(x, torch.tensor(2.0)).tolist() == [nearest32(Fraction(v) ** 2) for v in x.tolist()]


def test_the_approximation_keeps_its_margin() -> None:
    pairs = [(x, y) for x, y in samples(4000, 2) if y]
    value = power_approximation.approximation(*(column.double().numpy() for column in columns(pairs)))
    sizes = (value.k, value.high, value.low, value.margin)
    for (x, y), k, high, low, margin in zip(pairs, *(column.tolist() for column in sizes), strict=True):
        assert 0 < margin < 2.0**-55
        found = (Fraction(high) + Fraction(low)) * Fraction(2) ** k
        assert abs(found / Fraction(of_decimal(x, y)) - 1) < margin / 2, (x, y)


def test_the_roots_of_two_are_rounded_down() -> None:
    for i, root in enumerate(power_approximation._roots()):
        assert root**128 <= 1 << (i + 128 * 192) < (root + 1) ** 128


def test_the_logarithm_meets_what_its_margin_assumes() -> None:
    tables = power_approximation._tables()
    inverse, log_high, log_low = torch.from_numpy(tables.logarithms.beside(np.empty(0)).copy())
    first = (torch.arange(128) << 45) + power_approximation._OFFSET
    ends = torch.stack([first, first + (1 << 45) - (1 << 29)]).view(torch.float64)  # the 24-bit numbers of an interval
    f = ends * inverse - 1.0
    assert bool((inverse * 512 == torch.round(inverse * 512)).all())  # f is a multiple of 2^-33
    assert float(f.abs().max()) < 2.0**-7.7
    middle = (inverse == 1).nonzero().squeeze(1)
    assert middle.tolist() == [80]
    assert float(log_high[80]) == float(log_low[80]) == 0
    assert float(f[:, 80].abs().max()) <= 2.0**-8
    # Both grow within an interval, so their extremes are at its ends; |log2 x| > 0.4 where k is not 0.
    logarithm = torch.tensor([min(abs(math.log2(z)) for z in pair) for pair in ends.T.tolist()], dtype=torch.float64)
    others = torch.arange(128) != 80
    assert bool((f.abs().amax(dim=0) < 0.71 * logarithm)[others].all())
    assert float(logarithm[others].min()) > 2.0**-8.5


def test_exact_comparison_alone_gives_the_same(power: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, expected = (column[::9] for column in vectors())
    monkeypatch.setattr(power_approximation, "_margin", lambda p, z: p * 0.0 + 1.0)
    assert patterns(power(x, y)) == patterns(expected)


@settings(max_examples=150, deadline=None)
@given(positive32, positive32, finite32)
def test_monotone_in_the_base(power: Any, a: float, b: float, y: float) -> None:
    low, high = power(tensor32([min(a, b), max(a, b)]), y).tolist()
    assert (low <= high) if y >= 0 else (low >= high)


@settings(max_examples=150, deadline=None)
@given(positive32, finite32, finite32)
def test_monotone_in_the_exponent(power: Any, x: float, a: float, b: float) -> None:
    low, high = power(tensor32(x), tensor32([min(a, b), max(a, b)])).tolist()
    assert (low <= high) if x >= 1 else (low >= high)


@settings(max_examples=150, deadline=None)
@given(finite32)
def test_simple_exponents_are_single_operations(power: Any, x: float) -> None:
    a = tensor32([x])
    for y, expected in {1.0: a, 2.0: tensor32([nearest32(Fraction(x) ** 2)]), -1.0: 1 / a, 0.0: torch.ones(1)}.items():
        assert bits(power(a, y)) == bits(power(a, torch.tensor(y))) == bits(expected)
    if x > 0:
        assert bits(power(a, 0.5)) == bits(power(a, torch.tensor(0.5))) == bits(torch.from_numpy(np.sqrt(a.numpy())))


@settings(max_examples=150, deadline=None)
@given(any32, any32)
def test_numbers_and_tensors_as_exponents_agree(power: Any, x: float, y: float) -> None:
    a = tensor32([x])
    assert patterns(power(a, y)) == patterns(power(a, tensor32([y])))


def test_shapes(power: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(powers, "_CHUNK", 5)
    a, b = torch.arange(1.0, 5.0).reshape(4, 1), tensor32([-1.5, 0.0, 3.0])
    expected = [[reference(x, y) for y in b.tolist()] for x in a.flatten().tolist()]
    assert power(a, b).tolist() == expected
    assert power(a.T, b.reshape(3, 1)).tolist() == torch.tensor(expected).T.tolist()
    assert power(a, 3.0).tolist() == power(a, torch.tensor(3.0)).tolist() == [[1.0], [8.0], [27.0], [64.0]]
    assert power(a[0, 0], 0.3).shape == ()
    for y in (0.3, 1.0, 2.0, 0.5, torch.tensor(0.3)):
        assert power(torch.empty(0, 3), y).shape == (0, 3)
    assert (a.flatten().tolist(), b.tolist()) == ([1.0, 2.0, 3.0, 4.0], [-1.5, 0.0, 3.0])
    assert power(a, 1.0).data_ptr() != a.data_ptr()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu() -> None:
    x, y, expected = vectors()
    assert patterns(device_powers.power(x.cuda(), y.cuda()).cpu()) == patterns(expected)
    for value in (1.0, 2.0, -1.0, 0.5, 3.0):
        assert patterns(device_powers.power(x.cuda(), value).cpu()) == patterns(device_powers.power(x, value))
