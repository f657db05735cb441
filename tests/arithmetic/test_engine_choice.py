"""The machine chooses among what is exact, and refuses to compute with what is not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils._python_dispatch import TorchDispatchMode

from arithmetic import engine_choice
from arithmetic.device import engines as device_engines
from arithmetic.device.engines import DeviceBinary64Engine, Int8Engine
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


class UnsupportedEngine(Binary64Engine):
    """A product that torch does not have for a device."""

    name = "unsupported"

    def product(self, a: Integers, b: Integers, bits: int) -> Integers:
        raise RuntimeError("not implemented for 'CUDA'")


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


class SlowEngine(Binary64Engine):
    """Exact, and slow: whoever looks at a clock would choose another one."""

    name = "slow"

    def product(self, a: Integers, b: Integers, bits: int) -> Integers:
        time.sleep(0.002)
        return super().product(a, b, bits)


class CountingCalls(TorchDispatchMode):
    """Counts what a device is asked for."""

    calls = 0

    def __torch_dispatch__(
        self, function: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        self.calls += 1
        return function(*args, **(kwargs or {}))


EXACT = [
    Binary64Engine(), DeviceBinary64Engine("cpu"), Int8Engine("cpu"), RoundedEngine(53), DigitsEngine(),
    SaturatingEngine(17),
]  # fmt: skip
BROKEN = [
    RoundedEngine(52), RoundedEngine(51), RoundedEngine(48), RoundedEngine(32), Binary32Engine(), SaturatingEngine(),
    DroppingEngine(0), DroppingEngine(1), DroppingEngine(-1), UnsignedEngine(), OverflowingEngine(),
    UnsupportedEngine(),
]  # fmt: skip


@pytest.fixture(autouse=True)
def fresh_choices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine forgets what it chose, before and after a test."""
    monkeypatch.delenv("TIG_VERIFY_ENGINE", raising=False)
    engine_choice.engine.cache_clear()
    yield
    engine_choice.engine.cache_clear()


def offer(monkeypatch: pytest.MonkeyPatch, *engines: Engine) -> None:
    """A CUDA device that has these engines."""
    monkeypatch.setattr(device_engines, "engines", lambda: engines)


@pytest.mark.parametrize("engine", EXACT, ids=lambda engine: engine.name)
def test_exact_engines_are_admitted(engine: Engine) -> None:
    assert engine_choice.is_exact(engine)


@pytest.mark.parametrize("engine", BROKEN, ids=lambda engine: engine.name)
def test_broken_engines_are_refused(engine: Engine) -> None:
    assert not engine_choice.is_exact(engine)


def test_a_cpu_has_one_engine() -> None:
    assert engine_choice.engine().name == "binary64"
    assert engine_choice.engine() is engine_choice.engine()


def test_a_cpu_without_exact_products_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_choice, "Binary64Engine", lambda: RoundedEngine(52))
    with pytest.raises(MachineError, match="products of the 52 bits engine are not exact on this machine's cpu"):
        engine_choice.engine()


def test_the_first_exact_engine_of_a_device_is_chosen_however_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, fast = SlowEngine(), Binary64Engine()
    offer(monkeypatch, Binary32Engine(), slow, fast)
    for _ in range(3):
        engine_choice.engine.cache_clear()
        assert engine_choice.engine("cuda") is slow


def test_a_device_prefers_what_calls_it_least() -> None:
    engines = device_engines.DeviceEngine.__subclasses__()
    calls = {}
    for engine in engines:
        counted = CountingCalls()  # type: ignore[no-untyped-call]
        with counted:
            engine("cpu").tensor_product(torch.ones(8, 256).double(), torch.ones(256, 8).double(), 14)
        calls[engine.name] = counted.calls
    assert calls["int8"] > 10 * calls["binary64"] > 0


def test_no_clock_has_a_part_in_a_choice() -> None:
    choosers = (engine_choice, device_engines, network_choice)
    assert not [module.__name__ for module in choosers if "time" in vars(module)]


def test_a_device_without_an_exact_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, Binary32Engine(), SaturatingEngine())
    with pytest.raises(
        MachineError, match="binary32 and saturating at 16 bits engine are not exact on this machine's cuda"
    ):
        engine_choice.engine("cuda")


@pytest.mark.parametrize("name", ["binary64", "int8"])
def test_the_environment_forces_an_engine_of_a_device(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    offer(monkeypatch, DeviceBinary64Engine("cpu"), Int8Engine("cpu"))
    monkeypatch.setenv("TIG_VERIFY_ENGINE", name)
    assert engine_choice.engine("cuda").name == name


def test_a_forced_engine_that_is_not_exact_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = UnsignedEngine()
    monkeypatch.setattr(broken, "name", "int8")
    offer(monkeypatch, DeviceBinary64Engine("cpu"), broken)
    monkeypatch.setenv("TIG_VERIFY_ENGINE", "int8")
    with pytest.raises(MachineError, match="products of the int8 engine are not exact on this machine's cuda"):
        engine_choice.engine("cuda")


@pytest.mark.parametrize(
    ("device", "name"), [("cpu", None), ("cpu", "binary64"), ("cpu", "int16"), ("cuda", "binary64"), ("cuda", "int8")]
)
def test_the_environment_forces_what_a_device_has(
    monkeypatch: pytest.MonkeyPatch, device: str, name: str | None
) -> None:
    if name is not None:
        monkeypatch.setenv("TIG_VERIFY_ENGINE", name)
    assert engine_choice.forced(device) == name


@pytest.mark.parametrize(("device", "name"), [("cpu", "int8"), ("cuda", "int16")])
def test_an_engine_that_another_device_has_is_an_error(monkeypatch: pytest.MonkeyPatch, device: str, name: str) -> None:
    monkeypatch.setenv("TIG_VERIFY_ENGINE", name)
    with pytest.raises(MachineError, match=f"the {name} engine does not compute on {device}; unset TIG_VERIFY_ENGINE"):
        engine_choice.forced(device)


@pytest.mark.parametrize("name", ["", "float32", "INT8"])
def test_an_unknown_engine_is_an_error(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TIG_VERIFY_ENGINE", name)
    with pytest.raises(MachineError, match=f"TIG_VERIFY_ENGINE='{name}' is not one of binary64, int16, int8"):
        engine_choice.forced()
