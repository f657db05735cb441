"""A difference is named by the first epoch and the field, and nothing that could matter is taken for equal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sandbox.isolation import InProcess
from tests.support.small_contest import module
from tests.verifier.golden.sample_golden_files import FOLDER, changed, golden_file, training, with_cell
from verifier.golden.differences import Difference, differences, report, values
from verifier.golden.golden_file import GoldenFile

EPOCH, TRAIN, VALIDATION, FUEL, LEAF = range(5)


def named(found: GoldenFile) -> list[tuple[int | None, str]]:
    return [(each.epoch, each.field) for each in differences(golden_file(), found)]


def test_a_training_agrees_with_itself() -> None:
    again = GoldenFile.of(training(), training().run(InProcess()), FOLDER)
    assert differences(golden_file(), again) == []


@pytest.mark.parametrize(
    ("epoch", "column", "field"),
    [(1, TRAIN, "train_loss"), (3, VALIDATION, "validation_loss"), (0, FUEL, "fuel_used"), (2, LEAF, "leaf")],
)
def test_the_first_epoch_of_a_column_is_named(epoch: int, column: int, field: str) -> None:
    found = with_cell(epoch, column, 7)
    assert named(found) == [(epoch, field)]
    recorded = golden_file().results["leaves"][epoch][column]
    assert differences(golden_file(), found) == [Difference(epoch, field, recorded, 7)]


def test_each_column_has_its_own_first_epoch_and_the_earliest_is_said_first() -> None:
    leaves = golden_file().results["leaves"]
    for epoch in (3, 4):
        leaves[epoch][TRAIN] = 0.5
    leaves[2][LEAF] = "00"
    leaves[4][FUEL] = 1
    assert named(changed(leaves=leaves)) == [(2, "leaf"), (3, "train_loss"), (4, "fuel_used")]


@pytest.mark.parametrize(
    ("known", "found"), [(1, 1.0), (1, True), (0.0, -0.0), (None, 0.0), (0.1, 0.1 + 2**-56), ("inf", None), (1, "1")]
)
def test_what_an_optimiser_can_tell_apart_is_not_equal(known: Any, found: Any) -> None:
    assert [(each.field, each.recorded, each.computed) for each in values("x", known, found)] == [("x", known, found)]


@pytest.mark.parametrize("longer", [True, False])
def test_an_epoch_too_many_or_too_few_is_named(longer: bool) -> None:
    leaves = golden_file().results["leaves"]
    last = len(leaves) - 1
    fewer = changed(leaves=leaves[:-1])
    known, found = (fewer, golden_file()) if longer else (golden_file(), fewer)
    (difference,) = differences(known, found)
    assert (difference.epoch, difference.field) == (last, "epoch")
    told = "computed, not recorded" if longer else "recorded, not computed"
    assert str(difference) == f"epoch {last}: {told}"


def test_sections_are_compared_in_the_order_of_a_training() -> None:
    opened = golden_file().results["opened_leaves"]
    opened[1]["state_digest"], opened[2]["state_digest"] = "1", "2"
    found = changed(
        score={"quality": 5},
        outcome={"stop_reason": "x"},
        start={"frozen_weight_digests": ["a", "b"]},
        opened_leaves=opened,
    )
    assert named(found) == [
        (None, "start.frozen_weight_digests[0]"), (1, "state_digest"), (None, "outcome.stop_reason"),
        (None, "score.quality"),
    ]  # fmt: skip


def test_leaves_that_only_one_side_opened_are_not_compared() -> None:
    opened = golden_file().results["opened_leaves"]
    opened[-1] = {**opened[-1], "epoch": 1000}
    assert named(changed(opened_leaves=opened)) == []


@pytest.mark.parametrize("section", ["outcome", "score", "start"])
def test_a_field_that_one_side_lacks_is_named(section: str) -> None:
    known = golden_file()
    fields = dict(known.results[section])
    name, value = fields.popitem()
    found = replace(known, results={**known.results, section: fields})
    (difference,) = [each for each in differences(known, found) if each.field == f"{section}.{name}"]
    assert (difference.recorded, difference.computed) == (value, None)


def test_another_module_with_the_same_results_is_told_from_another_result() -> None:
    other = training(module() + b"# a comment\n")
    found = GoldenFile.of(other, golden_file().results, FOLDER)
    assert named(found) == [(None, "optimiser_digest")]
    assert differences(golden_file(), found, ignore_module_digest=True) == []
    assert report(differences(golden_file(), found))[-1].startswith("  All results agree: --ignore-module-digest")


def test_other_rules_are_a_difference() -> None:
    assert named(replace(golden_file(), specification=99)) == [(None, "specification")]


def test_the_report_says_from_which_epoch_on_and_what_still_agrees() -> None:
    assert report(differences(golden_file(), with_cell(2, FUEL, 1_234_567)))[::2] == [
        "differs from epoch 2 on",
        "  The losses of all epochs agree.",
    ]
    assert report(differences(golden_file(), with_cell(2, FUEL, 1_234_567)))[1].endswith(", computed 1,234,567")
    assert report(differences(golden_file(), with_cell(2, TRAIN, 0.5)))[0] == "differs from epoch 2 on"
    assert "losses" not in "".join(report(differences(golden_file(), with_cell(2, TRAIN, 0.5))))
    assert report(differences(golden_file(), changed(score={"quality": -5})))[0] == "differs"


def test_a_digest_is_cut_for_people_alone() -> None:
    digest = golden_file().results["leaves"][0][LEAF]
    (difference,) = differences(golden_file(), with_cell(0, LEAF, "ab" * 32))
    assert str(difference) == f"epoch 0: leaf: recorded {digest[:16]}.., computed abababababababab.."
    assert difference.as_json() == {"epoch": 0, "field": "leaf", "recorded": digest, "computed": "ab" * 32}
