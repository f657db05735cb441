"""`tig-verify verify` over many claims: nothing is judged twice, none is lost, and a killed process decides nothing."""

from __future__ import annotations

import fcntl
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.precommit import Precommit
from protocol.task import Choice
from protocol.verdict import Level, Outcome, Verdict
from sandbox.errors import WorkerFault
from sandbox.isolation import Jail
from sandbox.worker.zygote_client import Zygote
from tests.support.called import Ended, called
from tests.support.disputed import ADAPTIVE, solved
from tests.support.folders import FIXTURES
from verifier.challenge.solving import Solved
from verifier.command_line.files import ClaimFiles, read_record
from verifier.command_line.main import main
from verifier.command_line.verifying import judge
from verifier.runs.pool import TaskLost
from verifier.verification.context import Evidence
from verifier.verification.verify import verify as examine

pytestmark = pytest.mark.slow

KEY = SigningKey.generate()
OUT = Path("verdicts.jsonl")
ADAM = FIXTURES / "optimisers" / "adam.py"
COMMAND = [sys.executable, "-P", "-m", "verifier.command_line.main", "verify", "--out", str(OUT), "--json"]
Call = Callable[..., Ended]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, "verify", *arguments)


def write_claim(stem: str, made: Solved) -> Path:
    path = Path(f"{stem}.claim")
    claim = seal(made.claim, KEY)
    path.write_bytes(claim.to_bytes())
    ClaimFiles(path).solution.write_bytes(seal(made.solution, KEY).to_bytes())
    return path


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """Forty honest claims of the small edition, and the module."""
    monkeypatch.chdir(tmp_path)
    KEY.save(Path("key.pem"))
    paths = [write_claim(f"c{n:02}", solved()) for n in range(40)]
    ClaimFiles(paths[0]).module(solved().claim.task.optimiser_digest).write_bytes(ADAPTIVE)
    return paths


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in OUT.read_text().splitlines()]


def outcomes() -> dict[str, str]:
    """What the file says last of each claim."""
    return {line["file"]: line["outcome"] for line in lines()}


def forge(path: Path) -> None:
    """The claim of another quality, by the same signer."""
    path.write_bytes(seal(replace(solved().claim, quality=0), KEY).to_bytes())


# -- in this process ---------------------------------------------------------------------------------------------


def test_one_bad_file_among_many_hides_nothing(claims: list[Path], call: Call) -> None:
    claims[7].write_bytes(b"no claim")
    ClaimFiles(claims[9]).solution.unlink()
    forge(claims[11])
    done = call(*claims, "--out", OUT)
    assert done.code == 2
    assert done.out.startswith("c11.claim: rejected at level evaluate, step 7, quality: the weights reach quality ")
    assert done.out.count("\n") == 2
    assert done.summary == "37 accepted (36 of them copies), 1 rejected, 2 without verdict"
    assert done.err.splitlines()[0].startswith("tig-verify: c07.claim: is a text, no signed record; name a file")
    assert done.err.splitlines()[1] == "tig-verify: c09.solution: No such file or directory; check the name"
    assert len(lines()) == 38
    assert {claim for claim, outcome in outcomes().items() if outcome == "rejected"} == {"c11.claim"}


def test_what_is_decided_is_not_done_again(claims: list[Path], call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    forge(claims[3])
    assert call(*claims[:20], "--out", OUT).code == 1
    examined: list[object] = []

    def counted(evidence: Evidence, *given: Any) -> Verdict:
        examined.append(evidence)
        return examine(evidence, *given)

    monkeypatch.setattr(judge, "examine", counted)
    done = call(*claims, "--out", OUT)
    assert (done.code, len(examined)) == (1, 20)
    assert done.summary == "39 accepted (38 of them copies), 1 rejected; 20 of them from before"
    assert call(*claims[4:], "--out", OUT).code == 0
    assert len(examined) == 20
    assert [line["file"] for line in lines()] == [str(path) for path in claims]
    assert call(claims[0], "--out", OUT, "--level", "replay", "--isolation", "none").code == 0
    assert len(examined) == 21  # another level is another question


def test_a_file_with_another_claim_is_judged_again(claims: list[Path], call: Call) -> None:
    assert call(claims[0], "--out", OUT).code == 0
    forge(claims[0])
    assert call(claims[0], "--out", OUT).code == 1
    assert [line["outcome"] for line in lines()] == ["accepted", "rejected"]


def test_a_rejected_copy_decides_nothing_about_the_claim(claims: list[Path], call: Call) -> None:
    """The same record, signed by somebody else."""
    stranger = SigningKey.generate()
    claims[0].write_bytes(seal(solved().claim, stranger).to_bytes())
    ClaimFiles(claims[0]).solution.write_bytes(seal(solved().solution, stranger).to_bytes())
    KEY.verify_key.save(Path("key.pub"))
    assert call(*claims[:2], "--out", OUT, "--signer", "key.pub").code == 1
    assert outcomes() == {"c00.claim": "rejected", "c01.claim": "accepted"}
    assert len({line["claim_digest"] for line in lines()}) == 1


def test_a_verdict_for_any_signer_is_none_for_the_expected_one(claims: list[Path], call: Call) -> None:
    stranger = SigningKey.generate()
    stranger.verify_key.save(Path("stranger.pub"))
    KEY.verify_key.save(Path("key.pub"))
    assert call(claims[0], "--out", OUT).code == 0
    assert call(claims[0], "--out", OUT, "--signer", "stranger.pub").code == 1
    assert call(claims[0], "--out", OUT, "--signer", "key.pub").code == 0
    for signer, code in (((), 0), (("--signer", "stranger.pub"), 1), (("--signer", "key.pub"), 0)):
        done = call(claims[0], "--out", OUT, *signer)
        assert (done.code, done.summary.endswith("; 1 of them from before")) == (code, True)
    assert [line["terms"]["signer"] for line in lines()] == [
        None,
        stranger.verify_key.raw.hex(),
        KEY.verify_key.raw.hex(),
    ]


def write_precommit(path: str, num_nonces: int = 1) -> None:
    """What the claims could have been of."""
    task = solved().claim.task
    choice = Choice(task.edition, task.settings, task.optimiser_digest, task.hyperparameters, task.fuel_budget)
    Path(path).write_bytes(seal(Precommit(choice, num_nonces), KEY).to_bytes())


def test_a_verdict_under_other_terms_is_none(claims: list[Path], call: Call) -> None:
    write_precommit("a.precommit")
    write_precommit("b.precommit", num_nonces=2)
    best = solved().claim.quality
    every: list[tuple[int, tuple[object, ...]]] = [
        (0, ()),
        (0, ("--qualified", best - 1)),
        (1, ("--qualified", best)),
        (1, ("--precommit", "a.precommit", "--seed-beacon", "1f")),
        (1, ("--precommit", "a.precommit", "--seed-beacon", "2f")),
        (1, ("--precommit", "b.precommit", "--seed-beacon", "1f")),
        (1, ("--precommit", "b.precommit", "--seed-beacon", "1f", "--qualified", best)),
    ]
    for repeated in (False, True):
        for code, terms in every:
            done = call(claims[0], "--out", OUT, *terms)
            assert (done.code, "1 of them from before" in done.err) == (code, repeated), terms
    assert [line["terms"]["quality_above"] for line in lines()] == [None, best - 1, best, None, None, None, best]
    assert [line["terms"]["seed_beacon"] for line in lines()] == [None, None, None, "1f", "2f", "1f", "1f"]
    assert len({line["terms"]["precommit_digest"] for line in lines()}) == 3


def test_the_unqualified_are_counted_from_before_too(claims: list[Path], call: Call) -> None:
    terms = ("--out", OUT, "--qualified", solved().claim.quality)
    assert call(*claims[:2], *terms).summary == "2 rejected (1 of them copies) (2 unqualified)"
    again = call(*claims[:3], *terms)
    assert again.summary == "3 rejected (2 of them copies) (3 unqualified); 2 of them from before"
    assert again.out.count("unqualified: the claimed quality") == 3


def test_the_undetermined_is_tried_again(claims: list[Path], call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise WorkerFault("the worker process ended unexpectedly (signal 9)")

    replay = (claims[0], "--level", "replay", "--isolation", "none", "--out", OUT)
    with monkeypatch.context() as patch:
        patch.setattr("verifier.verification.replay.solved", gone)
        assert call(*replay).code == 3
    assert call(*replay).code == 0
    assert [line["outcome"] for line in lines()] == ["undetermined", "accepted"]
    assert call(*replay).summary.endswith("1 of them from before")


def test_a_jail_that_broke_is_not_used_again(claims: list[Path], call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    zygotes: list[Zygote] = []

    def breaking(evidence: Evidence, level: Level, jail: Jail, *given: Any) -> Verdict:
        if not zygotes:
            jail.zygote._process.kill()
            jail.zygote._process.wait()
        zygotes.append(jail.zygote)
        return examine(evidence, level, jail, *given)

    monkeypatch.setattr(judge, "examine", breaking)
    done = call(*claims[:3], "--level", "replay", "--jobs", 1, "--out", OUT)
    assert (done.code, done.summary) == (3, "2 accepted (1 of them copies), 1 undetermined")
    assert [line["outcome"] for line in lines()] == ["undetermined", "accepted", "accepted"]
    assert len(set(zygotes)) == 2


@pytest.mark.parametrize("cut", [1, 5, 11, 40, 200])
def test_a_line_that_was_cut_short_is_removed(claims: list[Path], call: Call, cut: int) -> None:
    assert call(*claims[:3], "--out", OUT).code == 0
    *whole, last = OUT.read_bytes().splitlines(keepends=True)
    OUT.write_bytes(b"".join(whole) + last[:cut])
    done = call(*claims[:3], "--out", OUT)
    assert (done.code, done.summary) == (0, "3 accepted (2 of them copies); 2 of them from before")
    assert OUT.read_bytes().splitlines(keepends=True)[:2] == whole
    assert [line["file"] for line in lines()] == ["c00.claim", "c01.claim", "c02.claim"]


FOREIGN = {
    "text": b"something of mine",
    "lines": b"something\nof mine\n",
    "another object": b'{"file": "x"}\n',
    "another level": b'{"file": "x", "claim_digest": "", "level": "glance", "outcome": "accepted"}\n',
    "a list": b"[1]\n",
    "no text": b"\xff\n",
    "nested": b"[" * 60_000 + b"\n",
    "a name twice": b'{"file": "x", "file": "y"}\n',
    "no number": b'{"file": NaN}\n',
    "one long line": b'{"file": ' + b"x" * (1 << 17),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_something_else_is_left_alone(claims: list[Path], call: Call, kind: str) -> None:
    OUT.write_bytes(FOREIGN[kind])
    done = call(*claims, "--out", OUT)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(
        r"tig-verify: verdicts.jsonl: line 1 is none that verify writes( \(.*\))?; name another file\n", done.err
    )
    assert OUT.read_bytes() == FOREIGN[kind]


def test_a_file_that_cannot_be_had_is_a_mistake(claims: list[Path], call: Call) -> None:
    done = call(*claims, "--out", "none/verdicts.jsonl")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tig-verify: none/verdicts.jsonl: cannot be written: No such file or directory; name")
    os.mkfifo("pipe")
    for name in ("/dev/null", "pipe"):
        done = call(*claims, "--out", name)
        assert (done.code, done.out) == (2, "")
        assert done.err == f"tig-verify: {name}: is no ordinary file; name another one\n"
    with OUT.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = call(*claims, "--out", OUT)
    assert (done.code, done.out) == (2, "")
    assert "another verify is writing to it" in done.err


def test_a_disk_that_is_full_costs_no_more_than_a_line(claims: list[Path], call: Call) -> None:
    call(claims[0], "--out", OUT)
    room = OUT.stat().st_size * 3 // 2
    OUT.unlink()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        done = call(*claims, "--out", OUT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (done.code, done.out) == (2, "")
    until, why = done.err.splitlines()
    assert until == "tig-verify: until then 1 accepted"  # and kept
    assert why.startswith("tig-verify: verdicts.jsonl: cannot be written: File too large; call again when it can")
    assert OUT.stat().st_size == room
    done = call(*claims, "--out", OUT)
    assert done.summary == "40 accepted (39 of them copies); 1 of them from before"
    assert [line["file"] for line in lines()] == [str(path) for path in claims]


def test_a_signed_verdict_replaces_an_older_one(claims: list[Path], call: Call) -> None:
    assert call(claims[0], "--key", "key.pem").code == 0
    forge(claims[0])
    assert call(claims[0], "--key", "key.pem").code == 1
    assert read_record(ClaimFiles(claims[0]).verdict, Verdict).record.outcome is Outcome.REJECTED


def test_both_files_and_lines_and_signed_verdicts(claims: list[Path], call: Call) -> None:
    done = call(*claims[:3], "--out", OUT, "--json", "--key", "key.pem")
    assert (done.code, done.summary) == (0, "3 accepted (2 of them copies)")
    assert done.out == OUT.read_text()
    assert call(*claims[:3], "--out", OUT, "--json").out == done.out  # whenever it was judged
    for path in claims[:3]:
        assert read_record(ClaimFiles(path).verdict, Verdict).record.claim_digest == solved().claim.digest()


SUMMARY = """\
tig-verify: 3 accepted (2 of them copies), 1 without verdict
  c01.claim states what c00.claim states
  c02.claim states what c00.claim states
"""


def test_on_a_terminal_verdicts_are_lines_above_the_bar(
    claims: list[Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("rich.console.Console", lambda stderr: Console(file=screen, force_terminal=True, width=200))
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    with pytest.raises(SystemExit):
        main(["verify", *map(str, claims[:3]), "none.claim"])
    assert capsys.readouterr() == ("", SUMMARY)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue()).replace("\r", "\n").splitlines()
    heads = ("c00.claim: accepted", "c01.claim: accepted", "c02.claim: accepted", "tig-verify: none.claim: No such")
    assert sum(line.startswith(heads) for line in shown) == 4
    assert any(line.startswith("3 accepted (2 of them copies), 1 without verdict") for line in shown)


# -- in other processes, on the real edition ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real claim with fuel for an epoch or two."""
    folder = tmp_path_factory.mktemp("made")
    KEY.save(folder / "key.pem")
    arguments = ["solve", ADAM, "--track", "n_hidden=1", "--nonces", 0, "--fuel", 3_000_000, "--isolation", "none"]
    with pytest.raises(SystemExit) as end:
        main([*map(str, arguments), "--key", str(folder / "key.pem"), "-o", str(folder)])
    assert end.value.code == 0
    return next(folder.glob("*.claim"))


@pytest.fixture
def copies(made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """One claim under many names."""
    monkeypatch.chdir(tmp_path)
    for module in made.parent.glob("optimiser-*.py"):
        shutil.copy(module, tmp_path)
    for n in range(60):
        os.link(made, f"{n:03}.claim")
        os.link(ClaimFiles(made).solution, f"{n:03}.solution")
    return [f"{n:03}.claim" for n in range(60)]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()  # nobody may be there to reap it
    except FileNotFoundError:
        return False


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60.0
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def at_work(copies: list[str]) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A call of two processes that has some verdicts, and its children."""
    process = subprocess.Popen(
        [*COMMAND, "--jobs", "2", *copies],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - background suites ignore it
    )
    eventually(lambda: process.poll() is not None or (OUT.exists() and OUT.read_bytes().count(b"\n") >= 10))
    assert process.poll() is None
    with process:
        yield process, children(process.pid)


def test_a_killed_process_costs_no_claim_and_a_killed_call_is_resumed(copies: list[str], call: Call) -> None:
    with at_work(copies) as (process, workers):
        for pid in workers:  # one may be starting still, with nothing in hand
            os.kill(pid, signal.SIGKILL)
        before = OUT.read_bytes().count(b"\n")
        eventually(lambda: OUT.read_bytes().count(b"\n") > before + 4)  # by processes that replaced them
        replaced = children(process.pid)
        process.kill()
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (-signal.SIGKILL, "")
    eventually(lambda: not any(is_alive(pid) for pid in [*workers, *replaced]))
    assert set(outcomes().values()) == {"accepted"}
    with OUT.open("ab") as file:
        file.write(b'{"file": "0')  # as if it had been in the middle of a line
    before = len(lines_before := OUT.read_bytes().splitlines()) - 1
    again = call(*copies, "--out", OUT)
    assert (again.code, again.out) == (0, "")
    assert again.summary == f"60 accepted (59 of them copies); {before} of them from before"
    assert OUT.read_bytes().splitlines()[:before] == lines_before[:-1]
    assert outcomes() == dict.fromkeys(copies, "accepted")


def test_a_claim_that_kills_its_processes_is_undetermined(
    copies: list[str], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = TaskLost("the process that had it in hand was killed by signal 9")
    monkeypatch.setattr(judge, "completed", lambda _, cases, *others: ((case, lost) for case in cases))
    ended = call(copies[0], "--out", OUT)
    assert ended.code == 3
    (line,) = lines()
    assert (line["outcome"], line["reason"], line["step"]) == ("undetermined", "machine-fault", 0)
    assert line["detail"] == lost.why


def test_ctrl_c_leaves_whole_lines_and_no_process(copies: list[str]) -> None:
    with at_work(copies) as (process, workers):
        assert len(workers) == 2
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    until, interrupted = filter(None, err.splitlines())
    assert (process.returncode, interrupted) == (130, "tig-verify: interrupted; nothing half-written was left")
    assert until.startswith(f"tig-verify: until then {len(lines())} accepted")
    assert not any(is_alive(pid) for pid in workers)
    assert set(outcomes().values()) == {"accepted"}
    assert OUT.read_bytes().endswith(b"\n")


def test_replays_are_shared_and_each_process_has_its_own_jail(copies: list[str]) -> None:
    done = subprocess.run(
        [*COMMAND, "--jobs", "2", "--level", Level.REPLAY, *copies[:2]], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, "tig-verify: 2 accepted (1 of them copies)")
    assert sorted(outcomes().items()) == [(name, "accepted") for name in copies[:2]]
