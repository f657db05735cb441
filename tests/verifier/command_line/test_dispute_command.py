"""`tig-verify dispute`: who is wrong, and every mistake answered with one clear message."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import protocol.hashes
from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.record import Record
from protocol.transcript import Transcript
from sandbox.errors import WorkerFault
from tests.support.called import Ended, called
from tests.support.changed_claims import changed
from tests.support.disputed import ADAPTIVE, forger, honest, leaf, party, solved
from tests.support.small_contest import SETTINGS, module
from verifier.command_line.files import ClaimFiles, read_envelope
from verifier.verification.dispute import Party

ONE, OTHER = SigningKey.generate(), SigningKey.generate()
MINE, THEIRS = Path("mine/x.claim"), Path("theirs/x.claim")
FORGED = forger("", leaf(5, network_digest=bytes(32)))
Call = Callable[..., Ended]


def write(path: Path, record: Record, key: SigningKey) -> None:
    path.write_bytes(seal(record, key).to_bytes())


def publish(path: Path, given: Party, key: SigningKey) -> None:
    """Write the files of one side."""
    write(path, given.claim, key)
    write(ClaimFiles(path).transcript, given.transcript, key)


@pytest.fixture(autouse=True)
def _both_sides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An honest claim, and one with a forged epoch."""
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    Path("theirs").mkdir()
    publish(MINE, honest(), ONE)
    publish(THEIRS, FORGED, OTHER)
    ClaimFiles(MINE).module(solved().claim.task.optimiser_digest).write_bytes(ADAPTIVE)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, "dispute", *arguments, "--isolation", "none")


def test_the_forger_is_named(call: Call) -> None:
    done = call(MINE, THEIRS)
    assert (done.code, done.err) == (0, "")
    first, mine, theirs = done.out.splitlines()
    assert first.startswith("the transcripts differ first in epoch 5 (found with ")
    mine_key, their_key = ONE.verify_key.fingerprint, OTHER.verify_key.fingerprint
    assert mine == f"  mine/x.claim (signer {mine_key}): right up to epoch 5; nothing later was looked at"
    assert theirs == f"  theirs/x.claim (signer {their_key}): wrong in epoch 5: network_digest"


def test_the_forger_is_named_in_json(call: Call) -> None:
    for arguments in ((MINE, THEIRS), (THEIRS, MINE, "--optimiser", next(Path("mine").glob("*.py")))):
        done = call(*arguments, "--json")
        assert (done.code, done.err) == (0, "")
        ruling = json.loads(done.out)
        assert (ruling["differs"], ruling["epoch"]) == (5, 5)
        assert 0 < ruling["digests"] <= 3 * 4 + 1
        assert {side["file"]: side["wrong"] for side in ruling["claims"]} == {
            "mine/x.claim": [],
            "theirs/x.claim": ["network_digest"],
        }
        assert {side["signer"] for side in ruling["claims"]} == {k.verify_key.raw.hex() for k in (ONE, OTHER)}
        digests = {side["claim_digest"] for side in ruling["claims"]}
        assert digests == {given.claim.digest().hex() for given in (honest(), FORGED)}


def test_a_claim_has_no_dispute_with_itself(call: Call) -> None:
    done = call(MINE, MINE)
    assert done.code == 0
    assert done.out.startswith("the claims say the same; there is nothing to decide\n")
    assert done.out.count("not shown to be wrong") == 2


def test_claims_that_differ_beside_their_transcripts(call: Call) -> None:
    publish(THEIRS, party("", replace(solved().claim, quality=7), solved().training.leaves), OTHER)
    done = call(MINE, THEIRS)
    assert done.code == 0
    assert "the transcripts are the same, the claims differ in quality" in done.out
    assert "theirs/x.claim (signer " in done.out
    assert done.out.endswith("wrong in the claim: quality\n")


def test_a_transcript_that_the_claim_does_not_commit_to_speaks_against_its_signer(call: Call) -> None:
    write(ClaimFiles(THEIRS).transcript, Transcript(FORGED.claim.digest(), solved().training.leaves), OTHER)
    ruling = json.loads(call(MINE, THEIRS, "--json").out)
    assert [side["wrong"] for side in ruling["claims"]] == [[], ["transcript_root"]]
    assert (ruling["epoch"], ruling["differs"], ruling["digests"]) == (None, None, 0)


# -- mistakes ----------------------------------------------------------------------------------------------------


def broken_signature(path: Path) -> Callable[[], None]:
    def change() -> None:
        path.write_bytes(replace(read_envelope(path), signature=bytes(64)).to_bytes())

    return change


def other_training(**changes: Any) -> Callable[[], None]:
    return lambda: publish(THEIRS, party("", changed(solved().claim, **changes), solved().training.leaves), OTHER)


def transcript_of_another_signer() -> None:
    write(ClaimFiles(THEIRS).transcript, FORGED.transcript, ONE)


def transcript_of_another_claim() -> None:
    write(ClaimFiles(THEIRS).transcript, solved_transcript(), OTHER)


def solved_transcript() -> Transcript:
    return Transcript(solved().claim.digest(), solved().training.leaves)


def transcript_that_is_a_claim() -> None:
    ClaimFiles(THEIRS).transcript.write_bytes(THEIRS.read_bytes())


def module_missing() -> None:
    ClaimFiles(MINE).module(solved().claim.task.optimiser_digest).unlink()


def module_swapped() -> None:
    ClaimFiles(MINE).module(solved().claim.task.optimiser_digest).write_bytes(module())


def no_edition() -> None:
    for path, key in ((MINE, ONE), (THEIRS, OTHER)):
        claim = changed(solved().claim, edition="december-2024", quality=len(str(path)))
        publish(path, party("", claim, solved().training.leaves), key)


DIFFER = "mine/x.claim and theirs/x.claim differ in "
MISTAKES: dict[str, tuple[Callable[[], object], str]] = {
    "claim missing": (THEIRS.unlink, "theirs/x.claim: No such file or directory; check the name"),
    "claim cut": (lambda: THEIRS.write_bytes(b"\x84"), "theirs/x.claim: is not a signed record of tig-verify, or was"),
    "claim with a bad signature": (broken_signature(MINE), "mine/x.claim: the signature does not hold for key "),
    "transcript missing": (
        Path("theirs/x.transcript").unlink,
        "theirs/x.transcript: is not there; get it from the claim's signer, or verify the claim by replay",
    ),
    "transcript with a bad signature": (
        broken_signature(Path("theirs/x.transcript")),
        "theirs/x.transcript: the signature does not hold for key ",
    ),
    "transcript of another signer": (
        transcript_of_another_signer,
        "theirs/x.transcript: is signed by another key than theirs/x.claim; get it from the claim's signer",
    ),
    "transcript of another claim": (
        transcript_of_another_claim,
        "theirs/x.transcript: is the transcript of another claim than theirs/x.claim",
    ),
    "transcript a claim": (transcript_that_is_a_claim, "theirs/x.transcript: envelope.payload_type: expected transcr"),
    "module missing": (module_missing, "the claim's module is not there; name it with --optimiser"),
    "module swapped": (module_swapped, "is another module than the claim's: its digest begins "),
    "no edition": (no_edition, "december-2024"),
    "another nonce": (other_training(nonce=8), DIFFER + "nonce: there is no dispute between two trainings"),
    "another module": (other_training(optimiser_digest=protocol.hashes.blake3_digest(b"")), DIFFER + "optimiser_diges"),
    "another player": (
        other_training(settings=replace(SETTINGS, player_id="0xaeba")),
        DIFFER + "settings.player_id: there is",
    ),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_answered_with_one_clear_message(call: Call, kind: str) -> None:
    prepare, message = MISTAKES[kind]
    prepare()
    done = call(MINE, THEIRS)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_a_fault_of_the_machine_decides_nothing(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise WorkerFault("the worker process ended unexpectedly (signal 9)")

    monkeypatch.setattr("verifier.verification.dispute.rule", gone)
    done = call(MINE, THEIRS)
    assert (done.code, done.out) == (3, "")
    assert done.err == "tig-verify: undetermined: the worker process ended unexpectedly (signal 9)\n"
