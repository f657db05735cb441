"""The self-test is tested by breaking, in processes of their own, each property that it tests."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch

from arithmetic import engine_choice, ieee, reductions, self_test
from arithmetic.engines import Binary64Engine
from arithmetic.errors import MachineError
from arithmetic.transcendental import elementary, functions

ROUNDING = {"upward": 0x800, "downward": 0x400, "towards zero": 0xC00}
"""glibc's names for the processor's modes on x86."""


def in_a_process(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


def faults_after(breaking: str) -> str:
    done = in_a_process(f"from arithmetic import self_test\n{breaking}\nprint(*self_test.faults(), sep='|')")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Each test decides anew about its machine."""
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
    found = faults_after("import torch; assert torch.set_flush_denormal(True)").split("|")
    assert all("flushes subnormal numbers to zero (call torch.set_flush_denormal(False))" in fault for fault in found)
    assert [fault.split(" flushes")[0] for fault in found] == [
        "Python's binary64", "NumPy's binary64", "NumPy's binary32",
        "torch's binary64 on cpu", "torch's binary32 on cpu",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the numbers of the modes are x86's")
@pytest.mark.parametrize("mode", ROUNDING)
def test_another_rounding_mode_is_found_and_named(mode: str) -> None:
    found = faults_after(f"import ctypes; assert ctypes.CDLL(None).fesetround({ROUNDING[mode]}) == 0").split("|")
    assert len(found) == 5
    assert all("does not round to nearest, ties to even" in fault for fault in found)


class FewerBits(Binary64Engine):
    """Products as a device gives them that emulates binary64 with 52 bits."""

    def product(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        reductions = super().product(a, b)
        return (reductions.view(torch.int64) & ~1).view(torch.float64)


def test_products_that_are_not_exact_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_choice, "_ENGINES", {"binary64": FewerBits()})
    monkeypatch.delenv(engine_choice.ENGINE_VARIABLE, raising=False)
    assert list(self_test.faults()) == ["the products of the binary64 engine are not exact on this machine's cpu"]
    with pytest.raises(MachineError, match="products of the binary64 engine are not exact"):
        self_test.require_sound()


@pytest.mark.parametrize(
    ("module", "name", "fault"),
    [
        (ieee, "divide", "elementwise operations"),
        (functions, "tanh", "functions of tensors"),
        (elementary, "log", "functions of numbers"),
        (reductions, "sums", "sums and products"),
    ],
)
def test_other_bits_of_any_operation_are_named(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, fault: str
) -> None:
    right = getattr(module, name)

    def wrong(*arguments: object) -> object:
        result = right(*arguments)
        return result * (1.0 + 2.0**-23)

    monkeypatch.setattr(module, name, wrong)
    assert list(self_test.faults()) == [f"{fault} give other bits than the specification's"]


def test_a_device_that_is_not_there_is_refused() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(MachineError, match="no CUDA device"):
        self_test.require_sound("cuda")


@pytest.mark.slow
def test_it_takes_less_than_50_ms_of_a_new_process() -> None:
    code = (
        "import time, torch; torch.set_num_threads(1); from arithmetic import self_test\n"
        "start = time.process_time(); self_test.require_sound(); print(time.process_time() - start)"
    )
    assert min(float(in_a_process(code).stdout) for _ in range(3)) < 0.050
