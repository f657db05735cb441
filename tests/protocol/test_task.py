"""The ranges of a task, and when two tasks are the same."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest

from protocol import Claim, RecordError, Settings, Task, decode, encode
from tests.support.sample_records import SETTINGS, claim, task

OUT_OF_RANGE: list[tuple[dict[str, Any], str]] = [
    ({"optimiser_digest": bytes(31)}, "optimiser_digest: expected 32 bytes, found 31"),
    ({"hyperparameters": {"w": "0" * 1020}}, "hyperparameters: expected at most 1024 bytes when encoded, found"),
    ({"fuel_budget": -1}, "fuel_budget: expected 0 to 18446744073709551615, found -1"),
    ({"fuel_budget": 1 << 64}, "fuel_budget: "),
]


@pytest.mark.parametrize(("changes", "message"), OUT_OF_RANGE)
def test_a_field_out_of_range_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError) as refusal:
        task(**changes)
    assert str(refusal.value).startswith(f"task.{message}")


@pytest.mark.parametrize(("changes", "message"), OUT_OF_RANGE[:3])
def test_ranges_hold_for_received_bytes_and_the_record_is_named(changes: dict[str, Any], message: str) -> None:
    plain: Any = decode(claim().to_bytes())
    with pytest.raises(RecordError) as refusal:
        Claim.from_bytes(encode({**plain, **changes}))
    assert str(refusal.value).startswith(f"claim.{message}")


def test_the_fields_stand_in_the_map_of_the_record() -> None:
    plain: Any = decode(claim().to_bytes())
    assert "task" not in plain
    assert plain["edition"] == claim().task.edition
    assert plain["hyperparameters"] == claim().task.hyperparameters


def test_overrides_can_neither_be_changed_nor_lost_on_the_way_to_another_process() -> None:
    given = {"lr": 0.5}
    made = task(hyperparameters=given)
    given["lr"] = 1.0
    assert made.hyperparameters == {"lr": 0.5}
    with pytest.raises(TypeError):
        made.hyperparameters["lr"] = 2.0  # type: ignore[index]
    assert pickle.loads(pickle.dumps(made)) == made


def test_the_seed_is_the_networks() -> None:
    made = Task("e", Settings("a", "b", "c", "d", "n_hidden=4"), bytes(32), {}, 1, "ff")
    assert made.seed(7) != made.seed(8)
    assert made.seed(7) == replace(made, fuel_budget=2, edition="f").seed(7)


@pytest.mark.parametrize("name", ["algorithm_id", "block_id", "challenge_id", "player_id", "track_id"])
def test_a_differing_setting_is_named(name: str) -> None:
    other = task(settings=replace(SETTINGS, **{name: "other"}))
    assert task().differing_field(other) == f"settings.{name}"
    assert task().digest() == task().digest() != other.digest()
    assert task().differing_field(task()) is None
