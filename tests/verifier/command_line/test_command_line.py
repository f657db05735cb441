"""The command line: whole paths in real processes, and every mistake of a user answered with one clear message."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from arithmetic.threads import ONE_THREAD
from protocol.claim import Claim
from protocol.envelope import Envelope, seal
from protocol.keys import SigningKey
from protocol.verdict import Level, Outcome, Reason, Verdict
from sandbox.errors import WorkerFault
from tests.support.called import Ended, called
from tests.support.folders import FIXTURES
from tests.support.processes import descendants, eventually, is_alive
from tests.support.small_contest import module
from verifier.command_line.files import read_record, write_file
from verifier.command_line.main import main
from verifier.command_line.verifying import judge

pytestmark = pytest.mark.slow

ADAM = FIXTURES / "optimisers" / "adam.py"
STEM = "adam-n_hidden=1-nonce=0"
COMMAND = [sys.executable, "-P", "-m", "verifier.command_line.main"]
ONE_EPOCH = ("--track", "n_hidden=1", "--fuel", "3000000", "--isolation", "none")
"""Enough fuel for an epoch or two of the full edition: a fraction of a second."""


Call = Callable[..., Ended]


def spawn(*arguments: object) -> Ended:
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command in this process."""

    return lambda *arguments: called(capsys, *arguments)


@dataclass(frozen=True)
class Office:
    """A benchmarker's folder: keys, and the files of one claim."""

    folder: Path
    solved: Ended

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"

    @property
    def public(self) -> Path:
        return self.folder / "key.pem.pub"

    @property
    def claim(self) -> Path:
        return self.folder / "out" / f"{STEM}.claim"

    @property
    def solution(self) -> Path:
        return self.claim.with_suffix(".solution")

    def opened(self) -> Claim:
        return read_record(self.claim, Claim).record


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Made once, by real processes; nobody changes it."""
    folder = tmp_path_factory.mktemp("office")
    with pytest.raises(SystemExit) as end:
        main(["keygen", str(folder / "key.pem")])
    assert end.value.code == 0
    solved = spawn(
        "solve", ADAM, "--track", "n_hidden=1", "--nonces", 0, "--key", folder / "key.pem", "-o", folder / "out"
    )
    return Office(folder, solved)


@pytest.fixture
def office(made: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A copy of one's own, as the current folder."""
    shutil.copytree(made.folder, tmp_path / "office")
    monkeypatch.chdir(tmp_path / "office")
    Path("text.txt").write_text("this is no key\n")
    Path("cut.claim").write_bytes(made.claim.read_bytes()[: made.claim.stat().st_size // 2])
    Path("empty.claim").write_bytes(b"")
    Path("adam.py").write_bytes(ADAM.read_bytes())
    SigningKey.generate().save(Path("locked.pem"), b"secret")
    return Office(tmp_path / "office", made.solved)


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(Path().rglob("*"))}


# -- whole paths -------------------------------------------------------------------------------------------------


def test_solving_writes_claim_solution_and_module(made: Office) -> None:
    assert made.solved.code == 0, made.solved.err
    claim = made.opened()
    assert claim.quality > 0
    assert made.solved.out.startswith(
        f"{made.claim}: quality {claim.quality:,} (qualifies) after {claim.epochs} epochs "
    )
    assert made.solved.out.count("\n") == 1
    assert made.solved.err == ""
    module_file = f"optimiser-{claim.task.optimiser_digest.hex()[:16]}.py"
    records = {f"{STEM}.claim", f"{STEM}.solution", f"{STEM}.transcript"}
    assert {path.name for path in (made.folder / "out").iterdir()} == {*records, module_file}
    assert (made.folder / "out" / module_file).read_bytes() == ADAM.read_bytes()
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600


def test_a_replay_in_a_real_process_is_accepted(made: Office) -> None:
    done = spawn("verify", made.claim, "--level", "replay", "--signer", made.public, "--json")
    assert (done.code, done.err) == (0, "tig-verify: 1 accepted\n")
    verdict = json.loads(done.out)
    assert (verdict["outcome"], verdict["level"], verdict["reason"], verdict["step"]) == (
        "accepted",
        "replay",
        "none",
        0,
    )
    assert verdict["file"] == str(made.claim)
    assert verdict["claim_digest"] == made.opened().digest().hex()
    assert verdict["measured"]["quality"] == made.opened().quality


def test_a_pipe_gets_no_escape_codes(made: Office) -> None:
    texts = [made.solved, spawn("verify", made.claim)]
    assert [text.code for text in texts] == [0, 0]
    assert not any("\x1b" in text.out + text.err for text in texts)
    assert all(text.out for text in texts)


@pytest.mark.parametrize(
    ("library", "arguments"), [("msgpack", "inspect x.claim"), ("numpy", "instance --track n_hidden=4 --nonces 0")]
)
def test_a_broken_installation_is_no_rejection(tmp_path: Path, library: str, arguments: str) -> None:
    (tmp_path / f"{library}.py").write_text("raise ImportError('a library is gone')\n")
    done = subprocess.run(
        [*COMMAND, *arguments.split()], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 3
    assert "a library is gone" in done.stderr
    assert "internal error" in done.stderr


@pytest.mark.parametrize("command", ["solve", "evaluate", "replay"])
def test_a_machine_that_flushes_subnormals_refuses_to_judge(office: Office, command: str) -> None:
    arguments = ["verify", str(office.claim), "--level", command]
    if command == "solve":
        arguments = ["solve", str(ADAM), "--track", "n_hidden=1", "--nonces", "1", "--key", str(office.key)]
    before = files()
    broken = "import sys, torch; torch.set_flush_denormal(True); from verifier.command_line.main import main; "
    done = subprocess.run(
        [sys.executable, "-c", broken + "main(sys.argv[1:])", *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("tig-verify: undetermined: this machine cannot compute what must be computed: ")
    assert "flushes subnormal numbers to zero (call torch.set_flush_denormal(False))" in done.stderr
    assert files() == before


def jailed_worker_of(process: subprocess.Popen[str]) -> int:
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline and process.poll() is None:
        for pid in descendants(process.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if "Seccomp:\t2" in Path(f"/proc/{pid}/status").read_text():
                    return pid
        time.sleep(0.05)
    raise AssertionError("no worker was started")


def test_ctrl_c_leaves_no_file_and_no_process(office: Office) -> None:
    process = subprocess.Popen(
        [*COMMAND, "solve", "adam.py", "--track", "n_hidden=12", "--nonces", "0..9", "--key", "key.pem", "-o", "new"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - background suites ignore it
    )
    before = files()
    started = [jailed_worker_of(process), *descendants(process.pid)]
    time.sleep(0.5)  # training is under way
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, ""), err
    assert err.strip() == "tig-verify: interrupted; nothing half-written was left"
    assert files().keys() - before.keys() == {"new", "new/adam-n_hidden=12.run"}
    eventually(lambda: not any(is_alive(pid) for pid in started))


# -- what is printed ---------------------------------------------------------------------------------------------


def test_every_claim_of_a_range_is_one_line_of_json(office: Office, call: Call) -> None:
    done = call("solve", "adam.py", "--nonces", "0..1", "--key", "key.pem", "-o", "new", "--json", *ONE_EPOCH)
    assert (done.code, done.err) == (0, "")
    *printed, end = [json.loads(line) for line in done.out.splitlines()]
    assert sorted(entry["nonce"] for entry in printed) == [0, 1]
    assert {entry["event"] for entry in printed} == {"claim"}
    assert {name: end[name] for name in ("event", "total", "done", "left")} == {
        "event": "end", "total": 2, "done": 2, "left": 0,
    }  # fmt: skip
    for entry in printed:
        claim = read_record(Path(entry["file"]), Claim).record
        assert entry["stop_reason"] == claim.stop_reason == "fuel-exhausted"
        where = "in keeping the state that optimiser_step_updates returned"
        assert entry["explanation"] == f"'the fuel budget of 3,000,000 units is spent, {where}'"
        assert entry["transcript_root"] == claim.transcript_root.hex()
        assert {name: entry[name] for name in ("quality", "qualified", "epochs", "best_epoch", "fuel_used")} == {
            "quality": claim.quality,
            "qualified": claim.quality > 0,
            "epochs": claim.epochs,
            "best_epoch": claim.best_epoch,
            "fuel_used": 3_000_000,
        }
    claims = [entry["file"] for entry in printed]
    again = call("verify", *claims, "--level", "replay", "--isolation", "none", "--jobs", 1)
    assert again.code == 0
    assert again.out.count("accepted at level replay") == 2


def test_options_of_solve_reach_the_claim(office: Office, call: Call) -> None:
    done = call(
        "solve", "adam.py", "--nonces", 18446744073709551615, "--key", "key.pem", "-p", "lr=0.5", "-p", "eps=1e-7",
        "--player-id", "0xaeb9", "--algorithm-id", "c006_a012", "--block-id", "02914a", "--rand-hash", "ab" * 16,
        *ONE_EPOCH,
    )  # fmt: skip
    assert done.code == 0, done.err
    claim = read_record(Path("adam-n_hidden=1-nonce=18446744073709551615.claim"), Claim).record
    task, settings = claim.task, claim.task.settings
    assert dict(task.hyperparameters) == {"lr": 0.5, "eps": 1e-7}
    assert (claim.nonce, task.fuel_budget, task.rand_hash) == (2**64 - 1, 3_000_000, "ab" * 16)
    assert (settings.player_id, settings.algorithm_id, settings.block_id) == ("0xaeb9", "c006_a012", "02914a")
    assert (settings.challenge_id, settings.track_id) == ("c006", "n_hidden=1")


def test_overwrite_replaces_a_claim(office: Office, call: Call) -> None:
    options = ("solve", "adam.py", "--nonces", 0, "--key", "key.pem", "-o", "out", *ONE_EPOCH)
    before = office.claim.read_bytes()
    assert call(*options).code == 2
    assert office.claim.read_bytes() == before
    assert call(*options, "--overwrite").code == 0
    assert office.opened().task.fuel_budget == 3_000_000


def test_overwriting_that_is_killed_leaves_no_claim_beside_files_of_another(
    office: Office, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path, data: bytes) -> None:
        if path.suffix == ".transcript":
            raise KeyboardInterrupt
        write_file(path, data)

    monkeypatch.setattr("verifier.command_line.solving.claim_folder.write_file", killed)
    assert (
        call("solve", "adam.py", "--nonces", 0, "--key", "key.pem", "-o", "out", *ONE_EPOCH, "--overwrite").code == 130
    )
    assert not office.claim.exists()


def test_inspect_shows_claims_solutions_and_verdicts(office: Office, call: Call) -> None:
    assert call("verify", office.claim, "--key", "key.pem").code == 0
    verdict = office.claim.with_suffix(".verdict")
    opened = read_record(verdict, Verdict).record
    assert (opened.outcome, opened.level) == (Outcome.ACCEPTED, Level.EVALUATE)
    done = call("inspect", office.claim, office.solution, verdict, "--json")
    assert (done.code, done.err) == (0, "")
    shown = [json.loads(line) for line in done.out.splitlines()]
    assert [entry["type"] for entry in shown] == ["claim.v2", "solution.v2", "verdict.v3"]
    assert {entry["signature"] for entry in shown} == {"valid"}
    assert shown[0]["validation_losses"] == list(office.opened().validation_losses)
    assert shown[0]["solution_digest"] == shown[1]["digest"]
    assert shown[0]["digest"] == shown[2]["claim_digest"]
    text = call("inspect", office.claim).out
    assert f"quality: {office.opened().quality:,}" in text
    assert "stop_reason: early-stopping" in text


def test_inspect_says_that_a_signature_does_not_hold(office: Office, call: Call) -> None:
    envelope = Envelope.from_bytes(office.claim.read_bytes())
    Path("bad.claim").write_bytes(replace(envelope, signature=bytes(64)).to_bytes())
    assert json.loads(call("inspect", "bad.claim", "--json").out)["signature"] == "INVALID"


def test_check_lists_every_problem_with_line_and_column(office: Office, call: Call) -> None:
    Path("bad.py").write_bytes(module("open(1), state", query="eval(state)"))
    done = call("check", "adam.py", "bad.py")
    assert done.code == 1
    assert "adam.py: no problems found\n" in done.out
    assert "bad.py:12:12: " in done.out
    assert "bad.py:16:12: " in done.out
    assert done.err == "2 problems found\n"


def test_a_key_with_a_passphrase(office: Office, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.prompt", lambda *_, **__: "secret")
    assert call("verify", office.claim, "--key", "locked.pem").code == 0
    assert call("keygen", "another.pem", "--passphrase").code == 0
    assert b"ENCRYPTED" in Path("another.pem").read_bytes()
    monkeypatch.setattr("click.prompt", lambda *_, **__: "wrong")
    done = call("verify", office.claim, "--key", "locked.pem")
    assert (done.code, done.out) == (2, "")
    assert done.err == "tig-verify: locked.pem: the passphrase is wrong or the file is damaged; type it again\n"


# -- mistakes ----------------------------------------------------------------------------------------------------

SOLVE = ("solve", "adam.py", "--nonces", "0", "--key", "key.pem", "-o", "new", *ONE_EPOCH)


def solve_with(*changes: str, module_file: str = "adam.py") -> tuple[str, ...]:
    """A good call of solve with some options replaced, later ones winning."""
    return ("solve", module_file, *SOLVE[2:], *changes)


CLAIM, SOLUTION = f"out/{STEM}.claim", f"out/{STEM}.solution"

MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "no such command": (("solv",), "No such command 'solv'"),
    "no such option": (solve_with("--colour"), "--colour"),
    "an option left out": (("solve", "adam.py", "--track", "n_hidden=1"), "Missing option '--key'"),
    "module missing": (solve_with(module_file="none.py"), "none.py: No such file or directory; check the name"),
    "module without end": (solve_with(module_file="/dev/zero"), "/dev/zero: is a device; name an ordinary file"),
    "module a folder": (solve_with(module_file="out"), "out: is a folder; name a file in it"),
    "module empty": (solve_with(module_file="empty.claim"), "empty.claim:1:"),
    "track of no number": (
        solve_with("--track", "n_hidden=x"),
        "track 'n_hidden=x' is not one of edition december-2025; write n_hidden=L",
    ),
    "track too deep": (
        solve_with("--track", "n_hidden=65"),
        "write n_hidden=L with L from 1 to 64, such as n_hidden=4",
    ),
    "nonce no number": (solve_with("--nonces", "x"), "'x' is no nonce; write one such as 7, or a range such as 0..9"),
    "nonce negative": (solve_with("--nonces=-1"), "'-1' is no nonce; write one such as 7"),
    "nonces backwards": (solve_with("--nonces", "9..0"), "'9..0' is empty; write the lower nonce first, as in 0..9"),
    "nonce too large": (solve_with("--nonces", str(2**64)), "is beyond the last nonce, 2^64 - 1; write a lower one"),
    "nonces too many": (solve_with("--nonces", f"0..{2**64 - 1}"), "is more than 1,000,000 nonces; split the range"),
    "hyperparameter too large": (solve_with("-p", f"lr={10**23}"), "write it as NAME=VALUE, such as lr=0.01"),
    "edition unknown": (
        solve_with("--edition", "december-2024"),
        "'december-2024' is not one of 'december-2025', 'december-2025-centred', 'april-2025'",
    ),
    "key missing": (
        solve_with("--key", "none.pem"),
        "none.pem: there is no such file; check the name, or create a key with `tig-verify keygen`",
    ),
    "key public": (solve_with("--key", "key.pem.pub"), "key.pem.pub: this is a public key; pass the private key file"),
    "key text": (
        solve_with("--key", "text.txt"),
        "text.txt: this is not a private key in PEM or OpenSSH form; pass an",
    ),
    "key a folder": (solve_with("--key", "out"), "out: is a folder; name a file in it"),
    "hyperparameter unknown": (
        solve_with("-p", "beta=0.5"),
        "hyperparameter beta: adam.py has none of that name; it has beta1=0.9, beta2=0.999, eps=1e-08, lr=0.001",
    ),
    "hyperparameter without value": (solve_with("-p", "lr"), "'lr': write it as NAME=VALUE, such as lr=0.01"),
    "hyperparameter not finite": (solve_with("-p", "lr=NaN"), "'lr=NaN': write it as NAME=VALUE, such as lr=0.01"),
    "hyperparameter a text": (
        solve_with("-p", "lr=fast"),
        'hyperparameter lr="fast": adam.py has a number there; ',
    ),
    "fuel none": (solve_with("--fuel", "0"), "'0': write a whole number from 1 on, such as 1e9"),
    "fuel too little": (solve_with("--fuel", "5"), "before the first epoch the fuel budget of 5 units"),
    "fuel beyond": (solve_with("--fuel", str(10**15)), "than the edition's maximum, 5,000,000,000,000; give less"),
    "player unprintable": (solve_with("--player-id", "\t"), "player_id: expected printable ASCII, found '\\t'"),
    "claim exists": (
        solve_with("--nonces", "0..1", "-o", "out"),
        f"{CLAIM}: is of another task, which differs in fuel_budget; choose another folder with -o, or ",
    ),
    "folder below a file": (solve_with("-o", "text.txt/new"), "text.txt is not a folder; choose another with -o"),
    "folder a file": (solve_with("-o", "text.txt"), "text.txt is not a folder; choose another with -o"),
    "folder that nobody can make": (solve_with("-o", "/proc/new"), "/proc/new"),
    "keygen existing": (("keygen", "key.pem"), "key.pem: already exists and is not overwritten; choose another name"),
    "keygen nowhere": (
        ("keygen", "none/key.pem"),
        "none/key.pem: cannot be created (No such file or directory); check",
    ),
    "keygen half a pair": (("keygen", "half.pem"), "half.pem.pub: already exists and is not overwritten; choose"),
    "module too large": (
        solve_with(module_file="large.py"),
        f"large.py:1:1: G002 the source has {300 * 1024} bytes; at most 65536 are allowed",
    ),
    "check missing": (("check", "none.py"), "none.py: No such file or directory; check the name"),
    "verify nothing": (("verify",), "Missing argument 'CLAIMS...'"),
    "claim missing": (("verify", "none.claim"), "none.claim: No such file or directory; check the name"),
    "claims of no folder": (("verify", "empty"), "empty: is a folder without a file that ends in .claim; name another"),
    "claim cut": (
        ("verify", "cut.claim"),
        "cut.claim: is not a signed record of tig-verify, or was cut or changed: byte",
    ),
    "claim empty": (("verify", "empty.claim"), "empty.claim: is empty, no signed record; get it again"),
    "claim a key": (
        ("verify", "key.pem"),
        "key.pem: is a key, no signed record; name a file such as a .claim, and give keys with --key or --signer",
    ),
    "claim a solution": (
        ("verify", SOLUTION),
        f"{SOLUTION}: ends in .solution, as a file beside a claim; name a .claim",
    ),
    "claim a solution, replayed": (("verify", SOLUTION, "--level", "replay"), f"{SOLUTION}: ends in .solution"),
    "solution a claim": (
        ("verify", CLAIM, "--solution", CLAIM),
        f"{CLAIM}: envelope.payload_type: expected solution.v2, found claim.v2",
    ),
    "solution missing": (("verify", CLAIM, "--solution", "none"), "none: No such file or directory; check the name"),
    "solution of many": (
        ("verify", CLAIM, "other.claim", "--solution", SOLUTION),
        "--solution goes with one claim; with many",
    ),
    "module of a replay missing": (
        ("verify", "lonely.claim", "--level", "replay", "--solution", SOLUTION),
        "the claim's module is not there; name it with --optimiser",
    ),
    "module of a replay another": (
        ("verify", CLAIM, "--level", "replay", "--optimiser", "text.txt"),
        "text.txt: is another module than the claim's: its digest begins ",
    ),
    "module of no use": (("verify", CLAIM, "--optimiser", "text.txt"), "--optimiser goes with --level audit or replay"),
    "level unknown": (("verify", CLAIM, "--level", "audit2"), "'audit2' is not one of 'evaluate', 'audit', 'replay'"),
    "signer private": (("verify", CLAIM, "--signer", "key.pem"), "key.pem: this is a private key; pass the public key"),
    "signer text": (("verify", CLAIM, "--signer", "text.txt"), "text.txt: this is not a public key in PEM or OpenSSH"),
    "inspect missing": (("inspect", "none.claim"), "none.claim: No such file or directory; check the name"),
    "inspect cut": (("inspect", "cut.claim"), "cut.claim: is not a signed record of tig-verify, or was cut or changed"),
    "inspect a key": (("inspect", "key.pem.pub"), "key.pem.pub: is a key, no signed record; name a"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_answered_with_one_clear_message(office: Office, call: Call, kind: str) -> None:
    arguments, message = MISTAKES[kind]
    if kind == "keygen half a pair":
        Path("half.pem.pub").write_text("taken")
    if kind == "module of a replay missing":
        shutil.copy(office.claim, "lonely.claim")
    if kind == "claims of no folder":
        Path("empty").mkdir()
    if kind == "module too large":
        Path("large.py").write_bytes(b"#" * 300 * 1024)
    before = files()
    done = call(*arguments)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
    assert files() == before


BAD_MODULES: dict[str, tuple[bytes, str]] = {
    "syntax error": (module("(gradient, state"), "bad.py:16:"),
    "forbidden construct": (module("open(1), state"), "bad.py:16:12: D151 unknown name 'open'"),
    "not UTF-8": (b"\xff\xfe", "bad.py:1:1: "),
    "raising at once": (module(state="[][0]"), "bad.py: 'line 8: IndexError: list index out of range"),
    "raising later": (module("[gradient][epoch], state"), "bad.py: 'line 16: IndexError: list index out of range"),
    "returning nothing": (module("None"), "bad.py: 'optimiser_step_updates must return a pair: return updates, state"),
    "endless": (
        module(state="[i for i in range(10 ** 12)]"),
        "before the first epoch the fuel budget of 3,000,000 units is spent, at line 8 in init_optimiser_state",
    ),
}


@pytest.mark.parametrize(
    ("kind", "isolation"), [*((kind, "none") for kind in BAD_MODULES), ("raising later", "process")]
)
def test_a_bad_module_is_answered_with_its_line(office: Office, call: Call, kind: str, isolation: str) -> None:
    source, message = BAD_MODULES[kind]
    Path("bad.py").write_bytes(source)
    before = files()
    done = call(*solve_with("--isolation", isolation, module_file="bad.py"))
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
    assert files() == before


# -- exit codes --------------------------------------------------------------------------------------------------


def forged(office: Office) -> Path:
    """A claim of one more unit of quality, signed with the same key."""
    path = Path("forged.claim")
    claim = office.opened()
    path.write_bytes(seal(replace(claim, quality=claim.quality + 1), SigningKey.load(office.key)).to_bytes())
    shutil.copy(office.solution, "forged.solution")
    return path


def test_a_forgery_is_exit_code_1_and_a_signed_verdict(office: Office, call: Call) -> None:
    done = call("verify", forged(office), "--key", "key.pem")
    assert (done.code, done.summary) == (1, "1 rejected")
    assert done.out.startswith("forged.claim: rejected at level evaluate, step 7, quality: the weights reach quality ")
    verdict = read_record(Path("forged.verdict"), Verdict).record
    assert (verdict.outcome, verdict.reason, verdict.step) == (Outcome.REJECTED, Reason.QUALITY, 7)


def test_a_forgery_is_rejected_though_its_module_is_missing(office: Office, call: Call) -> None:
    done = call("verify", forged(office), "--level", "replay", "--json")
    assert (done.code, done.summary) == (1, "1 rejected")
    assert (json.loads(done.out)["reason"], json.loads(done.out)["step"]) == ("quality", 7)


def test_another_signer_is_a_rejection(office: Office, call: Call) -> None:
    SigningKey.generate().verify_key.save(Path("stranger.pub"))
    done = call("verify", office.claim, "--signer", "stranger.pub", "--json")
    assert done.code == 1
    assert json.loads(done.out)["reason"] == "signer"
    assert call("verify", office.claim, "--signer", "key.pem.pub").code == 0


def test_one_bad_file_among_many_hides_nothing(office: Office, call: Call) -> None:
    """0 and 1 are about all claims: 2 before both, and every file is looked at, and has its line."""
    good, bad = str(office.claim), str(forged(office))
    expected: list[tuple[tuple[str, ...], int, int]] = [
        # files, exit code, lines printed
        ((good, good), 0, 1),
        ((good, bad), 1, 2),
        ((good, "none.claim", good), 2, 2),
        ((good, "cut.claim", good), 2, 2),
        ((good, str(office.solution), good), 2, 2),
        ((good, "none.claim", bad), 2, 3),
        ((bad, "cut.claim", good), 2, 3),
        ((bad, str(office.solution), good), 2, 3),
    ]
    for arguments, code, printed in expected:
        done = call("verify", *arguments, "--json")
        assert (done.code, len(done.out.splitlines())) == (code, printed), arguments
        assert "Traceback" not in done.err


def test_a_fault_of_the_machine_is_exit_code_3(office: Office, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise WorkerFault("the worker process ended unexpectedly (signal 9)")

    monkeypatch.setattr("verifier.verification.replay.solved", gone)
    done = call("verify", office.claim, "--level", "replay", "--json")
    assert done.code == 3
    assert json.loads(done.out)["outcome"] == "undetermined"
    assert call("verify", "none.claim", office.claim, "--level", "replay", "--jobs", 1).code == 2
    assert call("verify", forged(office), office.claim, "--level", "replay", "--jobs", 1).code == 3
    monkeypatch.setattr("verifier.challenge.solving.solve", gone)
    done = call(*SOLVE)
    assert (done.code, done.out) == (3, "")
    assert done.err == "tig-verify: undetermined: adam.py: the worker process ended unexpectedly (signal 9)\n"


@pytest.mark.parametrize(
    "error", [RuntimeError("oops"), KeyError("x"), RecursionError(), AssertionError(), MemoryError()]
)
def test_an_error_of_ours_is_exit_code_3_and_never_1(
    office: Office, call: Call, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(judge, "examine", broken)
    done = call("verify", office.claim)
    assert (done.code, done.out) == (3, "")
    assert "internal error: this is a bug of tig-verify, not a verdict" in done.err


def test_ctrl_c_between_two_claims_is_exit_code_130(
    office: Office, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(judge, "examine", interrupted)
    assert call("verify", office.claim).code == 130


def test_a_command_has_one_thread_whatever_the_shell_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ONE_THREAD:
        monkeypatch.setenv(variable, "7")
    assert called(capsys, "--version").code == 0
    assert {variable: os.environ[variable] for variable in ONE_THREAD} == ONE_THREAD
