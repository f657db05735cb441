"""Promise 1: every operation and one short training have the same bits, whatever the machine is told to do."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from arithmetic import engine_choice
from tests.support.folders import ROOT
from tests.support.instruction_sets import PROCESSORS

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
USUAL, JAILED = ("binary64", "none"), ("binary64", "process")
COMPILED, COMPILED_AND_JAILED = ("int16", "none"), ("int16", "process")


@dataclass(frozen=True, eq=False)  # each is itself, to be a key
class Machine:
    """What a process is told to be, and the ways to train there."""

    ways: tuple[Way, ...]
    threads: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    processor: str = ""
    """What the network is compiled for (`instruction_sets`); this one if it is empty."""

    @property
    def missing(self) -> str:
        """What this machine lacks to play it, in capitals; empty if nothing."""
        if any(engine == "int16" for engine, _ in self.ways) and find_spec("numba") is None:
            return "NUMBA IS NOT INSTALLED: the compiled network was not tested"
        if self.environment.get("ATEN_CPU_CAPABILITY") == "avx512" and not PROCESSORS["AVX-512"].can_run_here:
            return "NO AVX-512 ON THIS PROCESSOR: torch with those instructions was not tested"
        if self.processor and not PROCESSORS[self.processor].can_run_here:
            return f"NO {self.processor} ON THIS PROCESSOR: the network compiled for it was not tested"
        return ""


MACHINES = {
    "as it is": Machine((USUAL, JAILED)),
    "compiled": Machine((COMPILED, COMPILED_AND_JAILED)),
    "two threads": Machine((USUAL, JAILED, COMPILED), 2, {"OPENBLAS_NUM_THREADS": "2"}),
    "plain instructions": Machine((USUAL,), environment={"ATEN_CPU_CAPABILITY": "default"}),
    "AVX2": Machine((USUAL,), environment={"ATEN_CPU_CAPABILITY": "avx2"}),
    "AVX-512": Machine((USUAL,), environment={"ATEN_CPU_CAPABILITY": "avx512"}),
    "other libraries": Machine((USUAL,), environment={"MKL_CBWR": "COMPATIBLE", "OPENBLAS_CORETYPE": "Nehalem"}),
    **{
        f"compiled for {name}": Machine((COMPILED,), processor=name)
        for name, processor in PROCESSORS.items()
        if processor.triple.startswith(platform.machine())
    },
}
"""A process for each."""


@cache
def outcomes(machine: Machine) -> list[dict[str, Any]]:
    """Train and do every operation in each way, in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in PERTURBING}
    program = [sys.executable, "-m", "tests.support.train_in_process"]
    done = subprocess.run(
        [*program, str(machine.threads), json.dumps(machine.ways), machine.processor],
        env={**kept, **machine.environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", MACHINES)
def test_one_training_has_one_transcript(name: str) -> None:
    machine = MACHINES[name]
    if machine.missing:
        pytest.skip(machine.missing)
    usual, found = outcomes(MACHINES["as it is"])[0], outcomes(machine)
    assert [each["engine"] for each in found] == [engine for engine, _ in machine.ways]
    assert {each["threads"] for each in found} == {machine.threads}
    if machine.processor:
        assert found[0]["compiled_for"] == sorted(PROCESSORS[machine.processor].features)
    assert usual["consensus"]["epochs"] == 3
    for each in found:
        assert each["consensus"] == usual["consensus"]
    if name == "plain instructions" and found[0]["capability"] != usual["capability"]:  # plain torch feels it
        assert found[0]["plain"] != usual["plain"]


def test_products_of_several_nonces_at_once_are_those_of_each() -> None:
    random, engine = np.random.default_rng(1), engine_choice.engine()
    activations, weights = (
        random.integers(-(2**14), 2**14, (3, rows, 256), endpoint=True).astype(np.float64) for rows in (125, 256)
    )
    together = engine.product(activations, weights.swapaxes(1, 2), 14)
    for nonce in range(3):
        assert np.array_equal(together[nonce], engine.product(activations[nonce], weights[nonce].T, 14))
