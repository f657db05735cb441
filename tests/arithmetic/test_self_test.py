"""The self-test is tested by breaking, in processes of their own, each property that it tests."""

from __future__ import annotations

import platform
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from arithmetic import engine_choice, exact_sums, self_test
from arithmetic.engines import Binary64Engine
from arithmetic.errors import MachineError
from arithmetic.transcendental import elementary
from tests.support.fresh_process import printed

ROUNDING = {"upward": 0x800, "downward": 0x400, "towards zero": 0xC00}
"""glibc's names for the processor's modes on x86."""

IMPORTS = "from arithmetic import random, self_test\nfrom arithmetic.allocator import keep_freed_memory\n"


def faults_after(breaking: str) -> list[str]:
    return printed(f"{IMPORTS}{breaking}\nprint(*self_test.faults(), sep='|')").split("|")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test decides anew about its machine."""
    monkeypatch.delenv(engine_choice.ENGINE_VARIABLE, raising=False)
    engine_choice.engine.cache_clear()
    self_test.require_sound.cache_clear()
    yield
    engine_choice.engine.cache_clear()
    self_test.require_sound.cache_clear()


def test_this_machine_is_sound() -> None:
    assert list(self_test.faults()) == []
    self_test.require_sound()


@pytest.mark.slow
def test_flushing_subnormal_numbers_is_found_and_named() -> None:
    found = faults_after("import torch; assert torch.set_flush_denormal(True)")
    assert all("flushes subnormal numbers to zero (call torch.set_flush_denormal(False))" in fault for fault in found)
    names = [fault.split(" flushes")[0] for fault in found]
    assert names == ["Python's binary64", "NumPy's binary64", "NumPy's binary32"]


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the numbers of the modes are x86's")
@pytest.mark.parametrize("mode", ROUNDING)
def test_another_rounding_mode_is_found_and_named(mode: str) -> None:
    found = faults_after(f"import ctypes; assert ctypes.CDLL(None).fesetround({ROUNDING[mode]}) == 0")
    assert len(found) == 3
    assert all("does not round to nearest, ties to even" in fault for fault in found)


class FewerBits(Binary64Engine):
    """Products as a processor gives them that has 52 bits."""

    def product(self, a: NDArray[np.float64], b: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
        return (super().product(a, b, bits).view(np.int64) & ~1).view(np.float64)


def test_products_that_are_not_exact_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_choice, "Binary64Engine", FewerBits)
    assert list(self_test.faults()) == ["the products of the binary64 engine are not exact on this machine"]
    with pytest.raises(MachineError, match="products of the binary64 engine are not exact"):
        self_test.require_sound()


@pytest.mark.parametrize(
    ("module", "name", "fault"),
    [
        (elementary, "log", "functions of numbers"),
        (exact_sums, "column_sums", "exact sums"),
        (exact_sums, "total", "exact sums"),
        (exact_sums, "mean_square", "exact sums"),
        (exact_sums, "row_sums", "exact sums"),
    ],
)
def test_other_bits_of_any_operation_are_named(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, fault: str
) -> None:
    right = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *values: right(*values) * (1.0 + 2.0**-23))
    assert list(self_test.faults()) == [f"{fault} give other bits than the specification's"]


@pytest.mark.parametrize("name", ["float32", "int8"])
def test_an_engine_that_a_cpu_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(engine_choice.ENGINE_VARIABLE, name)
    with pytest.raises(MachineError, match=name):
        self_test.require_sound()


@pytest.mark.slow
def test_it_needs_no_torch_and_less_than_10_ms() -> None:
    timed = "import sys, time; start = time.process_time(); self_test.require_sound()"
    shown = f"{IMPORTS}{timed}; print('torch' in sys.modules, time.process_time() - start)"
    runs = [printed(shown).split() for _ in range(3)]
    assert [loaded for loaded, _ in runs] == ["False"] * 3
    assert min(float(seconds) for _, seconds in runs) < 0.010
