from __future__ import annotations

from dataclasses import asdict

import pytest

from tests.golden.golden_runs import RUNS, GoldenRun, compute, differences
from tests.reference.cases import by_the_reference
from tests.reference.editions import DECEMBER
from tests.reference.streams import Streams, make_seed

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.path.stem)
def test_training_again_gives_every_recorded_digest(run: GoldenRun) -> None:
    """With the product, and with the second implementation: each trains once."""
    product = compute(run)
    assert differences(run, product) == []
    if run.optimiser == "sgd":  # its hundred epochs would show nothing that the others do not
        return
    session = run.session("cpu")
    task, source = session.task, session.module.source
    seed = make_seed(asdict(task.settings), task.rand_hash, session.nonce)
    reference = by_the_reference(DECEMBER, Streams(DECEMBER.name, seed), source, run.n_hidden, task.fuel_budget)
    losses = reference.train_losses, reference.validation_losses
    assert [each[0].hex() for each in losses] == product["first_losses"]
    assert [each[-1].hex() for each in losses] == product["last_losses"]
    assert (len(reference.train_losses), reference.best_epoch) == (product["epochs"], product["best_epoch"])
    assert (reference.stop_reason, reference.quality) == (product["stop_reason"], product["quality"])
    assert reference.fuel_used == product["fuel_used"]
    assert reference.transcript_root.hex() == product["transcript_root"]  # of every loss, parameter and state


def test_every_golden_run_is_of_a_shipped_optimiser() -> None:
    shipped = {path.stem for path in (RUNS[0].path.parents[1] / "optimisers").glob("*.py")}
    assert {run.optimiser for run in RUNS} < shipped


def test_no_record_is_left_over() -> None:
    assert {path.name for path in RUNS[0].path.parent.glob("*.json")} == {run.path.name for run in RUNS}
