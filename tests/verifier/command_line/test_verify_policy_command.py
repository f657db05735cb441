"""`tig-verify verify --policy` and `check-log`: what is drawn, what becomes of signers, and what is kept."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from protocol.audit import AuditRequest, EpochState
from protocol.claim import Claim
from protocol.envelope import seal
from protocol.hashes import blake3_digest
from protocol.keys import SigningKey
from protocol.precommit import Precommit
from protocol.task import Choice
from protocol.verdict import Verdict
from sandbox.errors import WorkerFault
from sandbox.isolation import InProcess
from tests.support.called import Ended, called
from tests.support.policies import EXAMPLE
from tests.support.small_contest import module, session
from verifier.challenge.editions import DECEMBER_2025
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from verifier.challenge.solving import Solved, solve
from verifier.command_line.files import ClaimFiles, read_record, write_file
from verifier.command_line.verifying import judge, verdict_report
from verifier.verification.verify import verify as examine

pytestmark = pytest.mark.slow

ALICE, BOB, POOL = (SigningKey.generate() for _ in range(3))
SOURCE = module()
OUT = Path("verdicts.jsonl")
POLICY = """
audit_epochs = 1
[suspect]
replay = 1.0
until = 2
[newcomer]
replay = 1.0
until = 2
[known]
replay = 0.5
audit = {audit}
until = 4
[trusted]
replay = 0.25
"""
RUN = ("--policy", "policy.toml", "--out", OUT, "--isolation", "none", "--jobs", 1)
Call = Callable[..., Ended]


@cache
def trained(nonce: int) -> Solved:
    return solve(session(SOURCE, nonce=nonce))


def write(name: str, made: Solved, key: SigningKey = ALICE, claim: Claim | None = None) -> Path:
    path = Path("in", f"{name}.claim")
    path.write_bytes(seal(claim or made.claim, key).to_bytes())
    ClaimFiles(path).solution.write_bytes(seal(made.solution, key).to_bytes())
    return path


def write_forged(name: str, nonce: int, key: SigningKey = ALICE) -> Path:
    """A claim of another training loss, which evaluation accepts."""
    made = trained(nonce)
    losses = (made.claim.train_losses[0] / 2.0, *made.claim.train_losses[1:])
    return write(name, made, key, replace(made.claim, train_losses=losses))


@pytest.fixture(autouse=True)
def _folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("policy.toml").write_text(POLICY.format(audit=0))
    ClaimFiles(Path("in/x.claim")).module(trained(0).claim.task.optimiser_digest).write_bytes(SOURCE)
    for name, key in (("alice.pem", ALICE), ("bob.pem", BOB), ("pool.pem", POOL)):
        key.save(Path(name))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, *arguments)


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in OUT.read_text().splitlines()]


def draws() -> dict[str, dict[str, Any]]:
    return {line["file"]: line for line in lines() if "drawn" in line}


def verdicts() -> list[tuple[str, str, str]]:
    return [(line["file"], line["level"], line["outcome"]) for line in lines() if "outcome" in line]


def files(folder: Path | str = ".") -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


# -- draws and standings -----------------------------------------------------------------------------------------


def test_a_signer_is_known_by_the_log_and_every_draw_can_be_checked(call: Call) -> None:
    claims = [write(f"{n:02}", trained(n)) for n in range(24)]
    done = call("verify", "in", *RUN, "--draw-beacon", "block-17")
    assert done == Ended(0, "", "tig-verify: 24 accepted\n")
    drawn = draws()
    assert [drawn[str(path)]["standing"] for path in claims[:3]] == ["newcomer", "newcomer", "known"]
    standings = [drawn[str(path)]["standing"] for path in claims]
    assert standings == sorted(standings, key=["newcomer", "known", "trusted"].index)
    assert set(standings) == {"newcomer", "known", "trusted"}
    assert verdicts() == [(claim, line["drawn"], "accepted") for claim, line in drawn.items()]
    assert {line["drawn"] for line in drawn.values()} == {"replay", "evaluate"}
    checked = call("check-log", OUT, "--policy", "policy.toml")
    assert (checked.code, checked.out.splitlines()) == (
        0,
        [
            "verdicts.jsonl: 24 draws and 24 verdicts, all as policy.toml says",
            "  beacon block-17: 24 draws",
            "  signers: 0 suspect, 0 newcomer, 0 known, 1 trusted",
        ],
    )


def test_the_same_call_goes_on_and_a_claim_is_drawn_once(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(8):
        write(f"{n:02}", trained(n))
    assert call("verify", "in", *RUN, "--limit", 5, "--draw-beacon", "a").code == 4
    first = lines()
    assert len(first) == 10
    done = call("verify", "in", *RUN, "--draw-beacon", "b")
    assert (done.code, done.summary) == (0, "8 accepted; 5 of them from before")
    assert lines()[:10] == first
    assert Counter(line["beacon"] for line in draws().values()) == {"a": 5, "b": 3}
    monkeypatch.setattr(judge, "examine", None)  # nobody is asked
    assert call("verify", "in", *RUN).code == 0
    assert len(lines()) == 16
    assert call("check-log", OUT, "--policy", "policy.toml").code == 0


def test_a_draw_holds_although_the_call_was_killed_before_the_verdict(call: Call) -> None:
    for n in range(8):
        write(f"{n:02}", trained(n))
    call("verify", "in", *RUN, "--draw-beacon", "a")
    before = draws()
    OUT.write_text("".join(json.dumps(line) + "\n" for line in lines() if "drawn" in line))
    assert call("verify", "in", *RUN, "--draw-beacon", "b").code == 0
    assert draws() == before
    assert verdicts() == [(claim, line["drawn"], "accepted") for claim, line in before.items()]


def test_without_a_beacon_every_call_has_a_new_one(call: Call) -> None:
    for n in range(2):
        write(f"{n:02}", trained(n))
        assert call("verify", "in", *RUN).code == 0
    beacons = {line["beacon"] for line in draws().values()}
    assert len(beacons) == 2
    assert {len(beacon) for beacon in beacons} == {64}
    assert call("check-log", OUT, "--policy", "policy.toml").code == 0


def test_a_lie_makes_a_suspect_and_leaves_others_alone(call: Call) -> None:
    honest = [write(f"0{n}", trained(n)) for n in range(2)]
    write_forged("02", 9, key=BOB)
    later = [write(f"1{n}", trained(10 + n), key=BOB) for n in range(3)]
    done = call("verify", "in", *RUN, "--draw-beacon", "a")
    assert (done.code, done.summary) == (1, "5 accepted, 1 rejected")
    standings = {claim: line["standing"] for claim, line in draws().items()}
    assert [standings[str(path)] for path in honest] == ["newcomer"] * 2
    assert [standings[str(path)] for path in later] == ["suspect", "suspect", "known"]
    assert call("check-log", OUT, "--policy", "policy.toml").code == 0
    Path("policy.toml").write_text(POLICY.format(audit=0).replace("0.5", "1.0"))
    write_forged("20", 20)
    assert call("verify", "in", *RUN).code == 1
    told = call("check-log", OUT, "--policy", "policy.toml").out
    assert told.count("was drawn by another policy") == 6
    assert f", 1 known, 0 trusted\n  suspect {ALICE.verify_key.raw.hex()}\n" in told


def test_a_verdict_counts_from_its_line_on_and_not_before(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signed verdict is in the log when its file is on the disk; until then other claims are drawn."""

    def slow(path: Path, data: bytes) -> None:
        deadline = time.monotonic() + 30.0
        while path.stem == "01" and len(draws()) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        write_file(path, data)

    monkeypatch.setattr(verdict_report, "write_file", slow)
    evaluates = POLICY.format(audit=0).replace("until = 2", "until = 1").replace("until = 4", "until = 1")
    Path("policy.toml").write_text(evaluates.replace("0.5", "0.0").replace("0.25", "0.0"))
    write("00", trained(0))
    write("01", trained(1), claim=replace(trained(1).claim, quality=0))
    for n in range(2, 14):
        write(f"{n:02}", trained(n))
    assert call("verify", "in", *RUN, "--draw-beacon", "a", "--key", "pool.pem").code == 1
    standings = [line["standing"] for line in draws().values()]
    assert standings[:4] == ["newcomer", "trusted", "trusted", "trusted"]  # the lie is judged, and not in the log
    assert "suspect" in standings[4:]
    assert call("check-log", OUT, "--policy", "policy.toml").code == 0


def test_a_fault_of_the_machine_counts_for_nobody_and_is_tried_again(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        write(f"{n}", trained(n))

    def gone(*_: Any, **__: Any) -> None:
        raise WorkerFault("the worker process ended unexpectedly (signal 9)")

    with monkeypatch.context() as patch:
        patch.setattr("verifier.challenge.session.Session.trainer", gone)
        assert call("verify", "in", *RUN, "--draw-beacon", "a").code == 3
    assert {outcome for _, _, outcome in verdicts()} == {"undetermined"}
    assert call("verify", "in", *RUN, "--draw-beacon", "b").code == 0
    assert {line["standing"] for line in draws().values()} == {"newcomer"}
    assert [outcome for _, _, outcome in verdicts()] == ["undetermined"] * 3 + ["accepted"] * 3
    assert call("check-log", OUT, "--policy", "policy.toml").code == 0


def test_what_nobody_vouches_for_or_has_no_module_is_not_drawn(call: Call) -> None:
    write("0", trained(0))
    spoilt = write("1", trained(1))
    spoilt.write_bytes(spoilt.read_bytes()[:-1] + b"x")
    ClaimFiles(write("2", trained(2))).solution.write_bytes(seal(trained(1).solution, ALICE).to_bytes())
    other = solve(session(module("-0.5 * state * gradient, state"), nonce=3))
    write("3", other)
    done = call("verify", "in", *RUN, "--draw-beacon", "a")
    assert (done.code, done.summary) == (2, "1 accepted, 3 without verdict")
    assert [line.split(": ")[1] for line in done.err.splitlines()[:-1]] == [
        "in/1.claim",
        "in/2.solution",
        f"in/optimiser-{other.claim.task.optimiser_digest.hex()[:16]}.py",
    ]
    assert list(draws()) == ["in/0.claim"]


def test_a_copy_by_another_signer_earns_no_trust(call: Call) -> None:
    for n in range(3):
        write(f"0{n}", trained(n))
        write(f"1{n}", trained(n), key=BOB)
    write("20", trained(20), key=BOB)
    assert call("verify", "in", *RUN, "--draw-beacon", "a").code == 0
    assert draws()["in/20.claim"]["standing"] == "newcomer"


def test_a_rejection_for_our_own_terms_is_no_failure(call: Call) -> None:
    task = trained(0).claim.task
    choice = Choice(task.edition, task.settings, task.optimiser_digest, task.hyperparameters, task.fuel_budget)
    Path("a.precommit").write_bytes(seal(Precommit(choice, 9), ALICE).to_bytes())
    for n in range(3):
        write(f"{n}", trained(n))
    terms = ("--precommit", "a.precommit", "--seed-beacon", "1f")
    assert call("verify", "in", *RUN, *terms).code == 1
    write("3", trained(3))
    assert call("verify", "in", *RUN).code == 0
    assert draws()["in/3.claim"]["standing"] == "known"  # by the three of the second call
    assert not [line for line in draws().values() if line["standing"] == "suspect"]


def test_verify_without_a_policy_goes_on_with_the_same_log(call: Call) -> None:
    path = write("0", trained(0))
    assert call("verify", path, *RUN).code == 0
    done = call("verify", path, "--out", OUT, "--level", "replay", "--isolation", "none")
    assert done.summary == "1 accepted; 1 of them from before"
    assert call("verify", path, "--out", OUT).summary == "1 accepted"


def test_the_example_can_be_used(call: Call) -> None:
    write("0", trained(0))
    shutil.copy(EXAMPLE, "policy.toml")
    assert call("verify", "in", *RUN).code == 0


# -- in other processes, on the real edition ---------------------------------------------------------------------


@cache
def short(nonce: int) -> Solved:
    """A real training of an epoch or two."""
    small = session(SOURCE).task
    settings = replace(small.settings, track_id="n_hidden=1")
    task = replace(small, edition=DECEMBER_2025.name, settings=settings, fuel_budget=400_000)
    return solve(Session(task, nonce, Module("small.py", SOURCE), InProcess()))


def test_several_processes_write_a_log_that_holds(call: Call) -> None:
    for n in range(12):
        write(f"{n:02}", short(n), key=(ALICE, BOB)[n % 2])
    lie = replace(short(0).claim, train_losses=(0.5, *short(0).claim.train_losses[1:]))
    write("00", short(0), claim=lie)  # of a newcomer, so that it is replayed
    done = call("verify", "in", *RUN[:-1], 2, "--draw-beacon", "a")
    assert (done.code, done.summary) == (1, "11 accepted, 1 rejected")
    checked = call("check-log", OUT, "--policy", "policy.toml", "--json")
    told = json.loads(checked.out)
    signers = told.pop("signers")
    assert told == {
        "file": "verdicts.jsonl", "draws": 12, "verdicts": 12, "beacons": {"a": 12}, "differences": [],
    }  # fmt: skip
    assert list(signers) == ["suspect", "newcomer", "known", "trusted"]
    assert {key for keys in signers.values() for key in keys} == {key.verify_key.raw.hex() for key in (ALICE, BOB)}


def test_a_call_that_is_killed_goes_on_and_its_log_holds(call: Call) -> None:
    for n in range(12):
        write(f"{n:02}", short(n))
    command = [sys.executable, "-P", "-m", "verifier.command_line.main", "verify", "in", *map(str, RUN[:-1]), "2"]
    for least in (1, 3):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 60.0
            while process.poll() is None and not (OUT.exists() and len(verdicts()) >= least):
                assert time.monotonic() < deadline
                time.sleep(0.005)
            process.kill()
    before = draws()
    assert call("verify", "in", *RUN).code == 0
    assert {claim: line for claim, line in draws().items() if claim in before} == before
    assert len(draws()) == len(verdicts()) == 12
    assert call("check-log", OUT, "--policy", "policy.toml").code == 0


# -- evidence ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [(), ("--key", "pool.pem")])
def test_a_rejection_is_kept_and_can_be_shown_again(call: Call, key: tuple[str, ...]) -> None:
    write("0", trained(0))
    forged = write_forged("1", 1)
    ClaimFiles(forged).transcript.write_bytes(b"transcript")
    assert call("verify", "in", *RUN, *key).code == 1
    (line,) = (line for line in lines() if line.get("outcome") == "rejected")
    folder = Path("verdicts-rejected", line["evidence"]["claim"][:16])
    names = {path.name for path in folder.iterdir()}
    module_name = ClaimFiles(forged).module(trained(1).claim.task.optimiser_digest).name
    assert names == {"1.claim", "1.solution", "1.transcript", module_name, "verdict.json"} | (
        {"1.verdict"} if key else set()
    )
    assert json.loads((folder / "verdict.json").read_text()) == line
    shutil.rmtree("in")
    again = call("verify", folder / "1.claim", "--level", line["level"], "--isolation", "none", "--json")
    shown = json.loads(again.out)
    assert again.code == 1
    for name in line.keys() - {"file", "measured"}:
        assert shown[name] == line[name]
    if key:
        signed = read_record(folder / "1.verdict", Verdict)
        assert signed.signer == POOL.verify_key.raw
        assert signed.record.detail == line["detail"]


def test_what_is_kept_is_what_was_judged_and_nothing_is_kept_of_the_accepted(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = write_forged("1", 1)
    data = forged.read_bytes()

    def replaced(*given: Any) -> Verdict:
        write("1", trained(1))
        return examine(*given)

    monkeypatch.setattr(judge, "examine", replaced)
    assert call("verify", forged, "--level", "replay", "--isolation", "none", "--keep", "kept").code == 1
    assert [kept for name, kept in files("kept").items() if name.endswith(".claim")] == [data]
    assert call("verify", forged, "--level", "replay", "--isolation", "none", "--keep", "none").code == 0
    assert not Path("none").exists()


def test_where_nothing_can_be_kept_the_log_has_no_verdict(call: Call) -> None:
    write_forged("1", 1)
    Path("kept").write_bytes(b"a file")
    done = call("verify", "in", *RUN, "--keep", "kept")
    assert done.code == 2
    assert "kept/" in done.err
    assert "cannot be written" in done.err
    assert verdicts() == []
    Path("kept").unlink()
    assert call("verify", "in", *RUN, "--keep", "kept").code == 1


# -- audits ------------------------------------------------------------------------------------------------------

AUDITED = (*RUN, "--draw-beacon", "a", "--requests", "requests", "--key", "pool.pem")


@pytest.fixture
def audits(call: Call) -> list[Path]:
    """The requests for the claims that are drawn for an audit, six of eight."""
    text = POLICY.format(audit=0).replace("until = 4", "until = 2").replace("0.25", "0.0")
    Path("policy.toml").write_text(f"{text}audit = 1.0\n")  # of all claims of the trusted
    for n in range(8):
        write(f"{n}", trained(n))
    done = call("verify", "in", *AUDITED)
    requests = sorted(Path("requests").iterdir())
    assert len(requests) == sum(line["drawn"] == "audit" for line in draws().values()) == 6
    assert (done.code, done.summary) == (4, "2 accepted")
    assert done.err.endswith(
        f"tig-verify: {len(requests)} of 8 claims are left, {len(requests)} of them until their audits are answered; "
        "the same call goes on\n"
    )
    return requests


def claim_of(request: Path) -> Path:
    """The claim that a request is named after."""
    return next(
        path for path in Path("in").glob("*.claim") if blake3_digest(path.read_bytes()).hex()[:16] == request.stem
    )


def respond(call: Call, request: Path) -> None:
    answer = ("-o", request.with_suffix(".response"), "--key", "alice.pem", "--isolation", "none")
    assert call("respond", request, claim_of(request), *answer).code == 0


def test_audits_are_judged_when_their_answers_are_there(call: Call, audits: list[Path]) -> None:
    before = files("requests")
    waiting = call("verify", "in", *AUDITED)
    assert waiting.code == 4
    assert files("requests") == before
    respond(call, audits[0])
    one = call("verify", "in", *AUDITED)
    assert one.code == 4
    assert verdicts()[-1] == (str(claim_of(audits[0])), "audit", "accepted")
    for request in audits[1:]:
        respond(call, request)
    done = call("verify", "in", *AUDITED)
    assert (done.code, done.summary) == (0, "8 accepted; 3 of them from before")
    assert Counter(level for _, level, _ in verdicts())["audit"] == len(audits)
    assert call("check-log", OUT, "--policy", "policy.toml").code == 0
    shutil.rmtree("requests")  # states are large
    assert call("verify", "in", *AUDITED).code == 0


def test_a_request_is_about_the_claim_that_was_judged(
    call: Call, audits: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("9", trained(9))

    def replaced(*given: Any) -> Verdict:
        write("9", trained(10))
        return examine(*given)

    monkeypatch.setattr(judge, "examine", replaced)
    call("verify", "in", *AUDITED)
    (request,) = set(Path("requests").iterdir()) - set(audits)
    assert read_record(request, AuditRequest).record.claim_digest == trained(9).claim.digest()
    assert read_record(path, Claim).digest == trained(10).claim.digest()


def test_a_log_with_open_audits_says_so(call: Call, audits: list[Path]) -> None:
    checked = call("check-log", OUT, "--policy", "policy.toml")
    assert checked.code == 1
    assert checked.out.count("was drawn for level audit, and there is no verdict of that level") == len(audits)


def test_a_forged_answer_is_a_failure_and_is_kept(call: Call, audits: list[Path]) -> None:
    respond(call, audits[0])
    claim = claim_of(audits[0])
    state = next(audits[0].with_suffix(".response").glob("*.state"))
    record = read_record(state, EpochState).record
    forged = replace(record, parameters=bytes(len(record.parameters)))
    state.write_bytes(seal(forged, ALICE).to_bytes())
    done = call("verify", "in", *AUDITED)
    assert done.code == 4  # for the other audits
    assert done.out.startswith(f"{claim}: rejected at level audit, step 12, opening: ")
    assert (str(claim), "audit", "rejected") in verdicts()
    (folder,) = Path("verdicts-rejected").iterdir()
    kept = folder / claim.name
    shown = call("verify", kept, "--level", "audit", "--request", kept.with_suffix(".request"), "--response",
                 kept.with_suffix(".response"), "--key", "pool.pem", "--isolation", "none", "--json")  # fmt: skip
    line = next(line for line in lines() if line.get("outcome") == "rejected")
    for name in line.keys() - {"file", "measured"}:
        assert json.loads(shown.out)[name] == line[name]


def test_a_request_of_somebody_else_is_none(call: Call, audits: list[Path]) -> None:
    respond(call, audits[0])
    audits[0].write_bytes(seal(read_record(audits[0], AuditRequest).record, BOB).to_bytes())
    done = call("verify", "in", *AUDITED)
    assert f"{audits[0]}: is not signed with the key of --key" in done.err
    assert done.code == 4


# -- mistakes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--level", "replay", *RUN), "--policy draws the level of each claim; leave --level out"),
        (("--policy", "policy.toml"), "--policy needs --out, the log by which it knows the signers"),
        ((*RUN, "--shard", "1/2"), "--policy needs one log of all claims; leave --shard out"),
        ((*RUN, "--cluster", "local", *AUDITED[-4:]), "--requests: the answers are on this machine alone"),
        (("--draw-beacon", "a", "--out", OUT), "--draw-beacon and --requests go with --policy"),
        ((*RUN, "--draw-beacon", "a b"), "--draw-beacon: expected 1 to 256 printable ASCII characters"),
        ((*RUN, "--requests", "requests"), "--requests needs --key, by which you will know your requests"),
        ((*RUN, "--epochs", "3"), "--epochs, --request-out, --request and --response go with --level audit"),
        (("--policy", "none.toml", "--out", OUT), "none.toml: No such file or directory; check the name"),
        (("--policy", "in", "--out", OUT), "in: "),
    ],
)
def test_options_that_do_not_go_together_are_told_before_anything_is_done(
    call: Call, options: tuple[object, ...], told: str
) -> None:
    write("0", trained(0))
    before = files()
    done = call("verify", "in", *options)
    assert done.code == 2
    assert done.err.startswith(f"tig-verify: {told}")
    assert len(done.err.splitlines()) == 1
    assert files() == before


def test_a_policy_of_audits_needs_a_folder_for_requests(call: Call) -> None:
    write("0", trained(0))
    Path("policy.toml").write_text(POLICY.format(audit=0.5))
    done = call("verify", "in", *RUN)
    assert done.err.startswith("tig-verify: policy.toml: draws audits; name a folder for their requests")
    assert not OUT.exists()


def test_a_mistake_in_the_policy_names_file_and_key(call: Call) -> None:
    write("0", trained(0))
    Path("policy.toml").write_text(POLICY.format(audit=0).replace("0.25", "25"))
    for arguments in (("verify", "in", *RUN), ("check-log", OUT, "--policy", "policy.toml")):
        done = call(*arguments)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("tig-verify: policy.toml: trusted.replay: expected a share from 0 to 1, found 25;")


def test_a_log_that_was_changed_is_told(call: Call) -> None:
    for n in range(12):
        write(f"{n:02}", trained(n))
    call("verify", "in", *RUN, "--draw-beacon", "a")
    changed = [line.replace('"drawn": "replay"', '"drawn": "evaluate"') for line in OUT.read_text().splitlines()]
    OUT.write_text("".join(f"{line}\n" for line in changed))
    done = call("check-log", OUT, "--policy", "policy.toml")
    assert done.code == 1
    assert done.out.splitlines()[0] == "verdicts.jsonl: line 1: level is evaluate, where the policy gives replay"
    assert "12 draws and 12 verdicts, not all as policy.toml says" in done.out


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda line: line.replace('"replay": 1.0', '"replay": 1'), "replay: expected a number with a point"),
        (lambda line: line.replace('"beacon": "a"', '"beacon": null'), "beacon: expected text"),
        (
            lambda line: line.replace('"beacon": "a"', '"beacon": "\\u00e4"'),
            "beacon: expected 1 to 256 printable ASCII",
        ),
        (lambda line: line.replace(ALICE.verify_key.raw.hex(), "zz"), "signer: expected 64 hexadecimal digits"),
        (lambda line: line.replace('"newcomer"', '"stranger"'), ""),
        (lambda line: line.replace('"audit": 0.0, ', ""), ""),
    ],
)
def test_a_line_that_is_no_draw_is_refused(call: Call, change: Callable[[str], str], why: str) -> None:
    write("0", trained(0))
    call("verify", "in", *RUN, "--draw-beacon", "a")
    first, *others = OUT.read_text().splitlines()
    OUT.write_text("".join(f"{line}\n" for line in (change(first), *others)))
    for arguments in (("verify", "in", *RUN), ("check-log", OUT, "--policy", "policy.toml")):
        done = call(*arguments)
        assert done.code == 2
        assert "verdicts.jsonl: line 1 is none that verify writes" in done.err
        assert why in done.err
