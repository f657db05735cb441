"""Kernels of optimisers and of digests, compiled for an H200 that need not be there: each instruction is exact."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from arithmetic.device.ptx_rule import forbidden
from tests.support.folders import ROOT
from verifier.challenge.editions import DECEMBER_2025, Track

if TYPE_CHECKING:
    from benchmarks.compiled_kernels import Code
    from sandbox.lockstep.fused import Group

if find_spec("triton") is None:
    pytest.skip("TRITON IS NOT INSTALLED: no kernel was compiled; `make test-extras` does", allow_module_level=True)
if os.environ.get("TRITON_INTERPRET") == "1":
    pytest.skip("TRITON INTERPRETS IN THIS PROCESS: no kernel was compiled", allow_module_level=True)
pytestmark = pytest.mark.slow

OPTIMISERS = ["adam", "lion", "momentum", "sgd", "lars"]


@cache
def groups(optimiser: str) -> frozenset[Group]:
    from benchmarks.lockstep_counts import epoch

    path = ROOT / "fixtures" / "optimisers" / f"{optimiser}.py"
    return frozenset(epoch(Track(DECEMBER_2025, 1), path, is_fused=True)["optimiser"].groups)


def test_a_step_waits_for_nothing() -> None:
    from benchmarks.lockstep_counts import epoch

    track = Track(DECEMBER_2025, 1)
    counts = epoch(track, ROOT / "fixtures/optimisers/adam.py", is_fused=True)
    assert [counts[part].waits for part in ("step", "network", "optimiser", "validation")] == [0, 0, 0, 0]
    assert counts["optimiser"].launches == track.edition.batches


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_groups_keep_the_rule_and_their_registers(optimiser: str) -> None:
    from benchmarks.optimiser_kernels import code_of_group

    assert groups(optimiser)
    for group in groups(optimiser):
        code = code_of_group(group)
        assert not forbidden(code.ptx)
        assert code.spilled == 0
        assert code.registers <= 64


def all_operations() -> Code:
    """One kernel of all functions, each of whose results is written, with operands of each way to lie."""
    from arithmetic.compiled.vectors import FLAG
    from benchmarks.optimiser_kernels import code_of_group
    from sandbox.execution.groups import Source
    from sandbox.execution.loops import LOOPS, Link
    from sandbox.lockstep.fused import Access, Chain, Group

    numbers_read = Source(2, 0, 4, 0, 0, 1), Source(3, 16, 4, 64, 256, 1)
    flags_read = Source(4, 3, 1, 64, 1, 0), Source(5, 0, 1, 0, 0, 0)
    accesses = Access.EACH, Access.PARTS, Access.ROWS, Access.SINGLE
    links = []
    for code, loop in sorted(LOOPS.items()):
        flags, numbers = iter((-3, -4)), iter((-1, -2))
        links.append(Link(code, tuple(next(flags if kind == FLAG else numbers) for kind in loop.takes)))
    chain = Chain(accesses, tuple(links), tuple(range(len(links))))
    return code_of_group(Group(chain, (*numbers_read, *flags_read), tuple(range(6, 6 + len(links))), 4096, 64))


def test_every_operation_keeps_the_rule() -> None:
    """A maximum of the device would lose a NaN; it must be a choice."""
    code = all_operations()
    assert not forbidden(code.ptx)
    for instruction in ("max.f32", "min.f32"):
        assert instruction not in code.ptx
    for instruction in ("div.rn.f32", "sqrt.rn.f32"):
        assert instruction in code.ptx


def test_the_rule_finds_what_a_compiler_would_fuse() -> None:
    from benchmarks.optimiser_kernels import code_of_group

    (group,) = groups("adam")
    assert any(instruction.startswith("fma.rn.f") for instruction in forbidden(code_of_group(group, fusion=True).ptx))


def test_digests_keep_their_words_in_registers() -> None:
    from benchmarks.optimiser_kernels import codes_of_digests

    for code in codes_of_digests().values():
        assert not forbidden(code.ptx)
        assert code.spilled == 0
        assert code.registers <= 96
