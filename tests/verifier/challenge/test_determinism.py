"""Promise 1: every operation and one short training have the same bits, whatever the machine is told to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from arithmetic.engines import Binary64Engine, Engine, Int8Engine, NumpyEngine
from tests.support.folders import FIXTURES, ROOT

DRIVER = """
import hashlib, json, sys
from dataclasses import replace
from pathlib import Path
import torch
from tests.parity.operations import OPERATIONS, digest
from protocol.settings import Settings
from protocol.task import Task
from arithmetic import engine_choice
from verifier.challenge.network.kernel_choice import training_kernels
from verifier.challenge.editions import DECEMBER_2025, EDITIONS
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from sandbox.isolation import InProcess, Jail
from verifier.challenge.solving import solve

path, place, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
edition = replace(DECEMBER_2025, name="three-epochs", max_epochs=3)
EDITIONS[edition.name] = (edition,)
settings, module = Settings("a", "b", "c006", "p", "n_hidden=2"), Module(path.name, path.read_bytes())
task = Task(edition.name, settings, "0" * 32, module.digest, {}, 10**12)
with Jail() as jail:
    claim = solve(Session(task, 5, module, jail if place == "process" else InProcess())).claim
numbers = torch.linspace(-3.0, 7.0, 4099)
plain = torch.cat([numbers.exp(), numbers.sin(), numbers.tanh(), numbers.view(1, -1).softmax(1).view(-1)])
print(json.dumps({
    "root": claim.transcript_root.hex(),
    "solution": claim.solution_digest.hex(),
    "epochs": claim.epochs,
    "fuel": claim.fuel_used,
    "operations": {name: digest(name) for name in OPERATIONS},
    "engine": engine_choice.engine().name,
    "kernels": training_kernels().name,
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
    "TIG_VERIFY_ENGINE",
    "TIG_VERIFY_KERNELS",
)
USUAL = {"TIG_VERIFY_ENGINE": "binary64", "TIG_VERIFY_KERNELS": "eager"}

VARIANTS: dict[str, tuple[dict[str, str], str, int]] = {
    "engine numpy": ({"TIG_VERIFY_ENGINE": "numpy"}, "none", 1),
    "engine int8": ({"TIG_VERIFY_ENGINE": "int8"}, "none", 1),
    "engine int8, plain instructions": ({"TIG_VERIFY_ENGINE": "int8", "ATEN_CPU_CAPABILITY": "default"}, "none", 1),
    "kernels fused": ({"TIG_VERIFY_KERNELS": "fused"}, "none", 1),
    "kernels fused, engine int8": ({"TIG_VERIFY_KERNELS": "fused", "TIG_VERIFY_ENGINE": "int8"}, "none", 1),
    "two threads": ({}, "none", 2),
    "plain instructions": ({"ATEN_CPU_CAPABILITY": "default"}, "none", 1),
    "AVX2": ({"ATEN_CPU_CAPABILITY": "avx2"}, "none", 1),
    "AVX-512": ({"ATEN_CPU_CAPABILITY": "avx512"}, "none", 1),
    "MKL compatible": ({"MKL_CBWR": "COMPATIBLE"}, "none", 1),
    "OpenBLAS for an older core": ({"TIG_VERIFY_ENGINE": "numpy", "OPENBLAS_CORETYPE": "Nehalem"}, "none", 1),
    "OpenBLAS with two threads": ({"TIG_VERIFY_ENGINE": "numpy", "OPENBLAS_NUM_THREADS": "2"}, "none", 2),
    "worker process": ({}, "process", 1),
    "worker process, numpy, fused": ({"TIG_VERIFY_ENGINE": "numpy", "TIG_VERIFY_KERNELS": "fused"}, "process", 2),
}


def outcome(environment: dict[str, str], isolation: str, threads: int) -> dict[str, Any]:
    """Train and do every operation in a process of its own under an environment."""
    kept = {name: value for name, value in os.environ.items() if name not in PERTURBING}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(FIXTURES / "optimisers" / "adam.py"), isolation, str(threads)],
        env={**kept, **USUAL, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=200,
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
    if environment.get("TIG_VERIFY_KERNELS") == "fused" and find_spec("numba") is None:
        pytest.skip("NUMBA IS NOT INSTALLED: the fused kernels were not tested")
    if environment.get("ATEN_CPU_CAPABILITY") == "avx512" and "avx512vl" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("NO AVX-512 ON THIS PROCESSOR: torch with those instructions was not tested")
    found = outcome(environment, isolation, threads)
    assert found["threads"] == threads
    wanted = {**USUAL, **environment}
    assert (found["engine"], found["kernels"]) == (wanted["TIG_VERIFY_ENGINE"], wanted["TIG_VERIFY_KERNELS"])
    assert [found[name] for name in CONSENSUS] == [usual[name] for name in CONSENSUS]
    assert found["operations"] == usual["operations"]
    assert found["epochs"] == 3
    if variant == "plain instructions" and found["capability"] != usual["capability"]:  # plain torch feels it
        assert found["plain"] != usual["plain"]


@pytest.mark.parametrize("engine", [Binary64Engine(), NumpyEngine(), Int8Engine()], ids=lambda engine: engine.name)
def test_products_of_several_nonces_at_once_are_those_of_each(engine: Engine) -> None:
    generator = torch.Generator().manual_seed(1)
    activations = torch.randint(-(2**14), 2**14 + 1, (3, 125, 256), generator=generator)
    weights = torch.randint(-(2**14), 2**14 + 1, (3, 256, 256), generator=generator)
    together = engine.product(engine.form(activations, 14), engine.form(weights, 14).transpose(-1, -2))
    for nonce in range(3):
        alone = engine.product(engine.form(activations[nonce], 14), engine.form(weights[nonce], 14).transpose(-1, -2))
        assert torch.equal(together[nonce], alone)
