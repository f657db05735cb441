"""One digest on every device: each operation and whole training runs, held against what CPUs recorded."""

from __future__ import annotations

import json

import pytest
import torch

from arithmetic import self_test
from arithmetic.device import self_test as device_self_test
from tests.golden.golden_run import GoldenRun, named
from tests.parity.operations import OPERATIONS, RECORD, digest
from verifier.golden.differences import differences

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=[
        pytest.mark.cuda,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="NO CUDA DEVICE: parity with a GPU was not tested"),
    ]),
]  # fmt: skip
WHOLE = ("adam-n_hidden=4", "adam-n_hidden=10", "lookahead-n_hidden=2", "sgd-n_hidden=2", "momentum-n_hidden=1")


@pytest.mark.parametrize("device", ["numpy", *DEVICES])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_the_recorded_bits(name: str, device: str) -> None:
    assert digest(name, device) == json.loads(RECORD.read_text())[name]


def test_every_recorded_operation_is_tested() -> None:
    assert json.loads(RECORD.read_text()).keys() == OPERATIONS.keys()


@pytest.mark.parametrize("device", DEVICES)
def test_the_machine_passes_the_self_test(device: str) -> None:
    assert [*self_test.faults(device), *device_self_test.faults(device)] == []


@pytest.mark.parametrize("device", DEVICES[1:])
@pytest.mark.parametrize("run", named(WHOLE), ids=lambda run: run.name)
def test_a_whole_training_is_the_golden_one(run: GoldenRun, device: str) -> None:
    assert differences(run.record, run.trained(device)) == []
