"""The options for how a call does its work."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from itertools import count, islice

import click
import pytest
from click.testing import CliRunner

from verifier.command_line.options.execution_options import Execution, Shard, execution_options


@click.command()
@execution_options
def command(execution: Execution) -> Execution:
    """Do something."""
    return execution


def executed(*arguments: str) -> Execution:
    execution = CliRunner().invoke(command, arguments, standalone_mode=False).return_value
    assert isinstance(execution, Execution)
    return execution


def test_without_options_everything_is_done_by_all_cores() -> None:
    found = executed()
    assert found == Execution("process", None)
    assert list(found.limited(found.shard.of(range(5)))) == [0, 1, 2, 3, 4]
    assert 1 == found.processes(0) == found.processes(1) <= found.processes(100)


@pytest.mark.parametrize(("text", "seconds"), [("2h", 7200), ("90m", 5400), ("30s", 30), ("0.5h", 1800), ("0s", 0)])
def test_a_deadline_is_a_moment(text: str, seconds: float) -> None:
    until = executed("--deadline", text).until
    assert until is not None
    assert until - time.monotonic() == pytest.approx(seconds, abs=1.0)


def test_shards_are_a_list_together_and_a_limit_cuts() -> None:
    shards = [executed("--shard", f"{number}/3").shard for number in (1, 2, 3)]
    assert [list(shard.of(range(8))) for shard in shards] == [[0, 3, 6], [1, 4, 7], [2, 5]]
    assert Shard(2, 3).of(range(10**6)) == range(1, 10**6, 3)  # which takes no memory
    assert list(executed("--limit", "2").limited("abc")) == ["a", "b"]


def negatives(numbers: Iterable[int]) -> Generator[int, None, None]:
    yield from (-number for number in numbers)


def test_items_are_taken_one_by_one() -> None:
    answers = executed().answers(count(), negatives, lambda answer: True)
    assert list(islice(answers, 3)) == [0, -1, -2]


@pytest.mark.parametrize(("limit", "expected"), [(1, [0, -1]), (2, [0, -1, -2, -3]), (9, [0, -1, -2, -3, -4])])
def test_a_limit_is_of_the_answers_that_count(limit: int, expected: list[int]) -> None:
    answers = executed("--limit", str(limit)).answers(range(5), negatives, lambda answer: answer % 2 == 1)
    assert list(answers) == expected


def test_work_that_leaves_items_is_not_asked_again() -> None:
    """A deadline ended it."""
    given: list[list[int]] = []

    def ended(numbers: Iterable[int]) -> Generator[int, None, None]:
        given.append(list(numbers))
        yield from given[-1][:1]

    assert list(executed("--limit", "3").answers(range(9), ended, lambda answer: True)) == [0]
    assert given == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--deadline", "2"), "'2': write a number and its unit, such as 2h, 90m or 30s"),
        (("--deadline", "-2h"), "'-2h': write a number and its unit"),
        (("--deadline", "2d"), "'2d': write a number and its unit"),
        (("--shard", "0/3"), "'0/3': write which part of how many, such as 3/16"),
        (("--shard", "4/3"), "'4/3': write which part of how many"),
        (("--shard", "3"), "'3': write which part of how many"),
        (("--limit", "0"), "'0': write a whole number from 1 on, such as 7"),
        (("--jobs", "0"), "'0': write a whole number from 1 on, such as 7"),
    ],
)
def test_other_values_are_refused(arguments: tuple[str, ...], message: str) -> None:
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 2
    assert message in done.output
