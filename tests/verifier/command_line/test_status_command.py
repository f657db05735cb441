"""`status`: what it says of runs at work, runs that ended, shards, and folders of something else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from protocol.envelope import seal
from protocol.keys import SigningKey
from tests.support import sample_records
from tests.support.called import Ended, called
from verifier.runs.run_log import FORMAT, Done, Entry, Failed, Found, RunLog, Start

Call = Callable[..., Ended]
NOW = 1_800_000_000.0
KEY = SigningKey.generate()


def start(seconds: float = 0.0, nonces: str = "0..9", shard: int = 1, shards: int = 1, task: str = "ab") -> Start:
    return Start(
        time=NOW + seconds, command="tig-verify solve", host="here", version="0.1", optimiser="adam.py",
        optimiser_digest="00", edition="december-2025", track="n_hidden=1", task=task, signer="cd", nonces=nonces,
        shard=shard, shards=shards, jobs=3, cluster="",
    )  # fmt: skip


def done(nonce: int, seconds: float, quality: int) -> Done:
    claim(nonce, quality)
    return Done(NOW + seconds, nonce, quality, "00", 1.0)


def claim(nonce: int, quality: int = 0) -> None:
    record = sample_records.claim(nonce=nonce, quality=quality)
    Path(f"out/adam-n_hidden=1-nonce={nonce}.claim").write_bytes(seal(record, KEY).to_bytes())


def write(*entries: Entry, name: str = "adam-n_hidden=1") -> RunLog:
    with RunLog(Path(f"out/{name}.run"), FORMAT) as log:
        for entry in entries:
            log.add(entry)
    return log


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The status of the folder `out`, two minutes after `NOW`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "time", lambda: NOW + 120.0)
    Path("out").mkdir()
    return lambda *arguments: called(capsys, "status", "out", *arguments)


def test_a_run_that_has_ended(call: Call) -> None:
    write(start(), done(0, 30, 700), done(2, 60, -5), Failed(NOW + 61, 1, "'line 3: oops'", False))
    assert call() == Ended(0, (
        "out/adam-n_hidden=1.run: not at work, 2 of 10 done, 1 failed, 2 a minute, "
        "quality best 700, median 348, 1 qualify\n"
        "  nonce 1: 'line 3: oops'\n"
    ), "")  # fmt: skip


def test_a_run_at_work(call: Call) -> None:
    write(start(), done(0, 30, 700), done(2, 60, -5), Failed(NOW + 61, 7, "signal 9", True))
    with RunLog(Path("out/adam-n_hidden=1.run"), FORMAT):
        assert call() == Ended(0, (
            "out/adam-n_hidden=1.run: at work, 3 in hand, 2 of 10 done, 1 failed, 1 a minute, 7 min left, "
            "quality best 700, median 348, 1 qualify\n"
            "  nonce 7: lost: signal 9\n"
        ), "")  # fmt: skip
        run, together = map(json.loads, call("--json").out.splitlines())
    expected = {
        "running": True, "in_hand": 3, "total": 10, "done": 2, "failed": 1, "per_minute": 1.0, "seconds_left": 420,
        "best": 700, "median": 348, "qualified": 1, "shard": "1/1", "nonces": "0..9",
        "failures": [{"nonce": 7, "why": "signal 9", "lost": True}],
    }  # fmt: skip
    assert {name: run[name] for name in expected} == expected
    assert (together["file"], together["running"], together["done"]) == (None, 1, 2)


def test_shards_together(call: Call) -> None:
    for shard in (1, 2):
        write(start(shard=shard, shards=2), done(shard - 1, 60, shard), name=f"adam-n_hidden=1-shard-{shard}-of-2")
    lines = call().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "out/adam-n_hidden=1-shard-1-of-2.run", "out/adam-n_hidden=1-shard-2-of-2.run", "together",
    ]  # fmt: skip
    assert lines[0].endswith("not at work, 1 of 5 done, 1 a minute, quality best 1, median 1, 1 qualify")
    assert lines[2] == "together: 0 of 2 runs at work, 2 of 10 done, quality best 2, median 2, 2 qualify"


def test_the_claims_are_the_truth(call: Call) -> None:
    """One is gone that the log has; another is there that the log does not have; a third is cut."""
    write(start(), done(0, 30, 700), done(1, 60, 600), Found(NOW, 2, 500, "00"))
    Path("out/adam-n_hidden=1-nonce=0.claim").unlink()
    claim(2, 500)
    claim(5, 400)
    Path("out/adam-n_hidden=1-nonce=6.claim").write_bytes(b"cut")
    assert "3 of 10 done, 2 a minute, quality best 600, median 500, 3 qualify" in call().out


def test_what_was_said_of_another_task_does_not_count(call: Call) -> None:
    write(start(), Failed(NOW + 1, 3, "oops", False), start(60.0, task="ef", nonces="3..4"), done(3, 120, 9))
    assert call().out == (
        "out/adam-n_hidden=1.run: not at work, 1 of 2 done, 1 a minute, quality best 9, median 9, 1 qualify\n"
    )


def test_other_folders(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = "out: has no run; name the folder that solve writes several nonces to"
    assert call() == Ended(2, "", f"tig-verify: {nothing}\n")
    Path("out/empty.run").touch()  # as of a call that has just begun
    assert call() == Ended(2, "", f"tig-verify: {nothing}\n")
    Path("out/other.run").write_text("my diary\n")
    assert call().err.startswith("tig-verify: out/other.run: line 1 is none that solve writes; ")
    for name in ("none", "out/other.run"):
        ended = called(capsys, "status", name)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.endswith("; name the folder of the claims\n")


@pytest.mark.parametrize("nonces", ["@/etc/passwd", "", "9..0", "0..99999999"])
def test_nonces_of_no_run_are_refused(call: Call, nonces: str) -> None:
    write(start(nonces=nonces))
    ended = call()
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("tig-verify: out/adam-n_hidden=1.run: ")
    assert "passwd" not in ended.err or "is no nonce" in ended.err
