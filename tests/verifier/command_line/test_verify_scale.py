"""`tig-verify verify` at scale: claims are read when asked for, go to processes as bytes; a call can have an end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.verify_many import write_claims
from protocol.claim import Claim
from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.verdict import Level, Outcome, Reason, Verdict
from tests.support.called import Ended, called
from tests.support.disputed import ADAPTIVE, solved
from verifier.command_line.files import ClaimFiles, read_file, read_record, write_file
from verifier.command_line.options.execution_options import Execution
from verifier.command_line.options.verdict_options import VerdictOptions
from verifier.command_line.verifying import judge, verdict_log, verdict_report
from verifier.command_line.verifying.claim_cases import Case, CaseReader
from verifier.command_line.verifying.claim_files import claims_among
from verifier.command_line.verifying.judge import Judge, judged
from verifier.command_line.verifying.verdict_log import FORMAT, VerdictLog
from verifier.command_line.verifying.verdict_report import Report
from verifier.runs.pool import TaskLost
from verifier.verification.context import Terms

pytestmark = pytest.mark.slow

KEY = SigningKey.generate()
OUT = Path("verdicts.jsonl")
COMMAND = [sys.executable, "-P", "-m", "verifier.command_line.main", "verify"]
HERE = Execution("none", 1)
Call = Callable[..., Ended]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, "verify", *arguments)


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """Twelve honest claims of the small edition, and the module."""
    monkeypatch.chdir(tmp_path)
    KEY.save(Path("key.pem"))
    Path("out").mkdir()
    paths = [Path("out", f"c{n:02}.claim") for n in range(12)]
    for path in paths:
        write_claim(path, solved().claim)
    ClaimFiles(paths[0]).module(solved().claim.task.optimiser_digest).write_bytes(ADAPTIVE)
    return paths


def write_claim(path: Path, claim: Claim) -> None:
    path.write_bytes(seal(claim, KEY).to_bytes())
    ClaimFiles(path).solution.write_bytes(seal(solved().solution, KEY).to_bytes())


def lines(path: Path = OUT) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# -- what is named -----------------------------------------------------------------------------------------------


def test_a_folder_stands_for_its_claims(claims: list[Path], call: Call) -> None:
    done = call("out", claims[3], "out", "--out", OUT)
    assert (done.code, done.summary) == (0, "12 accepted (11 of them copies)")
    assert [line["file"] for line in lines()] == list(map(str, claims))
    assert call(*claims, "--out", OUT).summary.endswith("12 of them from before")  # a folder is a short way to say it


def test_a_folder_that_cannot_be_read_is_named(claims: list[Path], monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    def forbidden(path: Path) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.listdir", forbidden)
    assert call("out") == Ended(2, "", "tig-verify: out: cannot be read: Permission denied; check its permissions\n")


def test_what_is_no_folder_of_claims_is_a_claim(tmp_path: Path) -> None:
    (tmp_path / "x.claim").mkdir()
    named = [tmp_path / "x.claim", tmp_path / "none.claim", tmp_path / "none"]
    assert claims_among([*named, *named]) == named


# -- what is read, and when --------------------------------------------------------------------------------------


def test_claims_are_read_as_they_are_asked_for(claims: list[Path], call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []

    class Recorded(CaseReader):
        def read(self, path: Path, *given: Any) -> Case:
            events.append(f"read {path.stem}")
            return super().read(path, *given)

    def add(report: Report, case: Case, answer: object) -> None:
        events.append(f"told {case.path.stem}")

    monkeypatch.setattr("verifier.command_line.verifying.claim_cases.CaseReader", Recorded)
    monkeypatch.setattr(Report, "add", add)
    call(*claims[:3])
    assert events == ["read c00", "told c00", "read c01", "told c01", "read c02", "told c02"]


def test_of_what_the_log_does_not_know_nothing_is_read_before_its_turn(
    claims: list[Path], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And of what it knows, the claim alone."""
    assert call(*claims[:4], "--out", OUT).code == 0
    for path in claims[:4]:
        ClaimFiles(path).solution.unlink()
    looked_at: list[Path] = []

    def recorded(path: Path) -> bytes:
        looked_at.append(path)
        return read_file(path)

    monkeypatch.setattr(verdict_log, "read_file", recorded)
    done = call("out", "--out", OUT)
    assert (done.code, done.summary) == (0, "12 accepted (11 of them copies); 4 of them from before")
    assert looked_at == claims[:4]


def test_the_long_replays_come_first_where_several_share_them(
    claims: list[Path], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = solved().claim
    fewer = replace(honest, epochs=2, best_epoch=1, train_losses=honest.train_losses[:2],
                    validation_losses=honest.validation_losses[:2])  # fmt: skip
    settings = replace(honest.task.settings, track_id="n_hidden=3")
    write_claim(claims[0], fewer)
    write_claim(claims[2], replace(honest, task=replace(honest.task, settings=settings)))
    write_claim(claims[3], replace(honest, task=replace(honest.task, edition="none")))
    claims[4].write_bytes(b"no claim")
    given: list[list[str]] = []

    def completed(opened: object, cases: Iterator[Case], *others: object) -> Iterator[object]:
        given.append([case.path.stem for case in cases])
        yield from ()

    monkeypatch.setattr(judge, "completed", completed)
    for arguments in (("--level", "replay", "--jobs", 2), ("--level", "replay", "--jobs", 1), ("--jobs", 2)):
        call(*claims[:6], *arguments)
    named = [path.stem for path in claims[:6]]
    assert given == [["c02", "c01", "c05", "c00", "c03", "c04"], named, named]
    given.clear()
    monkeypatch.setattr("verifier.command_line.commands.verify._SORTED", 2)
    call(*claims[:6], "--level", "replay", "--jobs", 2)
    assert given == [["c01", "c00", "c02", "c03", "c05", "c04"]]


# -- a part of the claims ----------------------------------------------------------------------------------------


def test_a_limit_leaves_claims_for_the_same_call(claims: list[Path], call: Call) -> None:
    for number in range(1, 4):
        done = call(*claims, "--out", OUT, "--limit", 5)
        left = max(12 - 5 * number, 0)
        assert done.code == (4 if left else 0)
        message = f"tig-verify: {left} of 12 claims are left; the same call goes on\n"
        assert done.err.endswith(message) == bool(left)
        assert len(lines()) == 12 - left
    assert [line["file"] for line in lines()] == list(map(str, claims))


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_tried_again_does_not_use_up_the_limit(
    claims: list[Path], call: Call, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    """Or calls that are limited would never get past it."""

    def completed(opened: object, cases: Iterator[Case], *others: object) -> Iterator[object]:
        yield from ((case, TaskLost("killed") if case.path == claims[2] else accepted(case)) for case in list(cases))

    with Judge(Terms(), "none").opened() as accepted:
        ClaimFiles(claims[0]).solution.unlink()
        claims[1].write_bytes(claims[1].read_bytes()[:-1] + b"x")
        monkeypatch.setattr(judge, "completed", completed)
        for number in range(1, 10):
            assert call(*claims, "--out", OUT, "--limit", 1, "--jobs", jobs).code == (4 if number < 9 else 2)
            assert {line["file"] for line in lines()} == {str(path) for path in claims[2 : 3 + number]}


def test_what_a_call_with_claims_left_ends_with(claims: list[Path], call: Call) -> None:
    """That some are left; and not before all were looked at, that one has no verdict or is rejected."""
    ClaimFiles(claims[0]).solution.unlink()
    write_claim(claims[3], replace(solved().claim, quality=0))
    assert call(*claims, "--out", OUT, "--limit", 1).code == 4
    assert call(*claims, "--out", OUT, "--limit", 2).code == 4
    assert call(*claims[4:], "--out", OUT).code == 0
    done = call(*claims, "--out", OUT)
    assert (done.code, done.summary.split("; ")[0]) == (
        2,
        "10 accepted (9 of them copies), 1 rejected, 1 without verdict",
    )
    assert call(*claims[1:], "--out", OUT).code == 1


def test_a_call_that_ended_before_its_first_claim_says_so(claims: list[Path], call: Call) -> None:
    done = call(*claims, "--out", OUT, "--deadline", "0s", "--isolation", "none")
    assert done == Ended(
        4, "", "tig-verify: nothing judged\ntig-verify: 12 of 12 claims are left; the same call goes on\n"
    )


@pytest.mark.parametrize("option", [("--limit", 5), ("--deadline", "2h")])
def test_a_call_that_can_end_early_keeps_what_it_did(
    claims: list[Path], call: Call, option: tuple[object, ...]
) -> None:
    done = call(*claims, *option)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tig-verify: --deadline and --limit go with --out, by which the next call knows")


def test_shards_are_all_claims_once(claims: list[Path], call: Call) -> None:
    logs = [Path(f"{number}.jsonl") for number in range(1, 6)]
    for number, log in enumerate(logs, start=1):
        assert call("out", "--out", log, "--shard", f"{number}/5").code == 0
    found = [[line["file"] for line in lines(log)] for log in logs]
    assert found[1] == [str(claims[n]) for n in (1, 6, 11)]
    assert sorted(claim for each in found for claim in each) == list(map(str, claims))
    OUT.write_bytes(b"".join(log.read_bytes() for log in logs))
    assert call("out", "--out", OUT).summary.endswith("; 12 of them from before")


# -- signed verdicts ---------------------------------------------------------------------------------------------


def test_the_log_has_a_verdict_when_its_file_is_on_the_disk(
    claims: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(path: Path, data: bytes) -> None:
        time.sleep(0.02)
        write_file(path, data)

    class Watched(VerdictLog):
        def add(self, row: verdict_log.Row) -> None:
            assert read_record(ClaimFiles(Path(row.file)).verdict, Verdict).record.outcome is Outcome.ACCEPTED
            super().add(row)

    monkeypatch.setattr(verdict_report, "write_file", slow)
    reader, places = CaseReader(), VerdictOptions(None, None, OUT, None, quiet=False, as_json=True)
    ClaimFiles(claims[5]).verdict.mkdir()
    said: list[str] = []
    with Watched(OUT, FORMAT) as log:
        with Report(places, KEY, log, echo=lambda *texts: said.extend(texts)) as report:
            cases = [reader.read(path, Level.EVALUATE) for path in claims if path != claims[5]]
            with Judge(Terms(), "none").opened() as work:
                for case in cases:
                    report.add(case, work(case))
        assert len(log.rows) == 11
    assert [json.loads(line)["file"] for line in said] == [str(case.path) for case in cases]


def test_a_verdict_that_cannot_be_written_is_named_and_the_others_are(claims: list[Path], call: Call) -> None:
    ClaimFiles(claims[5]).verdict.mkdir()
    done = call(*claims, "--out", OUT, "--key", "key.pem")
    assert done.code == 2
    assert done.err.startswith("tig-verify: out/c05.verdict: cannot be written: is a folder; name a file in it\n")
    assert [line["file"] for line in lines()] == list(map(str, claims))
    assert sum(ClaimFiles(path).verdict.is_file() for path in claims) == 11


# -- in other processes, on the real edition ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Claims of 300 nonces."""
    folder = tmp_path_factory.mktemp("made")
    write_claims(folder, 300, n_hidden=1)
    return folder


@pytest.fixture
def many(made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """Copies, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for path in made.iterdir():
        Path(path.name).write_bytes(path.read_bytes())
    return [Path(f"{nonce}.claim") for nonce in range(300)]


def test_what_is_wrong_with_a_few_of_many_is_said_and_hides_nothing(many: list[Path]) -> None:
    many[10].write_bytes(many[10].read_bytes()[:-1] + bytes([many[10].read_bytes()[-1] ^ 1]))
    many[20].write_bytes(many[20].read_bytes()[:100])
    ClaimFiles(many[30]).solution.unlink()
    many[40].unlink()
    os.mkfifo(many[40])
    ClaimFiles(many[50]).solution.unlink()
    os.mkfifo(ClaimFiles(many[50]).solution)
    many[60].unlink()
    many[60].mkdir()
    many[70].write_bytes(many[71].read_bytes())  # honest, under another name
    ClaimFiles(many[80]).solution.write_bytes(many[80].read_bytes())
    many[90].write_bytes(b"")
    key = SigningKey.load(Path("key.pem"))
    claim = read_record(many[100], Claim).record
    many[100].write_bytes(seal(replace(claim, quality=claim.quality + 1), key).to_bytes())
    arguments = [*map(str, many), *map(str, many[:5]), "--jobs", "2", "--out", str(OUT)]
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert done.stdout.startswith("100.claim: rejected at level evaluate, step 7, quality: ")
    *found, summary, copy = done.stderr.splitlines()
    assert summary == "tig-verify: 291 accepted (1 of them copies), 1 rejected, 8 without verdict"
    assert re.fullmatch(r"  7[01]\.claim states what 7[01]\.claim states", copy)
    found.sort()
    expected = {
        10: "10.claim: the signature does not hold",
        20: "20.claim: is not a signed record of tig-verify, or was cut or changed",
        30: "30.solution: No such file or directory; check the name",
        40: "40.claim: is a pipe; name an ordinary file",
        50: "50.solution: is a pipe; name an ordinary file",
        60: "60.claim: is a folder; name a file in it",
        80: "80.solution: envelope.payload_type: expected",
        90: "90.claim: is empty, no signed record; get it again from whoever made it",
    }
    assert len(found) == len(expected)
    assert all(line.startswith(f"tig-verify: {text}") for line, text in zip(found, expected.values(), strict=True))
    logged = {line["file"]: line["outcome"] for line in lines()}
    assert len(lines()) == 292
    assert logged.keys() == {str(path) for n, path in enumerate(many) if n not in expected}
    assert logged["100.claim"] == "rejected"


def test_a_process_needs_none_of_the_files(many: list[Path], tmp_path_factory: pytest.TempPathFactory) -> None:
    """As on another machine: at level replay the module is in the case, too."""
    cases = [CaseReader().read(path, level) for path in many[:2] for level in (Level.EVALUATE, Level.REPLAY)]
    module = ClaimFiles(many[0]).module(read_record(many[0], Claim).record.task.optimiser_digest)
    for path in (*many, *(ClaimFiles(path).solution for path in many), module):
        path.unlink()
    execution = Execution("none", 2)
    with closing(judged(Judge(Terms(), "none"), cases, execution, 2)) as answers:
        found = {(case.path.name, case.level): answer for case, answer in answers}
    assert len(found) == 4
    assert all(isinstance(answer, Verdict) for answer in found.values())
    replayed = found["0.claim", Level.REPLAY], found["1.claim", Level.REPLAY]
    assert [answer.outcome for answer in replayed if isinstance(answer, Verdict)] == ["accepted", "rejected"]
    other = replayed[1]  # its losses are those of nonce 0
    assert isinstance(other, Verdict)
    assert other.reason is Reason.LOSSES


def test_a_deadline_ends_a_call_of_several_processes(many: list[Path]) -> None:
    """Those in hand are given up, and the log has whole lines and every claim once after the calls that follow."""
    arguments = [".", "--jobs", "2", "--out", str(OUT), "--key", "key.pem", "--deadline"]
    for seconds in ("1s", "2s", "600s"):
        done = subprocess.run([*COMMAND, *arguments, seconds], capture_output=True, text=True, check=False, timeout=120)
        if done.returncode == 0:
            break
        assert done.returncode == 4
        assert "claims are left; the same call goes on" in done.stderr
    assert done.returncode == 0
    assert len({line["file"] for line in lines()}) == len(lines()) == 300
    verdicts = [read_record(ClaimFiles(path).verdict, Verdict).record for path in many]
    assert {verdict.outcome for verdict in verdicts} == {Outcome.ACCEPTED}


def test_after_kills_the_log_holds_and_each_of_its_verdicts_is_signed(many: list[Path]) -> None:
    arguments = [".", "--jobs", "2", "--out", str(OUT), "--key", "key.pem", "--json"]
    for least in (20, 60, 100):
        with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.DEVNULL, start_new_session=True) as process:
            while not (OUT.exists() and OUT.read_bytes().count(b"\n") >= least):
                assert process.poll() is None
                time.sleep(0.002)
            workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(workers[0]), signal.SIGKILL)
            time.sleep(0.05)
            process.kill()
        whole = [json.loads(line) for line in OUT.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
        for line in whole:
            verdict = read_record(ClaimFiles(Path(line["file"])).verdict, Verdict).record
            assert (verdict.outcome, verdict.claim_digest.hex()) == (line["outcome"], line["claim_digest"])
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr.splitlines()[0][:24]) == (0, "tig-verify: 300 accepted")
    assert sorted(line["file"] for line in lines()) == sorted(map(str, many))
    assert {line["outcome"] for line in lines()} == {"accepted"}
