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

import numpy as np
import pytest

from arithmetic import engine_choice
from tests.support.folders import ROOT

pytestmark = pytest.mark.slow

Way = tuple[str, str]
"""What computes the network, and where the optimiser runs."""

PERTURBING = (
    "ATEN_CPU_CAPABILITY",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
)
USUAL = ("binary64", "none")
JAILED = ("binary64", "process")
COMPILED = [("int16", "none"), ("int16", "process")]

MACHINES: dict[str, tuple[dict[str, str], int, list[Way]]] = {
    "as it is": ({}, 1, [USUAL, JAILED]),
    "with the compiled network": ({}, 1, COMPILED),
    "two threads": ({"OPENBLAS_NUM_THREADS": "2"}, 2, [USUAL, JAILED]),
    "plain instructions": ({"ATEN_CPU_CAPABILITY": "default"}, 1, [USUAL]),
    "AVX2": ({"ATEN_CPU_CAPABILITY": "avx2"}, 1, [USUAL]),
    "AVX-512": ({"ATEN_CPU_CAPABILITY": "avx512"}, 1, [USUAL]),
    "other libraries": ({"MKL_CBWR": "COMPATIBLE", "OPENBLAS_CORETYPE": "Nehalem"}, 1, [USUAL]),
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
    if ways is COMPILED and find_spec("numba") is None:
        pytest.skip("NUMBA IS NOT INSTALLED: the compiled network was not tested")
    if environment.get("ATEN_CPU_CAPABILITY") == "avx512" and "avx512vl" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("NO AVX-512 ON THIS PROCESSOR: torch with those instructions was not tested")
    usual, found = outcomes("as it is")[0], outcomes(machine)
    assert [each["engine"] for each in found] == [engine for engine, _ in ways]
    assert {each["threads"] for each in found} == {threads}
    assert usual["consensus"]["epochs"] == 3
    for each in found:
        assert each["consensus"] == usual["consensus"]
    if machine == "plain instructions" and found[0]["capability"] != usual["capability"]:  # plain torch feels it
        assert found[0]["plain"] != usual["plain"]


def test_products_of_several_nonces_at_once_are_those_of_each() -> None:
    random, engine = np.random.default_rng(1), engine_choice.engine()
    activations, weights = (
        random.integers(-(2**14), 2**14, (3, rows, 256), endpoint=True).astype(np.float64) for rows in (125, 256)
    )
    together = engine.product(activations, weights.swapaxes(1, 2), 14)
    for nonce in range(3):
        assert np.array_equal(together[nonce], engine.product(activations[nonce], weights[nonce].T, 14))
