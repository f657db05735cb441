"""`tig-verify verify --level audit`: the exchange of files, and every mistake in it answered with one clear message."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from protocol.audit import AuditRequest, AuditResponse, EpochState
from protocol.claim import Claim
from protocol.envelope import seal
from protocol.hashes import blake3_digest
from protocol.keys import SigningKey
from protocol.record import Record
from protocol.verdict import Level, Outcome, Reason, Verdict
from tests.support.called import Ended, called
from tests.support.changed_claims import changed
from tests.support.disputed import ADAPTIVE, solved
from tests.support.small_contest import module
from verifier.command_line.files import ClaimFiles, ResponseFiles, read_record

KEY, VALIDATOR, STRANGER = (SigningKey.generate() for _ in range(3))
CLAIM, REQUEST, ANSWER = Path("out/x.claim"), Path("x.request"), ResponseFiles(Path("out/x.response"))
AUDIT = ("verify", CLAIM, "--level", "audit", "--isolation", "none")
ASK = (*AUDIT, "--epochs", 3, "--request-out", REQUEST, "--key", "validator.pem")
JUDGE = (*AUDIT, "--request", REQUEST, "--response", ANSWER.folder, "--key", "validator.pem")
Call = Callable[..., Ended]


def write(path: Path, record: Record, key: SigningKey = KEY) -> None:
    path.write_bytes(seal(record, key).to_bytes())


def write_claim(claim: Claim) -> None:
    write(CLAIM, claim)
    write(ClaimFiles(CLAIM).solution, solved().solution)
    ClaimFiles(CLAIM).module(claim.task.optimiser_digest).write_bytes(ADAPTIVE)


@pytest.fixture(autouse=True)
def _folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("out").mkdir()
    write_claim(solved().claim)
    for name, key in (("key.pem", KEY), ("validator.pem", VALIDATOR), ("stranger.pem", STRANGER)):
        key.save(Path(name))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, *arguments)


@pytest.fixture
def exchanged(call: Call) -> None:
    """A request, and the honest answer to it."""
    assert call(*ASK).code == 0
    assert call("respond", REQUEST, CLAIM, "--key", "key.pem", "--isolation", "none").code == 0


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(Path().rglob("*"))}


def verdict() -> Verdict:
    found = read_record(ClaimFiles(CLAIM).verdict, Verdict)
    assert found.signer == VALIDATOR.verify_key.raw
    return found.record


def shipped() -> int:
    """An epoch whose state was asked for and sent."""
    return read_record(REQUEST, AuditRequest).record.epochs[1] - 1


# -- the exchange ------------------------------------------------------------------------------------------------


def test_a_request_an_answer_and_a_signed_verdict(call: Call) -> None:
    asked = call(*ASK)
    assert (asked.code, asked.err) == (0, "")
    signed = read_record(REQUEST, AuditRequest)
    assert signed.signer == VALIDATOR.verify_key.raw
    request = signed.record
    assert request.claim_digest == solved().claim.digest()
    fixed = {1, solved().claim.best_epoch, 12}
    assert (len(request.epochs), fixed - {*request.epochs}) == (len(fixed) + 3, set())
    assert asked.out.startswith(f"x.request: epochs {', '.join(map(str, request.epochs))}\n")
    assert "tig-verify respond x.request x.claim --key KEY\n" in asked.out
    assert not ClaimFiles(CLAIM).verdict.exists()
    assert call("respond", REQUEST, CLAIM, "--key", "key.pem", "--isolation", "none").code == 0
    judged = call(*JUDGE)
    assert (judged.code, judged.err) == (0, "tig-verify: 1 accepted\n")
    assert judged.out.startswith("out/x.claim: accepted at level audit: the audited epochs are those of this module ")
    assert (verdict().outcome, verdict().level) == (Outcome.ACCEPTED, Level.AUDIT)


def test_the_request_as_json(call: Call) -> None:
    asked = call(*ASK, "--json")
    request = read_record(REQUEST, AuditRequest).record
    assert json.loads(asked.out) == {"file": str(CLAIM), "request": str(REQUEST), "epochs": list(request.epochs)}


def test_two_requests_are_not_alike(call: Call) -> None:
    asked = []
    for n in range(5):
        assert call(*ASK, "--request-out", f"{n}.request", "--epochs", 5).code == 0
        asked.append(read_record(Path(f"{n}.request"), AuditRequest).record.epochs)
    assert len(set(asked)) > 1  # alike by chance: 252^-4


def test_a_claim_that_fails_before_gets_its_verdict_and_no_request(call: Call) -> None:
    write_claim(replace(solved().claim, quality=0))
    before = files()
    done = call(*ASK, "--json")
    found = json.loads(done.out)
    assert (done.code, done.summary) == (1, "1 rejected")
    assert (found["outcome"], found["level"], found["step"]) == ("rejected", "evaluate", 7)
    assert files() == before


def test_an_answer_with_another_history_is_rejected(call: Call, exchanged: None) -> None:
    response = read_record(ANSWER.response, AuditResponse).record
    opened = response.leaves[1]
    other = replace(opened, leaf=replace(opened.leaf, fuel_used=1))
    write(ANSWER.response, replace(response, leaves=(response.leaves[0], other, *response.leaves[2:])))
    done = call(*JUDGE)
    assert (done.code, done.summary) == (1, "1 rejected")
    assert (verdict().reason, verdict().step) == (Reason.OPENING, 10)


def test_a_state_that_is_not_the_committed_one_is_rejected(call: Call, exchanged: None) -> None:
    path = ANSWER.state(shipped())
    state = read_record(path, EpochState).record
    write(path, replace(state, optimiser_state=state.optimiser_state + b"N"))
    assert call(*JUDGE).code == 1
    assert (verdict().reason, verdict().step) == (Reason.OPENING, 12)


def test_what_the_claims_signer_has_not_signed_is_no_answer(call: Call, exchanged: None) -> None:
    state = read_record(ANSWER.state(shipped()), EpochState).record
    write(ANSWER.state(shipped()), state, STRANGER)
    done = call(*JUDGE)
    assert (done.code, done.out) == (2, "")
    assert re.match(
        r"tig-verify: out/x\.response: the state after epoch \d+ is not signed with the key of the ", done.err
    )
    assert not ClaimFiles(CLAIM).verdict.exists()


def test_an_answer_to_another_request_is_no_answer(call: Call, exchanged: None) -> None:
    assert call(*ASK, "--request-out", "other.request", "--epochs", 2).code == 0
    done = call(*JUDGE, "--request", "other.request")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tig-verify: out/x.response: the response is to another request; get the one to this")


# -- both sides here ---------------------------------------------------------------------------------------------


def test_an_audit_in_one_go(call: Call) -> None:
    before = files()
    done = call(*AUDIT, "--epochs", 3, "--json")
    assert (done.code, done.summary) == (0, "1 accepted")
    assert (json.loads(done.out)["outcome"], json.loads(done.out)["level"]) == ("accepted", "audit")
    assert files() == before


FORGED = {
    "another transcript": ({"transcript_root": bytes(32)}, "audit-response", 9),
    "another loss": ({"train_losses": (9.0, *solved().claim.train_losses[1:])}, "losses", 11),
    "less fuel": ({"fuel_used": solved().claim.fuel_used - 1}, "fuel", 11),
    "another quality": ({"quality": 0}, "quality", 7),
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_forgery_in_one_go_is_rejected(call: Call, kind: str) -> None:
    changes, reason, step = FORGED[kind]
    write_claim(replace(solved().claim, **changes))  # type: ignore[arg-type]
    done = call(*AUDIT, "--epochs", 3, "--json")
    found = json.loads(done.out)
    assert (done.code, found["outcome"], found["reason"], found["step"]) == (1, "rejected", reason, step)


def test_a_module_that_fails_in_one_go_is_rejected(call: Call) -> None:
    source = module("[gradient][1], state")
    Path("failing.py").write_bytes(source)
    write_claim(changed(solved().claim, optimiser_digest=blake3_digest(source)))
    done = call(*AUDIT, "--epochs", 3, "--json", "--optimiser", "failing.py")
    found = json.loads(done.out)
    assert (done.code, found["reason"], found["step"]) == (1, "optimiser-failed", 9)


# -- mistakes ----------------------------------------------------------------------------------------------------

MISTAKES: dict[str, tuple[tuple[object, ...], str]] = {
    "nothing asked": (AUDIT, "--level audit needs --epochs, with --request-out or alone, or --request with --resp"),
    "both asked": ((*JUDGE, "--epochs", 3), "--level audit needs --epochs, with --request-out or alone, or --req"),
    "another level": (("verify", CLAIM, "--epochs", 3), "--request and --response go with --level audit"),
    "another level, request": (("verify", CLAIM, "--request-out", "r"), "--request and --response go with --level a"),
    "no answer": ((*AUDIT, "--request", REQUEST, "--key", "validator.pem"), "--level audit needs --epochs, with"),
    "an answer to nothing": ((*AUDIT, "--response", ANSWER.folder), "--level audit needs --epochs, with --request"),
    "request without key": ((*AUDIT, "--epochs", 3, "--request-out", "r"), "--request-out needs --epochs, and --key"),
    "request without epochs": (
        (*AUDIT, "--request-out", "r", "--key", "key.pem"), "--level audit needs --epochs, with --request-out or alone",
    ),
    "request to write, answer to read": ((*JUDGE, "--request-out", "r"), "--request-out needs --epochs, and --key"),
    "verdict without key": (JUDGE[:-2], "--request needs --key, your own: anybody can sign a request for epochs that"),
    "somebody else's request": ((*JUDGE, "--key", "key.pem"), "x.request: is not signed with the key of --key; only"),
    "request there already": (ASK, "x.request: exists; it may be on its way to be answered, so choose another name"),
    "request missing": ((*JUDGE, "--request", "none"), "none: No such file or directory; check the name"),
    "request a claim": ((*JUDGE, "--request", CLAIM), "out/x.claim: envelope.payload_type: expected audit"),
    "request for another claim": ((*JUDGE, "--request", "other.request"), "other.request: is about another claim than"),
    "answer missing": ((*JUDGE, "--response", "none"), "none/response: No such file or directory; check the name"),
    "answer a file": ((*JUDGE, "--response", CLAIM), "out/x.claim/response: Not a directory; check the name"),
    "a state missing": (JUDGE, ".state: No such file or directory; check the name"),
    "a state cut": (JUDGE, ".state: is not a signed record of tig-verify, or was cut or changed: byte "),
    "the response cut": (JUDGE, "out/x.response/response: is not a signed record of tig-verify, or was cut or chang"),
    "two claims": ((*JUDGE[:2], "y.claim", *JUDGE[2:]), "--request-out and --request go with one claim; call once for"),
    "epochs negative": ((*AUDIT, "--epochs=-1"), "'-1': write a whole number from 0 on, such as 7"),
    "module missing": ((*AUDIT, "--epochs", 3), "the claim's module is not there; name it with --optimiser"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_answered_with_one_clear_message(call: Call, exchanged: None, kind: str) -> None:
    arguments, message = MISTAKES[kind]
    write(Path("other.request"), AuditRequest(bytes(32), (1, 2)), VALIDATOR)
    state = ANSWER.state(shipped())
    if kind == "a state missing":
        state.unlink()
    if kind == "a state cut":
        state.write_bytes(state.read_bytes()[:-1])
    if kind == "the response cut":
        ANSWER.response.write_bytes(ANSWER.response.read_bytes()[:100])
    if kind == "module missing":
        ClaimFiles(CLAIM).module(solved().claim.task.optimiser_digest).unlink()
    before = files()
    done = call(*arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err
    assert files() == before
