"""The tables and objects of a comparison, from figures that no training is needed for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from protocol.claim import StopReason
from protocol.settings import Settings
from tests.support.sample_runs import run
from verifier.challenge.editions import DECEMBER_2025, Track
from verifier.challenge.hyperparameters import Hyperparameters
from verifier.challenge.module import Module
from verifier.command_line.options.candidates import Candidate
from verifier.command_line.options.instance_options import Instances
from verifier.command_line.trying.comparison_report import ComparedTrack, NoResult, as_json, as_page_tables, as_tables
from verifier.experiments.comparison import Run, compare

ADAM = [run(0, 600_000, fuel_used=2_190_000_000), run(1, -10_000_000, best_epoch=2), run(2, 1, is_solvable=False)]
MINE = [
    run(0, 650_000, fuel_used=123_456), run(2, 400_001, is_solvable=False, stop_reason=StopReason.FUEL_EXHAUSTED),
]  # fmt: skip


def compared(
    runs: Mapping[str, Sequence[Run]], without: Mapping[str, Sequence[NoResult]] | None = None, n_hidden: int = 4
) -> ComparedTrack:
    track = Track(DECEMBER_2025, n_hidden)
    instances = Instances(track, Settings("", "", "c006", "", track.id), "0" * 32, range(3))
    candidates = [
        Candidate(name, Path(f"{name}.py"), Module(name, name.encode()), Hyperparameters({"lr": 0.5})) for name in runs
    ]
    lacking = [(without or {}).get(name, []) for name in runs]
    return ComparedTrack(instances, candidates, compare(runs, range(3)), lacking)


def test_a_table_of_how_good_they_are_and_one_of_how_they_trained() -> None:
    text = as_tables(compared({"adam": ADAM, "mine": MINE}, {"mine": [NoResult(1, "'why'", False)]}))
    assert text == [
        "n_hidden=4, december-2025: 3 nonces, 2 of them solvable",
        "",
        "optimiser  nonces     quality  below baseline  difference              95% interval  won-tied-lost"
        "  qualified  excess",
        "adam               -3,133,333       3,883,333                                                     "
        "        1/2   5.450",
        "mine          2/3     525,000         225,000    +225,000  -1,998,586 to +2,448,586          2-0-0"
        "        1/2   0.100",
        "",
        "optimiser  epochs  best epoch  training loss  validation loss  test loss    fuel  seconds  ended by",
        "adam         10.0         2.7          0.125            0.250        inf   7.3e8      2.0  early-stopping",
        "mine         10.0         3.0          0.125            0.250     0.0760  62,200      2.0"
        "  early-stopping 1, fuel-exhausted 1",
        "",
        "Means; quality and difference in units of 10⁻⁶, losses of the best epoch.",
        "Below baseline: what the quality lacks to that of kernel regression, on the same test points.",
        "Qualified and excess, which is (loss - floor) / threshold, are of solvable nonces.",
        "Differences are to adam, nonce by nonce.",
        "2 nonces are few: an interval from fewer than 10 is rough.",
        "",
        "A nonce without a result is in no mean and has not qualified: who fails on hard ones looks too good.",
        "mine: a result of 2 of 3 nonces, compared on the 2 that both have",
        "  nonce 1: 'why'",
    ]


def test_who_has_no_result_has_a_row_and_the_reasons() -> None:
    gone = [NoResult(nonce, "killed", True) for nonce in range(3)]
    text = as_tables(compared({"adam": [], "mine": MINE}, {"adam": gone, "mine": [NoResult(1, "'why'", False)]}))
    assert text[3] == "adam          0/3                                 0/1"
    assert text[-5:] == [
        "A nonce without a result is in no mean and has not qualified: who fails on hard ones looks too good.",
        "adam: a result of 0 of 3 nonces",
        "  nonces 0..2: undetermined: killed",
        "mine: a result of 2 of 3 nonces, compared on none, as there is none that both have",
        "  nonce 1: 'why'",
    ]


def test_objects_have_whole_qualities_and_null_for_what_is_not_known() -> None:
    adam, mine, gone = map(
        json.loads, as_json(compared({"adam": ADAM, "mine": MINE, "gone": []}, {"gone": [NoResult(0, "killed", True)]}))
    )
    assert (adam["quality"], adam["difference"], adam["test_loss"]) == (-3_133_333, None, None)
    assert (mine["difference"], mine["difference_low"], mine["difference_high"]) == (225_000, -1_998_586, 2_448_586)
    assert mine["stop_reasons"] == {"early-stopping": 1, "fuel-exhausted": 1}
    assert (mine["nonces"], mine["results"], mine["qualified"], mine["solvable"]) == (3, 2, 1, 2)
    assert (adam["below_baseline"], mine["below_baseline"]) == (3_883_333, 225_000)
    assert (mine["file"], mine["optimiser"], mine["hyperparameters"]) == ("mine.py", "mine", {"lr": 0.5})
    assert gone["failed"] == [{"nonce": 0, "why": "killed", "lost": True}]
    assert {name for name, value in gone.items() if value is None} == {
        "quality", "below_baseline", "difference", "difference_low", "difference_high", "excess", "epochs",
        "best_epoch", "train_loss", "validation_loss", "test_loss", "fuel_used", "seconds",
    }  # fmt: skip


def test_a_page_has_two_tables_of_all_tracks_without_empty_columns() -> None:
    one, other = compared({"adam": ADAM}), compared({"adam": ADAM}, n_hidden=2)
    for table in as_page_tables([one, other]):
        assert [row["track"] for row in table] == ["n_hidden=4", "n_hidden=2"]
    (figures,), (training,) = as_page_tables([one])
    assert list(figures) == ["optimiser", "quality", "below baseline", "qualified", "excess"]
    assert list(training) == [
        "optimiser", "epochs", "best epoch", "training loss", "validation loss", "test loss", "fuel", "seconds",
        "ended by",
    ]  # fmt: skip
