from __future__ import annotations

import pytest

from tests.golden.golden_runs import RUNS, GoldenRun, differences

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.path.stem)
def test_training_again_gives_every_recorded_digest(run: GoldenRun) -> None:
    assert differences(run) == []


def test_every_golden_run_is_of_a_shipped_optimiser() -> None:
    shipped = {path.stem for path in (RUNS[0].path.parents[1] / "optimisers").glob("*.py")}
    assert {run.optimiser for run in RUNS} < shipped


def test_no_record_is_left_over() -> None:
    assert {path.name for path in RUNS[0].path.parent.glob("*.json")} == {run.path.name for run in RUNS}
