"""`tig-verify profile`: tables, JSON and pictures, of modules that train on and of some that do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.profiler import Cost
from tests.support.called import Ended, called
from tests.support.sample_optimisers import module
from verifier.command_line.text_table import number_text, text_table
from verifier.command_line.trying.profile_report import line_rows
from verifier.experiments.profile import LineCost, Part

MODULE = module(
    initial='return {"m": parameters * 0.0, "t": 0}',
    step="""
    m = half(state["m"]) + gradient
    return -0.01 * m, {"m": m, "t": state["t"] + 1}
def half(x):
    return 0.5 * x""",
)
"""Line 10 costs most, with a product and two operators; the product of `half` is in line 12."""
EPOCHS, STEPS = 2, 16


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    Path("half.py").write_bytes(MODULE)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Any:
    return lambda *more: called(capsys, "profile", "half.py", "--track", "n_hidden=1", "--epochs", EPOCHS, *more)


@pytest.mark.slow
def test_json_has_every_unit_of_fuel(call: Any) -> None:
    ended = call("--json")
    assert (ended.code, ended.err) == (0, "")
    found = json.loads(ended.out)
    assert (found["file"], found["optimiser"], found["nonces"], found["steps"]) == ("half.py", "half", [0], STEPS)
    parts = [found["preparation"], found["stepping"]]
    assert found["fuel_used"] == sum(part["fuel"] for part in parts)
    assert [part["fuel"] for part in parts] == [sum(line["fuel"] for line in part["lines"]) for part in parts]
    (product,) = [line for line in parts[1]["lines"] if line["line"] == 12]
    assert (product["function"], product["source"], product["times"]) == ("half", "return 0.5 * x", STEPS)
    (half,) = [each for each in parts[1]["functions"] if each["function"] == "half"]
    assert half["line"] == 11
    assert half["own"]["fuel"] == half["whole"]["fuel"] > product["fuel"]
    assert [entry["key"] for entry in found["state"]["entries"]] == ["m", "t"]
    assert found["state"]["digests"] == EPOCHS + 1


@pytest.mark.slow
def test_text_has_the_dearest_line_first_and_says_how_near_the_limits_are(call: Any) -> None:
    ended = call("--nonces", "0..1", "--top", "3", "--fuel", "100000000")
    assert (ended.code, ended.err) == (0, "")
    blocks = [block.split("\n") for block in ended.out.rstrip("\n").split("\n\n")]
    assert blocks[0] == ["half.py: n_hidden=1, december-2025, nonces 0..1, 4 epochs, 32 steps"]
    assert blocks[1][0].startswith("Each step: ")
    head, *lines, rest = blocks[2]
    assert head.split() == ["share", "fuel", "MiB", "ms", "times", "line", "source"]
    assert lines[0].endswith('    1    10  return -0.01 * m, {"m": m, "t": state["t"] + 1}')
    assert len(lines) == 3
    assert rest.endswith("more)")
    shares = [float(line.split("%")[0]) for line in (*lines, rest)]
    assert sorted(shares[:3], reverse=True) == shares[:3]
    assert sum(shares) == pytest.approx(100.0, abs=0.3)
    assert blocks[3][0].startswith("Functions")
    assert blocks[-1][0] == "Limits:"
    assert " of 1e8 units of fuel" in blocks[-1][4]
    assert blocks[-1][5].startswith("  so the budget is enough for ")


@pytest.mark.slow
def test_the_source_is_cut_where_the_terminal_ends(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    tables = [line for line in call().out.split("\n") if "%  " in line]
    assert max(map(len, tables)) == 80
    assert [line.endswith("...") for line in tables if "return -0.01 * m, {" in line] == [True]


ENDS = {
    "fuel": ("return -gradient, [0.0] * 300", ("--fuel", "1000000"), "fuel-exhausted: 'the fuel budget of 1,000,000"),
    "NaN": ("return gradient / 0.0, state", (), "non-finite-update: the parameters after the updates in step 1 of"),
    "in the query": ("return -gradient, state", ("--fuel", "30000"), "fuel-exhausted: 'the fuel budget of 30,000 "),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ENDS)
def test_a_training_that_ends_early_has_a_profile_too(call: Any, kind: str) -> None:
    step, options, why = ENDS[kind]
    query = "return parameters + 1.0" if kind == "in the query" else "return None"
    Path("half.py").write_bytes(module(step=step, query=query))
    ended = call(*options)
    assert ended.code == 0
    assert f"nonce 0 ended early: {why}" in ended.out
    assert "1,000 epochs" not in ended.out  # the last step was no usual one
    (early,) = json.loads(call(*options, "--json").out)["ended_early"]
    assert early["nonce"] == 0
    assert f"{early['stop_reason']}: {early['explanation']}".startswith(why)


@pytest.mark.slow
@pytest.mark.parametrize("by", ["fuel", "memory", "time"])
def test_a_picture_is_drawn_and_a_page_has_all_lines(call: Any, by: str) -> None:
    name = "costs.html" if by == "fuel" else "costs.png"
    assert call("--by", by, "--plot", name).code == 0
    data = Path(name).read_bytes()
    if by == "fuel":
        text = data.decode()
        assert '<td class="text">return 0.5 * x</td>' in text
        assert '<img src="data:image/png;base64,' in text
    else:
        assert data.startswith(b"\x89PNG")


MISTAKES = {
    "no module": (("--by", "fuel"), None, "half.py: No such file or directory; check the name"),
    "refused": ((), b"import os\n", "half.py:1:8: D130"),
    "raising": ((), module(step="return [][0], state"), "half.py: 'line 8: IndexError: list index out of range'"),
    "track": (("--track", "deep"), MODULE, "n_hidden=L"),
    "hyperparameter": (("-p", "beta=1"), MODULE, "hyperparameter beta: half.py has none of that name; it has lr="),
    "picture": (("--plot", "costs.pdf"), MODULE, "costs.pdf: a picture is a .png or a .html file"),
    "epochs": (("--epochs", "0"), MODULE, "--epochs"),
    "nonces": (("--nonces", "x"), MODULE, "'x' is no nonce"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_has_one_message(call: Any, kind: str) -> None:
    options, source, message = MISTAKES[kind]
    Path("half.py").unlink() if source is None else Path("half.py").write_bytes(source)
    ended: Ended = call(*options)
    assert ended.code == 2
    assert message in ended.err
    assert ended.out == ""


def part(*fuel: int) -> Part:
    lines = [LineCost(line, "f", f"line {line}", Cost(1, units)) for line, units in enumerate(fuel, 1)]
    return Part(lines, [], 0, 0, 0)


def test_small_lines_are_put_together() -> None:
    rows = line_rows(part(1, 5000, 4000, 2, 997), 1, "fuel", 2)
    assert [(row["line"], row["fuel"], row["share"]) for row in rows] == [
        ("2", "5,000", "50.0%"), ("3", "4,000", "40.0%"), ("", "1,000", "10.0%"),
    ]  # fmt: skip
    assert [row["source"] for row in line_rows(part(1, 5000, 5000), 1, "fuel", 9)] == ["line 2", "line 3", "(1 more)"]
    assert [row["share"] for row in line_rows(part(0, 0), 1, "fuel", 9)] == ["0.0%"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.0004, "<0.001"), (0.012345, "0.0123"), (1, "1"), (12.345, "12.3"), (999.96, "1,000"),
        (123_456, "123,000"), (999_999, "1e6"), (2.188e9, "2.19e9"), (5e12, "5e12"), (1e300, "1e300"),
    ],
)  # fmt: skip
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number_text(value) == text


def test_numbers_are_on_the_right_and_texts_on_the_left() -> None:
    rows = [{"n": "1", "what": "a"}, {"n": "1,000", "what": "bc"}]
    assert text_table(rows, ["what"]) == ["    n  what", "    1  a", "1,000  bc"]
