"""Commit, sample, prove and verify-proof: the whole path, and mistakes answered with one clear message."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

import protocol.proof
from protocol.benchmark import Benchmark
from protocol.claim import Claim
from protocol.envelope import Envelope, Signed, pre_authentication_encoding, seal
from protocol.hashes import blake3_digest
from protocol.keys import SigningKey, VerifyKey
from protocol.proof import Proof
from protocol.record import Record
from tests.support import sample_records
from tests.support.called import Ended, called
from tests.support.small_contest import SETTINGS
from verifier.command_line.commands import verify_proof
from verifier.command_line.files import read_envelope, read_record
from verifier.command_line.main import main

BEACON = "4c3594711e8362ac9d2ec9ae55abb055"
COUNT = 30
_R = TypeVar("_R", bound=Record)


Call = Callable[..., Ended]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command in this process."""

    return lambda *arguments: called(capsys, *arguments)


def claim(nonce: int, **changes: Any) -> Claim:
    """A claim that nobody trained for."""
    fields: dict[str, Any] = {
        "edition": "december-2025", "settings": SETTINGS, "nonce": nonce, "epochs": 2, "best_epoch": 1,
        "train_losses": (1.0, 0.5), "validation_losses": (0.75, 0.875), "quality": nonce * 7919 % 101,
    }  # fmt: skip
    return sample_records.claim(**{**fields, **changes})


def name(nonce: int) -> str:
    return f"out/adam-n_hidden=1-nonce={nonce}.claim"


ALL = [name(nonce) for nonce in range(COUNT)]


def write(path: str, record: Record, key: SigningKey) -> None:
    Path(path).write_bytes(seal(record, key).to_bytes())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmarker's folder after all four steps, made once; nobody changes it."""
    folder = tmp_path_factory.mktemp("benchmark")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("out").mkdir()
        key, other = SigningKey.generate(), SigningKey.generate()
        for signer, path in ((key, Path("key.pem")), (other, Path("other.pem"))):
            signer.save(path)
            signer.verify_key.save(path.with_name(path.name + ".pub"))
        for nonce in range(COUNT):
            write(name(nonce), claim(nonce), key)
        write("track.claim", claim(3, settings=replace(SETTINGS, track_id="n_hidden=2")), key)
        write("quality.claim", claim(3, quality=1000), key)
        write("changed.claim", claim(3, run={"torch": "0"}), key)
        write("beyond.claim", claim(COUNT), key)
        write("foreign.claim", claim(3), other)
        Path("forged.claim").write_bytes(replace(seal(claim(3), key), signature=bytes(64)).to_bytes())
        Path("cut.claim").write_bytes(Path(name(3)).read_bytes()[:200])
        for arguments in (
            ["commit", *ALL[::-1], "--bundles", "2", "--key", "key.pem", "-o", "good.benchmark"],
            ["prove", "good.benchmark", *ALL, "--beacon", BEACON, "--key", "key.pem", "-o", "good.proof"],
        ):
            with pytest.raises(SystemExit) as end:
                main(arguments)
            assert end.value.code == 0
    return folder


@pytest.fixture
def office(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of one's own, as the current folder."""
    shutil.copytree(made, tmp_path / "office")
    monkeypatch.chdir(tmp_path / "office")
    return tmp_path / "office"


def opened(path: str, kind: type[_R]) -> _R:
    return read_record(Path(path), kind).record


def with_claim_3(path: str) -> list[str]:
    return [path if claim_path == name(3) else claim_path for claim_path in ALL]


# -- whole paths -------------------------------------------------------------------------------------------------


def test_commit_sample_prove_and_verify(office: Path, call: Call) -> None:
    committed = call("commit", *ALL, "--bundles", 2, "--key", "key.pem", "-o", "new/a.benchmark")
    assert (committed.code, committed.err) == (0, "")
    assert Path("new/a.benchmark").read_bytes() == Path("good.benchmark").read_bytes()
    benchmark = opened("new/a.benchmark", Benchmark)
    root, digest = benchmark.merkle_root.hex(), benchmark.digest().hex()
    assert committed.out == f"new/a.benchmark: {COUNT} nonces in 2 bundles, root {root}, digest {digest}\n"

    sampled = call("sample", "new/a.benchmark", "--beacon", BEACON)
    assert (sampled.code, sampled.err) == (0, "")
    nonces = [int(line) for line in sampled.out.splitlines()]
    assert len(nonces) == 3
    as_json = json.loads(call("sample", "new/a.benchmark", "--beacon", BEACON, "--json").out)
    assert (as_json["file"], as_json["nonces"]) == ("new/a.benchmark", nonces)

    before = set(Path().rglob("*"))
    proved = call("prove", "new/a.benchmark", *ALL, "--beacon", BEACON, "--key", "key.pem", "-o", "new/a.proof")
    assert (proved.code, proved.err) == (0, "")
    assert proved.out == f"new/a.proof: proves nonces {', '.join(map(str, nonces))} of {COUNT}\n"
    assert set(Path().rglob("*")) - before == {Path("new/a.proof")}
    proof = opened("new/a.proof", Proof)
    assert (proof.benchmark_digest, proof.beacon) == (benchmark.digest(), BEACON)
    assert [proven.claim for proven in proof.proven] == [claim(nonce) for nonce in nonces]

    verified = call("verify-proof", "new/a.benchmark", "new/a.proof", "--beacon", BEACON, "--signer", "key.pem.pub")
    assert (verified.code, verified.err) == (0, "")
    lines = [
        f"  nonce {nonce}: quality {claim(nonce).quality}, claim digest {claim(nonce).digest().hex()}"
        for nonce in nonces
    ]
    head = "new/a.proof: accepted, choice unchecked; these are the committed claims, to be verified next:"
    assert verified.out.splitlines() == [head, *lines]


def test_other_counts_of_samples(office: Path, call: Call) -> None:
    counts = ("--beacon", BEACON, "--upper", 4, "--lower", 0)
    nonces = call("sample", "good.benchmark", *counts).out.split()
    assert len(nonces) == 4
    assert call("prove", "good.benchmark", *ALL, *counts, "--key", "key.pem", "-o", "four.proof").code == 0
    assert call("verify-proof", "good.benchmark", "four.proof", *counts).code == 0
    done = call("verify-proof", "good.benchmark", "four.proof", "--beacon", BEACON)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tig-verify: four.proof: proves nonces ")


def test_an_accepted_proof_as_json(office: Path, call: Call) -> None:
    done = call("verify-proof", "good.benchmark", "good.proof", "--beacon", BEACON, "--json")
    assert (done.code, done.err) == (0, "")
    nonces = [int(line) for line in call("sample", "good.benchmark", "--beacon", BEACON).out.splitlines()]
    assert json.loads(done.out) == {
        "file": "good.proof", "outcome": "accepted", "reason": "none", "step": 0, "detail": "",
        "choice": "unchecked", **looked_at(),
        "claims": [
            {"nonce": nonce, "quality": claim(nonce).quality, "claim_digest": claim(nonce).digest().hex()}
            for nonce in nonces
        ],
    }  # fmt: skip


def looked_at() -> dict[str, str]:
    benchmark, proof = read_record(Path("good.benchmark"), Benchmark), read_record(Path("good.proof"), Proof)
    digests = {"benchmark_digest": benchmark.digest.hex(), "proof_digest": proof.digest.hex()}
    return {**digests, "signer": VerifyKey.load(Path("key.pem.pub")).raw.hex()}


def test_a_rejected_proof(office: Path, call: Call) -> None:
    rule = ("--beacon", BEACON, "--lowest-active", 10**6)
    done = call("verify-proof", "good.benchmark", "good.proof", *rule)
    detail = "no bundle has a median quality of 1000000 or more"
    assert (done.code, done.err) == (1, "")
    assert done.out == f"good.proof: rejected at step 3, unqualified: {detail}\n"
    shown = call("verify-proof", "good.benchmark", "good.proof", *rule, "--json")
    assert shown.code == 1
    assert json.loads(shown.out) == {
        "file": "good.proof", "outcome": "rejected", "reason": "unqualified", "step": 3, "detail": detail,
        "choice": None, "claims": [], **looked_at(),
    }  # fmt: skip


def forged(path: str, change: Callable[[Envelope], Envelope]) -> None:
    Path(path).write_bytes(change(read_envelope(Path(path))).to_bytes())


def by_another_key(envelope: Envelope) -> Envelope:
    proof = Proof.from_bytes(envelope.payload)
    first, *others = proof.proven
    bent = replace(first, claim=replace(first.claim, run={}))
    return seal(replace(proof, proven=(bent, *others)), SigningKey.load(Path("other.pem")))


def answered(call: Call, *beacon: str, bundles: int = 2) -> None:
    """The signer's own proof of another sample or benchmark, in the place of the one that is asked for."""
    Path("good.proof").unlink()
    assert call("commit", *ALL, "--bundles", bundles, "--key", "key.pem", "-o", "its.benchmark").code == 0
    made = call("prove", "its.benchmark", *ALL, "--beacon", *beacon, "--key", "key.pem", "-o", "good.proof")
    assert made.code == 0, made.err


NO_PROOF: dict[str, tuple[Callable[[Call], None], str]] = {
    "benchmark spoilt": (
        lambda call: forged("good.benchmark", lambda envelope: replace(envelope, signature=bytes(64))),
        "good.benchmark: the signature does not hold",
    ),
    "proof spoilt": (
        lambda call: forged("good.proof", lambda envelope: replace(envelope, signature=bytes(64))),
        "good.proof: the signature does not hold",
    ),
    "proof of a stranger": (lambda call: forged("good.proof", by_another_key), "good.proof: is signed by another key"),
    "proof of another beacon": (lambda call: answered(call, "older"), "good.proof: answers beacon 'older'"),
    "proof of another benchmark": (
        lambda call: answered(call, BEACON, bundles=1), "good.proof: is about the benchmark with digest",
    ),
    "proof of other counts": (
        lambda call: answered(call, BEACON, "--upper", "4"), "good.proof: proves nonces ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("attempt", NO_PROOF)
def test_what_the_signer_has_not_proven_rejects_nobody(office: Path, call: Call, attempt: str) -> None:
    attack, message = NO_PROOF[attempt]
    attack(call)
    done = call("verify-proof", "good.benchmark", "good.proof", "--beacon", BEACON)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert done.err.startswith(f"tig-verify: {message}")


@pytest.mark.parametrize("attempt", NO_PROOF)
def test_a_proof_without_that_names_what_it_is_about(
    office: Path, call: Call, attempt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No signature, key, benchmark or beacon is looked at: what is said is the truth, or of other records."""
    true = looked_at()
    NO_PROOF[attempt][0](call)

    def unchecked(path: Path, kind: type[_R]) -> Signed[_R]:
        envelope = read_envelope(path)
        return Signed(kind.from_bytes(envelope.payload), blake3_digest(envelope.payload), envelope.public_key)

    monkeypatch.setattr(verify_proof, "read_record", unchecked)
    monkeypatch.setattr(protocol.proof, "_require_answer", lambda *arguments: None)
    done = call("verify-proof", "good.benchmark", "good.proof", "--beacon", BEACON, "--json")
    if done.code != 2:  # the nonces are those of another sample
        shown = json.loads(done.out)
        assert shown["outcome"] == "accepted" or any(shown[name] != true[name] for name in true)


def test_an_expected_signer(office: Path, call: Call) -> None:
    done = call("verify-proof", "good.benchmark", "good.proof", "--beacon", BEACON, "--signer", "other.pem.pub")
    assert done.code == 1
    assert "step 1, signer: the benchmark is signed by another key than the expected one" in done.out
    Path("keys").mkdir()
    for code, name in ((1, "other"), (0, "key")):
        shutil.copy(f"{name}.pem.pub", f"keys/{name}")
        assert (
            call("verify-proof", "good.benchmark", "good.proof", "--beacon", BEACON, "--signers", "keys").code == code
        )


def test_inspect_shows_benchmarks_and_proofs(office: Path, call: Call) -> None:
    done = call("inspect", "good.benchmark", "good.proof", "--json")
    assert (done.code, done.err) == (0, "")
    benchmark, proof = (json.loads(line) for line in done.out.splitlines())
    assert (benchmark["type"], proof["type"]) == ("benchmark.v2", "proof.v2")
    assert benchmark["qualities"] == [claim(nonce).quality for nonce in range(COUNT)]
    assert proof["benchmark_digest"] == benchmark["digest"]
    assert proof["proven"][0]["claim"]["settings"]["track_id"] == "n_hidden=1"
    assert proof["proven"][0]["branch"][0]["depth"] == 0
    text = call("inspect", "good.benchmark", "good.proof").out
    assert f"  qualities: 30 values, {claim(0).quality} .. {claim(29).quality}\n" in text
    assert "  proven[2]:\n    claim:\n      edition: december-2025\n" in text
    assert "      train_losses: 2 values, 1.00000 .. 0.50000\n" in text
    assert "    branch[0]:\n      depth: 0\n      sibling: " in text


# -- mistakes ----------------------------------------------------------------------------------------------------

COMMIT = ("--bundles", "2", "--key", "key.pem", "-o", "new.benchmark")
PROVE = ("--beacon", BEACON, "--key", "key.pem", "-o", "new.proof")

MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "commit nothing": (("commit", *COMMIT), "Missing argument 'CLAIMS...'"),
    "commit a missing file": (
        ("commit", "none.claim", *COMMIT),
        "none.claim: No such file or directory; check the name",
    ),
    "commit a cut claim": (
        ("commit", "cut.claim", *COMMIT),
        "cut.claim: is not a signed record of tig-verify, or was cut",
    ),
    "commit a benchmark": (
        ("commit", "good.benchmark", *COMMIT),
        "good.benchmark: envelope.payload_type: expected claim.v2, found ",
    ),
    "commit a forged claim": (
        ("commit", *with_claim_3("forged.claim"), *COMMIT),
        "forged.claim: the signature does not hold for key ",
    ),
    "commit another's claim": (
        ("commit", *with_claim_3("foreign.claim"), *COMMIT),
        "foreign.claim: is signed by key ",
    ),
    "commit with another key": (
        ("commit", *ALL, *COMMIT, "--key", "other.pem"),
        f"{name(0)}: is signed by key ",
    ),
    "commit another track": (
        ("commit", *with_claim_3("track.claim"), *COMMIT),
        "track.claim: claim.settings.track_id: nonce 3 is of another task; commit to the claims of one task at a time",
    ),
    "commit a nonce twice": (
        ("commit", *ALL, "changed.claim", *COMMIT),
        "changed.claim: claim.nonce: there is another claim of nonce 3; leave one of them out",
    ),
    "commit with a gap": (
        ("commit", *ALL[:3], *ALL[4:], *COMMIT),
        "benchmark.qualities: the claim of nonce 3 is missing; nonces are 0, 1, 2, ... without gaps, so add it",
    ),
    "bundles do not divide": (
        ("commit", *ALL, *COMMIT, "--bundles", "4"),
        "--bundles: 30 nonces cannot be in 4 bundles of equal size; give a number that divides 30",
    ),
    "too many bundles": (
        ("commit", *ALL, *COMMIT, "--bundles", "31"),
        "--bundles: 30 nonces cannot be in 31 bundles of equal size; give a number that divides 30",
    ),
    "no bundles": (("commit", *ALL, *COMMIT, "--bundles", "0"), "'0': write a whole number from 1 on, such as 7"),
    "benchmark exists": (
        ("commit", *ALL, *COMMIT, "-o", "good.benchmark"),
        "good.benchmark: exists; choose another name with -o",
    ),
    "sample a claim": (("sample", name(0), "--beacon", "x"), f"{name(0)}: envelope.payload_type: expected "),
    "sample without beacon": (("sample", "good.benchmark"), "Missing option '--beacon'"),
    "beacon of two words": (
        ("sample", "good.benchmark", "--beacon", "a b"),
        "beacon: expected 1 to 256 printable ASCII characters without spaces, found 'a b'; pass a hash",
    ),
    "beacon empty": (
        ("sample", "good.benchmark", "--beacon", ""),
        "beacon: expected 1 to 256 printable ASCII characters",
    ),
    "beacon not ASCII": (
        ("prove", "good.benchmark", *ALL, *PROVE, "--beacon", "é"),
        "beacon: expected 1 to 256 printable",
    ),
    "samples too many": (
        ("sample", "good.benchmark", "--beacon", "x", "--upper", "26"),
        "'26': write a whole number from 1 to 25, such as 7",
    ),
    "no sample": (
        ("sample", "good.benchmark", "--beacon", "x", "--upper", "0"),
        "'0': write a whole number from 1 to 25, such as 7",
    ),
    "prove with another key": (
        ("prove", "good.benchmark", *ALL, *PROVE, "--key", "other.pem"),
        "good.benchmark: is not signed with other.pem; pass the key that signed it",
    ),
    "prove with a claim missing": (
        ("prove", "good.benchmark", *ALL[:-1], *PROVE),
        "good.benchmark: benchmark.qualities: the benchmark has 30 nonces, found claims of 29; name all",
    ),
    "prove with a claim beyond": (
        ("prove", "good.benchmark", *ALL, "beyond.claim", *PROVE),
        "good.benchmark: benchmark.qualities: the benchmark has 30 nonces, found claims of 31; name all",
    ),
    "prove another track": (
        ("prove", "good.benchmark", *with_claim_3("track.claim"), *PROVE),
        "track.claim: claim.settings.track_id: nonce 3 is of another task",
    ),
    "prove another quality": (
        ("prove", "good.benchmark", *with_claim_3("quality.claim"), *PROVE),
        f"good.benchmark: benchmark.qualities[3]: the benchmark says {claim(3).quality} of nonce 3, its claim 1000;",
    ),
    "prove a changed claim": (
        ("prove", "good.benchmark", *with_claim_3("changed.claim"), *PROVE),
        "good.benchmark: benchmark.merkle_root: a claim is not the committed one; name the committed claims",
    ),
    "proof exists": (
        ("prove", "good.benchmark", *ALL, *PROVE, "-o", "good.proof"),
        "good.proof: exists; choose another name with -o",
    ),
    "verify the files in another order": (
        ("verify-proof", "good.proof", "good.benchmark", "--beacon", "x"),
        "good.proof: envelope.payload_type: expected benchmark.v2, found",
    ),
    "verify a claim as proof": (
        ("verify-proof", "good.benchmark", name(0), "--beacon", "x"),
        f"{name(0)}: envelope.payload_type: expected proof.v2, found",
    ),
    "verify a cut proof": (
        ("verify-proof", "good.benchmark", "cut.claim", "--beacon", "x"),
        "cut.claim: is not a signed",
    ),
    "verify with no beacon": (
        ("verify-proof", "good.benchmark", "good.proof", "--beacon", ""),
        "beacon: expected 1 to 256",
    ),
    "verify with a private key": (
        ("verify-proof", "good.benchmark", "good.proof", "--beacon", "x", "--signer", "key.pem"),
        "key.pem: this is a private key; pass the public key",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_message_and_changes_nothing(office: Path, call: Call, mistake: str) -> None:
    arguments, message = MISTAKES[mistake]
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    done = call(*arguments)
    assert (done.code, done.out) == (2, "")
    assert message in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before


def test_a_signed_proof_that_is_malformed_names_the_file_and_the_field(office: Path, call: Call) -> None:
    envelope = Envelope.from_bytes(Path("good.proof").read_bytes())
    payload = envelope.payload.replace(b"\xaan_hidden=1", b"\x04", 1)
    signature = SigningKey.load(Path("key.pem")).sign(pre_authentication_encoding(envelope.payload_type, payload))
    Path("altered.proof").write_bytes(replace(envelope, payload=payload, signature=signature).to_bytes())
    done = call("verify-proof", "good.benchmark", "altered.proof", "--beacon", BEACON)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tig-verify: altered.proof: ")
    assert "proof.proven[0].claim.settings.track_id: expected text, found integer" in done.err
