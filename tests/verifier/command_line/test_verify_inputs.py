"""`tig-verify verify` for who gets claims from strangers: one line for each input, whose keys, where verdicts go."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from protocol.claim import Claim
from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.verdict import Outcome, Reason, Verdict
from tests.support.called import Ended, called
from tests.support.disputed import solved
from verifier.command_line.files import ClaimFiles, read_record

pytestmark = pytest.mark.slow

ALICE, BOB, POOL = (SigningKey.generate() for _ in range(3))
TOLD = ("file", "signer", "optimiser", "optimiser_digest", "edition", "track", "nonce", "quality", "claim_digest",
        "copy_of", "level", "outcome", "detail")  # fmt: skip
"""What every line has."""
Call = Callable[..., Ended]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, "verify", *arguments)


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An inbox with a claim of Alice, one of Bob, a forgery of Bob, and what is none."""
    monkeypatch.chdir(tmp_path)
    for name in ("in", "keys"):
        Path(name).mkdir()
    write("a", solved().claim, ALICE)
    write("b", solved().claim, BOB)
    write("c", replace(solved().claim, quality=0), BOB)
    os.mkfifo("in/d.claim")
    ALICE.verify_key.save(Path("keys/alice.pub"))
    POOL.save(Path("pool.pem"))


def write(name: str, claim: Claim, key: SigningKey) -> Path:
    path = Path("in", f"{name}.claim")
    path.write_bytes(seal(claim, key).to_bytes())
    ClaimFiles(path).solution.write_bytes(seal(solved().solution, key).to_bytes())
    return path


def lines(text: str) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in text.splitlines()]
    assert len({line["file"] for line in found}) == len(found)
    return {Path(line["file"]).name: line for line in found}


# -- one line for each input -------------------------------------------------------------------------------------


def test_every_input_has_one_line_that_says_whose_it_is(call: Call) -> None:
    ClaimFiles(write("e", solved().claim, ALICE)).solution.unlink()
    done = call("in", "in/a.claim", "none.claim", "--json")
    found = lines(done.out)
    assert list(found) == ["a.claim", "b.claim", "c.claim", "d.claim", "e.claim", "none.claim"]
    assert all(set(TOLD) <= line.keys() for line in found.values())
    task = solved().claim.task
    known = (task.optimiser_digest.hex(), task.edition, task.settings.track_id, solved().claim.nonce)
    for name, key in (("a", ALICE), ("b", BOB), ("c", BOB), ("e", ALICE)):
        line = found[f"{name}.claim"]
        assert line["signer"] == key.verify_key.raw.hex()
        assert tuple(line[field] for field in ("optimiser_digest", "edition", "track", "nonce")) == known
        assert line["optimiser"] == f"optimiser-{known[0][:16]}.py"
    for name in ("d.claim", "none.claim"):
        assert (found[name]["signer"], found[name]["nonce"], found[name]["outcome"]) == (None, None, None)
    outcomes = ["accepted", "accepted", "rejected", None, None, None]
    assert [line["outcome"] for line in found.values()] == outcomes
    assert found["e.claim"]["detail"] == "in/e.solution: No such file or directory; check the name"
    assert (done.code, done.summary) == (2, "2 accepted (1 of them copies), 1 rejected, 3 without verdict")


def test_a_line_is_the_same_whether_it_was_judged_before(call: Call) -> None:
    first = call("in", "--json", "--out", "log.jsonl", "--limit", 1)
    assert [line["left"] for line in lines(first.out).values() if line["outcome"] is None] == [True, True, True]
    assert (first.code, first.summary) == (4, "1 accepted")
    second = call("in", "--json", "--out", "log.jsonl")
    assert second.out.splitlines()[0] == first.out.splitlines()[0]
    assert [line["outcome"] for line in lines(second.out).values()] == ["accepted", "accepted", "rejected", None]
    assert lines(second.out)["d.claim"]["left"] is False
    assert second.summary == "2 accepted (1 of them copies), 1 rejected, 1 without verdict; 1 of them from before"


def test_copies_are_named(call: Call) -> None:
    write("e", solved().claim, ALICE)
    found = lines(call("in", "--json").out)
    assert [line["copy_of"] for line in found.values()] == [None, "in/a.claim", None, None, "in/a.claim"]
    done = call("in")
    assert done.err.endswith("  in/b.claim states what in/a.claim states\n  in/e.claim states what in/a.claim states\n")


def test_0_and_1_are_about_all_claims(call: Call) -> None:
    assert call("in/a.claim", "in/b.claim").code == 0
    assert call("in/a.claim", "in/c.claim").code == 1
    assert call("in/a.claim", "in/d.claim").code == 2
    assert call("in/c.claim", "in/d.claim").code == 2
    assert call("in", "--out", "log.jsonl", "--limit", 2).code == 4


def test_quiet_leaves_out_what_is_accepted(call: Call) -> None:
    done = call("in", "--quiet")
    assert [line.split(": ")[0] for line in done.out.splitlines() if line[0] != " "] == ["in/c.claim"]
    assert done.err.startswith("tig-verify: in/d.claim: is a pipe; name an ordinary file\ntig-verify: 2 accepted")
    assert call("in/a.claim", "--quiet") == Ended(0, "", "tig-verify: 1 accepted\n")
    assert call("in", "--quiet", "--json").err == (
        "tig-verify: --quiet leaves claims out, and --json prints an object for each; choose one of them\n"
    )


# -- whose claims ------------------------------------------------------------------------------------------------


def test_a_folder_of_keys_is_who_may_have_signed(call: Call) -> None:
    done = call("in/a.claim", "in/b.claim", "--signers", "keys", "--json", "--out", "log.jsonl")
    found = lines(done.out)
    assert (done.code, found["a.claim"]["outcome"]) == (1, "accepted")
    assert (found["b.claim"]["reason"], found["b.claim"]["step"]) == ("signer", 1)
    BOB.verify_key.save(Path("keys/bob"))
    again = call("in/a.claim", "in/b.claim", "--signers", "keys", "--json", "--out", "log.jsonl")
    found = lines(again.out)
    assert [line["outcome"] for line in found.values()] == ["accepted", "accepted"]
    for name, key in (("a.claim", ALICE), ("b.claim", BOB)):  # a verdict is about one key, so it can be shown alone
        assert found[name]["terms"]["signer"] == key.verify_key.raw.hex()
    assert again.summary.endswith("; 1 of them from before")


def test_a_rejection_under_several_keys_says_how_many(call: Call) -> None:
    POOL.verify_key.save(Path("keys/pool.pub"))
    done = call("in/b.claim", "--signers", "keys", "--key", "pool.pem")
    assert "step 1, signer: the claim is signed by another key than the 2 expected ones\n" in done.out
    verdict = read_record(Path("in/b.verdict"), Verdict).record
    assert (verdict.outcome, verdict.reason) == (Outcome.REJECTED, Reason.SIGNER)
    assert verdict.terms.signer == min(ALICE.verify_key.raw, POOL.verify_key.raw)


SIGNERS = {
    "none": ("none", "tig-verify: --signers: none: No such file or directory; name a folder of public keys\n"),
    "a file": ("pool.pem", "tig-verify: --signers: pool.pem: Not a directory; name a folder of public keys\n"),
    "empty": (
        "empty",
        "tig-verify: --signers: empty: is empty, so nobody could have signed; put public keys into it\n",
    ),
    "claims": ("in", "tig-verify: in/a.claim: this is a signed record, and no key; pass the public key file\n"),
    "private": (".", "tig-verify: pool.pem: this is a private key; pass the public key file, and show this one to "),
}


@pytest.mark.parametrize("kind", SIGNERS)
def test_what_is_no_folder_of_keys_is_refused(kind: str, call: Call) -> None:
    name, message = SIGNERS[kind]
    Path("empty").mkdir()
    Path("empty/.gitkeep").touch()
    if kind == "private":
        for path in ("in", "keys", "empty"):
            Path(path).rename(f".{path}")
    done = call("x.claim", "--signers", name)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(message)


# -- where verdicts go -------------------------------------------------------------------------------------------


def test_signed_verdicts_go_into_a_folder(call: Call) -> None:
    before = sorted(os.listdir("in"))
    done = call("in", "--key", "pool.pem", "--verdicts", "out/verdicts", "--json")
    assert sorted(os.listdir("in")) == before
    written = {path.name: read_record(path, Verdict) for path in Path("out/verdicts").iterdir()}
    assert {signed.signer for signed in written.values()} == {POOL.verify_key.raw}
    judged = [line for line in lines(done.out).values() if line["outcome"]]
    assert {f"{line['evidence']['claim'][:16]}.verdict" for line in judged} == written.keys()
    for line in judged:
        record = written[f"{line['evidence']['claim'][:16]}.verdict"].record
        assert (record.outcome, record.claim_signer.hex()) == (line["outcome"], line["signer"])


def test_a_build_server_gets_test_results(call: Call) -> None:
    odd = write("<&\x07\udc80", solved().claim, ALICE)
    call("in", str(odd), "--junit", "new/verdicts.xml")
    (suite,) = ElementTree.parse("new/verdicts.xml").getroot()
    assert suite.attrib.items() >= {"tests": "5", "failures": "1", "errors": "1", "skipped": "0"}.items()
    names = [case.attrib["name"] for case in suite]
    assert names == ["in/<&\\x07\\x80.claim", *(f"in/{name}.claim" for name in "abcd")]
    assert {case.attrib["classname"] for case in suite} == {"tig-verify.evaluate"}
    assert [[each.tag for each in case] for case in suite] == [[], [], [], ["failure"], ["error"]]
    failure, error = suite[3][0], suite[4][0]
    assert (failure.attrib["type"], failure.attrib["message"][:43]) == (
        "quality", "rejected at step 7: the weights reach quali",
    )  # fmt: skip
    assert error.attrib == {"type": "without verdict", "message": "in/d.claim: is a pipe; name an ordinary file"}
    assert float(suite.attrib["time"]) > 0.0


def test_test_results_are_about_all_claims_of_the_call(call: Call) -> None:
    arguments = ("in/a.claim", "in/b.claim", "in/c.claim", "--out", "log.jsonl", "--junit", "verdicts.xml")
    for limit, expected in ((1, ["", "skipped", "skipped"]), (1, ["", "", "skipped"]), (1, ["", "", "failure"])):
        call(*arguments, "--limit", limit)
        (suite,) = ElementTree.parse("verdicts.xml").getroot()
        assert ["".join(each.tag for each in case) for case in suite] == expected


PLACES: dict[str, tuple[tuple[object, ...], str]] = {
    "no key": (("--verdicts", "out"), "--verdicts needs --key, the private key that signs them"),
    "a file": (
        ("--key", "pool.pem", "--verdicts", "pool.pem"),
        "pool.pem is not a folder; choose another with --verdicts",
    ),
    "results below a file": (("--junit", "pool.pem/x.xml"), "pool.pem is not a folder; choose another with --junit"),
    "results over a folder": (("--junit", "in"), "in: cannot be written: is a folder; name a file in it"),
    "a request": (
        ("--level", "audit", "--epochs", 1, "--request-out", "r", "--key", "pool.pem", "--junit", "x.xml"),
        "--request-out asks for an answer and has no verdict yet; leave --verdicts and --junit out",
    ),
}


@pytest.mark.parametrize("kind", PLACES)
def test_a_place_that_nothing_can_be_written_to_is_refused(kind: str, call: Call) -> None:
    arguments, message = PLACES[kind]
    done = call("in/a.claim", *arguments)
    assert done.code == 2
    assert message in done.err
    assert ("tig-verify: 1 accepted" in done.err) == (kind == "results over a folder")  # which is seen at the end


# -- other commands ----------------------------------------------------------------------------------------------


def test_a_folder_stands_for_its_claims_wherever_they_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    Path("one").mkdir()
    for nonce in range(2):
        write(f"{nonce}", replace(solved().claim, nonce=nonce), ALICE)
    for path in [*Path("in").glob("[01].*"), Path("in/a.claim")]:
        path.rename(Path("one", path.name)) if path.stem != "a" else path.unlink()
    ALICE.save(Path("alice.pem"))
    committed = called(capsys, "commit", "one", "--bundles", 1, "--key", "alice.pem", "-o", "a.benchmark")
    assert committed.code == 0
    beacon = ("--beacon", "4c35", "--key", "alice.pem", "-o", "a.proof")
    assert called(capsys, "prove", "a.benchmark", "one", *beacon).code == 0
    shown = called(capsys, "inspect", "one", "in", "none", "--json")
    assert shown.code == 2
    found = [json.loads(line) for line in shown.out.splitlines()]
    assert [(line["file"], line["type"]) for line in found] == [
        ("one/0.claim", "claim.v2"), ("one/1.claim", "claim.v2"), ("in/b.claim", "claim.v2"),
        ("in/c.claim", "claim.v2"), ("in/d.claim", None), ("none", None),
    ]  # fmt: skip
    assert found[0]["signer"] == ALICE.verify_key.raw.hex()
    called(capsys, "verify", "one", "--key", "pool.pem", "--verdicts", "verdicts")
    shown = called(capsys, "inspect", "verdicts", "--json")
    assert [json.loads(line)["type"] for line in shown.out.splitlines()] == ["verdict.v3"] * 2


NAMED = {
    "verify": "verify X", "inspect": "inspect X", "plot": "plot X", "check": "check X",
    "commit": "commit X --bundles 1",
    "verify-proof": "verify-proof X X --beacon 1f", "prove": "prove X X --beacon 1f", "dispute": "dispute X X",
    "respond": "respond X X", "sample": "sample X --beacon 1f", "report": "report X -o x.html",
    "check-log": "check-log X --policy X", "solve": "solve X --track n_hidden=1 --nonces 0",
    "compare": "compare X --track n_hidden=1 --nonces 0", "precommit": "precommit X --track n_hidden=1 --num-nonces 1",
}  # fmt: skip
WITH_KEY = ("commit", "prove", "respond", "solve", "precommit")


@pytest.mark.parametrize("command", NAMED)
def test_nothing_waits_for_a_pipe(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It would for ever; a link to one is no other thing."""
    Path("link.claim").symlink_to("in/d.claim")
    key = ("--key", "pool.pem", *(() if command == "respond" else ("-o", "new"))) if command in WITH_KEY else ()
    done = called(capsys, *NAMED[command].replace("X", "link.claim").split(), *key)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0] == "tig-verify: link.claim: is a pipe; name an ordinary file"
    assert not Path("new").exists()
