"""`tig-verify score`: one JSON object, whatever a module does and however a call is wrong; its fields are promised."""

from __future__ import annotations

import io
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from protocol.settings import Settings
from protocol.task import Task
from sandbox.errors import WorkerFault
from sandbox.isolation import InProcess, Jail
from tests.support import sample_records
from tests.support.called import called
from tests.support.small_contest import module
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.command_line.exit_codes import DONE, REJECTED, UNDETERMINED, USAGE
from verifier.command_line.solving.nonce_solver import ModuleFailed, SolvedNonce
from verifier.command_line.trying import score_object

SCHEMA = json.loads((Path(score_object.__file__).parent / "score.schema.json").read_text())
FIELDS = {
    "": "schema status quality qualified message file optimiser_digest edition track hyperparameters fuel_budget "
    "seconds seconds_allowed diagnostics nonces",
    "diagnostics": "severity line column code message hint",
    "nonces": "nonce status quality qualified epochs best_epoch stop_reason test_loss threshold fuel_used seconds "
    "reason line function",
}
"""The fields of score.v1, which no version of the tool may lack."""
SHORT = ("--track", "n_hidden=1", "--fuel", "3000000", "--jobs", "1")
"""Less than an epoch."""


@dataclass(frozen=True)
class Scored:
    code: int
    result: dict[str, Any]
    err: str


Call = Callable[..., Scored]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Score a module; what it prints is one line, and one object of the schema."""
    monkeypatch.chdir(tmp_path)
    Path("good.py").write_bytes(module())
    Path("refused.py").write_bytes(module("open('x'), a.cuda()"))
    Path("failing.py").write_bytes(module("[gradient[0]], state", "[parameters[9]]", '{"seen": hyperparameters["lr"]}'))

    def score(*arguments: str) -> Scored:
        ended = called(capsys, "score", *arguments)
        assert ended.out.count("\n") == 1
        result = json.loads(ended.out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
        Draft202012Validator(SCHEMA).validate(result)
        assert ended.code == score_object.EXIT_CODES[result["status"]]
        return Scored(ended.code, result, ended.err)

    return score


# The promise


def test_the_schema_promises_the_fields_of_its_version() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    properties = SCHEMA["properties"]
    parts = {"": SCHEMA} | {name: properties[name]["items"] for name in ("diagnostics", "nonces")}
    assert {name: set(part["required"]) for name, part in parts.items()} == {
        name: set(fields.split()) for name, fields in FIELDS.items()
    }
    assert all(set(part["required"]) <= set(part["properties"]) for part in parts.values())
    assert properties["schema"]["const"] == score_object.SCHEMA
    assert set(properties["status"]["enum"]) == set(score_object.EXIT_CODES)


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(capsys, "score", "--schema")
    assert (ended.code, json.loads(ended.out)) == (DONE, SCHEMA)


def test_the_schema_refuses_what_is_no_such_object() -> None:
    whole = score_object.ScoreObject(nonces=(3,)).as_json(1.0)
    assert Draft202012Validator(SCHEMA).is_valid(whole)
    for name in FIELDS[""].split():
        assert not Draft202012Validator(SCHEMA).is_valid({key: value for key, value in whole.items() if key != name})
    assert not Draft202012Validator(SCHEMA).is_valid(whole | {"quality": 0.5})


# Modules


@pytest.mark.slow
def test_every_nonce_has_what_solve_gives(call: Call) -> None:
    ended = call("good.py", *SHORT, "--nonces", "4,6", "--isolation", "none", "-p", "lr=0.5", "--losses")
    result, found = ended.result, Module("good.py", Path("good.py").read_bytes())
    task = Task(
        "december-2025", Settings("", "", "c006", "", "n_hidden=1"), found.digest, {"lr": 0.5}, 3_000_000, "0" * 32
    )
    solved = [solve(Session(task, nonce, found, InProcess())) for nonce in (4, 6)]
    assert (result["status"], result["message"], result["diagnostics"]) == ("scored", None, [])
    assert [entry["nonce"] for entry in result["nonces"]] == [4, 6]
    assert [entry["quality"] for entry in result["nonces"]] == [each.claim.quality for each in solved]
    assert result["quality"] == round(sum(each.claim.quality for each in solved) / 2)
    first, claim = result["nonces"][0], solved[0].claim
    assert first["stop_reason"] == str(claim.stop_reason) == "fuel-exhausted"
    assert (first["test_loss"], first["fuel_used"], first["epochs"]) == (solved[0].score.loss, 3_000_000, claim.epochs)
    assert first["train_losses"] == list(claim.train_losses)
    assert "fuel budget" in first["reason"]
    assert result["optimiser_digest"] == found.digest.hex()
    assert (result["hyperparameters"], result["fuel_budget"]) == ({"lr": 0.5}, 3_000_000)


@pytest.mark.slow
def test_of_a_module_that_fails_all_mistakes_are_told_with_their_places(call: Call) -> None:
    result = call("failing.py", *SHORT, "--nonces", "0").result
    assert result["status"] == "failed"
    assert result["quality"] is None
    (entry,) = result["nonces"]
    assert (entry["status"], entry["quality"]) == ("failed", None)
    assert (entry["line"], entry["function"]) == (12, "query_location_parameters")
    assert entry["reason"] == result["message"] != ""
    lines = {each["line"] for each in result["diagnostics"] if each["severity"] == "error"}
    assert lines == {12, 16}
    assert [each["code"] for each in result["diagnostics"] if each["severity"] == "warning"] == ["W206"]


@pytest.mark.slow
def test_what_is_not_done_in_time_is_given_up(call: Call) -> None:
    started = time.monotonic()
    result = call("good.py", "--track", "n_hidden=4", "--nonces", "0..2", "--seconds", "0.01", "--jobs", "1").result
    assert time.monotonic() - started < 20
    assert (result["status"], result["seconds_allowed"]) == ("unfinished", 0.01)
    assert result["message"] == "the time was over; 3 of 3 nonces are left"
    assert [entry["status"] for entry in result["nonces"]] == ["unfinished"] * 3


def test_problems_are_told_with_line_and_column(call: Call) -> None:
    ended = call("refused.py")
    assert (ended.code, ended.result["status"], ended.result["nonces"]) == (REJECTED, "refused", [])
    problems = [(each["line"], each["column"], each["code"]) for each in ended.result["diagnostics"]]
    assert problems == [(16, 12, "D151"), (16, 23, "D151"), (16, 25, "D154")]
    assert ended.result["message"] == "unknown name 'open'"
    assert ended.err == ""


def test_a_module_on_standard_input_is_called_dash(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path("refused.py").read_bytes())))
    result = call("-").result
    assert (result["status"], result["file"], len(result["diagnostics"])) == ("refused", "-", 3)


# Calls


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.py",), "none.py: No such file or directory; check the name"),
        ((".",), ".: is a folder; name a file in it"),
        ((), "Missing argument 'OPTIMISER'"),
        (("good.py", "--bogus"), "No such option '--bogus'"),
        (("good.py", "--track", "n_hidden=99"), "track 'n_hidden=99' is not one of edition december-2025"),
        (("good.py", "--nonces", "9..0"), "'9..0' is empty"),
        (("good.py", "--nonces", "@none"), "none: No such file or directory"),
        (("good.py", "--edition", "june"), "'june' is not one of"),
        (("good.py", "--seconds", "0"), "'0': write a number of seconds above 0"),
        (("good.py", "--seconds", "nan"), "'nan': write a number of seconds above 0"),
        (("good.py", "-p", "lr"), "write it as NAME=VALUE"),
        (("good.py", "--fuel", "9000000000000"), "--fuel: "),
        (("good.py", "again.py"), "Got unexpected extra argument"),
    ],
)
def test_a_wrong_call_is_told_in_the_object_and_to_people(call: Call, arguments: tuple[str, ...], said: str) -> None:
    ended = call(*arguments)
    assert (ended.code, ended.result["status"], ended.result["quality"]) == (USAGE, "usage", None)
    assert said in ended.result["message"]
    assert said in ended.err
    assert ended.result["nonces"] == []


def failing(error: Exception) -> Callable[..., Iterator[Any]]:
    def fail(*_: object, **__: object) -> Iterator[Any]:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (WorkerFault("no process starts"), "no process starts"),
        (RuntimeError("a bug"), "a bug"),
        (KeyError(), "KeyError"),
    ],
)
def test_what_the_machine_or_the_tool_does_is_no_verdict(
    call: Call, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    monkeypatch.setattr(Jail, "check", failing(error))
    ended = call("good.py", "--nonces", "1,2")
    assert (ended.code, ended.result["status"], ended.result["message"]) == (UNDETERMINED, "undetermined", message)
    assert ended.err != ""


def test_help_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(capsys, "score", "--help")
    assert (ended.code, ended.out[:5]) == (DONE, "Usage")


@pytest.mark.parametrize(
    ("reason", "place"),
    [
        ("'line 12: IndexError: at line 3'", (12, "query_location_parameters")),
        ("'the fuel budget of 9 units is spent, at line 16 in a, called by b'", (16, "optimiser_step_updates")),
        ("'optimiser_step_updates returned int; return a vector'", (None, "optimiser_step_updates")),
        ("'line 999: a lie'", (None, None)),
        ("step 2 of epoch 1 gave an infinity or a NaN", (None, None)),
    ],
)
def test_the_place_in_a_reason_is_told_apart(reason: str, place: tuple[int | None, str | None]) -> None:
    result = score_object.ScoreObject("m.py", Module("m.py", module()), nonces=(0,), answers={0: ModuleFailed(reason)})
    entry = result.as_json(0.0)["nonces"][0]
    assert (entry["reason"], entry["line"], entry["function"]) == (reason, *place)


def test_a_loss_that_is_not_finite_is_null() -> None:
    claim = sample_records.claim()
    solved = SolvedNonce(claim, sample_records.solution(), (), math.inf, 0.1, 1.0, "'far out'")
    result = score_object.ScoreObject(nonces=(3,), answers={3: solved}).as_json(1.0)
    Draft202012Validator(SCHEMA).validate(result)
    assert (result["nonces"][0]["test_loss"], result["nonces"][0]["reason"]) == (None, "'far out'")
    assert (result["status"], result["message"], result["quality"]) == ("scored", None, claim.quality)
