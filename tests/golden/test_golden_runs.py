from __future__ import annotations

from dataclasses import asdict

import pytest

from tests.golden.golden_runs import RUNS, GoldenRun, compute, differences
from tests.reference.cases import OPTIMISERS, by_the_reference
from tests.reference.editions import DECEMBER
from tests.reference.streams import Streams, make_seed

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.path.stem)
def test_training_again_gives_every_recorded_digest(run: GoldenRun) -> None:
    """With the product, and with the second implementation where it has the optimiser: each trains once."""
    fuel: list[int] = []
    product = compute(run, observe_fuel=fuel.append)
    assert differences(run, product) == []
    if run.optimiser not in OPTIMISERS:
        return
    session = run.session("cpu")
    seed = make_seed(asdict(session.task.settings), session.task.rand_hash, session.nonce)
    reference, quality = by_the_reference(DECEMBER, Streams(DECEMBER.name, seed), run.optimiser, run.n_hidden, fuel)
    losses = reference.train_losses, reference.validation_losses
    assert [each[0].hex() for each in losses] == product["first_losses"]
    assert [each[-1].hex() for each in losses] == product["last_losses"]
    assert (len(reference.train_losses), reference.best_epoch) == (product["epochs"], product["best_epoch"])
    assert (reference.stop_reason, quality) == (product["stop_reason"], product["quality"])
    assert reference.transcript_root.hex() == product["transcript_root"]  # of every loss, parameter and state


def test_every_golden_run_is_of_a_shipped_optimiser() -> None:
    shipped = {path.stem for path in (RUNS[0].path.parents[1] / "optimisers").glob("*.py")}
    assert {run.optimiser for run in RUNS} < shipped


def test_no_record_is_left_over() -> None:
    assert {path.name for path in RUNS[0].path.parent.glob("*.json")} == {run.path.name for run in RUNS}
