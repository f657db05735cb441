"""What of the golden runs is quick: the first epochs of the shallow ones, and short ones to their ends."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sandbox.optimiser import Vector
from tests.golden.golden_run import APRIL, FOLDER, OPTIMISERS, RUNS, SHORT, GoldenRun, named
from tests.golden.golden_runs import check, main
from tests.vectors.mistakes import added
from verifier.challenge.editions import APRIL_2025, DECEMBER_2025, DECEMBER_2025_CENTRED
from verifier.challenge.network.network import Batch
from verifier.challenge.network.statistics import Statistics
from verifier.golden.golden_file import GoldenFile
from verifier.golden.training import row

pytestmark = pytest.mark.slow

SHALLOW = [run for run in RUNS if run.n_hidden <= 2]


@pytest.mark.parametrize("run", SHALLOW, ids=lambda run: run.name)
def test_the_first_two_epochs_have_the_recorded_leaves(run: GoldenRun) -> None:
    with (session := run.session()).trainer() as trainer:
        trainer.start(session.initial)
        while len(trainer.leaves) < 3 and trainer.advance() is None:
            pass
    assert run.record.results["leaves"][:3] == [row(leaf) for leaf in trainer.leaves]


@pytest.mark.parametrize("run", named(SHORT), ids=lambda run: run.name)
def test_training_again_gives_the_whole_record(run: GoldenRun) -> None:
    assert check(run) == []


def test_every_optimiser_edition_and_end_is_recorded() -> None:
    assert {run.optimiser for run in RUNS} == {path.stem for path in OPTIMISERS.glob("*.py")}
    assert {run.edition for run in RUNS} == {DECEMBER_2025.name, DECEMBER_2025_CENTRED.name, APRIL_2025[0].name}
    assert {run.record.results["outcome"]["stop_reason"] for run in RUNS} == {
        "early-stopping", "fuel-exhausted", "non-finite-loss", "non-finite-update",
    }  # fmt: skip


def test_no_record_is_left_over() -> None:
    assert {path.name for path in FOLDER.glob("*.golden")} == {run.path.name for run in RUNS}
    assert len({run.name for run in RUNS}) == len(RUNS)


def test_a_record_says_what_the_list_does() -> None:
    for run in RUNS:
        expected = GoldenFile.of(run.training, run.record.results, FOLDER, run.notes)
        assert run.record == expected
        assert json.loads(run.path.read_text())["notes"] == run.notes


def test_a_run_that_is_not_one_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["golden_runs", "check", "adam"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "no golden run 'adam'" in capsys.readouterr().err


LossAndGradient = Callable[[Vector, Statistics, Batch, Vector], float]

WRONG_WEIGHTS: dict[str, Callable[[list[tuple[float, int]], int], float]] = {
    "the loss times B / n": lambda losses, n: added(loss * (size / n) for loss, size in losses),
    "the sum of the points' losses, divided by n at the end": lambda losses, n: (
        added(x * size for x, size in losses) / n
    ),
    "the mean of the batches' losses": lambda losses, n: added(x for x, _ in losses) / len(losses),
}


def test_the_april_runs_tell_the_weights_of_train_losses_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """6.6: every other way to weigh the batches gives another loss in some epoch, within the first few."""
    run = next(run for run in RUNS if run.edition == APRIL)
    session, n = run.session(), APRIL_2025[0].train_points
    losses: list[tuple[float, int]] = []
    told_apart: set[str] = set()
    inner: LossAndGradient = session.network.loss_and_gradient

    def noting(parameters: Vector, statistics: Statistics, batch: Batch, gradient: Vector) -> float:
        losses.append((inner(parameters, statistics, batch, gradient), len(batch.targets)))
        return losses[-1][0]

    monkeypatch.setattr(session.network, "loss_and_gradient", noting)
    with session.trainer() as trainer:
        trainer.start(session.initial)
        for leaf in run.record.results["leaves"][1:]:
            losses.clear()
            trainer.advance()
            found = 0.0
            for loss, size in losses:
                found = found + loss / (n / size)
            assert found == leaf[1]
            told_apart |= {name for name, wrong in WRONG_WEIGHTS.items() if wrong(losses, n) != leaf[1]}
            if told_apart == WRONG_WEIGHTS.keys():
                return
    pytest.fail(f"not told apart: {WRONG_WEIGHTS.keys() - told_apart}")
