"""`tig-verify study loop`: trainings of an epoch or two, the table that keeps them, and the figure."""

from __future__ import annotations

import csv
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.called import Ended, called
from tests.support.loop_rows import made_up
from verifier.challenge.editions import FourierFeatures
from verifier.experiments.plots.loop import loop_picture
from verifier.experiments.study.loop import trials as loop
from verifier.experiments.study.loop.rows import EDITION

pytestmark = pytest.mark.slow

QUICK = ("--quick", "--isolation", "none", "--jobs", "1", "--out", "out")
TABLE = Path("out/loop.csv")
Call = Callable[..., Ended]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    short = replace(EDITION, function=FourierFeatures(32), width=16, max_epochs=2)
    monkeypatch.setattr(loop, "EDITION", short)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, "study", "loop", *QUICK, *arguments)


def size(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_three_optimisers_are_trained_with_each_number_of_batches_and_told(call: Call) -> None:
    ended = call()
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("15 of 15 trainings are drawn in out/loop.png\n\nBatches an epoch, patience 50, ")
    assert size(Path("out/loop.png").read_bytes()) == (1650, 1725)
    with TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["batches"], row["rates"], row["patience"]) for row in rows} == {
        ("4", "kept", "50"), ("4", "scaled", "50"), ("8", "kept", "200"), ("16", "kept", "50"),
        ("16", "scaled", "50"),
    }  # fmt: skip
    assert {row["stop_reason"] for row in rows} == {"epoch-limit"}
    assert len({row["improvements"].split()[0] for row in rows}) == 1  # the same points and initial network


def test_what_is_done_is_not_done_again(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("--limit", "4").code == 4
    first = call()
    assert first.code == 0
    text = TABLE.read_text()
    monkeypatch.setattr(loop, "finish", None)
    assert call() == first
    assert TABLE.read_text() == text
    assert call("--seeds", "2", "--draw").out.startswith("15 of 30 trainings are drawn in ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--depths 0", "--depths: "),
        ("--depths 1..4", "--depths: 4 depths cannot be told apart in a figure; name at most 3"),
        ("--seeds 0", "--seeds: "),
        ("--draw", "out/loop.csv: No such file or directory; check the name"),
    ],
)
def test_mistakes_are_answered(call: Call, arguments: str, message: str) -> None:
    ended = call(*arguments.split())
    assert (ended.code, ended.out) == (2, "")
    assert f"tig-verify: {message}" in ended.err


def test_every_figure_can_be_drawn() -> None:
    rows = [
        made_up(name, batches, nonce, {5: 0.1, 30: quality}, 200 if batches == 8 else 50)
        for name in ("a", "b", "c")
        for batches in (2, 8, 32)
        for nonce, quality in enumerate((0.5, 0.7))
    ]
    png = loop_picture(rows)
    assert png == loop_picture(rows)
    assert size(loop_picture(rows[:1])) == size(png) == (1650, 1725)
