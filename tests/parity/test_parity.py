"""One digest on every device: each operation, held against what CPUs recorded."""

from __future__ import annotations

import json

import pytest
import torch

from arithmetic import self_test
from arithmetic.device import self_test as device_self_test
from tests.parity.operations import OPERATIONS, RECORD, digest

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=[
        pytest.mark.cuda,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="NO CUDA DEVICE: parity with a GPU was not tested"),
    ]),
]  # fmt: skip


@pytest.mark.parametrize("device", ["numpy", *DEVICES])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_the_recorded_bits(name: str, device: str) -> None:
    assert digest(name, device) == json.loads(RECORD.read_text())[name]


def test_every_recorded_operation_is_tested() -> None:
    assert json.loads(RECORD.read_text()).keys() == OPERATIONS.keys()


@pytest.mark.parametrize("device", DEVICES)
def test_the_machine_passes_the_self_test(device: str) -> None:
    assert [*self_test.faults(), *device_self_test.faults(device)] == []
