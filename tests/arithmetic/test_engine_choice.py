"""The machine chooses among what is exact, and refuses to compute with what is not."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import pytest
import torch

from arithmetic import engine_choice
from arithmetic.engines import Binary64Engine, Engine, Int8Engine, NumpyEngine
from arithmetic.errors import MachineError


class RoundedEngine(Binary64Engine):
    """Products of a processor with too few bits: rounded to `bits` significant ones."""

    def __init__(self, bits: int) -> None:
        self.name = f"{bits} bits"
        self._bits = bits

    def product(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        significand, exponent = torch.frexp(super().product(a, b))
        rounded = torch.round(significand * 2.0**self._bits)
        return torch.ldexp(rounded, exponent - self._bits)


class Binary32Engine(Binary64Engine):
    """Products with tensor cores or a BLAS that is allowed less than binary64."""

    name = "binary32"

    def product(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.matmul(a.float(), b.float()).double()


class SaturatingEngine(Int8Engine):
    """Digit products as of `vpmaddubsw`: unsigned by signed, sums of two saturated at so many bits."""

    def __init__(self, bits: int = 16) -> None:
        self.name = f"saturating at {bits} bits"
        self._largest = 2 ** (bits - 1) - 1

    def product(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        terms = [(i, j) for i in range(len(a)) for j in range(len(b))]
        return torch.stack([self._digits(a[i], b[j]).double() * 256.0 ** (i + j) for i, j in terms]).sum(0)

    def _digits(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        terms = (a.int() + 128)[:, :, None] * b.int()
        pairs = (terms[:, ::2] + terms[:, 1::2]).clamp(-self._largest - 1, self._largest)
        return pairs.sum(1) - 128 * b.int().sum(0)


class DroppingEngine(Int8Engine):
    """A digit is lost: the highest or the lowest."""

    name = "dropping"

    def __init__(self, digit: int) -> None:
        self._digit = digit

    def form(self, integers: torch.Tensor, bits: int) -> torch.Tensor:
        digits = super().form(integers, bits)
        digits[self._digit] = 0
        return digits


class UnsignedEngine(Int8Engine):
    """Digits without a carry: those above 127 wrap around."""

    name = "unsigned"

    def form(self, integers: torch.Tensor, bits: int) -> torch.Tensor:
        rest = integers.to(torch.int32)
        return torch.stack([(rest >> 8 * i).to(torch.int8) for i in range(bits // 8 + 1)])


class SlowEngine(Binary64Engine):
    """Exact, but never worth choosing: a product takes a second of a clock that no busy machine disturbs."""

    name = "slow"
    calls = 0

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._readings = itertools.count()
        monkeypatch.setattr(time, "perf_counter", self._now)

    def product(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return super().product(a, b)

    def _now(self) -> float:
        return self.calls + 0.001 * next(self._readings)


EXACT = [Binary64Engine(), NumpyEngine(), Int8Engine(), RoundedEngine(53), SaturatingEngine(17)]
BROKEN = [
    RoundedEngine(52), RoundedEngine(51), RoundedEngine(48), RoundedEngine(32), Binary32Engine(), SaturatingEngine(),
    DroppingEngine(0), DroppingEngine(1), DroppingEngine(-1), UnsignedEngine(),
]  # fmt: skip


@pytest.fixture(autouse=True)
def fresh_choices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine forgets what it chose, before and after a test."""
    monkeypatch.delenv("TIG_VERIFY_ENGINE", raising=False)
    engine_choice.engine.cache_clear()
    yield
    engine_choice.engine.cache_clear()


def offer(monkeypatch: pytest.MonkeyPatch, *engines: Engine) -> None:
    monkeypatch.setattr(engine_choice, "_ENGINES", {engine.name: engine for engine in engines})


@pytest.mark.parametrize("engine", EXACT, ids=lambda engine: engine.name)
def test_exact_engines_are_admitted(engine: Engine) -> None:
    assert engine_choice.is_exact(engine)


@pytest.mark.parametrize("engine", BROKEN, ids=lambda engine: engine.name)
def test_broken_engines_are_refused(engine: Engine) -> None:
    assert not engine_choice.is_exact(engine)


@pytest.mark.parametrize("name", ["binary64", "numpy", "int8"])
def test_the_environment_forces_an_engine(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TIG_VERIFY_ENGINE", name)
    assert engine_choice.engine().name == name


def test_the_engine_is_chosen_once() -> None:
    assert engine_choice.engine() is engine_choice.engine()
    assert engine_choice.engine().name in {"binary64", "numpy", "int8"}


def test_the_fastest_exact_engine_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, fast = SlowEngine(monkeypatch), Binary64Engine()
    offer(monkeypatch, slow, Binary32Engine(), fast)
    assert engine_choice.engine() is fast
    checked = 3
    assert slow.calls == checked + 3  # three short trials, and none of the long ones


def test_an_exact_engine_is_chosen_however_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowEngine(monkeypatch)
    offer(monkeypatch, Binary32Engine(), SaturatingEngine(), slow)
    assert engine_choice.engine() is slow


def test_a_machine_without_an_exact_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, Binary32Engine(), SaturatingEngine())
    with pytest.raises(
        MachineError, match="binary32 and saturating at 16 bits engine are not exact on this machine's cpu"
    ):
        engine_choice.engine()


def test_a_forced_engine_that_is_not_exact_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = SaturatingEngine()
    offer(monkeypatch, Binary64Engine(), broken)
    monkeypatch.setenv("TIG_VERIFY_ENGINE", broken.name)
    with pytest.raises(
        MachineError, match="products of the saturating at 16 bits engine are not exact on this machine's cpu"
    ):
        engine_choice.engine()


def test_an_engine_for_cpus_alone_is_not_chosen_for_another_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIG_VERIFY_ENGINE", "numpy")
    with pytest.raises(MachineError, match=r"numpy.*cuda"):
        engine_choice.engine("cuda")


@pytest.mark.parametrize("name", ["", "float32", "INT8"])
def test_an_unknown_engine_is_an_error(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TIG_VERIFY_ENGINE", name)
    with pytest.raises(MachineError, match=f"TIG_VERIFY_ENGINE='{name}' is not one of binary64, int8, numpy"):
        engine_choice.engine()
