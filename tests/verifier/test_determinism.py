"""Promise 1: one short training of the full network has one transcript, whatever the machine is told to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ADAM = Path(__file__).parents[2] / "fixtures" / "optimisers" / "adam.py"

DRIVER = """
import hashlib, json, sys
from dataclasses import replace
from pathlib import Path
import torch
from protocol.settings import Settings
from verifier.editions import DECEMBER_2025
from verifier.solving import Isolation, Task, solve

path, isolation, threads = Path(sys.argv[1]), Isolation(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
edition = replace(DECEMBER_2025, name="three-epochs", max_epochs=3)
settings = Settings("a", "b", "c006", "p", "n_hidden=2")
task = Task(edition, settings, "0" * 32, 5, path.read_bytes(), path.name, {}, 10**12)
claim = solve(task, isolation).claim
numbers = torch.linspace(-3.0, 7.0, 4099)
plain = torch.cat([numbers.exp(), numbers.sin(), numbers.tanh(), numbers.view(1, -1).softmax(1).view(-1)])
print(json.dumps({
    "root": claim.transcript_root.hex(),
    "solution": claim.solution_digest.hex(),
    "epochs": claim.epochs,
    "fuel": claim.fuel_used,
    "threads": torch.get_num_threads(),
    "capability": torch.backends.cpu.get_cpu_capability(),
    "plain": hashlib.sha256(plain.numpy().tobytes()).hexdigest(),
}))
"""

CONSENSUS = ("root", "solution", "epochs", "fuel")
PERTURBING = (
    "ATEN_CPU_CAPABILITY",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
)

VARIANTS: dict[str, tuple[dict[str, str], str, int]] = {
    "two threads": ({}, "none", 2),
    "plain instructions": ({"ATEN_CPU_CAPABILITY": "default"}, "none", 1),
    "AVX2": ({"ATEN_CPU_CAPABILITY": "avx2"}, "none", 1),
    "MKL compatible": ({"MKL_CBWR": "COMPATIBLE"}, "none", 1),
    "OpenBLAS with one thread": ({"OPENBLAS_NUM_THREADS": "1"}, "none", 1),
    "OpenBLAS with two threads": ({"OPENBLAS_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Nehalem"}, "none", 1),
    "worker process": ({}, "process", 1),
}


def outcome(environment: dict[str, str], isolation: str, threads: int) -> dict[str, Any]:
    """Train in a process of its own under an environment."""
    kept = {name: value for name, value in os.environ.items() if name not in PERTURBING}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(ADAM), isolation, str(threads)],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def usual() -> dict[str, Any]:
    return outcome({}, "none", 1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_one_training_has_one_transcript(usual: dict[str, Any], variant: str) -> None:
    environment, isolation, threads = VARIANTS[variant]
    found = outcome(environment, isolation, threads)
    assert found["threads"] == threads
    assert [found[name] for name in CONSENSUS] == [usual[name] for name in CONSENSUS]
    assert found["epochs"] == 3
    if found["capability"] != usual["capability"]:  # the perturbation is real: plain torch feels it
        assert found["plain"] != usual["plain"]
