"""`tig-verify instance`, and the floor that it prints."""

from __future__ import annotations

import json
import math

import pytest

from tests.support.called import called
from tests.support.small_contest import instance_id
from verifier.challenge.editions import DECEMBER_2025
from verifier.challenge.instance.instance import draw_instance
from verifier.challenge.instance.solvability import Solvability, solvability, training_floor
from verifier.experiments import baseline

TRACK = ("instance", "--track", "n_hidden=4")


def test_the_floor_is_the_squared_mean_of_the_targets() -> None:
    instance = draw_instance(instance_id())
    mean = math.fsum(instance.train.y.tolist()) / 64
    assert training_floor(instance) == pytest.approx(mean * mean, rel=1e-9)


def test_the_threshold_is_that_of_the_whole_test_set() -> None:
    found, test = solvability(instance_id()), draw_instance(instance_id()).test
    noise = math.fsum((y - f) ** 2 for y, f in zip(test.y.tolist(), test.f.tolist(), strict=True)) / 40
    assert found.noise == pytest.approx(noise, rel=1e-5)
    assert found.threshold == 4.0 * found.noise


@pytest.mark.parametrize(("floor", "solvable"), [(0.0, True), (0.16, True), (0.16000001, False)])
def test_solvable_up_to_the_threshold(floor: float, solvable: bool) -> None:
    assert Solvability(floor, 0.04, 0.16).is_solvable is solvable


def test_text_has_the_sizes_the_nonces_and_a_count(capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(capsys, *TRACK, "--nonces", "0..1")
    assert (ended.code, ended.err) == (0, "")
    sizes, *nonces, count = ended.out.splitlines()
    assert sizes == (
        "december-2025 n_hidden=4: 1,000 points for training in 8 batches of 125, 200 for validation, "
        "125 of 250 for testing"
    )
    assert nonces == [
        "nonce 0: mean squared noise 0.0376, threshold 0.15, floor 0.0312, solvable",
        "nonce 1: mean squared noise 0.0487, threshold 0.195, floor 0.277, unsolvable",
    ]
    assert count == "1 of 2 unsolvable"


def test_json_has_an_object_for_each_nonce(capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(capsys, *TRACK, "--nonces", "1", "--json")
    row = json.loads(ended.out)
    expected = solvability(instance_id(DECEMBER_2025, 4, bytes.fromhex(row["seed"])))
    assert (row["floor"], row["noise"], row["threshold"]) == (expected.floor, expected.noise, expected.threshold)
    assert (row["edition"], row["track"], row["nonce"], row["solvable"]) == ("december-2025", "n_hidden=4", 1, False)
    assert row["batch_sizes"] == [125] * 8


def test_the_baseline_is_said_for_each_nonce_and_in_the_mean(capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(capsys, *TRACK, "--nonces", "0..1", "--baseline")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[1:] == [
        "nonce 0: mean squared noise 0.0376, threshold 0.15, floor 0.0312, solvable; "
        "baseline 0.0427, 1.136 times the noise, quality 715,956",
        "nonce 1: mean squared noise 0.0487, threshold 0.195, floor 0.277, unsolvable; "
        "baseline 0.0544, 1.117 times the noise, quality 720,651",
        "1 of 2 unsolvable",
        "baseline in the mean: 1.127 times the noise, quality 718,304",
    ]
    ended = called(capsys, *TRACK, "--nonces", "0..1", "--baseline", "--json")
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert [row["baseline"]["quality"] for row in rows] == [715_956, 720_651]
    for row in rows:
        assert row["baseline"]["in_noise"] == pytest.approx(row["baseline"]["loss"] / row["noise"])
        assert row["baseline"]["quality"] == round(1e6 * (1 - row["baseline"]["loss"] / row["threshold"]))


def test_who_does_not_ask_has_no_baseline(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "fit_baseline", None)
    ended = called(capsys, *TRACK, "--nonces", "0", "--json")
    assert (ended.code, "baseline" in json.loads(ended.out)) == (0, False)


def test_a_centred_instance_has_no_floor(capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(capsys, *TRACK, "--nonces", "1", "--edition", "december-2025-centred")
    assert ended.out.splitlines()[1].endswith("floor <0.001, solvable")


def test_an_april_instance_has_batches_of_two_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    april = ("--edition", "april-2025", "--track", "n_hidden=2,n_data=1024", "--nonces", "0")
    ended = called(capsys, "instance", *april)
    assert "april-2025 n_hidden=2,n_data=1024: 819 points for training in 6 batches of 136 or 137" in ended.out


@pytest.mark.parametrize("command", ["instance", "solve"])
@pytest.mark.parametrize(
    ("edition", "track", "problem"),
    [
        ("december-2025", "n_hidden=4,n_data=1024", "write n_hidden=L with L from 1 to 64"),
        ("april-2025", "n_hidden=4", "write n_hidden=L,n_data=N"),
    ],
)
def test_a_track_of_another_edition(
    command: str, edition: str, track: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    more = () if command == "instance" else ("optimiser.py", "--key", "key.pem")
    ended = called(capsys, command, *more, "--edition", edition, "--track", track, "--nonces", "0")
    assert (ended.code, ended.out) == (2, "")
    assert f"track '{track}' is not one of edition {edition}; {problem}" in ended.err


def test_settings_that_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(capsys, *TRACK, "--nonces", "0", "--player-id", "\N{SNOWMAN}")
    assert (ended.code, ended.out.count("nonce")) == (2, 0)
    assert "player_id" in ended.err
