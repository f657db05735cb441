"""What is exact is admitted, and the machine refuses to compute with what is not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from arithmetic import engine_choice
from arithmetic.engines import Binary64Engine, Engine
from arithmetic.errors import MachineError
from verifier.challenge.network import network_choice

Integers = NDArray[np.float64]
Digit = NDArray[np.int64]


class RoundedEngine(Binary64Engine):
    """Products of a processor with too few bits: rounded to `bits` significant ones."""

    def __init__(self, bits: int) -> None:
        self.name = f"{bits} bits"
        self._bits = bits

    def product(self, a: Integers, b: Integers, bits: int) -> Integers:
        significand, exponent = np.frexp(super().product(a, b, bits))
        rounded: Integers = np.ldexp(np.rint(significand * 2.0**self._bits), exponent - self._bits)
        return rounded


class Binary32Engine(Binary64Engine):
    """Products with tensor cores or a BLAS that is allowed less than binary64."""

    name = "binary32"

    def product(self, a: Integers, b: Integers, bits: int) -> Integers:
        product: Integers = np.matmul(a.astype(np.float32), b.astype(np.float32)).astype(np.float64)
        return product


class OverflowingEngine(Binary64Engine):
    """Products that are infinite or NaN, as of a smaller format."""

    name = "overflowing"

    def product(self, a: Integers, b: Integers, bits: int) -> Integers:
        with np.errstate(over="ignore", invalid="ignore"):
            product: Integers = np.matmul(a.astype(np.float16), b.astype(np.float16)).astype(np.float64)
        return product


class DigitsEngine:
    """Products of balanced digits, as of a processor's small integers."""

    name = "digits"

    def product(self, a: Integers, b: Integers, bits: int) -> Integers:
        left, right = self.digits(a, bits), self.digits(b, bits)
        product = np.zeros((len(a), b.shape[1]))
        for i, j in np.ndindex(len(left), len(right)):
            product += self.digit_product(left[i], right[j]) * 256.0 ** (i + j)
        return product

    def digits(self, integers: Integers, bits: int) -> list[Digit]:
        rest, digits = integers.astype(np.int64), []
        for _ in range((bits + 1) // 8 + 1):
            digits.append(((rest + 128) & 255) - 128)
            rest = (rest - digits[-1]) >> 8
        return digits

    def digit_product(self, a: Digit, b: Digit) -> Digit:
        return a @ b


class SaturatingEngine(DigitsEngine):
    """Digit products as of `vpmaddubsw`: unsigned by signed, sums of two saturated at so many bits."""

    def __init__(self, bits: int = 16) -> None:
        self.name = f"saturating at {bits} bits"
        self._largest = 2 ** (bits - 1) - 1

    def digit_product(self, a: Digit, b: Digit) -> Digit:
        terms = (a + 128)[:, :, None] * b
        pairs = np.clip(terms[:, ::2] + terms[:, 1::2], -self._largest - 1, self._largest)
        product: Digit = pairs.sum(1) - 128 * b.sum(0)
        return product


class DroppingEngine(DigitsEngine):
    """A digit is lost: the highest or the lowest."""

    name = "dropping"

    def __init__(self, digit: int) -> None:
        self._digit = digit

    def digits(self, integers: Integers, bits: int) -> list[Digit]:
        digits = super().digits(integers, bits)
        digits[self._digit][:] = 0
        return digits


class UnsignedEngine(DigitsEngine):
    """Digits without a carry: those above 127 wrap around."""

    name = "unsigned"

    def digits(self, integers: Integers, bits: int) -> list[Digit]:
        rest = integers.astype(np.int64)
        return [(rest >> 8 * i).astype(np.int8).astype(np.int64) for i in range(bits // 8 + 1)]


EXACT = [Binary64Engine(), RoundedEngine(53), DigitsEngine(), SaturatingEngine(17)]
BROKEN = [
    RoundedEngine(52), RoundedEngine(51), RoundedEngine(48), RoundedEngine(32), Binary32Engine(), SaturatingEngine(),
    DroppingEngine(0), DroppingEngine(1), DroppingEngine(-1), UnsignedEngine(), OverflowingEngine(),
]  # fmt: skip


@pytest.fixture(autouse=True)
def fresh_choices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine forgets what it chose, before and after a test."""
    monkeypatch.delenv("TIG_VERIFY_ENGINE", raising=False)
    engine_choice.engine.cache_clear()
    yield
    engine_choice.engine.cache_clear()


@pytest.mark.parametrize("engine", EXACT, ids=lambda engine: engine.name)
def test_exact_engines_are_admitted(engine: Engine) -> None:
    assert engine_choice.is_exact(engine)


@pytest.mark.parametrize("engine", BROKEN, ids=lambda engine: engine.name)
def test_broken_engines_are_refused(engine: Engine) -> None:
    assert not engine_choice.is_exact(engine)


def test_there_is_one_engine() -> None:
    assert engine_choice.engine().name == "binary64"
    assert engine_choice.engine() is engine_choice.engine()


def test_a_machine_without_exact_products_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_choice, "Binary64Engine", lambda: RoundedEngine(52))
    with pytest.raises(MachineError, match="products of the 52 bits engine are not exact on this machine"):
        engine_choice.engine()


def test_no_clock_has_a_part_in_a_choice() -> None:
    choosers = (engine_choice, network_choice)
    assert not [module.__name__ for module in choosers if "time" in vars(module)]


@pytest.mark.parametrize("name", [None, "binary64", "int16"])
def test_the_environment_forces_what_there_is(monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    if name is not None:
        monkeypatch.setenv("TIG_VERIFY_ENGINE", name)
    assert engine_choice.forced() == name


@pytest.mark.parametrize("name", ["", "float32", "int8", "INT16"])
def test_an_unknown_engine_is_an_error(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TIG_VERIFY_ENGINE", name)
    with pytest.raises(MachineError, match=f"TIG_VERIFY_ENGINE='{name}' is not one of binary64, int16"):
        engine_choice.forced()
