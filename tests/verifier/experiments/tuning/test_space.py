"""Search spaces: what is read as which, what is refused, and values of few digits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.declaration import Declaration
from verifier.challenge.errors import InputError
from verifier.experiments.tuning.space import Choices, Range, Reals, Wholes, range_of, space_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5..0.999", Reals(0.5, 0.999)),
        ("0..0.5", Reals(0.0, 0.5)),
        (".5..1e1", Reals(0.5, 10.0)),
        ("-1e-3 .. 1e-3", Reals(-1e-3, 1e-3)),
        ("log 1e-4..1e-1", Reals(1e-4, 1e-1, is_log=True)),
        ("1..8", Wholes(1, 8)),
        ("-3..+3", Wholes(-3, 3)),
        (" log 1..1024 ", Wholes(1, 1024, is_log=True)),
        ("a|b", Choices(("a", "b"))),
        ("1|1.0|true", Choices((1, 1.0, True))),
        ("True | False | None", Choices((True, False, None))),
        ('"1"|null|-2.5', Choices(("1", None, -2.5))),
        ("60", Choices((60,))),
    ],
)
def test_texts_that_are_spaces(text: str, expected: Range) -> None:
    assert repr(range_of(text)) == repr(expected)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "'' is no choice; write a range such as 0.9..0.999, 1..8 or log 1e-4..1e-1, or choices such as a|b"),
        ("a||b", "'' is no choice"),
        ("a|b|a", "'a|b|a' has a choice twice; write each once"),
        ("true|True", "'true|True' has a choice twice"),
        ("8..1", "'8..1' is empty or has no end; write the lower number first"),
        ("1..1", "'1..1' is empty or has no end"),
        ("1..1e999", "'1..1e999' is empty or has no end"),
        ("log 0..1", "'log 0..1': a logarithmic range begins above 0"),
        ("log -1.0..1.0", "'log -1.0..1.0': a logarithmic range begins above 0"),
        ("log 1e-4", "'log 1e-4' is no range"),
        ("log1e-4..1", "'log1e-4..1' is no range"),
        ("1..", "'1..' is no range"),
        ("1...2", "'1...2' is empty"),
        ("one..two", "'one..two' is no range"),
        ("[1, 2]", "'[1, 2]' is no choice"),
        ("NaN|1", "'NaN' is no choice"),
        ("fast", "'fast' is neither a range nor a choice"),
        ("(1, 2)", "'(1, 2)' is neither a range nor a choice"),
        ("1" * 5000, "is neither a range nor a choice"),
    ],
    ids=lambda value: value[:20],
)
def test_texts_that_are_none(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        range_of(text)
    assert problem in str(refusal.value)


VALUES: dict[str, Any] = {"lr": 0.01, "steps": 3, "mode": "a", "fast": True}


def test_the_command_line_counts_where_both_name_a_space() -> None:
    declared = Declaration(VALUES, {"lr": "0.1..0.2", "steps": "1..8"})
    space = space_of(declared, {"lr": "log 1e-3..1e-2", "mode": "a|b"}, "m.py")
    assert space == {"lr": Reals(1e-3, 1e-2, is_log=True), "steps": Wholes(1, 8), "mode": Choices(("a", "b"))}


@pytest.mark.parametrize(
    ("spaces", "search", "message"),
    [
        ({}, {}, "m.py: nothing says what to search for; pass --search, such as --search 'lr=log 1e-4..1e-1', or "),
        ({"rate": "1..2"}, {}, "m.py: HYPERPARAMETERS: 'rate' is no hyperparameter of the module; it has lr, steps, "),
        ({}, {"rate": "1..2"}, "--search: 'rate' is no hyperparameter of the module; it has lr, steps, mode, fast"),
        ({"lr": "(1, 2)"}, {}, "m.py: HYPERPARAMETERS: lr: '(1, 2)' is neither a range nor a choice"),
        ({}, {"lr": "8.0..1.0"}, "--search: lr: '8.0..1.0' is empty"),
        (
            {}, {"lr": "0..1"}, "--search: lr: 0..1 has whole numbers alone, and the module's value has a point; "
            "write an end with one, such as 1.0 (it is 0.01)"
        ),
        (
            {}, {"steps": "1.0..8.0"}, "--search: steps: 1.0..8.0 has numbers with a point, and the module's value has "
            "none; write both ends as whole numbers (it is 3)"
        ),
        ({}, {"mode": "1..8"}, "--search: mode: 1..8 is a range, and the module's value is no number; list choices"),
        ({}, {"fast": "0.0..1.0"}, "--search: fast: 0.0..1.0 is a range, and the module's value is no number; "),
    ],
)  # fmt: skip
def test_spaces_that_do_not_go_with_the_module(
    spaces: dict[str, str], search: dict[str, str], message: str
) -> None:  # fmt: skip
    with pytest.raises(InputError) as refusal:
        space_of(Declaration(VALUES, spaces), search, "m.py")
    assert str(refusal.value).startswith(message)


def test_values_longer_than_a_claim_may_have_are_refused_at_once() -> None:
    with pytest.raises(InputError, match="--search: expected at most 1024 bytes when encoded, found"):
        space_of(Declaration(VALUES), {"mode": f"a|{'b' * 1100}"}, "m.py")


@pytest.mark.parametrize(
    ("ends", "value", "rounded"),
    [
        (Reals(1e-4, 1e-1, is_log=True), 0.00348172641, 0.003482),
        (Reals(1e-4, 1e-1, is_log=True), 0.0999999, 0.1),
        (Reals(0.5, 0.999), 0.8123456, 0.8123),
        (Reals(0.9, 0.99999), 0.99998765, 0.99999),
        (Reals(0.9, 0.99999), 0.99987654, 0.99988),
        (Reals(1.0, 1e6, is_log=True), 123456.7, 123500.0),
        (Reals(0.0, 1000.0), 1e-9, 0.0),
        (Reals(0.12345, 0.12399), 0.12398991, 0.1239899),
    ],
)
def test_values_have_few_digits(ends: Reals, value: float, rounded: float) -> None:
    assert ends.rounded(value) == rounded


@given(st.floats(1e-12, 1e12), st.floats(1.0001, 1e12), st.floats(0, 1), st.booleans())
def test_a_rounded_value_stays_in_its_range_and_near(low: float, ratio: float, at: float, is_log: bool) -> None:
    ends = Reals(low, low * ratio, is_log)
    value = min(low * ratio**at if is_log else low + (ends.high - low) * at, ends.high)
    found = ends.rounded(value)
    assert found in ends
    assert abs(found - value) <= 1e-3 * (value if is_log else ends.high - low)
