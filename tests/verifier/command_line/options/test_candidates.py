"""Optimisers with overrides of their own: which override belongs to which of them, and what they are called."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from verifier.challenge.errors import InputError
from verifier.command_line.options.candidates import Candidate, CandidatesCommand, candidates_options


@click.command(cls=CandidatesCommand)
@candidates_options
@click.option("-o", "--out")
@click.option("--json", is_flag=True)
def command(candidates: list[Candidate], out: str | None, json: bool) -> list[Candidate]:
    """Hand back what was read."""
    return candidates


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(["a.py", "b.py", "-p", "other/a.py", "odd name.py"]):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(f"# {number}\n")


def read(text: str) -> list[Candidate]:
    done = CliRunner().invoke(command, text.split(), standalone_mode=False, catch_exceptions=False)
    found: list[Candidate] = done.return_value
    return found


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("a.py b.py", [{}, {}]),
        ("a.py -p x=1 b.py -p x=2", [{"x": 1}, {"x": 2}]),
        ("a.py -px=1 b.py --hyperparameter=x=2", [{"x": 1}, {"x": 2}]),
        ("-p x=1 a.py b.py -p x=2.0", [{"x": 1}, {"x": 2.0}]),
        ("-p x=1 -p y=2 a.py -p x=3 a.py", [{"x": 3, "y": 2}, {"x": 1, "y": 2}]),
        ("-o b.py a.py --json -p x=1 --out=b.py b.py -ob.py", [{"x": 1}, {}]),  # files of other options count not
        ("--json a.py --out -p b.py -p x=1", [{}, {"x": 1}]),
        ("-p x=1 a.py -- -p b.py", [{"x": 1}] * 3),
        ("a.py -p x=1 a.py -p x=1.0 a.py -p x=true", [{"x": 1}, {"x": 1.0}, {"x": True}]),
    ],
)
def test_an_override_is_of_the_optimiser_before_it_or_of_all(text: str, given: list[dict[str, object]]) -> None:
    assert [repr(dict(each.hyperparameters)) for each in read(text)] == list(map(repr, given))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a.py b.py -p x=1", ["a", "b x=1"]),
        ("a.py -p x=1 a.py -p x=2", ["a x=1", "a x=2"]),
        ("a.py -p x=1 other/a.py -p x=1", ["a.py x=1", "other/a.py x=1"]),
        (f"a.py -p x={'v' * 90}1 a.py -p x={'v' * 90}2", [f"a x={'v' * 37}... (1)", f"a x={'v' * 37}... (2)"]),
        ("-p learning_rate=0.001 -p first_beta=0.9 -p second_beta=0.999 a.py",
         ["a first_beta=0.9 learning_rate=0.001 second_bet..."]),
    ],
)  # fmt: skip
def test_names_are_short_and_different(text: str, names: list[str]) -> None:
    assert [each.name for each in read(text)] == names


def test_no_optimiser_and_no_value_are_mistakes_in_the_call() -> None:
    for text, kind in {
        "": click.MissingParameter, "-p x=1": click.MissingParameter, "a.py -p x": click.BadParameter,
        "a.py -p": click.BadOptionUsage, "a.py --nothing -p x=1": click.NoSuchOption,
    }.items():  # fmt: skip
        with pytest.raises(kind):
            read(text)


def test_the_same_twice_is_refused() -> None:
    with pytest.raises(InputError, match=r"^a\.py: is the same module as a\.py; name each once, or give them diff"):
        read("a.py a.py")
    with pytest.raises(InputError, match=r"^a\.py: has the same module and overrides as a\.py; "):
        read("-p x=1 a.py a.py -p x=1")
