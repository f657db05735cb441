"""Short names, all different."""

from __future__ import annotations

from verifier.report.labels import distinct


def test_names_that_are_there_already_have_numbers() -> None:
    assert distinct(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]


def test_a_number_is_no_name_of_another() -> None:
    assert distinct(["a (2)", "a", "a"]) == ["a (2)", "a", "a (3)"]
    assert len(set(distinct(["a", "a (2)", "a", "a", "a (2)"]))) == 5
