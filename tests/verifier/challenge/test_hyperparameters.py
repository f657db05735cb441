"""Overrides of hyperparameters as a part of keys: equal where a module cannot tell them apart, and nowhere else."""

from __future__ import annotations

import math
import pickle
from copy import deepcopy
from itertools import combinations
from typing import Any

import pytest

from verifier.challenge.hyperparameters import Hyperparameters


def test_the_order_does_not_count() -> None:
    one, other = Hyperparameters({"b": 1, "a": 2.0}), Hyperparameters({"a": 2.0, "b": 1})
    assert (one, hash(one), list(one), dict(one)) == (other, hash(other), ["a", "b"], {"a": 2.0, "b": 1})


def test_what_a_module_can_tell_apart_differs() -> None:
    values: list[Any] = [1, 1.0, True, "1", None, "true", "null", 0.0, -0.0, False]
    for one, other in combinations(values, 2):
        assert Hyperparameters({"a": one}) != Hyperparameters({"a": other})
    assert Hyperparameters() != Hyperparameters({"a": None})


def test_copies_are_equal() -> None:
    given = Hyperparameters({"lr": 0.01, "mode": "a|b"})
    assert pickle.loads(pickle.dumps(given)) == deepcopy(given) == given


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, ""),
        ({"steps": 3, "lr": 0.01}, "lr=0.01 steps=3"),
        ({"mode": "fast", "on": True, "no": None}, "mode=fast no=null on=true"),
        ({"a": "1", "b": "true", "c": "", "d": "two words"}, 'a="1" b="true" c="" d="two words"'),
        ({"a": "x" * 1000}, f"a={'x' * 37}..."),
        ({"two words": 1, "_x": 2}, '_x=2 "two words"=1'),
        ({"a": "Infinity", "b": "\x1b[31m"}, 'a="Infinity" b="\\u001b[31m"'),
    ],
)
def test_the_text_is_what_one_writes(values: dict[str, Any], text: str) -> None:
    assert str(Hyperparameters(values)) == text


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"lr": math.inf}, "'lr': expected a finite number of 64 bits, text, true, false or null, found inf$"),
        ({"lr": math.nan}, "'lr': expected a finite number"),
        ({"lr": 2**64}, "'lr': expected a finite number"),
        ({"lr": [1]}, "'lr': expected a finite number"),
        ({"lr": "x" * 2000}, "expected at most 1024 bytes when encoded"),
        ({"lr": "\ud800"}, "the text holds half a surrogate pair"),
    ],
)
def test_what_no_claim_can_have_is_refused(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}"):
        Hyperparameters(values)
