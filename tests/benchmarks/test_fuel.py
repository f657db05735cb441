"""The benchmark of fuel measures what it says: operations that are computed, and programs that have their loops."""

from __future__ import annotations

import pytest

from benchmarks import fuel, short_training
from benchmarks.fuel import MODULE, RECENT, SETUP, Computed, ComputedSource, hosted
from sandbox.execution.executor import TURNS
from verifier.challenge.editions import DECEMBER_2025


@pytest.mark.parametrize(("operation", "expected"), [("x + 1.0", 2.0), ("parameters[0] + 2.0", 3.0)])
def test_a_loop_computes_what_nobody_uses(operation: str, expected: float) -> None:
    source = MODULE.format(setup="x = torch.ones(4)", operation=operation).encode()
    programs = ComputedSource()
    hosted(source, "operation.py", 1, {"turns": 300}, programs).initialise()
    recorder = programs._loaded()._recorder
    assert isinstance(recorder, Computed)
    assert (recorder.arrays[max(recorder.arrays)] == expected).all()
    assert len(recorder.arrays) <= SETUP + RECENT + 2, "old results are given up"


def test_what_is_measured_has_its_loops() -> None:
    assert fuel.WARM_UP > TURNS
    assert short_training.WARM_UP * DECEMBER_2025.batches > TURNS


def test_the_warm_up_is_no_part_of_a_step() -> None:
    slow = [float(epoch) for epoch in range(1, short_training.WARM_UP + 1)]
    ends = [*slow, slow[-1] + 0.8, slow[-1] + 1.6]
    assert short_training.seconds_a_step(ends) == pytest.approx(0.8 / DECEMBER_2025.batches)
