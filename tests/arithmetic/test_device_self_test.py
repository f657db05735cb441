"""The self-test of a device is tested by breaking, in processes of their own, each property that it tests."""

from __future__ import annotations

import platform

import pytest

from arithmetic.device import ieee, reductions, self_test
from arithmetic.device.transcendental import functions
from tests.support.fresh_process import printed

TOWARDS_ZERO = 0xC00
"""glibc's name for one of the processor's rounding modes on x86."""


def faults_after(breaking: str) -> list[str]:
    return printed(f"from arithmetic.device import self_test\n{breaking}\nprint(*self_test.faults(), sep='|')").split(
        "|"
    )


def test_this_machine_is_sound() -> None:
    assert list(self_test.faults()) == []
    self_test.require_sound()


@pytest.mark.slow
def test_flushing_subnormal_numbers_is_found_and_named() -> None:
    found = faults_after("import torch; assert torch.set_flush_denormal(True)")
    names = [
        fault.split(" flushes subnormal numbers to zero (call torch.set_flush_denormal(False))") for fault in found
    ]
    assert names == [["torch's binary64 on cpu", ""], ["torch's binary32 on cpu", ""]]


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the number of the mode is x86's")
def test_another_rounding_mode_is_found_and_named() -> None:
    found = faults_after(f"import ctypes; assert ctypes.CDLL(None).fesetround({TOWARDS_ZERO}) == 0")
    assert len(found) == 2
    assert all("does not round to nearest, ties to even" in fault for fault in found)


@pytest.mark.slow
def test_the_process_itself_must_be_sound() -> None:
    refused = printed(
        "import torch; torch.set_flush_denormal(True)\n"
        "from arithmetic.device import self_test\n"
        "try: self_test.require_sound()\n"
        "except Exception as error: print(error)"
    )
    assert "Python's binary64 flushes subnormal numbers to zero" in refused


@pytest.mark.parametrize(
    ("module", "name", "fault"),
    [
        (ieee, "divide", "elementwise operations"),
        (functions, "tanh", "functions of binary32"),
        (reductions, "sums", "sums and products"),
        (reductions, "matmul", "sums and products"),
    ],
)
def test_other_bits_of_any_operation_are_named(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, fault: str
) -> None:
    right = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *arguments: right(*arguments) * (1.0 + 2.0**-23))
    assert list(self_test.faults()) == [f"{fault} give other bits than the specification's"]


@pytest.mark.slow
def test_it_takes_less_than_50_ms_of_a_new_process() -> None:
    code = (
        "import time, torch; torch.set_num_threads(1); from arithmetic.device import self_test\n"
        "start = time.process_time(); self_test.require_sound(); print(time.process_time() - start)"
    )
    assert min(float(printed(code)) for _ in range(3)) < 0.050
