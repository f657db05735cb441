"""Promise 1: every operation and one short training have the same bits, whatever the machine is told to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from arithmetic.engines import Binary64Engine, Engine, NumpyEngine
from tests.support.folders import ROOT

pytestmark = pytest.mark.slow

Way = tuple[str, str, str]
"""A product engine, training kernels, and where the optimiser runs."""

PERTURBING = (
    "ATEN_CPU_CAPABILITY",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
)
USUAL = ("binary64", "eager", "none")
NUMPY = ("numpy", "eager", "none")
INT8 = ("int8", "eager", "none")
FUSED = [("binary64", "fused", "none"), ("int8", "fused", "none"), ("numpy", "fused", "process")]

MACHINES: dict[str, tuple[dict[str, str], int, list[Way]]] = {
    "as it is": ({}, 1, [USUAL, NUMPY, INT8, ("binary64", "eager", "process")]),
    "with compiled kernels": ({}, 1, FUSED),
    "two threads": ({"OPENBLAS_NUM_THREADS": "2"}, 2, [USUAL, NUMPY, ("binary64", "eager", "process")]),
    "plain instructions": ({"ATEN_CPU_CAPABILITY": "default"}, 1, [USUAL, INT8]),
    "AVX2": ({"ATEN_CPU_CAPABILITY": "avx2"}, 1, [USUAL]),
    "AVX-512": ({"ATEN_CPU_CAPABILITY": "avx512"}, 1, [USUAL]),
    "other libraries": ({"MKL_CBWR": "COMPATIBLE", "OPENBLAS_CORETYPE": "Nehalem"}, 1, [USUAL, NUMPY]),
}
"""What the environment says, the number of threads, and the ways to train there; a process for each machine."""


@cache
def outcomes(machine: str) -> list[dict[str, Any]]:
    """Train and do every operation in each way, in a process of its own."""
    environment, threads, ways = MACHINES[machine]
    kept = {name: value for name, value in os.environ.items() if name not in PERTURBING}
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.train_in_process", str(threads), json.dumps(ways)],
        env={**kept, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("machine", MACHINES)
def test_one_training_has_one_transcript(machine: str) -> None:
    environment, threads, ways = MACHINES[machine]
    if ways is FUSED and find_spec("numba") is None:
        pytest.skip("NUMBA IS NOT INSTALLED: the fused kernels were not tested")
    if environment.get("ATEN_CPU_CAPABILITY") == "avx512" and "avx512vl" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("NO AVX-512 ON THIS PROCESSOR: torch with those instructions was not tested")
    usual, found = outcomes("as it is")[0], outcomes(machine)
    assert [(each["engine"], each["kernels"]) for each in found] == [way[:2] for way in ways]
    assert {each["threads"] for each in found} == {threads}
    assert usual["consensus"]["epochs"] == 3
    for each in found:
        assert each["consensus"] == usual["consensus"]
    if machine == "plain instructions" and found[0]["capability"] != usual["capability"]:  # plain torch feels it
        assert found[0]["plain"] != usual["plain"]


@pytest.mark.parametrize("engine", [Binary64Engine(), NumpyEngine()], ids=lambda engine: engine.name)
def test_products_of_several_nonces_at_once_are_those_of_each(engine: Engine) -> None:
    generator = torch.Generator().manual_seed(1)
    activations = torch.randint(-(2**14), 2**14 + 1, (3, 125, 256), generator=generator)
    weights = torch.randint(-(2**14), 2**14 + 1, (3, 256, 256), generator=generator)
    together = engine.product(engine.form(activations, 14), engine.form(weights, 14).transpose(-1, -2))
    for nonce in range(3):
        alone = engine.product(engine.form(activations[nonce], 14), engine.form(weights[nonce], 14).transpose(-1, -2))
        assert torch.equal(together[nonce], alone)
