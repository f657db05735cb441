"""`tig-verify tune`: searches of a few trainings of an epoch or two, that are ended and go on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocol.envelope import open_envelope
from protocol.keys import SigningKey
from protocol.tuning import Tuning
from tests.support.called import Ended, called
from tests.support.small_contest import module
from verifier.command_line.commands import tune as tune_command
from verifier.command_line.files import read_envelope, read_module
from verifier.experiments import comparison_trials
from verifier.experiments.tuning.track_search import TrackSearch

pytestmark = pytest.mark.slow

OUT = Path("out")
SPACE = ("--search", "lr=log 1e-4..1e-1")
LONG = ("--trials", 4, "--batch", 2, "--nonces", "0..1", "--judge-nonces", "7..8", "--fuel", 1_500_000)
SHORT = ("--track", "n_hidden=1", *SPACE, *LONG)
FEW = ("--trials", 2)
TRAININGS = 5 * 2 + 2 * 2
COMMAND = [sys.executable, "-P", "-m", "verifier.command_line.main", "tune"]
Call = Callable[..., Ended]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sgd.py").write_bytes(module().replace(b"0.05", b"0.0001"))
    SigningKey.generate().save(Path("key.pem"))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def calling(*arguments: object, jobs: int = 1, out: Path = OUT) -> Ended:
        return called(capsys, "tune", "sgd.py", *arguments, "--jobs", jobs, "--isolation", "none", "-o", out)

    return calling


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (OUT / "trainings.jsonl").read_text().splitlines()]


def files() -> dict[str, bytes]:
    """All but the trainings, whose times differ."""
    return {path.name: path.read_bytes() for path in OUT.iterdir() if path.suffix != ".jsonl"}


def test_a_search_finds_better_values_and_judges_them_elsewhere(call: Call) -> None:
    ended = call(*SHORT, "--key", "key.pem", "--json")
    assert ended.code == 0
    found = json.loads(ended.out)
    (values, judged, search) = (found[name] for name in ("hyperparameters", "judgement", "search"))
    assert (found["optimiser"], found["track"], found["is_better"]) == ("sgd", "n_hidden=1", True)
    assert values["lr"] > 1e-3
    assert (search["nonces"], search["proposals"], search["failed"]) == ([0, 1], 4, 0)
    runs = {(row["training"]["hyperparameters"].get("lr"), row["run"]["nonce"]): row["run"] for row in lines()}
    assert len(runs) == len(lines()) == TRAININGS
    assert {nonce for lr, nonce in runs if lr not in (None, values["lr"])} == {0, 1}
    assert judged["nonces"] == [7, 8]
    assert judged["qualities"] == [runs[values["lr"], nonce]["quality"] for nonce in (7, 8)]
    assert judged["own_qualities"] == [runs[None, nonce]["quality"] for nonce in (7, 8)]
    mean = {lr: (runs[lr, 0]["quality"] + runs[lr, 1]["quality"]) / 2 for lr, _ in runs}
    assert max(mean, key=lambda lr: mean[lr]) == values["lr"]
    assert (search["quality"], search["own_quality"]) == (mean[values["lr"]], mean[None])

    digest = read_module(Path("sgd.py")).digest
    signed = open_envelope(read_envelope(OUT / "sgd.tuning"), Tuning)
    (track,) = signed.record.tracks
    assert (track.task.optimiser_digest, dict(track.task.hyperparameters)) == (digest, values)
    assert [list(track.nonces), list(track.qualities), list(track.own_qualities)] == [
        judged[name] for name in ("nonces", "qualities", "own_qualities")
    ]
    assert f'"n_hidden=1": {{"lr": {values["lr"]}}},' in (OUT / "sgd-tuned.py").read_text()
    whole = json.loads((OUT / "tuned.json").read_text())
    (entry,) = whole["tracks"]
    assert whole["own"] == {"lr": 0.0001}
    assert [each["hyperparameters"] for each in entry.pop("proposals")] == [{}, *({"lr": lr} for lr in mean if lr)]
    assert entry == found
    assert ended.err.splitlines() == [
        "out/tuned.json: all that was tried and found",
        "out/sgd-tuned.py: the module with these values, by track",
        f"out/sgd.tuning: the values, signed; digest {signed.digest.hex()}",
    ]


def test_the_same_call_finds_the_same_without_training_again(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    first, written = call(*SHORT, "--key", "key.pem"), files()
    with monkeypatch.context() as patched:
        patched.setattr(comparison_trials, "solve", None)
        assert call(*SHORT, "--key", "key.pem") == first
    assert files() == written
    assert len(lines()) == TRAININGS
    more = call(*SHORT, "--trials", 5)  # goes on with what there is
    assert more.code == 0
    assert 2 <= len(lines()) - TRAININGS <= 5


def test_ended_searches_go_on_and_find_what_one_call_finds(call: Call) -> None:
    ends = [call(*SHORT, "--key", "key.pem", "--limit", 5) for _ in range(3)]
    assert [ended.code for ended in ends] == [4, 4, 0]
    assert ends[0] == Ended(4, "", "tig-verify: the search is not at its end; the same call goes on\n")
    assert len(lines()) == TRAININGS
    in_parts = files()
    for path in OUT.iterdir():
        path.unlink()
    assert call(*SHORT, "--key", "key.pem", jobs=2).out == ends[2].out
    assert files() == in_parts  # by two processes too
    assert call(*SHORT, "--seed", 1).code == 0
    assert len(lines()) > TRAININGS


def test_a_killed_search_goes_on(call: Call) -> None:
    arguments = [*map(str, SHORT), "--isolation", "none", "-o", str(OUT)]
    process = subprocess.Popen([*COMMAND, "sgd.py", *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 60.0
    while not ((OUT / "trainings.jsonl").exists() and lines_so_far() > 2) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert lines_so_far() > 2
    assert not list(OUT.glob("tuned*"))
    ended = call(*SHORT)
    assert ended.code == 0
    assert len(lines()) == TRAININGS


def lines_so_far() -> int:
    return (OUT / "trainings.jsonl").read_bytes().count(b"\n")


def test_each_track_has_its_own_search_and_its_row(call: Call) -> None:
    source = Path("sgd.py").read_text()
    annotated = 'HYPERPARAMETERS: {"lr": "log 1e-4..1e-1"} ='
    Path("sgd.py").write_text(source.replace("HYPERPARAMETERS =", annotated))
    longer = (*LONG, "--trials", 5, "--judge-nonces", "7..9")
    ended = call("--track", "n_hidden=2", "--track", "n_hidden=1", *longer, "--key", "key.pem")
    assert ended.code == 0
    header, two, one, *_ = ended.out.splitlines()
    assert header.split()[:2] == ["track", "quality"]
    assert [two.split()[0], one.split()[0]] == ["n_hidden=2", "n_hidden=1"]
    values = [dict([row.split()[-1].split("=")])["lr"] for row in (two, one)]
    assert values[0] != values[1]
    text = (OUT / "sgd-tuned.py").read_text()
    assert all(f'"n_hidden={n}": {{"lr": {lr}}},' in text for n, lr in zip((2, 1), values, strict=True))
    record = open_envelope(read_envelope(OUT / "sgd.tuning"), Tuning).record
    assert [each.task.settings.track_id for each in record.tracks] == ["n_hidden=1", "n_hidden=2"]
    with_table = read_module(OUT / "sgd-tuned.py")
    (OUT / "again.py").write_bytes(with_table.source)
    alone = call("--track", "n_hidden=1", *longer)  # one track's search does not depend on another
    assert alone.out.splitlines()[1].split()[-1] == f"lr={values[1]}"


def test_own_values_that_are_best_stay(call: Call) -> None:
    assert call(*SHORT, *FEW).code == 0
    assert (OUT / "sgd-tuned.py").exists()
    ended = call(*SHORT[:2], "--search", "lr=0.0001", *LONG, *FEW, "--json")
    assert ended.code == 0
    found = json.loads(ended.out)
    assert (found["is_better"], found["hyperparameters"], found["judgement"]) == (False, {}, None)
    assert ended.err.splitlines()[1:] == ["out/sgd-tuned.py: is of an earlier call"]
    table = call(*SHORT[:2], "--search", "lr=0.0001", *LONG, *FEW).out
    assert "n_hidden=1: no proposal was better in the search; the module's own values stay\n" in table


def test_values_that_are_best_by_chance_are_told_from_better_ones(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """Here the judgement sees other values than the search: it must decide, not the search."""
    judging = TrackSearch.judging
    monkeypatch.setattr(TrackSearch, "judging", lambda search, nonces: judging(search, nonces)[::-1])
    ended = call(*SHORT, *FEW, "--key", "key.pem")
    assert ended.code == 0
    assert "n_hidden=1: the values are not better where they were judged; the module's own values stay\n" in ended.out
    assert sorted(files()) == ["tuned.json"]


FAILS = 'hyperparameters["lr"] if hyperparameters["lr"] < 0.03 else [][1]'


def test_values_with_which_the_module_fails_are_named(call: Call) -> None:
    source = module(state=FAILS).replace(b"0.05", b"0.0001")
    Path("sgd.py").write_bytes(source)
    ended = call(*SHORT[:2], "--search", "lr=log 1e-3..1.0", *LONG, *FEW)
    assert ended.code == 0
    assert "n_hidden=1: the module fails with " in ended.out
    assert "lr=" in ended.out
    assert "IndexError" in ended.out
    assert sum(each["why"] != "" for each in json.loads((OUT / "tuned.json").read_text())["tracks"][0]["proposals"]) > 0
    Path("sgd.py").write_bytes(source.replace(b"0.03", b"1e-9"))
    ended = call(*SHORT, *FEW)
    assert ended.code == 2
    assert ended.err.startswith("tig-verify: sgd.py: with its own values, on nonce 0: 'line ")


def test_a_lost_process_is_no_answer(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from sandbox.errors import WorkerFault

    def lost(*_: object) -> object:
        raise WorkerFault("the worker is gone")

    with monkeypatch.context() as patched:
        patched.setattr(comparison_trials, "solve", lost)
        ended = call(*SHORT, *FEW)
    assert ended.code == 3
    assert "undetermined: sgd.py, n_hidden=1, nonce 0: the worker is gone" in ended.err
    assert ended.err.endswith("the search is not at its end; the same call goes on\n")
    assert call(*SHORT, *FEW).code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--judge-nonces", "1..5"],
            "--judge-nonces: 1 is among --nonces; judge on nonces that the search does not",
        ),
        (["--judge-nonces", "0..5"], "--judge-nonces: 0..1 are among --nonces"),
        (["--search", "lr=0.1..0.2"], "--search: 'lr' is there twice; give it once"),
        (["--search", "rate=0.1..0.2"], "--search: 'rate' is no hyperparameter of the module; it has lr"),
        (["--track", "n_hidden=1"], "--track n_hidden=1: is there twice; name each track once"),
        (["--key", "none.pem"], "none.pem: "),
        (["-o", "sgd.py"], "sgd.py: cannot be written: "),
        (["-o", "full"], "full/trainings.jsonl: line 1 is none that tune writes"),
    ],
)
def test_mistakes_are_answered_before_anything_is_trained(
    call: Call, arguments: list[object], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison_trials, "solve", None)
    Path("full").mkdir()
    Path("full", "trainings.jsonl").write_text("other\n")
    out = Path(str(arguments.pop())) if arguments[0] == "-o" else OUT
    ended = call(*SHORT, *(arguments if len(arguments) > 1 else ()), out=out)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"tig-verify: {message}")
    assert ended.err.count("\n") == 1
    assert not (OUT / "trainings.jsonl").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"import os\n", "sgd.py:1:1: D163 the function"),
        (
            module().replace(b"def init", b"TUNED = 1\n\n\ndef init"),
            "tig-verify: sgd.py: has the name TUNED or ",
        ),
        (
            module().replace(b'{"lr": 0.05}', b"{}"),
            "tig-verify: --search: 'lr' is no hyperparameter of the ",
        ),
    ],
)
def test_modules_that_cannot_be_tuned_are_refused(call: Call, source: bytes, message: str) -> None:
    Path("sgd.py").write_bytes(source)
    ended = call(*SHORT)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(message)
    assert not OUT.exists()


def test_without_optuna_it_says_what_to_install(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune_command, "find_spec", lambda name: None)
    ended = call(*SHORT)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "tig-verify: a search needs optuna, which is not installed: pip install 'tig-verify[tune]'\n"
    )  # fmt: skip


def test_the_nonces_of_the_judgement_come_after_those_of_the_search(call: Call) -> None:
    last = 2**64 - 1
    ended = call("--track", "n_hidden=1", *SPACE, "--nonces", last - 19)
    assert ended == Ended(2, "", "tig-verify: --judge-nonces: name them, as too few come after those of the search\n")
    assert tune_command._after(range(3, 6)) == range(6, 26)
    assert tune_command._after([last - 20]) == range(last - 19, last + 1)
