"""`solve` over many nonces: what is done is not done again, what fails is named, and nothing is lost."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
import pytest

from protocol.claim import Claim
from protocol.envelope import seal
from protocol.keys import SigningKey
from sandbox.errors import WorkerFault
from tests.support.called import Ended, called
from tests.support.folders import FIXTURES
from tests.support.processes import descendants, eventually, is_alive
from tests.support.small_contest import module
from verifier.challenge.editions import EDITIONS
from verifier.command_line.commands.solve import solve
from verifier.command_line.files import read_record, write_file
from verifier.command_line.solving import claim_folder, nonce_solver
from verifier.runs.results_table import is_being_written
from verifier.runs.run_log import FORMAT, Run, RunLog, read_run

pytestmark = pytest.mark.slow

ADAM = FIXTURES / "optimisers" / "adam.py"
COMMAND = [sys.executable, "-P", "-m", "verifier.command_line.main"]
SMALL = ("--edition", "small", "--track", "n_hidden=1", "--isolation", "none", "--jobs", "1", "--key", "key.pem")
SHORT = ("--track", "n_hidden=1", "--fuel", "3000000", "--isolation", "none", "--key", "key.pem", "-o", "out")
"""On the real edition, which other processes know too: less than an epoch, in a tenth of a second."""
LOG = Path("out/sgd-n_hidden=1.run")
Call = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a key and some modules; `--edition` knows the small one."""
    monkeypatch.chdir(tmp_path)
    for option in solve.params:
        if option.name == "edition":
            monkeypatch.setattr(option, "type", click.Choice(list(EDITIONS)))
    SigningKey.generate().save(Path("key.pem"))
    SigningKey.generate().save(Path("other.pem"))
    Path("sgd.py").write_bytes(module())
    Path("adam.py").write_bytes(ADAM.read_bytes())


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Solve with sgd.py on the small edition, in this process, into the folder `out`."""
    return lambda *arguments: called(capsys, "solve", "sgd.py", *SMALL, "-o", "out", *arguments)


def claim(nonce: int, folder: str = "out") -> Path:
    return Path(folder, f"sgd-n_hidden=1-nonce={nonce}.claim")


def files(folder: str = "out") -> dict[str, bytes]:
    """Every file but logs."""
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.suffix != ".run"}


def nonces_in(out: str) -> list[int]:
    return [int(line.partition("nonce=")[2].partition(".")[0]) for line in out.splitlines()]


def bound_to_fail(monkeypatch: pytest.MonkeyPatch, faults: dict[int, Exception], once: bool = False) -> None:
    """Let some nonces fail, as a module or a machine would."""
    real = nonce_solver.NonceSolver._solved

    def solve(self: nonce_solver.NonceSolver, nonce: int, *more: object) -> nonce_solver.SolvedNonce:
        if nonce in faults:
            raise faults.pop(nonce) if once else faults[nonce]
        return real(self, nonce, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(nonce_solver.NonceSolver, "_solved", solve)


# -- what is done ------------------------------------------------------------------------------------------------


def test_the_same_call_goes_on(call: Call) -> None:
    first = call("--nonces", "0..2")
    assert (first.code, nonces_in(first.out)) == (0, [0, 1, 2])
    assert first.err.splitlines()[-1].startswith("out: 3 of 3 nonces done, ")  # slow machines told their progress
    before = files()
    more = call("--nonces", "4,0..2")
    assert (more.code, nonces_in(more.out)) == (0, [4])
    assert more.err.startswith("out: 4 of 4 nonces done (3 of them from before), ")
    again = call("--nonces", "0..2,4")
    assert (again.code, again.out) == (0, "")
    assert again.err.startswith("out: 4 of 4 nonces done (4 of them from before), quality best ")
    assert files().items() >= before.items()


def test_one_nonce_needs_no_log(call: Call) -> None:
    assert call("--nonces", 7).err == ""
    assert not LOG.exists()
    done = call("--nonces", 7)
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("out: 1 of 1 nonces done (1 of them from before), ")


def test_a_log_that_is_lost_loses_no_claim_and_is_written_anew(call: Call) -> None:
    call("--nonces", "0..2")
    qualities = {nonce: each.quality for nonce, each in read_run(LOG).claims.items()}
    LOG.unlink()
    assert call("--nonces", "0..2").out == ""
    assert {nonce: each.quality for nonce, each in read_run(LOG).claims.items()} == qualities


def test_what_the_log_knows_is_not_read_again(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    call("--nonces", "0..2")
    monkeypatch.setattr(claim_folder, "read_record", None)
    assert call("--nonces", "0..2").code == 0


def test_shards_are_the_list_together(call: Call) -> None:
    for shard in ("1/3", "2/3", "3/3"):
        assert call("--nonces", "0..6", "--shard", shard).code == 0
    assert sorted(path.name for path in Path("out").glob("*.run")) == [
        f"sgd-n_hidden=1-shard-{shard}-of-3.run" for shard in (1, 2, 3)
    ]
    assert nonces_in(call("--nonces", "0..7").out) == [7]
    empty = call("--nonces", "0..1", "--shard", "3/3")
    assert (empty.code, empty.err) == (0, "")


def test_a_limit_leaves_the_others_for_the_next_call(call: Call) -> None:
    done = call("--nonces", "0..4", "--limit", 2)
    assert (done.code, nonces_in(done.out)) == (4, [0, 1])
    assert done.err.endswith("\ntig-verify: 3 nonces are left; the same call goes on\n")
    assert [call("--nonces", "0..4", "--limit", 2).code for _ in range(2)] == [4, 0]
    assert len(list(Path("out").glob("*.claim"))) == 5


def test_a_deadline_that_is_over_begins_nothing(call: Call) -> None:
    done = call("--nonces", "0..4", "--deadline", "0s")
    assert (done.code, done.out) == (4, "")
    assert done.err.endswith("tig-verify: 5 nonces are left; the same call goes on\n")


def test_a_deadline_gives_up_what_is_in_hand(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--track", "n_hidden=18", "--key", "key.pem", "--nonces", "0..1", "--deadline", "3s")
    started = time.monotonic()
    done = called(capsys, "solve", "adam.py", *arguments, "-o", "out")
    assert (done.code, done.out) == (4, "")
    assert time.monotonic() - started < 30.0
    assert files() == {}


# -- what fails --------------------------------------------------------------------------------------------------


def test_a_nonce_that_fails_is_named_at_the_end(call: Call) -> None:
    Path("sgd.py").write_bytes(module("[-state * gradient][int(train_loss > 0.5 and epoch == 2)], state"))
    done = call("--nonces", "0..9")
    assert done.code == 2
    solved, (summary, *failures) = nonces_in(done.out), done.err.splitlines()
    assert solved
    assert summary.startswith(f"out: {len(solved)} of 10 nonces done, {10 - len(solved)} failed, ")
    (line,) = failures
    assert line.startswith("tig-verify: sgd.py: nonces ")
    assert line.endswith(": 'line 16: IndexError: list index out of range'")
    assert sorted([*solved, *read_run(LOG).failed]) == list(range(10))


def test_a_fault_of_the_machine_is_exit_code_3_and_tried_again(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        bound_to_fail(patch, {1: WorkerFault("signal 9"), 3: WorkerFault("signal 9")})
        done = call("--nonces", "0..4")
    assert (done.code, nonces_in(done.out)) == (3, [0, 2, 4])
    assert done.err.endswith("\ntig-verify: undetermined: sgd.py: nonces 1,3: signal 9\n")
    assert {nonce: failed.is_lost for nonce, failed in read_run(LOG).failed.items()} == {1: True, 3: True}
    assert nonces_in(call("--nonces", "0..4").out) == [1, 3]
    assert read_run(LOG).failed == {}


def test_a_nonce_whose_worker_dies_is_tried_once_more(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    bound_to_fail(monkeypatch, {1: WorkerFault("signal 9")}, once=True)
    done = call("--nonces", "0..2")
    assert (done.code, nonces_in(done.out)) == (0, [0, 1, 2])


def test_a_machine_that_always_fails_ends_the_call(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    bound_to_fail(monkeypatch, {nonce: WorkerFault("no memory") for nonce in range(100)})
    done = call("--nonces", "0..99")
    assert done.code == 3
    problem = "10 nonces in a row were not done; the last one, 9: no memory"
    assert done.err == f"tig-verify: undetermined: {problem}\n"


def test_nonces_that_fail_do_not_keep_others_from_being_tried(call: Call) -> None:
    Path("sgd.py").write_bytes(module("None"))
    codes = [call("--nonces", "0..2", "--limit", 1).code for _ in range(4)]
    assert codes == [4, 4, 2, 2]
    assert list(read_run(LOG).failed) == [0, 1, 2]


def test_a_module_outside_the_dialect_ends_the_call(call: Call) -> None:
    Path("sgd.py").write_bytes(module("open(1), state"))
    done = call("--nonces", "0..99")
    assert (done.code, done.out) == (2, "")
    assert done.err == "sgd.py:16:12: D151 unknown name 'open'\n" or done.err.startswith(
        "tig-verify: sgd.py:16:12: D151"
    )


def test_programs_are_told_of_everything(call: Call) -> None:
    Path("sgd.py").write_bytes(module("[-state * gradient][int(train_loss > 0.5 and epoch == 2)], state"))
    done = call("--nonces", "0..9", "--limit", 9, "--json")
    events = [json.loads(line) for line in done.out.splitlines()]
    kinds = [event["event"] for event in events]
    assert set(kinds[:-1]) == {"claim", "failed"}
    assert sorted(event["nonce"] for event in events[:-1]) == list(range(9))
    assert {type(event["why"]) for event in events if event["event"] == "failed"} == {str}
    end = events[-1]
    assert (end["event"], end["total"], end["left"], end["exit_code"]) == ("end", 10, 1, 4)
    assert (end["done"], end["failed"]) == (kinds.count("claim"), kinds.count("failed"))
    assert end["best"] == max(event["quality"] for event in events if event["event"] == "claim")


# -- what is in the way ------------------------------------------------------------------------------------------


def spoil(kind: str) -> None:
    data = claim(1).read_bytes()
    changed = replace(read_record(claim(1), Claim).record, nonce=5)
    if kind == "cut":
        claim(1).write_bytes(data[: len(data) // 2])
    elif kind == "empty":
        claim(1).write_bytes(b"")
    elif kind == "key":
        claim(1).write_bytes(seal(changed, SigningKey.load(Path("other.pem"))).to_bytes())
    elif kind == "nonce":
        claim(1).write_bytes(seal(changed, SigningKey.load(Path("key.pem"))).to_bytes())
    elif kind == "folder":
        claim(1).unlink()
        claim(1).mkdir()
    else:
        claim(1).with_suffix(f".{kind}").unlink()


SPOILT = {
    "cut": ": is not a signed record of tig-verify, or was cut or changed: byte ",
    "empty": ": is empty, no signed record; get it again from whoever made it",
    "key": ": is of another key, ",
    "nonce": ": is of another nonce, 5; ",
    "folder": ": is a folder; name a file in it; ",
    "solution": ": sgd-n_hidden=1-nonce=1.solution is not beside it; ",
    "transcript": ": sgd-n_hidden=1-nonce=1.transcript is not beside it; ",
}


@pytest.mark.parametrize("with_log", [True, False], ids=["with-log", "without-log"])
@pytest.mark.parametrize("kind", SPOILT)
def test_a_spoilt_claim_is_one_error_before_anything_is_trained(call: Call, kind: str, with_log: bool) -> None:
    call("--nonces", "0..2")
    whole = files()
    spoil(kind)
    if not with_log:
        LOG.unlink()
    before = {path: path.is_file() and path.read_bytes() for path in Path("out").iterdir()}
    done = call("--nonces", "0..9")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith(f"tig-verify: {claim(1)}{SPOILT[kind]}")
    assert done.err.endswith("choose another folder with -o, or pass --overwrite to replace such files\n")
    assert {path: path.is_file() and path.read_bytes() for path in Path("out").iterdir()} == before
    mended = call("--nonces", "0..2", "--overwrite")
    if kind == "folder":  # which is nobody's to remove
        assert mended.code == 2
        assert mended.err.startswith(f"tig-verify: {claim(1)}: ")
    else:
        assert (mended.code, nonces_in(mended.out)) == (0, [1])
        assert files() == whole


def test_claims_of_another_task_are_replaced_one_by_one(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """An overwriting call that is stopped goes on where it was, as any other."""
    call("--nonces", "0..4")
    refused = call("--nonces", "0..4", "-p", "lr=0.01")
    assert refused.code == 2
    assert f"{claim(0)}: is of another task, which differs in hyperparameters; choose another folder" in refused.err
    assert Run.of(read_run(LOG).claims.values()).claims.keys() == set(range(5))
    assert call("--nonces", "0..4", "-p", "lr=0.01", "--overwrite", "--limit", 2).code == 4
    rest = call("--nonces", "0..4", "-p", "lr=0.01", "--overwrite")
    assert (rest.code, nonces_in(rest.out)) == (0, [2, 3, 4])
    assert call("--nonces", "0..4", "-p", "lr=0.01").code == 0


def test_a_claim_that_another_call_has_written_meanwhile_stays(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    call("--nonces", "0..1")
    before = files()
    monkeypatch.setattr(claim_folder.ClaimFolder, "found", lambda *_: [])
    assert call("--nonces", "0..1").code == 0
    assert files() == before


def test_a_log_of_something_else_is_left_alone(call: Call) -> None:
    LOG.parent.mkdir()
    LOG.write_text("my diary\n")
    done = call("--nonces", "0..1")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"tig-verify: {LOG}: line 1 is none that solve writes; remove it, which loses no claim\n"
    assert LOG.read_text() == "my diary\n"


def test_a_second_run_on_the_same_folder_refuses(call: Call) -> None:
    call("--nonces", "0..1")
    with RunLog(LOG, FORMAT):
        assert is_being_written(LOG)
        done = call("--nonces", "0..2")
        assert (done.code, done.out) == (2, "")
        message = "another solve is writing to it; wait for it, or choose another folder with -o"
        assert done.err == f"tig-verify: {LOG}: {message}\n"
        assert call("--nonces", "0..2", "--shard", "1/2").code == 0
    assert not is_being_written(LOG)


def test_a_disk_that_is_full_ends_the_call_and_the_next_one_goes_on(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        if path.name == claim(2).name:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(os, "fsync", no_space)
                write_file(path, data)
        write_file(path, data)

    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(claim_folder, "write_file", full)
        done = call("--nonces", "0..4")
    assert (done.code, nonces_in(done.out)) == (2, [0, 1])
    problem = "cannot be written: No space left on device; the same call goes on with what is not done"
    assert done.err == f"tig-verify: {claim(2)}: {problem}\n"
    assert not list(Path("out").glob(".tig-verify-*"))
    assert nonces_in(call("--nonces", "0..4").out) == [2, 3, 4]


def test_what_killed_calls_have_left_is_removed_and_what_others_are_writing_is_not(call: Call) -> None:
    program = "import os, sys, time\nfrom verifier.command_line.files import _temporary\nfrom pathlib import Path\n"
    program += "with _temporary(Path('out')): print(flush=True); time.sleep(100)"
    Path("out").mkdir()
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        Path("out/.tig-verify-left").write_bytes(b"left")
        assert len(list(Path("out").glob(".tig-verify-*"))) == 2
        call("--nonces", "0")
        (written,) = Path("out").glob(".tig-verify-*")
        assert written.name != ".tig-verify-left"
        writer.kill()
    call("--nonces", "0")
    assert not list(Path("out").glob(".tig-verify-*"))


# -- other processes, on the real edition ------------------------------------------------------------------------


def test_processes_share_the_work_and_the_bytes_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    one = called(capsys, "solve", "adam.py", *SHORT, "--nonces", "0..5", "--jobs", 1)
    assert (one.code, nonces_in(one.out)) == (0, list(range(6)))
    two = called(capsys, "solve", "adam.py", *SHORT, "--nonces", "0..5", "--jobs", 2, "-o", "two")
    assert (two.code, sorted(nonces_in(two.out))) == (0, list(range(6)))
    assert files("two") == files("out")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_call_that_is_ended_leaves_no_process_and_no_half_written_file(how: int) -> None:
    """In the middle of its trainings, by a signal to it alone."""
    arguments = [
        "adam.py",
        *SHORT,
        "--fuel",
        "300000000",
        "--isolation",
        "process",
        "--nonces",
        "0..999",
        "--jobs",
        "2",
    ]
    process = subprocess.Popen(
        [*COMMAND, "solve", *arguments, "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    with process:
        eventually(lambda: len(list(Path("out").glob("*.claim"))) >= 3 and len(descendants(process.pid)) >= 6, 100.0)
        assert is_being_written(Path("out/adam-n_hidden=1.run"))
        below = descendants(process.pid)
        process.send_signal(how)
        process.communicate(timeout=60.0)
    assert process.returncode == (130 if how == signal.SIGINT else -how)
    eventually(lambda: not any(map(is_alive, below)))
    assert not is_being_written(Path("out/adam-n_hidden=1.run"))
    for path in Path("out").glob("*.claim"):
        read_record(path, Claim)
        assert path.with_suffix(".solution").exists()
        assert path.with_suffix(".transcript").exists()
    assert how != signal.SIGINT or not list(Path("out").glob(".tig-verify-*"))
