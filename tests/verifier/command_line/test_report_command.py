"""`tig-verify report`."""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from protocol.envelope import Envelope, seal
from protocol.hashes import blake3_digest
from protocol.keys import SigningKey
from protocol.verdict import Level, Outcome, Reason
from tests.support.called import Ended, called
from tests.support.sample_records import solution
from tests.support.sealed_claims import SealedClaims, signed_claim, write_verdict
from tests.support.study_rows import ROW
from tests.verifier.report.test_comparison_page import ROWS
from verifier.command_line.pages import claim_reading
from verifier.command_line.pages.claim_reading import ClaimFile, ClaimReader, read_claims
from verifier.command_line.terminal import json_text
from verifier.command_line.verifying.claim_statement import NOTHING
from verifier.command_line.verifying.verdict_entries import of_verdict
from verifier.command_line.verifying.verdict_log import LoggedDraw
from verifier.experiments.comparison_trials import Row as ComparisonRow
from verifier.experiments.study.figure2.rows import Row as StudyRow
from verifier.runs import queue
from verifier.runs.pool import TaskLost
from verifier.runs.results_table import table_text
from verifier.runs.row_formats import csv_rows, json_rows
from verifier.runs.run_log import FORMAT, Done, Entry, Failed, Start
from verifier.verification.draw import Draw
from verifier.verification.policy import Standing

KEY, VALIDATOR = SigningKey.generate(), SigningKey.generate()
OUT, PAGE = Path("out"), Path("page.html")
Call = Callable[..., Ended]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.chdir(tmp_path)
    OUT.mkdir()
    return lambda *arguments: called(capsys, "report", *arguments, "-o", PAGE)


@pytest.fixture
def claims(call: Call) -> SealedClaims:
    return SealedClaims(OUT, KEY, epochs=20)


def said() -> Any:
    """What the page says."""
    (found,) = re.findall('id="content">(.*?)</script>', PAGE.read_text())
    return json.loads(found)


def column(name: str) -> list[Any]:
    found = next(each for each in said()["table"]["columns"] if each["name"] == name)
    if "choices" not in found:
        return list(found["values"])
    return [None if place is None else found["choices"][place]["label"] for place in found["values"]]


def figures() -> dict[str, Any]:
    return {each["label"]: each["value"] for each in said()["figures"]}


def made(title: str) -> dict[str, Any]:
    (found,) = (each for each in said()["made"] if each["title"] == title)
    return {fact["label"]: fact for fact in found["facts"]}


def ended(title: str, code: int = 0, err: str = "") -> Ended:
    return Ended(code, f"page.html: {title}, {len(PAGE.read_bytes()):,} bytes\n", err)


def test_a_folder_becomes_a_page_in_the_order_in_which_people_count(call: Call, claims: SealedClaims) -> None:
    for nonce in (10, 9, 2):
        claims.write(nonce, quality=nonce)
    assert call(OUT) == ended("3 claims")
    assert column("nonce") == column("quality") == [2, 9, 10]
    assert figures()["claims"] == 3


def test_the_page_says_how_it_was_made(call: Call, claims: SealedClaims) -> None:
    files = [claims.write(nonce) for nonce in range(2)]
    call(OUT)
    listing = "".join(f"{blake3_digest(file.read_bytes()).hex()}  {file.name}\n" for file in files)
    source = made("Its inputs")["out"]
    assert source["value"] == blake3_digest(listing.encode()).hex()
    assert source["note"] == (
        f"BLAKE3 as `b3sum *.claim | b3sum` prints it of 2 claims, {sum(file.stat().st_size for file in files):,} bytes"
    )
    assert made("This page").keys() == {"command", "made", "with"}
    assert "was checked" in made("Signatures")["claims"]["value"]


def test_signed_verdicts_beside_claims_and_those_of_a_log_are_joined(call: Call, claims: SealedClaims) -> None:
    beside, logged, _ = (claims.write(nonce) for nonce in range(3))
    write_verdict(beside, VALIDATOR, outcome=Outcome.REJECTED, reason=Reason.QUALITY, step=7)
    record = write_verdict(logged, VALIDATOR)
    log = Path("verdicts.jsonl")
    log.write_text(_line(logged, _verdict(record)) + "\n")
    record.unlink()
    assert call(OUT, log) == ended("3 claims")
    assert column("verdict") == ["rejected", "accepted", "none"]
    assert column("reason") == ["quality", None, None]
    assert made("Signatures").keys() == {"claims", "verdicts", "log"}
    assert call(log) == ended("1 verdict")
    assert column("claim") == [logged.stem]


def test_the_draws_of_a_policy_are_no_verdicts(call: Call, claims: SealedClaims) -> None:
    path = claims.write(0)
    signed = signed_claim(path)
    draw = Draw(
        signed.digest.hex(), signed.signer.hex(), Standing.NEWCOMER, 0.5, 0.5, "c5a1e2", 0.25, Level.REPLAY, "0" * 64
    )
    verdict = _line(path, _verdict(write_verdict(path, VALIDATOR)))
    log = Path("verdicts.jsonl")
    log.write_text(f"{LoggedDraw.of(path, draw).line}\n{verdict}\n")
    assert call(log) == ended("1 verdict")


def _line(path: Path, verdict: Any) -> str:
    """A line of a log."""
    return json_text(of_verdict(str(path), NOTHING, None, verdict))


def _verdict(path: Path) -> Any:
    from protocol.envelope import open_envelope
    from protocol.verdict import Verdict

    return open_envelope(Envelope.from_bytes(path.read_bytes()), Verdict).record


def test_a_comparison_and_a_study_are_told_by_what_is_in_them(call: Call) -> None:
    Path("a.txt").write_text(table_text(ROWS, json_rows(ComparisonRow, "compare")))
    assert call("a.txt") == ended("2 optimisers on 2 nonces")
    study = Path("figure2")
    study.mkdir()
    (study / "figure2.csv").write_text(table_text([ROW], csv_rows(StudyRow, "study figure2", "figure2,")))
    title = "Figure 2: errors and epochs over depths"
    assert call(study) == call(study / "figure2.csv") == ended(title)


def test_a_spoilt_file_among_good_ones_is_named_on_the_page_too(call: Call, claims: SealedClaims) -> None:
    good, cut, forged, judged = (claims.write(nonce) for nonce in range(4))
    cut.write_bytes(cut.read_bytes()[:-9])
    envelope = Envelope.from_bytes(forged.read_bytes())
    forged.write_bytes(Envelope(envelope.payload_type, envelope.payload, envelope.public_key, bytes(64)).to_bytes())
    write_verdict(good, VALIDATOR).rename(judged.with_suffix(".verdict"))
    ending = call(OUT)
    faults = ending.err.splitlines()
    assert ending == ended("2 claims", code=2, err=ending.err)
    assert [fault.split(":")[1].strip() for fault in faults] == [
        str(cut),
        str(forged),
        str(judged.with_suffix(".verdict")),
    ]
    assert "the signature does not hold" in faults[1]
    assert "another claim" in faults[2]
    (problem,) = said()["problems"]
    assert [f"tig-verify: {line}" for line in problem["lines"]] == faults
    assert figures()["spoilt files"] == 3
    assert column("nonce") == [0, 3]


def test_only_spoilt_files_make_a_page_too(call: Call, claims: SealedClaims) -> None:
    claims.write(0).write_bytes(b"\x81")
    ending = call(OUT)
    assert ending == ended("No claim", code=2, err=ending.err)


def test_claims_of_several_folders_have_their_folder_in_their_names_and_none_is_there_twice(
    call: Call, claims: SealedClaims
) -> None:
    claims.write(0)
    other = Path("more")
    other.mkdir()
    single = SealedClaims(other, KEY, epochs=3).write(0)
    assert call(OUT, other, single) == ended("2 claims")
    assert column("claim") == ["out/adam-n_hidden=4-nonce=0", "more/adam-n_hidden=4-nonce=0"]
    assert call(single) == ended("1 claim")
    assert column("claim") == ["adam-n_hidden=4-nonce=0"]


def test_the_names_and_texts_of_strangers_are_escaped(call: Call, claims: SealedClaims) -> None:
    evil = "\u202e<script>alert(1)<"
    claims.write(0, name=evil, run={evil: evil}, hyperparameters={evil: evil})
    call(OUT)
    text = PAGE.read_text()
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert column("claim") == ["\\u202e<script>alert(1)<"]


START = Start(
    time=1_800_000_000.0, command="tig-verify solve adam.py", host="box", version="0.1.0",
    optimiser="adam.py", optimiser_digest="00", edition="december-2025", track="n_hidden=4", task="00", signer="00",
    nonces="0..5", shard=2, shards=3, jobs=4, cluster="",
)  # fmt: skip


def test_the_logs_of_runs_tell_times_failures_and_calls(call: Call, claims: SealedClaims) -> None:
    digests = [blake3_digest(claims.write(nonce).read_bytes()).hex() for nonce in range(3)]
    log = OUT / "adam-n_hidden=4-shard-2-of-3.run"
    entries: list[Entry] = [
        START,
        Done(1.0, 0, 100, digests[0], seconds=2.5),
        Done(2.0, 1, 100, digests[1], seconds=3.5),
        Failed(3.0, 2, "no", is_lost=False),  # somebody else has made that claim
        Failed(4.0, 4, "the worker was killed", is_lost=True),
        Failed(5.0, 5, "the worker was killed", is_lost=True),
    ]
    log.write_text(table_text(entries, FORMAT))
    with log.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert call(OUT) == ended("3 claims")
    assert column("time") == [2.5, 3.5, None]
    assert figures()["training time"] == 6.0
    assert figures()["failed nonces"] == 2
    (problem,) = said()["problems"]
    assert problem["lines"] == [f"{log}: nonces 4..5: lost: the worker was killed"]
    fact = made("Runs")[str(log)]
    assert fact["value"] == START.command
    began = "began 2027-01-15 08:00:00 UTC; still at work when this page was made"
    assert fact["note"] == f"tig-verify 0.1.0 on box, jobs: 4, shard 2 of 3, {began}"


def test_a_run_of_failures_alone_makes_a_page_and_a_spoilt_log_is_named(call: Call) -> None:
    log = OUT / "adam-n_hidden=4.run"
    strange = replace(START, time=1e300, track="../..")
    entries: list[Entry] = [strange, Failed(1.0, 0, "it divides by 0", is_lost=False)]
    log.write_text(table_text(entries, FORMAT))
    assert call(OUT) == ended("No claim")
    assert figures() == {"failed nonces": 1}
    log.write_text("hello\n")
    ending = call(OUT)
    assert ending == ended("No claim", code=2, err=ending.err)
    assert ending.err.startswith(f"tig-verify: {log}: line 1 is none that solve writes")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty", None, "empty: has no claims; name a folder of claims, or a file of `verify --out`, "),
        ("gone", None, "gone: No such file or directory; check the name"),
        ("blank", b"", "blank: is empty; name a folder of claims"),
        ("photo.png", b"\x89PNG\r\n", "photo.png: is nothing that a report is made of; name a folder of claims"),
        ("x.solution", seal(solution(), KEY).to_bytes(), "x.solution: is a signed record, but no claim; name a folder"),
        ("x.jsonl", b'{"file": 1}\n', "x.jsonl: line 1 is none that verify writes"),
    ],
)
def test_what_is_no_input_gets_one_message_and_no_page(call: Call, name: str, data: bytes | None, message: str) -> None:
    if data is not None:
        Path(name).write_bytes(data)
    elif name == "empty":
        Path(name).mkdir()
    ending = call(name)
    assert ending.code == 2
    assert ending.err.startswith(f"tig-verify: {message}")
    assert ending.err.count("\n") == 1
    assert not PAGE.exists()


def test_a_folder_of_folders_says_where_the_claims_are(call: Call) -> None:
    for name in ("a", "b"):
        folder = OUT / name
        folder.mkdir()
        SealedClaims(folder, KEY, epochs=1).write(0)
    assert call(OUT).err == "tig-verify: out: has no claims, but out/a has; name it, and 1 more beside it\n"


def test_what_has_no_page_in_common_is_refused(call: Call, claims: SealedClaims) -> None:
    claims.write(0)
    Path("runs.jsonl").write_text(table_text(ROWS, json_rows(ComparisonRow, "compare")))
    assert call(OUT, "runs.jsonl").err == (
        "tig-verify: out is claims, and runs.jsonl is a comparison: they have no page in common; call once for each\n"
    )


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("page.txt", "page.txt: a page is a .html file; end the name so"),
        ("out/x.claim/page.html", "out/x.claim: cannot be written: "),
    ],
)
def test_a_page_that_cannot_be_written_is_refused_first(
    call: Call, capsys: pytest.CaptureFixture[str], out: str, message: str
) -> None:
    (OUT / "x.claim").write_bytes(b"no claim")
    ending = called(capsys, "report", OUT, "-o", out)
    assert (ending.code, ending.out) == (2, "")
    assert ending.err.startswith(f"tig-verify: {message}")


def test_a_log_with_a_verdict_that_no_verify_wrote_is_refused(call: Call, claims: SealedClaims) -> None:
    path = claims.write(0)
    line = json.loads(_line(path, _verdict(write_verdict(path, VALIDATOR))))
    log = Path("log.jsonl")
    for name, value in (("signer", "0"), ("level", "deep"), ("measured", {"a": []}), ("step", [])):
        log.write_text(json.dumps({**line, name: value}) + "\n")
        assert call(log).code == 2


@pytest.mark.slow
def test_several_processes_read_the_same(call: Call, claims: SealedClaims, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [ClaimFile(str(claims.write(nonce)), f"{nonce}", has_verdict=False) for nonce in range(12)]
    alone = read_claims(files, 100)
    monkeypatch.setattr(claim_reading, "_BATCH", 3)
    monkeypatch.setattr(queue, "cores", lambda: 2)
    batches = read_claims(files, 100)
    assert [len(batch.claims) for batch in batches] == [3, 3, 3, 3]
    assert [claim for batch in batches for claim in batch.claims] == list(alone[0].claims)
    assert [batch.losses for batch in batches] == [
        ClaimReader(100).read(files[at : at + 3]).losses for at in (0, 3, 6, 9)
    ]


def test_a_lost_reader_is_a_fault_of_the_machine(
    call: Call, claims: SealedClaims, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: Any, items: Any, __: int) -> Iterator[Any]:
        yield items[0], TaskLost("it was killed")

    for nonce in range(2):
        claims.write(nonce)
    monkeypatch.setattr(claim_reading, "_BATCH", 1)
    monkeypatch.setattr(claim_reading, "_MANY", 2)
    monkeypatch.setattr(queue, "completed", lost)
    ending = call(OUT)
    assert (ending.code, PAGE.exists()) == (3, False)
    assert "nonce=0.claim and 0 that follow: it was killed" in ending.err
