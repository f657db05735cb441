"""What a page about claims and verdicts says."""

from __future__ import annotations

from dataclasses import replace

from protocol.verdict import Level, Outcome, Reason
from tests.support.sample_records import task
from tests.verifier.report.sample_facts import claim, evidence, verdict_on
from verifier.report.claims_page import Failures, claims_page
from verifier.report.claims_table import joined
from verifier.report.content import Choices, Column, Histogram, Page, Value

ACCEPTED = {"outcome": Outcome.ACCEPTED, "reason": Reason.NONE, "step": 0, "detail": "reached"}


def figures(page: Page) -> dict[str, Value]:
    return {fact.label: fact.value for fact in page.figures}


def column(page: Page, name: str) -> list[Value]:
    """The values of a column, as people read them."""
    return read(next(each for each in page.table.columns if each.name == name))


def read(found: Column | Choices) -> list[Value]:
    if isinstance(found, Column):
        return list(found.values)
    return [None if place is None else found.choices[place].label for place in found.values]


def names(page: Page) -> list[str]:
    return [each.name for each in page.table.columns]


def test_the_head_has_what_people_ask_for_first() -> None:
    page = claims_page(evidence(claim(0, 300), claim(1, -5), claim(2, 0), claim(3, 100)), [])
    assert page.title == "4 claims"
    assert page.lead == "out; adam, n_hidden=4; 2025-12"
    assert figures(page) == {
        "claims": 4, "qualify": 0.5, "best quality": 300, "median quality": 50, "median epochs": 3, "median fuel": 123,
    }  # fmt: skip
    assert page.figures[1].note == "2 of 4"  # 0 does not qualify
    assert column(page, "qualifies") == ["yes", "no", "no", "yes"]
    assert page.summaries == []


def test_copies_are_counted_but_not_hidden() -> None:
    copy = replace(claim(0), name="copy")
    page = claims_page(evidence(claim(0), copy, claim(1)), [])
    assert page.figures[0].note == "1 copies among them"
    assert column(page, "claim") == ["adam-n_hidden=4-nonce=0", "copy", "adam-n_hidden=4-nonce=1"]


def test_each_task_has_a_line_and_a_row_of_bars() -> None:
    claims = [*(claim(nonce, 10 * nonce) for nonce in range(4)), claim(0, 7, "lion")]
    page = claims_page(evidence(*claims), [])
    (summary,) = page.summaries
    assert summary.columns[0].values == ["adam, n_hidden=4", "lion, n_hidden=4"]
    assert summary.columns[1].values == [4, 1]
    (chart,) = page.charts
    assert isinstance(chart, Histogram)
    assert [group.name for group in chart.groups] == ["adam, n_hidden=4", "lion, n_hidden=4"]


def test_tasks_that_differ_in_anything_are_told_apart() -> None:
    other = task(optimiser_digest=claim(0).task.optimiser_digest, hyperparameters={}, rand_hash="00")
    same_to_python = task(hyperparameters={"a": 1}), task(hyperparameters={"a": 1.0})
    claims = [claim(0), claim(1, task=other), *(claim(2, task=each) for each in same_to_python)]
    assert column(claims_page(evidence(*claims), []), "task") == [
        "adam, n_hidden=4", "adam, n_hidden=4 (2)", "adam, a=1, n_hidden=4", "adam, a=1.0, n_hidden=4",
    ]  # fmt: skip


def test_a_claim_with_another_name_is_of_a_module_with_a_digest() -> None:
    renamed = replace(claim(0), name="x")
    assert column(claims_page(evidence(renamed), []), "task") == [
        f"module {renamed.task.optimiser_digest.hex()[:16]}, n_hidden=4"
    ]


def test_verdicts_are_counted_by_outcome_and_rejections_are_named_with_their_reasons() -> None:
    good, bad, unsure, open_ = (claim(nonce) for nonce in range(4))
    undetermined = {"outcome": Outcome.UNDETERMINED, "reason": Reason.MACHINE_FAULT, "detail": "killed"}
    logged = [verdict_on(good, **ACCEPTED), verdict_on(bad), verdict_on(unsure, **undetermined)]
    page = claims_page(evidence(good, bad, unsure, open_, logged=logged), [])
    told = figures(page)
    assert [told[name] for name in ("accepted", "rejected", "undetermined", "without verdict")] == [1, 1, 1, 1]
    assert [(each.title, each.lines) for each in page.problems] == [
        ("Rejected (transcript): 1", ["adam-n_hidden=4-nonce=1: the roots differ"])
    ]
    assert column(page, "verdict") == ["accepted", "rejected", "undetermined", "none"]
    assert column(page, "reason") == [None, "transcript", "machine-fault", None]


def test_the_verdict_that_counts_is_a_rejection_else_the_deepest() -> None:
    about = claim(0)
    shallow = verdict_on(about, level=Level.EVALUATE, **ACCEPTED)
    deep, against = verdict_on(about, **ACCEPTED), verdict_on(about, level=Level.EVALUATE)
    for verdicts, counts in (([shallow, deep], deep), ([deep, shallow], deep), ([against, deep], against)):
        (row,) = joined([about], verdicts)
        assert row.verdict == counts
        assert row.verdicts == verdicts


def test_a_verdict_on_a_copy_by_another_signer_is_none_on_the_claim() -> None:
    about = claim(0)
    page = claims_page(evidence(about, logged=[verdict_on(replace(about, signer="0" * 64))]), [])
    assert column(page, "verdict") == ["none", "rejected"]


def test_a_log_alone_makes_a_page_and_its_quality_is_the_measured_one() -> None:
    logged = [replace(verdict_on(claim(0)), claim_file="out/x.claim"), verdict_on(claim(1), measured={})]
    page = claims_page(evidence(logged=logged), [])
    assert page.title == "2 verdicts"
    assert column(page, "claim") == ["x", ""]
    assert column(page, "quality") == [-562_512, None]
    assert "epochs" not in names(page)
    assert "A log of verdicts is not signed" in str(page.made)


def test_all_verdicts_of_a_row_are_in_its_detail_with_what_was_measured() -> None:
    about = claim(0)
    logged = [verdict_on(about), verdict_on(about, level=Level.EVALUATE, measured={"loss": 0.25, "odd": True})]
    (attached,) = claims_page(evidence(about, logged=logged), []).attached
    assert attached.rows == [0, 0]
    found = {each.name: each for each in attached.columns}
    assert found["loss"].values == [0.5, 0.25]
    assert read(found["odd"]) == [None, "True"]
    assert isinstance(found["level"], Choices)
    assert found["expected threshold"].values == [0, 0]


def test_measured_names_of_a_stranger_are_limited() -> None:
    logged = [verdict_on(claim(0), measured={f"name {number}": number for number in range(500)})]
    (attached,) = claims_page(evidence(logged=logged), []).attached
    assert len(attached.columns) < 60


def test_failures_alone_make_a_page() -> None:
    lines = [f"nonce {number}: no" for number in range(70)]
    page = claims_page(evidence(failures=[Failures("Failed nonces", lines, 70)]), [])
    assert (page.title, page.charts, page.attached) == ("No claim", [], [])
    assert figures(page) == {"failed nonces": 70}
    assert [(each.title, len(each.lines), each.more) for each in page.problems] == [("Failed nonces: 70", 50, 20)]


def test_a_claim_without_an_epoch_has_no_losses() -> None:
    empty = replace(claim(0), epochs=0, best_epoch=0, train_loss=None, validation_loss=None)
    page = claims_page(evidence(empty, claim(1)), [])
    assert column(page, "training loss") == [None, 0.5]
