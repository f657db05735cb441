"""The network's kernels, compiled for an H200 that need not be there: instructions are exact, programs are small."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from arithmetic.device.ptx_rule import forbidden
from verifier.challenge.editions import APRIL_2025, DECEMBER_2025, Edition, Track

if TYPE_CHECKING:
    from verifier.challenge.lockstep.kernels.launches import Launch

if find_spec("triton") is None:
    pytest.skip("TRITON IS NOT INSTALLED: no kernel was compiled; `make test-extras` does", allow_module_level=True)
if os.environ.get("TRITON_INTERPRET") == "1":
    pytest.skip("TRITON INTERPRETS IN THIS PROCESS: no kernel was compiled", allow_module_level=True)
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Budget:
    """What a program may take: 65536 registers and 227 KB are what all programs of a multiprocessor share."""

    registers: int
    kilobytes: int
    programs: int
    """At once on a multiprocessor, at least."""


BUDGETS = {
    "quantise_small": Budget(32, 1, 16),
    "find_largest_weights": Budget(64, 4, 4),
    "quantise_weights": Budget(128, 16, 2),
    "activate_inputs": Budget(208, 1, 2),
    "activate": Budget(216, 96, 2),
    "find_means": Budget(80, 4, 4),
    "find_scales": Budget(96, 4, 3),
    "find_running_scales": Budget(32, 1, 16),
    "normalise": Budget(192, 8, 2),
    "find_residuals": Budget(160, 1, 2),
    "find_loss": Budget(64, 1, 8),
    "differentiate_output": Budget(128, 2, 3),
    "differentiate": Budget(255, 96, 2),
    "find_coefficients": Budget(128, 4, 2),
    "quantise_gradient": Budget(248, 8, 2),
    "find_weight_gradient": Budget(128, 48, 2),
    "find_input_weight_gradient": Budget(96, 2, 4),
}
"""None may spill."""


@cache
def launches(edition: Edition) -> dict[str, list[Launch]]:
    """One launch for each variant of each kernel; three hidden layers have all of them."""
    from benchmarks.gpu_counts import passes

    variants = {launch.variant: launch for both in passes(Track(edition, 3)).values() for launch in both}
    return {name: [each for each in variants.values() if each.name == name] for name in BUDGETS}


def public_kernels(module: ModuleType) -> Iterator[str]:
    for name, value in vars(module).items():
        is_own = getattr(getattr(value, "fn", None), "__module__", None) == module.__name__
        if is_own and not name.startswith("_") and name != "store_digits":
            yield name


def test_there_is_a_budget_for_every_kernel() -> None:
    from verifier.challenge.lockstep.kernels import backward, forward, output, quantising

    kernels = [name for module in (backward, forward, output, quantising) for name in public_kernels(module)]
    assert sorted(kernels) == sorted(BUDGETS)
    assert all(launches(DECEMBER_2025).values())


@pytest.mark.parametrize("edition", [DECEMBER_2025, APRIL_2025[0], APRIL_2025[2]], ids=lambda each: str(each.n_data))
@pytest.mark.parametrize("name", BUDGETS)
def test_kernels_keep_the_rule_and_their_budgets(edition: Edition, name: str) -> None:
    from benchmarks.gpu_counts import code_of

    budget = BUDGETS[name]
    for launch in launches(edition)[name]:
        code = code_of(launch)
        assert not forbidden(code.ptx)
        assert code.spilled == 0
        assert code.registers <= budget.registers
        assert code.shared <= budget.kilobytes * 1024
        assert code.programs >= budget.programs


@pytest.mark.parametrize("name", ["find_scales", "find_coefficients", "quantise_gradient"])
def test_the_rule_finds_what_a_compiler_would_fuse(name: str) -> None:
    from benchmarks.gpu_counts import code_of

    found = [forbidden(code_of(launch, fusion=True).ptx) for launch in launches(DECEMBER_2025)[name]]
    assert any(instruction.startswith("fma.rn.f") for each in found for instruction in each), found


@pytest.mark.parametrize("name", ["activate", "differentiate", "find_weight_gradient"])
def test_products_are_those_of_the_tensor_cores(name: str) -> None:
    from benchmarks.gpu_counts import code_of

    for launch in launches(DECEMBER_2025)[name]:
        assert "k32.s32.s8.s8" in code_of(launch).ptx


def test_constants_are_those_of_the_edition_in_binary64() -> None:
    from benchmarks.gpu_counts import code_of

    edition = DECEMBER_2025
    numbers = [1.0 - edition.norm_momentum, edition.norm_momentum, edition.norm_epsilon]
    for launch in launches(edition)["find_scales"]:
        ptx = code_of(launch).ptx
        assert all(f"0d{struct.pack('>d', number).hex().upper()}" in ptx for number in numbers)


def test_a_spill_is_seen() -> None:
    from benchmarks.gpu_counts import code_of

    launch = launches(DECEMBER_2025)["differentiate"][0]
    cramped = replace(launch, options=replace(launch.options, registers=64))
    assert code_of(cramped).spilled > 0
