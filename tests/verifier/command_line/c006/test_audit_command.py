"""`tig-verify c006 audit` and `provenance`: what they print, and how they end."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocol.network.blob import encode_blob
from tests.support.sample_benchmarks import ADDRESS, SAMPLED, network, output, sample, sound_text, text_of
from verifier.c006.loader import blob_of
from verifier.challenge.errors import InputError
from verifier.command_line.commands.c006.audit import audit
from verifier.command_line.commands.c006.provenance import provenance


def run(command: Any, *arguments: object) -> int:
    code: int = command.main([str(argument) for argument in arguments], standalone_mode=False)
    return code


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    return written(tmp_path, sample().answer())


def written(folder: Path, answer: Any) -> Path:
    path = folder / "benchmark-data.json"
    path.write_text(json.dumps(answer))
    return path


def test_an_honest_benchmark_ends_with_zero(answer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(audit, answer) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("stage: passed: ")
    assert lines[-1] == f"{answer}: all checks passed"
    assert sum(line.startswith("quality of nonce ") for line in lines) == len(SAMPLED)


def test_a_failed_check_ends_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark = sample()
    benchmark.qualities[SAMPLED[0]] += 1000
    path = written(tmp_path, benchmark.answer())
    assert run(audit, path) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith(f"quality of nonce {SAMPLED[0]}: quality-differs: reported is ")]
    assert lines[-1] == f"{path}: 1 of {len(lines) - 1} checks failed"


def test_json_is_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unproven = sample().answer()
    unproven["proof"] = None
    path = written(tmp_path, unproven)
    assert run(audit, path, "--json") == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["file"], shown["benchmark_id"], shown["passed"]) == (str(path), "1f", False)
    (check,) = shown["checks"]
    assert (check["check"], check["nonce"], check["fault"]) == ("stage", None, "no-proof")
    assert "1, 4, 6" in check["detail"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (b"", "byte 0"),
        (b"[]", "answer: expected object, found list"),
        (b"{}", "answer.precommit: missing"),
        (b"\xff" * 100, "byte 0"),
        (b"[" * 10**6, "byte"),
        (None, "answer.benchmark.solution_quality"),
    ],
)
def test_a_file_that_is_no_answer_is_the_callers_mistake(
    spoil: bytes | None, message: str, answer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = json.loads(answer.read_text())
    data["benchmark"]["solution_quality"].pop()
    answer.write_bytes(json.dumps(data).encode() if spoil is None else spoil)
    with pytest.raises(InputError) as error:
        run(audit, answer)
    assert str(error.value).startswith(f"{answer}: is no answer to get-benchmark-data: {message}")
    assert capsys.readouterr().out == ""


def test_another_challenge_is_the_callers_mistake(tmp_path: Path) -> None:
    other = sample().answer()
    other["precommit"]["settings"]["challenge_id"] = "c004"
    with pytest.raises(InputError, match=r"benchmark-data\.json: this is a benchmark of challenge 'c004'"):
        run(audit, written(tmp_path, other))


def test_the_help_says_what_an_audit_does_not_prove(capsys: pytest.CaptureFixture[str]) -> None:
    run(audit, "--help")
    assert "does not prove" in capsys.readouterr().out


# Provenance


def solution(folder: Path, text: str, *, alone: bool = False) -> Path:
    path = folder / "7.json"
    path.write_text(text if alone else output(7, text).to_json())
    return path


@pytest.mark.parametrize("alone", [False, True])
def test_untouched_layers_end_with_zero(alone: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = solution(tmp_path, sound_text(1), alone=alone)
    assert run(provenance, path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{path}: n_hidden=2"
    assert lines[1:] == [
        f"  passed: linear layer {layer}: every weight is what address {ADDRESS:#x} gives"
        for layer in ("1 (256 -> 256)", "2 (256 -> 2)")
    ]


def test_a_replaced_head_ends_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = network(7)
    weights.linear[-1].weight[:] = np.random.default_rng(1).normal(size=(256, 2))
    weights.linear[-1].bias[0] = 1
    path = solution(tmp_path, text_of(weights))
    assert run(provenance, path, "--json") == 1
    shown = json.loads(capsys.readouterr().out)
    assert [found["fault"] for found in shown["frozen_layers"]] == [None, "replaced", "frozen-bias"]
    assert (shown["file"], shown["fault"]) == (str(path), None)


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(sound_text(2).encode())))
    assert run(provenance, "-") == 0
    assert capsys.readouterr().out.startswith("-: n_hidden=2\n")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('"H4sIAAAAAAAA/53AgQAAAACAoPypdzieAEmlyNM4AAAA"', "empty"),
        ("nonsense!", "base64"),
        ("", "truncated"),
        (text_of(network(1, 1))[:-5] + '"', "truncated"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_what_cannot_be_loaded_ends_with_one(
    text: str, fault: str, as_json: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = solution(tmp_path, text)
    assert run(provenance, path, *["--json"] * as_json) == 1
    out = capsys.readouterr().out
    found = json.loads(out)["fault"] if as_json else out.removeprefix(f"{path}: cannot be loaded: ").split(":")[0]
    assert found == fault


def test_files_that_are_none_are_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="check the name"):
        run(provenance, tmp_path / "missing.json")
    with pytest.raises(InputError, match=r"is no output file of the network: .*cpu_arch"):
        run(provenance, solution(tmp_path, '{"nonce": 1}', alone=True))


def test_a_network_that_is_too_deep_is_refused(tmp_path: Path) -> None:
    blob = blob_of(network(1, 1), 1)
    text = encode_blob(replace(blob, weights=blob.weights * 50))
    with pytest.raises(InputError, match="99 hidden layers; at most 64"):
        run(provenance, solution(tmp_path, text, alone=True))
