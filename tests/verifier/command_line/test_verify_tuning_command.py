"""`tig-verify verify-tuning`: records that are true, and that are not, by trainings of an epoch or two."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.settings import Settings
from protocol.task import Task
from protocol.tuning import TunedTrack, Tuning
from sandbox.isolation import InProcess
from tests.support.called import Ended, called
from tests.support.small_contest import module
from verifier.challenge.module import Module
from verifier.experiments.comparison_trials import Trial

pytestmark = pytest.mark.slow

KEY = SigningKey.generate()
SOURCE = module().replace(b"0.05", b"0.0001")
RECORD = Path("sgd.tuning")
NONCES = (3, 4, 5)
Call = Callable[..., Ended]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sgd.py").write_bytes(SOURCE)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def calling(*arguments: object, optimiser: str = "sgd.py") -> Ended:
        usual = ("--optimiser", optimiser, "--jobs", 1, "--isolation", "none")
        return called(capsys, "verify-tuning", RECORD, *usual, *arguments)

    return calling


def task(**hyperparameters: float) -> Task:
    settings = Settings("", "", "c006", "", "n_hidden=1")
    digest = Module("sgd.py", SOURCE).digest
    return Task("december-2025", settings, digest, hyperparameters, 1_500_000, "0" * 32)


def qualities(made: Task, nonces: Sequence[int] = NONCES) -> tuple[int, ...]:
    trials = [Trial(Path("sgd.py"), Module("sgd.py", SOURCE), made, nonce) for nonce in nonces]
    return tuple(trial.run(InProcess(), None).run.quality for trial in trials)


TRUE = TunedTrack(task(lr=0.02), NONCES, qualities(task(lr=0.02)), qualities(task()))


def write(track: TunedTrack) -> Tuning:
    record = Tuning((track,))
    RECORD.write_bytes(seal(record, KEY).to_bytes())
    return record


def test_a_true_record_is_accepted(call: Call) -> None:
    record = write(TRUE)
    KEY.verify_key.save(Path("key.pub"))
    ended = call("--signer", "key.pub")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[1].split()[-1] == "lr=0.02"
    assert ended.out.endswith("\nn_hidden=1: accepted\n")
    found = json.loads(call("--json").out)
    assert (found["digest"], found["signer"]) == (record.digest().hex(), KEY.verify_key.raw.hex())
    assert (found["track"], found["hyperparameters"], found["faults"]) == ("n_hidden=1", {"lr": 0.02}, [])
    assert tuple(found["judgement"]["qualities"]) == TRUE.qualities
    assert tuple(found["judgement"]["own_qualities"]) == TRUE.own_qualities


@pytest.mark.parametrize("field", ["qualities", "own_qualities"])
def test_a_quality_that_training_does_not_give_is_named(call: Call, field: str) -> None:
    first, second, third = getattr(TRUE, field)
    changed: dict[str, Any] = {field: (first, second + 1, third)}
    write(replace(TRUE, **changed))
    ended = call()
    whose = "the submitted values" if field == "qualities" else "the module's own values"
    problem = f"nonce 4, with {whose}: the record says {second + 1}, training gives {second}"
    assert ended.code == 1
    assert ended.out.splitlines()[-2:] == [f"n_hidden=1: {problem}", "n_hidden=1: rejected"]
    assert json.loads(call("--json").out)["faults"] == [problem]


def test_values_are_judged_on_instances_of_a_beacon(call: Call) -> None:
    record = write(TRUE)
    ended = call("--beacon", "c5a1e3", "--json")
    assert ended.code == 0
    found = json.loads(ended.out)
    there = replace(TRUE.task, rand_hash=record.rand_hash("c5a1e3"))
    assert tuple(found["judgement"]["qualities"]) == qualities(there)
    assert tuple(found["judgement"]["own_qualities"]) == qualities(replace(there, hyperparameters={}))
    assert found["judgement"]["difference_low"] > 0
    assert (found["beacon"], found["faults"]) == ("c5a1e3", [])


def test_values_that_may_be_better_by_chance_are_rejected(call: Call) -> None:
    write(TRUE)
    ended = call("--beacon", "c5a1e2", "--json")
    assert ended.code == 1
    found = json.loads(ended.out)
    assert found["judgement"]["difference"] > 0 > found["judgement"]["difference_low"]
    assert found["faults"] == ["the values may be better by chance: the interval has 0 in it, or is unknown"]


def test_values_that_are_not_better_there_are_rejected(call: Call) -> None:
    write(replace(TRUE, task=task(lr=1e-9)))
    ended = call("--beacon", "c5a1e2")
    assert ended.code == 1
    assert "n_hidden=1: the values are not better in the mean\nn_hidden=1: rejected\n" in ended.out


@pytest.mark.parametrize("beacon", [[], ["--beacon", "c5a1e2"]])
def test_values_with_which_the_module_fails_are_rejected(call: Call, beacon: list[str]) -> None:
    write(replace(TRUE, task=replace(TRUE.task, hyperparameters={"rate": 0.1})))
    ended = call(*beacon)
    assert ended.code == 1
    assert "n_hidden=1: nonce 3, with the submitted values: " in ended.out
    assert "rate" in ended.out
    assert json.loads(call(*beacon, "--json").out)["judgement"] is None


def test_a_check_that_was_ended_goes_on(call: Call) -> None:
    write(TRUE)
    ended = call("--out", "runs.jsonl", "--limit", 3)
    assert ended == Ended(4, "", "tig-verify: the check is not at its end; the same call goes on\n")
    assert call("--out", "runs.jsonl").code == 0
    assert len(Path("runs.jsonl").read_text().splitlines()) == 6


WRONG: list[tuple[dict[str, Any], list[str], str]] = [
    ({}, ["--optimiser", "other.py"], "other.py: is not the module of the record; pass the one whose digest begins "),
    ({}, ["--signer", "other.pub"], "sgd.tuning: is signed by key "),
    ({}, ["--beacon", "a b"], "beacon: expected 1 to 256 printable ASCII"),
    ({}, ["--limit", "1"], "--deadline and --limit go with --out, by which the next call knows"),
    ({"edition": "march-2025"}, [], "unknown edition 'march-2025'"),
    ({"settings": Settings("", "", "c006", "", "n_hidden=99")}, [], "track 'n_hidden=99' is not one of edition"),
    ({"fuel_budget": 5 * 10**12 + 1}, [], "the record's fuel budget is above the edition's maximum, 5000000000000"),
]


@pytest.mark.parametrize(("changes", "arguments", "message"), WRONG, ids=[message[:20] for *_, message in WRONG])
def test_what_is_no_evidence_rejects_nothing(
    call: Call, changes: dict[str, Any], arguments: list[str], message: str
) -> None:
    Path("other.py").write_bytes(SOURCE + b"\n")
    SigningKey.generate().verify_key.save(Path("other.pub"))
    write(replace(TRUE, task=replace(TRUE.task, **changes)))
    ended = call(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"tig-verify: {message}")
    assert ended.err.count("\n") == 1


def test_a_signature_that_does_not_hold_is_no_evidence(call: Call) -> None:
    write(TRUE)
    data = RECORD.read_bytes()
    RECORD.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    ended = call()
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("tig-verify: sgd.tuning: ")
