"""The search: what it proposes depends on its seed and on what it was told, and it gets better."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from verifier.experiments.tuning.search import OWN, Proposal, Search, own_proposal
from verifier.experiments.tuning.space import Choices, Reals, Space, Wholes

SPACE: Space = {
    "lr": Reals(1e-4, 1e-1, is_log=True), "steps": Wholes(1, 8), "mode": Choices((1, 1.0, True, None, "b")),
}  # fmt: skip
OWN_VALUES: dict[str, Any] = {"lr": 0.05, "steps": 8, "mode": None, "other": 7}


def quality(proposal: Proposal) -> float:
    """The best is near lr = 0.005, steps = 3, mode = "b"."""
    if proposal.number == OWN:
        return -2.0
    values = proposal.hyperparameters
    lr, steps = values["lr"], values["steps"]
    assert isinstance(lr, float)
    assert isinstance(steps, int)
    return -((math.log10(lr) + 2.3) ** 2) - 0.1 * abs(steps - 3) - (values["mode"] != "b")


def searched(
    count: int, batch: int = 4, seed: int = 0, purpose: str = "", good: Callable[[Proposal], float | None] = quality
) -> list[Proposal]:
    search = Search(SPACE, OWN_VALUES, seed, purpose)
    search.tell([(own_proposal(), good(own_proposal()))])
    found: list[Proposal] = []
    while len(found) < count:
        proposals = search.propose(min(batch, count - len(found)))
        search.tell([(each, good(each)) for each in proposals])
        found += proposals
    return found


def test_a_search_is_the_same_again_and_a_longer_one_begins_with_it() -> None:
    found = searched(23)
    assert found == searched(23) == searched(40)[:23]
    assert [each.number for each in found] == list(range(1, 24))


@pytest.mark.parametrize("other", [{"seed": 1}, {"purpose": "n_hidden=8"}, {"batch": 3}])
def test_another_seed_track_or_batch_is_another_search(other: dict[str, Any]) -> None:
    assert searched(12) != searched(12, **other)


def test_what_it_is_told_decides_what_it_proposes() -> None:
    assert searched(24) != searched(24, good=lambda each: -quality(each))


def test_it_gets_better_and_stays_in_its_space() -> None:
    found = searched(60)
    assert max(map(quality, found)) > -0.05
    early, late = (sum(map(quality, some)) for some in (found[:20], found[40:]))
    assert late > early
    for each in found:
        assert list(each.hyperparameters) == ["lr", "mode", "steps"]
        assert all(each.hyperparameters[name] in ends for name, ends in SPACE.items())
    assert all(one != other for one, other in pairwise(found))


def test_values_with_which_the_module_fails_are_avoided() -> None:
    fails = searched(60, good=lambda each: None if each.hyperparameters.get("mode") == "b" else quality(each))
    often, seldom = (
        sum(each.hyperparameters["mode"] == "b" for each in found[40:]) for found in (searched(60), fails)
    )  # fmt: skip
    assert often > 10
    assert seldom < 5
    assert len(searched(12, good=lambda each: None)) == 12


@pytest.mark.parametrize("own", [{"lr": 0.5}, {"lr": 1}, {"steps": 9}, {"mode": "c"}, {"mode": 2.0}])
def test_own_values_outside_of_the_space_say_nothing_about_it(own: dict[str, Any]) -> None:
    search = Search(SPACE, OWN_VALUES | own, 0, "")
    search.tell([(own_proposal(), 0.5)])
    assert len(search._study.trials) == 0
    search = Search(SPACE, OWN_VALUES, 0, "")
    search.tell([(own_proposal(), 0.5)])
    (told,) = search._study.trials
    assert (told.value, told.params) == (0.5, {"lr": 0.05, "steps": 8, "mode": 3})
