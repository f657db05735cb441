"""What a machine with a GPU is asked can be asked here, part by part; a wrong answer is found, and the rest goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from proofs import cuda_parity, device_parity, device_parts
from proofs.cuda_parity import main, missing
from proofs.device_parity import kept
from proofs.device_parts import DRY, PARTS
from verifier.challenge.lockstep.torch_network import TorchNetwork

pytestmark = pytest.mark.slow


class Off(TorchNetwork):
    """A network whose first place is a bit off, the second time."""

    calls = 0

    def loss_and_gradient(self, locations: Tensor, batches: Tensor) -> tuple[Tensor, Tensor]:
        losses, are_finite = super().loss_and_gradient(locations, batches)
        Off.calls += 1
        if Off.calls == 2:
            self.gradient[0, 5] = torch.nextafter(self.gradient[0, 5], torch.tensor(9.0))
        return losses, are_finite


def test_every_part_can_be_taken_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--dry-run"]) == 0
    out = capsys.readouterr().out
    assert [row.split()[0] for row in out.splitlines() if " ok " in row] == list(PARTS)


def test_a_bit_that_is_off_once_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    Off.calls = 0
    monkeypatch.setattr(device_parity, "DRY", replace(DRY, networks=lambda edition, device: Off))
    assert main(["--dry-run", "--only", "steps", "bandwidth"]) == 1
    first, second = capsys.readouterr().out.splitlines()[1:]
    assert first.startswith("steps        FAILED ")
    assert first.endswith("december-2025, n_hidden 1, place 0 of 2")
    assert second.startswith("bandwidth    ok ")


def test_an_operation_that_is_off_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.parity import operations

    monkeypatch.setitem(operations.OPERATIONS, "add", operations.OPERATIONS["multiply"])
    assert device_parts.operations(DRY)["wrong"] == ["add"]


def test_a_golden_run_that_ends_otherwise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from verifier.golden import differences

    monkeypatch.setattr(differences, "differences", lambda record, again: ["losses"])
    assert device_parts.golden(DRY)["wrong"] == ["momentum-n_hidden=1-non-finite-loss, 2 places: losses"]


def test_a_part_that_breaks_is_no_end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(plan: object) -> None:
        raise RuntimeError("CUDA error: misaligned address")

    monkeypatch.setitem(PARTS, "edges", (broken, 1.0))
    assert main(["--dry-run", "--only", "edges", "bandwidth"]) == 1
    out = capsys.readouterr().out
    assert "RuntimeError: CUDA error: misaligned address" in out
    assert "bandwidth    ok " in out


def test_what_passed_on_this_machine_with_this_code_is_not_done_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path, asked = tmp_path / "cuda_parity.json", []
    monkeypatch.setattr(device_parity, "GPU", DRY)
    monkeypatch.setattr(cuda_parity, "missing", lambda dry: [])

    def passing(plan: object) -> dict[str, object]:
        asked.append(plan)
        return {"wrong": []}

    monkeypatch.setitem(PARTS, "edges", (passing, 1.0))
    monkeypatch.setitem(PARTS, "steps", (passing, 1e6))
    call = ["--results", str(path), "--only", "edges", "steps"]
    for _ in range(2):
        assert main(call) == 4  # for the other one there is no time
        assert len(asked) == 1
    assert "left for want of time: steps; the same call goes on" in capsys.readouterr().out
    record = json.loads(path.read_text())
    assert record["parts"]["edges"]["passed"] is True
    assert kept(path, record["machine"]) == record["parts"]
    assert kept(path, {**record["machine"], "sources": "others"}) == {}
    assert main([*call, "--again"]) == 4
    assert len(asked) == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_nothing_is_recorded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(cuda_parity, "missing", lambda dry: [])
    path = tmp_path / "none.json"
    assert main(["--results", str(path)]) == 3
    assert "finds no GPU here: nothing is run, and nothing recorded" in capsys.readouterr().err
    assert not path.exists()


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cuda_parity, "find_spec", lambda name: None if name in {"blake3", "triton"} else name)
    assert missing(dry=False) == ["blake3", "triton"]
    assert missing(dry=True) == ["blake3"]
    assert main([]) == 3
    assert capsys.readouterr().err == "not installed: blake3, triton; the top of cuda_parity.py says how\n"
