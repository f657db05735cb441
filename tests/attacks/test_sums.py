"""Sums for judging: tables that somebody else wrote, and names that are sentences, formulas or commands."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import batches, learning_quality_tables
from protocol.bundles import draw_bundles, sample_nonces
from protocol.sampling import SamplingRule
from protocol.settings import Settings
from protocol.std_rng import StdRng
from protocol.verdict import Outcome
from tests.support.sample_runs import run
from verifier.challenge.editions import DECEMBER_2025, Track
from verifier.challenge.errors import InputError
from verifier.challenge.hyperparameters import Hyperparameters
from verifier.command_line import names
from verifier.command_line.names import shown_names
from verifier.command_line.options.instance_options import Instances
from verifier.command_line.options.sampling_options import Sampling
from verifier.command_line.trying.comparison_report import ComparedTrack, as_tables
from verifier.command_line.verifying import verdict_log
from verifier.command_line.verifying.tally import Tally
from verifier.command_line.verifying.verdict_log import FORMAT as LOG
from verifier.command_line.verifying.verdict_log import LoggedVerdict, VerdictLog
from verifier.experiments import comparison
from verifier.experiments.comparison_trials import Row, TrialKey
from verifier.experiments.statistics import Interval
from verifier.runs import results_table
from verifier.runs.results_table import ResultsTable, read_rows
from verifier.runs.row_formats import json_rows

FORMAT = json_rows(Row, "compare")
KEY = TrialKey(
    2, "december-2025", Settings("", "", "c006", "", "n_hidden=4"), "0" * 32, 10**9, "ab" * 32,
    Hyperparameters({"lr": 0.5}), 0,
)  # fmt: skip
LINE = FORMAT.write(Row(KEY, "mine.py", run(0, 1000, epochs=2, best_epoch=1)))


def changed(old: str, new: str) -> str:
    assert LINE.count(old) == 1
    return LINE.replace(old, new)


ATTEMPTS = {
    "not a number": (changed('"threshold": 0.16', '"threshold": NaN'), "run.threshold: expected 1e-09 to 1e+09"),
    "infinity": (changed('"floor": 0.04', '"floor": Infinity'), "run.floor: expected"),
    "1e999": (changed('"seconds": 2.0', '"seconds": 1e999'), "run.seconds: expected"),
    "truth for a number": (changed('"quality": 1000', '"quality": true'), "run.quality: expected a whole number"),
    "fraction": (changed('"quality": 1000', '"quality": 1000.0'), "run.quality: expected a whole number, found 1000.0"),
    "text": (changed('"quality": 1000', '"quality": "1000"'), "run.quality: expected a whole number, found '1000'"),
    "nothing": (changed('"quality": 1000', '"quality": null'), "run.quality: expected a whole number, found None"),
    "above what a quality can be": (changed('"quality": 1000', '"quality": 1000000000'), "run.quality: expected"),
    "int32": (changed('"quality": 1000', '"quality": -2147483648'), "run.quality: expected"),
    "hundreds of digits": (changed('"quality": 1000', '"quality": ' + "9" * 400), "run.quality: expected"),
    "thousands of digits": (changed('"quality": 1000', '"quality": ' + "9" * 5000), ""),
    "two qualities": (changed('"quality": 1000', '"quality": 1000, "quality": 1000000'), "'quality' is there twice"),
    "another nonce inside": (changed('"run": {"nonce": 0', '"run": {"nonce": 7'), "run.nonce: 7 is not that of"),
    "spaces": (LINE.replace(": ", ":"), "spelt in another way"),
    "carriage return": (LINE + "\r", "spelt in another way"),
    "order": (json.dumps(dict(reversed(json.loads(LINE).items()))), "spelt in another way"),
    "whole number for a fraction": (changed('{"lr": 0.5}', '{"lr": 5e-1}'), "spelt in another way"),
    "list of hyperparameters": (changed('{"lr": 0.5}', '[["lr", 0.5]]'), "training.hyperparameters: expected an obj"),
    "hyperparameter of no kind": (changed('{"lr": 0.5}', '{"lr": []}'), "training.hyperparameters: 'lr': expected a f"),
    "endless hyperparameter": (changed('{"lr": 0.5}', '{"lr": 1e999}'), "training.hyperparameters: 'lr': expected a "),
    "hyperparameter twice": (changed('{"lr": 0.5}', '{"lr": 0.5, "lr": 0.5}'), "'lr' is there twice"),
    "half a surrogate": (changed('{"lr": 0.5}', '{"lr": "\\ud800"}'), "training.hyperparameters: "),
    "byte order mark": ("\ufeff" + LINE, ""),
    "escapes": (changed("mine.py", "\\u006dine.py"), "spelt in another way"),
    "exponent": (changed("0.16", "16e-2"), "spelt in another way"),
    "denormal": (changed("0.16", "5e-324"), "run.threshold: expected"),
    "minus zero": (changed('"epochs": 2', '"epochs": -0'), "run.train_losses: expected one for each of 0 epochs, fo"),
    "better than its loss": (changed('"quality": 1000', '"quality": 1001'), "run.quality: expected 1000, of this test"),
    "endless loss": (changed('"test_loss": 0.15984', '"test_loss": Infinity'), "run.test_loss: expected 0 to 1e+40"),
    "no loss": (changed('"test_loss": 0.15984', '"test_loss": null'), "run.quality: expected -10000000, of this te"),
    "another best epoch": (changed('"best_epoch": 1', '"best_epoch": 2'), "run.best_epoch: expected 1, that of the"),
    "an epoch too many": (changed('"epochs": 2', '"epochs": 3'), "run.train_losses: expected one for each of 3 epoch"),
    "loss that is no number": (changed('[0.25, ', '[NaN, '), "run.validation_losses: expected 0 to 1e+40"),
    "loss below 0": (changed('[0.25, ', '[-0.25, '), "run.validation_losses: expected 0 to 1e+40"),
    "whole loss": (changed('[0.25, ', '[1, '), "run.validation_losses[0]: expected a number with a point, found 1"),
    "one loss": (changed('[0.25, ', '0.25, "x": ['), "run"),
    "end of its own": (changed('early-stopping', 'enough'), "run.stop_reason: expected one of early-stopping, "),
    "deep": ("[" * 60_000, ""),
    "blank line": ("", ""),
}  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "runs.jsonl"


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_row_of_another_kind_is_refused_by_line_and_field(table: Path, attempt: str) -> None:
    line, why = ATTEMPTS[attempt]
    text = f"{LINE}\n{line}\n"
    table.write_text(text, newline="")
    readers: tuple[Callable[..., Any], ...] = (ResultsTable, read_rows)
    for reader in readers:
        with pytest.raises(InputError) as refusal:
            reader(table, FORMAT)
        message = str(refusal.value)
        assert message.startswith(f"{table}: line 2 is none that compare writes" + (f" ({why}" if why else ""))
        assert len(message) < len(str(table)) + 250
        assert message.isprintable()
    assert table.read_bytes().decode() == text


def test_without_the_check_of_spelling_the_row_is_still_one_result(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results_table, "_row", lambda text, layout: layout.read(text))
    table.write_text(f"{LINE}\n" + f"{changed('0.16', '16e-2')}\n" * 1000)
    assert list(read_rows(table, FORMAT).values()) == [FORMAT.read(LINE)]
    better = FORMAT.write(Row(KEY, "mine.py", run(0, 1001, epochs=2, best_epoch=1)))
    table.write_text(f"{LINE}\n{better}\n")
    with pytest.raises(InputError, match="lines 1 and 2 have different results of the same thing"):
        read_rows(table, FORMAT)


def test_time_and_file_name_may_differ_between_two_shards(table: Path) -> None:
    table.write_text(f"{LINE}\n{changed('2.0', '3.5').replace('mine.py', 'copy.py')}\n")
    assert len(read_rows(table, FORMAT)) == 1


def logged(outcome: str, **changes: object) -> str:
    entry = {
        "file": "x.claim", "claim_digest": "ab", "signer": "ef", "evidence": {"claim": "cd"},
        "level": "evaluate", "outcome": outcome,
        "reason": "none", "step": 0, "detail": "", "measured": {},
        "terms": dict.fromkeys(("signer", "precommit_digest", "precommit_signer", "seed_beacon", "quality_above")),
    }  # fmt: skip
    return json.dumps({**entry, **changes})


@pytest.mark.parametrize("between", [[], ["undetermined"], ["undetermined"] * 9])
def test_a_log_in_which_one_claim_is_accepted_and_rejected_is_refused(table: Path, between: list[str]) -> None:
    table.write_text("".join(logged(outcome) + "\n" for outcome in ["accepted", *between, "rejected"]))
    with pytest.raises(InputError, match=r"lines 1 and 2 have different results of the same thing"):
        VerdictLog(table, LOG)


def test_a_log_may_decide_what_was_undetermined(table: Path) -> None:
    table.write_text("".join(logged(outcome) + "\n" for outcome in ("undetermined", "undetermined", "rejected")))
    with VerdictLog(table, LOG) as log:
        assert [row.outcome for row in log.rows.values() if isinstance(row, LoggedVerdict)] == [Outcome.REJECTED]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (logged("rejected")[:-1] + ', "outcome": "accepted"}', "'outcome' is there twice"),
        (logged("accepted", measured={"quality": math.nan}), "NaN is no number of JSON"),
        (logged("accepted", measured=-math.inf), "-Infinity is no number of JSON"),
        (logged("accepted", claim_digest=["ab"]), "claim_digest: expected text"),
        (logged("accepted", claim_digest=None), "claim_digest: expected text"),
        (logged("accepted", evidence={"claim": ["cd"]}), ""),
    ],
)
def test_a_line_of_a_log_that_readers_could_take_for_two_verdicts_is_refused(table: Path, line: str, why: str) -> None:
    table.write_text(line + "\n")
    with pytest.raises(InputError) as refusal:
        VerdictLog(table, LOG)
    told = f" ({why})" if why else ""
    assert str(refusal.value) == f"{table}: line 1 is none that verify writes{told}; name another file"


def test_without_the_strict_reader_a_log_still_holds_one_decision(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict_log, "json_object", json.loads)
    twice = logged("rejected")[:-1] + ', "outcome": "accepted"}'
    table.write_text(f"{logged('rejected')}\n{twice}\n")
    with pytest.raises(InputError, match=r"lines 1 and 2 have different results of the same thing"):
        VerdictLog(table, LOG)


def test_a_thousand_copies_of_one_claim_are_told_as_copies() -> None:
    tally = Tally()
    for n in range(1000):
        tally.add(f"{n}.claim", Outcome.ACCEPTED, claim_digest="ab")
    tally.add("other.claim", Outcome.ACCEPTED, claim_digest="cd")
    tally.add("rejected.claim", Outcome.REJECTED, claim_digest="ab")  # a copy by another signer
    tally.add("no.claim", None)
    tally.add("none.claim", None)
    assert str(tally) == "1,001 accepted (999 of them copies), 1 rejected, 2 without verdict"
    assert tally.copies == {f"{n}.claim": "0.claim" for n in range(1, 1000)}


def study_row(**changes: object) -> str:
    row = {
        "optimiser": "sgd", "n_hidden": 4, "nonce": 0, "rule": "batches", "epochs": 78, "best_epoch": 28,
        "quality": 667272, "seconds": 6.04,
    }  # fmt: skip
    return json.dumps({**row, **changes}) + "\n"


@pytest.mark.parametrize(
    "changes",
    [{"epochs": 0}, {"seconds": math.nan}, {"seconds": 0.0}, {"quality": 1.0}, {"rule": "mine"}, {"more": 1},
     {"quality": 1_000_000}],
)  # fmt: skip
def test_a_study_of_a_benchmark_reads_its_rows_strictly(table: Path, changes: dict[str, object]) -> None:
    table.write_text(study_row() + study_row(**changes))
    with pytest.raises(InputError):
        batches.read_rows(table)


def test_a_study_with_one_pair_knows_no_interval(table: Path) -> None:
    table.write_text(study_row() + study_row(rule="points", epochs=90) + study_row(nonce=1))
    told = batches.report(batches.read_rows(table))
    assert "[unknown]" in told
    assert "inf" not in told
    assert "1 trainings without their pair are left out" in told


def test_a_sample_of_bundles_without_a_worse_half_says_so() -> None:
    rule = SamplingRule(upper=2, lower=1)
    bundles = draw_bundles([5, 6, 7, 8], 4, StdRng.from_seed(bytes(32)))  # of one nonce each
    nonces = sample_nonces(bundles, -10, rule.upper, rule.lower, StdRng.from_seed(bytes(32)))
    (told,) = Sampling("6b", rule).shortfall(len(nonces))
    assert told.startswith("2 of 3 nonces drawn: ")
    assert Sampling("6b", rule).shortfall(3) == []


def test_without_the_rule_for_equal_pairs_the_table_still_says_that_they_are_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparison, "mean_interval", lambda values: Interval(values[0], values[0], values[0]))
    compared = comparison.compare({"first": [run(0, 1000)], "mine": [run(0, 2000)]})
    settings = Settings("", "", "c006", "", "n_hidden=4")
    instances = Instances(Track(DECEMBER_2025, 4), settings, "0" * 32, range(1))
    lines = as_tables(ComparedTrack(instances, [], compared, [[], []]))
    assert "+1,000 to +1,000" in lines[4]  # the layer is off
    assert lines[-1] == "1 nonce is few: an interval from fewer than 10 is rough."


def test_too_few_instances_say_nothing_about_chance() -> None:
    run = learning_quality_tables.Run(0, 4, "adam", "mine", 1, 0.1, 1, 0.1, 0.1, 0.1, 1.0)
    other = learning_quality_tables.Run(0, 4, "adam", "theirs", 1, 0.1, 1, 0.1, 0.2, 0.2, 1.0)
    told = learning_quality_tables.Report([run, other], ("mine", "theirs"), ("theirs",)).markdown()
    assert "too few paired instances" in told
    assert "chance" not in told


SENTENCES = (
    "3 accepted 0 rejected",
    "\n| mine | 99 |",
    "=cmd()",
    "<b>",
    "\x1b[2J",
    "_hidden",
    "$x$",
    "x\u202ey",
    "\udcff",
)


@pytest.mark.parametrize("stem", SENTENCES)
def test_a_name_that_is_no_word_is_quoted(stem: str) -> None:
    first, second = shown_names([Path(f"{stem}.py"), Path("adam.py")])
    assert (first, second) == (ascii(stem), "adam")
    assert first.isascii()
    assert first.isprintable()


def test_names_stay_different_and_bounded() -> None:
    long = [Path("x" * 150 + end + ".py") for end in "ab"]
    found = shown_names([*long, Path("a/adam.py")])
    assert len(set(found)) == 3
    assert max(map(len, found)) < 110


def test_without_quotes_names_are_still_data_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_quoted", str)
    (name,) = shown_names([Path("a\naccepted.py")])
    assert json.dumps({"optimiser": name}) == '{"optimiser": "a\\\\naccepted"}'.replace("\\\\", "\\")
