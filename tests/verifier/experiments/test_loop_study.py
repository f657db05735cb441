"""The study of the loop: what one training tells about shorter patiences, and what it may not change."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.isolation import InProcess
from tests.support.folders import FIXTURES
from tests.support.loop_rows import ROW, made_up
from verifier.challenge.editions import EDITIONS, FourierFeatures, Track
from verifier.challenge.instance.instance import draw_instance
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.challenge.training.early_stopping import EarlyStopping
from verifier.command_line.files import read_module
from verifier.experiments.study.loop.observations import observations
from verifier.experiments.study.loop.rows import EDITION, Improvement, Rates, Row, improvements_text
from verifier.experiments.study.loop.settings import CONTEST, Setting, differences, outcomes, quality_of
from verifier.experiments.study.loop.trials import BATCHES, OPTIMISERS, PATIENCES, Trial, plan
from verifier.experiments.study.method import Method

SHORT = replace(EDITION, function=FourierFeatures(32), width=16, max_epochs=40, patience=9)
METHODS = [
    (Method(name, path := FIXTURES / "optimisers" / file, read_module(path)), rates)
    for name, (file, rates) in OPTIMISERS.items()
]


def row_of(losses: list[float], patience: int) -> Row:
    """The row of a training with these validation losses, until its patience is at its end."""
    stopping = EarlyStopping(patience)
    course = [Improvement(0, -1)]
    for epoch, loss in enumerate(losses, 1):
        if stopping.improved(loss):
            course.append(Improvement(epoch, epoch))
        if stopping.is_over:
            break
    return replace(ROW, epochs=stopping.epochs, patience=patience, improvements=improvements_text(course))


@given(st.lists(st.integers(0, 30).map(float), min_size=1, max_size=80), st.integers(1, 30), st.integers(1, 30))
def test_a_shorter_patience_ends_the_same_training_earlier(losses: list[float], one: int, other: int) -> None:
    shorter, longer = sorted((one, other))
    stopped = row_of(losses, shorter)
    found = row_of(losses, longer).outcome(shorter)
    assert found.epochs == stopped.epochs
    assert found.best == stopped.course[-1]


def trained(patience: int) -> Row:
    method, _ = METHODS[1]
    return Trial(method, Rates.KEPT, Track(replace(SHORT, patience=patience), 2), 0).run(InProcess(), None)


def test_a_training_tells_those_with_a_shorter_patience() -> None:
    long = trained(9)
    for patience in (1, 2, 4, 9):
        short, told = trained(patience), long.outcome(patience)
        assert (told.epochs, told.best) == (short.epochs, short.course[-1])
        assert told.fuel_used == pytest.approx(short.fuel_used, rel=0.02)  # but for the start, the same in each epoch


def test_with_the_contests_constants_it_is_the_contests_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EDITIONS, SHORT.name, (SHORT,))
    trial = Trial(METHODS[1][0], Rates.KEPT, Track(SHORT, 2), 0)
    solved = solve(Session(trial.task, 0, trial.method.module, InProcess()))
    row = trial.run(InProcess(), None)
    assert (row.epochs, row.course[-1].epoch) == (solved.claim.epochs, solved.claim.best_epoch)
    assert row.fuel_used == solved.claim.fuel_used
    session = Session(trial.task, 0, trial.method.module, InProcess())
    residual = session.network.predict(*solved.training.best, session.instance.test.x) - session.instance.test.y
    noise = np.square((session.instance.test.y - session.instance.test.f).astype(np.float64)).mean()
    quality = 1.0 - np.square(residual.astype(np.float64)).mean() / (4.0 * noise)
    assert row.course[-1].quality / 1e6 == pytest.approx(quality, abs=2e-6)


def test_every_loop_has_the_same_points_and_is_no_edition_of_the_contest() -> None:
    before = dict(EDITIONS)
    trials = plan(METHODS, (4,), BATCHES, 1)
    drawn = [draw_instance(trial.instance_id) for trial in (trials[0], trials[-1])]
    assert trials[0].track.edition.batches != trials[-1].track.edition.batches
    for part in ("train", "validation", "test"):
        one, other = (getattr(each, part) for each in drawn)
        assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("x", "y", "f"))
    assert before == EDITIONS
    assert {trial.track.edition.name for trial in trials} == {EDITION.name}
    assert {replace(trial.track.edition, batches=8, patience=50) for trial in trials} == {EDITION}


def test_the_plan_is_whole_and_patience_costs_no_training() -> None:
    trials = plan(METHODS, (4, 10), BATCHES, 5)
    assert len({trial.key for trial in trials}) == len(trials) == 5 * 2 * 3 * (2 * len(BATCHES) - 1)
    patiences = {trial.track.edition.batches: trial.track.edition.patience for trial in trials}
    assert patiences == {2: 50, 4: 50, 8: max(PATIENCES), 16: 50, 32: 50}
    kinds = [trial.rates for trial in trials]
    assert kinds == sorted(kinds)  # kept before scaled


def test_rates_are_the_modules_and_grow_with_the_points_of_a_batch() -> None:
    for method, rates in METHODS:
        defaults = _hyperparameters(method.path)
        assert rates == {name: defaults[name] for name in defaults if name.endswith("lr")}
        scaled = {
            trial.track.edition.batches: trial.method.hyperparameters
            for trial in plan([(method, rates)], (4,), BATCHES, 1)
            if trial.rates is Rates.SCALED
        }
        assert list(scaled) == [2, 4, 16, 32]
        assert all(found == {name: rates[name] * 8 / number for name in rates} for number, found in scaled.items())


def _hyperparameters(path: Path) -> dict[str, float]:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, float] = module.HYPERPARAMETERS
    return found


def study() -> list[Row]:
    """Two optimisers, three instances: the contest's best epoch is 30 with 0.5 or so, with two batches 0.1 less."""
    rows = []
    for nonce, quality in enumerate((0.5, 0.6, 0.7)):
        for name, more in (("SGD", 0.0), ("AdamW", 0.02)):
            rows += [
                made_up(name, 8, nonce, {5: quality + more - 0.2, 30: quality + more}, patience=200),
                made_up(name, 2, nonce, {30: quality + more - 0.1 - 0.01 * nonce}),
            ]
    return rows


def test_settings_find_their_trainings() -> None:
    sgd = [row for row in study() if row.optimiser == "SGD"]
    contest = outcomes(sgd, CONTEST)
    assert {instance: (each.epochs, each.best.epoch) for instance, each in contest.items()} == {
        (4, nonce): (80, 30) for nonce in range(3)
    }
    assert outcomes(sgd, Setting(rates=Rates.SCALED)) == contest
    assert not outcomes(sgd, Setting(batches=2, rates=Rates.SCALED))
    assert not outcomes(sgd, Setting(batches=2, patience=51))
    shorter = outcomes(sgd, Setting(patience=19))
    assert {each.best.epoch for each in shorter.values()} == {5}
    found = differences(shorter, contest, quality_of)
    assert found == {(4, nonce): pytest.approx(-0.2) for nonce in range(3)}


def test_the_numbers_by_hand() -> None:
    text = "\n".join(observations(study()))
    # -0.10, -0.11, -0.12: standard deviation 0.01, t(2) = 4.3027, margin 4.3027 * 0.01 / sqrt(3) = 0.0248
    compared = "-0.110 (95%: -0.135 to -0.085)"
    assert f"      2 batches: quality 0.490 ± 0.052; less the contest's {compared}; T 80 ± 0; best epoch 30; " in text
    assert f"      2 batches: quality {compared}, lower on 3 of 3; T times 1.00 (95%: unknown)\n" in text
    assert "    patience  20: quality 0.400 ± 0.058; less the contest's -0.200 (95%: " in text
    assert "    patience 100: quality 0.600 ± 0.058; less the contest's +0.000 (95%: unknown); T 130 ± 0; " in text
    # with a patience of 20 it ends after epoch 25 instead of 80, for everyone
    assert ", lower on 3 of 3; T times 0.31 (95%: unknown)\n" in text
    assert "nan" not in "\n".join(observations(study()[:2]))


def test_an_instance_that_one_optimiser_lacks_is_in_no_common_mean() -> None:
    rows = [row for row in study() if (row.optimiser, row.nonce, row.batches) != ("AdamW", 2, 2)]
    assert "      2 batches: quality -0.105 (95%: " in "\n".join(observations(rows))


FIELDS: dict[str, object] = {
    "study": "figure2", "edition": "december-2025", "rates": "halved", "digest": "accepted", "optimiser": "=cmd()",
    "versions": "\x1b[2J", "batches": 0, "patience": 0, "n_hidden": 65, "epochs": 29, "nonce": -1, "seconds": math.nan,
    "improvements": "1:5",
}  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_a_row_that_no_training_gives_is_refused(field: str) -> None:
    named = "improvements" if field == "epochs" else field
    with pytest.raises(ValueError, match=f"^{named}: "):
        replace(ROW, **{field: FIELDS[field]})  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "0:1 0:2", "0:1 5:2 4:3", "0:10000001", "0:1  5:2", "0:1 81:2"])
def test_improvements_that_no_training_has_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^improvements: "):
        replace(ROW, improvements=text)
