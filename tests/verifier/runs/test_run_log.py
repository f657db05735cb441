"""The log of a run: what is read from it, and that lines of something else are refused."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from verifier.challenge.errors import InputError
from verifier.runs.run_log import FORMAT, Done, Entry, Failed, Found, Run, RunLog, Start, read_run

START = Start(
    time=1.5, command="tig-verify solve", host="here", version="0.1", optimiser="adam.py", optimiser_digest="00",
    edition="december-2025", track="n_hidden=1", task="ab", signer="cd", nonces="0..9", shard=1, shards=1, jobs=3,
    cluster="",
)  # fmt: skip
ENTRIES: list[Entry] = [
    START,
    Found(1.5, 0, 7, "00"),
    Failed(2.0, 1, 'a "b" \x1b é', False),
    Failed(2.5, 2, "signal 9", True),
    Done(3.0, 2, -7, "01", 0.25),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.EVENT)
def test_a_line_gives_the_entry_back(entry: Entry) -> None:
    line = FORMAT.write(entry)
    assert line.isascii()
    assert line.startswith(FORMAT.begins)
    assert json.loads(line) == {"event": entry.EVENT, **asdict(entry)}
    assert FORMAT.read(line) == entry


def test_the_last_word_on_each_nonce_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    with RunLog(path, FORMAT) as log:
        for entry in ENTRIES:
            log.add(entry)
    run = read_run(path)
    assert (run.start, set(run.claims), set(run.failed)) == (START, {0, 2}, {1})
    assert run.claims[2].quality == -7


@pytest.mark.parametrize("other", [replace(START, task="ef"), replace(START, signer="ef")], ids=["task", "signer"])
def test_another_task_or_key_is_another_run(other: Start) -> None:
    run = Run.of([*ENTRIES, other])
    assert (run.start, run.claims, run.failed) == (other, {}, {})
    again = Run.of([*ENTRIES, replace(START, time=9.0)])
    assert set(again.claims) == {0, 2}


def test_a_million_nonces_are_one_line(tmp_path: Path) -> None:
    start = replace(START, nonces=",".join(str(3 * number) for number in range(1_000_000)))
    with RunLog(tmp_path / "a.run", FORMAT) as log:
        log.add(start)
    assert read_run(tmp_path / "a.run").start == start


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"event": "begin"}, "event: expected start, found, done or failed"),
        ({"event": "found"}, "the line: expected an object of time, nonce, quality, digest"),
        ({"nonce": "2"}, "nonce: expected a whole number, found '2'"),
        ({"seconds": 1}, "seconds: expected a number with a point, found 1"),
    ],
)
def test_other_lines_are_refused(tmp_path: Path, change: dict[str, object], why: str) -> None:
    path = tmp_path / "a.run"
    line = json.loads(FORMAT.write(ENTRIES[-1])) | change
    path.write_text(f"{FORMAT.write(START)}\n{json.dumps(line)}\n")
    with pytest.raises(InputError) as refusal:
        read_run(path)
    assert str(refusal.value) == (f"{path}: line 2 is none that solve writes ({why}); remove it, which loses no claim")
