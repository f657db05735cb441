"""Which GPUs train, and what is said of a machine that has none."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import pytest
import torch

from arithmetic.device import self_test
from arithmetic.errors import MachineError
from verifier.challenge.lockstep import cuda
from verifier.challenge.lockstep.cuda import usable_devices
from verifier.challenge.lockstep.device import Device
from verifier.runs import device_search


def has(
    monkeypatch: pytest.MonkeyPatch, *titles: str, built: str | None = "13.0", capability: tuple[int, int] = (9, 0)
) -> None:
    """Let torch see these GPUs."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch, "__version__", "2.11.0")
    monkeypatch.setattr(torch.version, "cuda", built)
    for name, value in {
        "is_available": bool(titles),
        "device_count": len(titles),
        "get_device_capability": capability,
    }.items():
        monkeypatch.setattr(torch.cuda, name, lambda *_, value=value: value)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: titles[index])
    monkeypatch.setattr(self_test, "require_sound", lambda device: None)
    monkeypatch.setattr(cuda, "require_agreement", lambda device, make: None)


def test_each_gpu_is_for_a_process_that_sees_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "NVIDIA H200", "NVIDIA L4")
    assert usable_devices() == (Device("cuda", "NVIDIA H200", "0"), Device("cuda", "NVIDIA L4", "1"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-8932f937")
    assert [device.visible for device in usable_devices()] == ["5", "GPU-8932f937"]


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        ({"built": None}, "torch 2.11.0 is built without CUDA; install one that is built with it"),
        ({}, "torch 2.11.0 finds no GPU here; it needs one, and a driver for CUDA 13.0 or newer"),
        (
            {"titles": ["Tesla V100"], "capability": (7, 0)},
            "Tesla V100 has compute capability 7.0; 8.0 is the least",
        ),
    ],
)
def test_a_machine_without_a_gpu_that_can_is_told_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, machine: dict[str, Any], said: str
) -> None:
    titles: Iterable[str] = machine.pop("titles", ())
    has(monkeypatch, *titles, **machine)
    with pytest.raises(MachineError) as error:
        usable_devices()
    assert str(error.value) == said


def test_a_gpu_that_fails_its_test_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "NVIDIA H200")
    asked = []

    def refuse(device: str) -> None:
        asked.append(device)
        raise RuntimeError("CUDA error: no kernel image is available")

    monkeypatch.setattr(self_test, "require_sound", refuse)
    with pytest.raises(MachineError, match=r"^NVIDIA H200: CUDA error: no kernel image is available$"):
        usable_devices()
    assert asked == ["cuda:0"]


def test_torch_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(device_search, "find_spec", lambda name: None)
    with pytest.raises(MachineError, match=r"needs torch, which is not installed; pip install 'tig-verify\[cuda\]'"):
        device_search.found_devices()


@pytest.mark.slow
@pytest.mark.skipif(torch.version.cuda is not None, reason="this torch is built with CUDA")
def test_this_machine_says_why_it_has_no_gpu() -> None:
    with pytest.raises(MachineError, match=r"^torch 2\..* is built without CUDA; install one that is built with it$"):
        device_search.found_devices()
