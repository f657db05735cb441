"""`tig-verify respond`: what it writes is accepted by an audit, and every mistake has one clear message."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import protocol.canonical_msgpack
import protocol.hashes
from protocol.audit import AuditRequest, AuditResponse, EpochState
from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.record import Record
from protocol.transcript import Transcript
from protocol.verdict import Level, Outcome
from sandbox.isolation import InProcess
from tests.support.called import Ended, called
from tests.support.changed_claims import changed
from tests.support.disputed import ADAPTIVE, solved
from tests.support.sample_records import signed
from tests.support.small_contest import module
from verifier.challenge.module import Module
from verifier.command_line.files import ClaimFiles, ResponseFiles, read_envelope, read_record
from verifier.verification.audit_response import AuditEvidence, choose_epochs
from verifier.verification.context import Evidence
from verifier.verification.verify import verify

pytestmark = pytest.mark.slow

KEY, VALIDATOR = SigningKey.generate(), SigningKey.generate()
REQUEST, CLAIM, ANSWER = Path("audit.request"), Path("out/x.claim"), ResponseFiles(Path("out/x.response"))
Call = Callable[..., Ended]


def write(path: Path, record: Record, key: SigningKey = KEY) -> None:
    path.write_bytes(seal(record, key).to_bytes())


@pytest.fixture(autouse=True)
def _office(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A benchmarker's folder with a claim, and a validator's request."""
    monkeypatch.chdir(tmp_path)
    Path("out").mkdir()
    made = solved()
    write(CLAIM, made.claim)
    write(ClaimFiles(CLAIM).solution, made.solution)
    ClaimFiles(CLAIM).module(made.claim.task.optimiser_digest).write_bytes(ADAPTIVE)
    write(REQUEST, AuditRequest(made.claim.digest(), (1, 4, 5, 12)), VALIDATOR)
    KEY.save(Path("key.pem"))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, *arguments)


def respond(call: Call, *changes: object, request: Path = REQUEST, claim: Path = CLAIM) -> Ended:
    return call("respond", request, claim, "--key", "key.pem", "--isolation", "none", *changes)


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(Path().rglob("*"))}


def audited(files: ResponseFiles, request: Path = REQUEST) -> Outcome:
    """What a validator makes of a folder."""
    evidence = AuditEvidence(
        read_record(request, AuditRequest).record,
        read_envelope(files.response),
        lambda epoch: read_envelope(files.state(epoch)),
        KEY.verify_key.raw,
    )
    claim, solution = read_envelope(CLAIM), read_envelope(ClaimFiles(CLAIM).solution)
    module = Module("adaptive.py", ADAPTIVE)
    return verify(Evidence(claim, solution, lambda digest: module, audit=evidence), Level.AUDIT, InProcess()).outcome


def test_the_answer_is_accepted_by_an_audit(call: Call) -> None:
    done = respond(call)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("out/x.response: 3 states, ")
    assert done.out.endswith(" s\n")
    assert {path.name for path in ANSWER.folder.iterdir()} == {
        "response", "epoch-3.state", "epoch-4.state", "epoch-11.state",
    }  # fmt: skip
    assert audited(ANSWER) is Outcome.ACCEPTED


def test_the_answer_is_the_same_from_a_jail_and_goes_where_it_is_told(call: Call) -> None:
    assert respond(call).code == 0
    assert respond(call, "-o", "deep/answer", "--isolation", "process").code == 0
    for path in ANSWER.folder.iterdir():
        assert (Path("deep/answer") / path.name).read_bytes() == path.read_bytes()


def test_only_a_known_validator_is_answered_if_it_is_named(call: Call) -> None:
    VALIDATOR.verify_key.save(Path("validator.pub"))
    KEY.verify_key.save(Path("stranger.pub"))
    before = files()
    done = respond(call, "--signer", "stranger.pub")
    assert (done.code, done.out) == (2, "")
    problem = "is not signed with the key of stranger.pub; answer only validators you know"
    assert done.err == f"tig-verify: audit.request: {problem}\n"
    assert files() == before
    assert respond(call, "--signer", "validator.pub").code == 0


def test_a_claim_that_ended_inside_an_epoch(call: Call) -> None:
    source = module("float('inf') * gradient, state")
    made = solved(source)
    write(CLAIM, made.claim)
    write(REQUEST, choose_epochs(signed(made.claim), 5), VALIDATOR)
    Path("inf.py").write_bytes(source)
    done = respond(call, "--optimiser", "inf.py")
    assert (done.code, done.err) == (0, "")
    assert {path.name for path in ANSWER.folder.iterdir()} == {"response"}


def test_inspect_shows_all_files_of_an_audit(call: Call) -> None:
    respond(call)
    write(ClaimFiles(CLAIM).transcript, Transcript(solved().claim.digest(), solved().training.leaves))
    every = (ClaimFiles(CLAIM).transcript, REQUEST, ANSWER.response, ANSWER.state(4))
    done = call("inspect", *every, "--json")
    assert (done.code, done.err) == (0, "")
    shown = [json.loads(line) for line in done.out.splitlines()]
    assert [entry["type"] for entry in shown] == [
        "transcript.v2", "audit-request.v2", "audit-response.v2", "epoch-state.v2",
    ]  # fmt: skip
    assert {entry["signature"] for entry in shown} == {"valid"}
    assert [leaf["epoch"] for leaf in shown[0]["leaves"]] == list(range(13))
    assert shown[1]["epochs"] == [1, 4, 5, 12]
    assert shown[2]["request_digest"] == shown[1]["digest"]
    assert shown[2]["leaves"][0]["leaf"]["train_loss"] is None
    assert shown[3]["epoch"] == 4
    text = call("inspect", *every).out
    assert "  leaves: 13 values, the first and the last:\n" in text
    assert "  epochs: 4 values, 1 .. 12\n" in text


# -- mistakes ----------------------------------------------------------------------------------------------------


def another_claims_request() -> None:
    write(REQUEST, AuditRequest(bytes(32), (1,)), VALIDATOR)


def request_with_a_broken_signature() -> None:
    REQUEST.write_bytes(replace(read_envelope(REQUEST), signature=bytes(64)).to_bytes())


def request_beyond_the_end() -> None:
    write(REQUEST, AuditRequest(solved().claim.digest(), (1, 13)), VALIDATOR)


def request_that_is_a_claim() -> None:
    REQUEST.write_bytes(CLAIM.read_bytes())


def request_that_is_cut() -> None:
    REQUEST.write_bytes(REQUEST.read_bytes()[:100])


def claim_with_a_broken_signature() -> None:
    CLAIM.write_bytes(replace(read_envelope(CLAIM), signature=bytes(64)).to_bytes())


def claim_of_another_signer() -> None:
    write(CLAIM, solved().claim, SigningKey.generate())


def claim_of(**changes: Any) -> Callable[[], None]:
    """Another claim, and a request for it."""

    def change() -> None:
        claim = changed(solved().claim, **changes)
        write(CLAIM, claim)
        write(REQUEST, AuditRequest(claim.digest(), (1, 12)), VALIDATOR)

    return change


def longer() -> None:
    claim = solved().claim
    more: dict[str, Any] = {name: (*getattr(claim, name), 9.0) for name in ("train_losses", "validation_losses")}
    claim_of(epochs=13, **more)()


def module_missing() -> None:
    ClaimFiles(CLAIM).module(solved().claim.task.optimiser_digest).unlink()


def module_swapped() -> None:
    ClaimFiles(CLAIM).module(solved().claim.task.optimiser_digest).write_bytes(module())


def answered() -> None:
    ANSWER.folder.mkdir()
    write(ANSWER.response, AuditResponse(bytes(32), ()))


def in_the_way() -> None:
    ANSWER.folder.write_text("a file")


NOT_GIVEN = "training this module again does not give the claim's transcript; the claim is not honest"
MISTAKES: dict[str, tuple[Callable[[], object], str]] = {
    "request missing": (REQUEST.unlink, "audit.request: No such file or directory; check the name"),
    "request of another claim": (
        another_claims_request,
        "audit.request: is about another claim than out/x.claim; name the one that it is for",
    ),
    "request with a bad signature": (
        request_with_a_broken_signature,
        "audit.request: the signature does not hold for key ",
    ),
    "request beyond the end": (
        request_beyond_the_end,
        "audit-request.epochs: epoch 13 is asked for, but the claim has 12; ask for others",
    ),
    "request a claim": (
        request_that_is_a_claim,
        "audit.request: envelope.payload_type: expected ",
    ),
    "request cut": (request_that_is_cut, "audit.request: is not a signed record of tig-verify, or was cut or changed"),
    "claim missing": (CLAIM.unlink, "out/x.claim: No such file or directory; check the name"),
    "claim with a bad signature": (claim_with_a_broken_signature, "out/x.claim: the signature does not hold for key "),
    "claim of another signer": (
        claim_of_another_signer,
        "key.pem: is not the key that signed out/x.claim, and only that one can answer for it",
    ),
    "claim of no edition": (claim_of(edition="december-2024"), "december-2024"),
    "claim of no track": (
        claim_of(settings=replace(solved().claim.task.settings, track_id="n_hidden=0")),
        "'n_hidden=0'",
    ),
    "claim of another training": (claim_of(nonce=8), NOT_GIVEN),
    "claim with another root": (claim_of(transcript_root=bytes(32)), NOT_GIVEN),
    "claim of more epochs": (longer, NOT_GIVEN),
    "key missing": (Path("key.pem").unlink, "key.pem: there is no such file"),
    "module missing": (module_missing, "the claim's module is not there; name it with --optimiser"),
    "module swapped": (module_swapped, "is another module than the claim's: its digest begins "),
    "folder answers already": (
        answered,
        "out/x.response/response: exists; perhaps for another request; choose another folder with -o",
    ),
    "folder a file": (in_the_way, "is not a folder; choose another with -o"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_answered_with_one_clear_message(call: Call, kind: str) -> None:
    prepare, message = MISTAKES[kind]
    prepare()
    before = files()
    done = respond(call)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert files() == before


@pytest.mark.parametrize("updates", ["[gradient][epoch - 3], state", "open(1), state"])
def test_a_module_that_fails_is_named(call: Call, updates: str) -> None:
    source = module(updates)
    Path("bad.py").write_bytes(source)
    claim_of(optimiser_digest=protocol.hashes.blake3_digest(source))()
    before = files()
    done = respond(call, "--optimiser", "bad.py")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(("tig-verify: bad.py: 'line 16: IndexError", "tig-verify: bad.py:16:12: "))
    assert files() == before


def test_a_state_that_does_not_fit_into_a_file(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol.canonical_msgpack, "MAX_SIZE", 1_300)  # enough for a claim, not for a state
    before = files()
    done = respond(call)
    assert (done.code, done.out) == (2, "")
    assert "the state after epoch 3 does not fit into a file of " in done.err
    assert "the claim cannot be audited, only replayed" in done.err
    assert files() == before


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("oops")])
def test_an_answer_that_is_not_completed_leaves_no_file(
    call: Call, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def broken(request: object, claim: object, ground: object, keep: Callable[[EpochState], None], *_: object) -> None:
        keep(EpochState(bytes(32), 3, b"", b"", b"", b"", b""))
        assert ANSWER.state(3).exists()
        raise error

    monkeypatch.setattr("verifier.verification.audit_response.respond", broken)
    before = files()
    assert respond(call).code == (130 if isinstance(error, KeyboardInterrupt) else 3)
    assert files() == before
