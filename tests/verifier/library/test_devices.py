"""`verifier.solve` on a device; here it is torch's CPU."""

from __future__ import annotations

import pytest

from arithmetic.errors import MachineError
from sandbox.isolation import InProcess
from tests.support import small_device
from tests.support.small_contest import module
from verifier import InputError, Module, SignedClaim, SigningKey, WorkerFault, solve
from verifier.runs import device_search

pytestmark = pytest.mark.slow

KEY = SigningKey.generate()
SMALL = Module("sgd.py", module())


@pytest.fixture(autouse=True)
def _device(monkeypatch: pytest.MonkeyPatch) -> None:
    small_device.provide(monkeypatch)


def solved(device: str, source: Module = SMALL) -> list[SignedClaim]:
    claims = solve(
        source, key=KEY, nonces=range(5), edition="small", track="n_hidden=1", isolation="none", device=device
    )
    return sorted(claims, key=lambda claim: claim.record.nonce)


@pytest.mark.parametrize("device", ["cuda", "auto"])
def test_the_claims_are_those_of_a_cpu(device: str) -> None:
    assert solved(device) == solved("cpu")


def test_a_module_that_fails_is_told() -> None:
    with pytest.raises(WorkerFault, match=r"OptimiserError: .* division by zero"):
        solved("cuda", Module("bad.py", module("1 / 0")))


def test_without_a_gpu_it_is_an_error_or_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise MachineError("torch is built without CUDA")

    monkeypatch.setattr(device_search, "found_devices", none)
    with pytest.raises(MachineError, match="torch is built without CUDA"):
        solved("cuda")
    assert solved("auto") == solved("cpu")


def test_a_device_needs_a_name_and_a_place_of_its_own() -> None:
    with pytest.raises(InputError, match=r"^device: 'gpu' is not one of cpu, cuda, auto$"):
        solve(SMALL, key=KEY, nonces=[0], device="gpu")
    with pytest.raises(InputError, match=r"^isolation: an open place is for this process alone; with device 'cuda'"):
        solve(SMALL, key=KEY, nonces=[0], isolation=InProcess(), device="cuda")
