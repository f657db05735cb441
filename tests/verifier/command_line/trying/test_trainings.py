"""Trainings that are asked for list by list: each is done once, and the progress counts all that were asked for."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sandbox.errors import OptimiserError, WorkerFault
from sandbox.isolation import Isolation
from verifier.challenge.training.trainer import Observer
from verifier.command_line.options.execution_options import Execution
from verifier.command_line.progress import Progress
from verifier.command_line.trying import trainings as trainings_module
from verifier.command_line.trying.trainings import Trainings
from verifier.runs.results_table import ResultsTable
from verifier.runs.row_formats import json_rows

RAN: list[int] = []


@dataclass(frozen=True)
class Row:
    key: int


@dataclass(frozen=True)
class Trial:
    """One below 0 fails, 100 is lost."""

    key: int
    origin: str = "m.py"
    cost: float = 2.0

    def run(self, isolation: Isolation, observer: Observer | None) -> Row:
        RAN.append(self.key)
        if self.key < 0:
            raise OptimiserError("no")
        if self.key == 100:
            raise WorkerFault("gone")
        return Row(self.key)


@pytest.fixture
def progress(monkeypatch: pytest.MonkeyPatch) -> list[Progress]:
    """Those that are made."""
    made: list[Progress] = []

    class Kept(Progress):
        def __enter__(self) -> Kept:
            made.append(self)
            return super().__enter__()

    monkeypatch.setattr(trainings_module, "Progress", Kept)
    monkeypatch.setattr(trainings_module, "say_if_first", lambda: None)
    RAN.clear()
    return made


def opened(limit: int | None = None) -> Trainings[Row]:
    table = ResultsTable(None, json_rows(Row, "test"))
    table.add(Row(1))
    table.add(Row(2))
    return Trainings(table, Execution("none", 1, limit=limit), planned=9, cost=18.0)


def trials(*keys: int) -> list[Trial]:
    return [Trial(key) for key in keys]


def test_each_is_done_once_and_all_are_counted(progress: list[Progress]) -> None:
    with opened() as trainings:
        assert trainings.train(trials(1, 1))
        assert not progress  # nothing was to be done, and nothing was started
        assert trainings.train(trials(3, 3, -1, 2))
        assert trainings.train(trials(4, 3, -1))
    assert RAN == [3, -1, 4]
    assert trainings.failed == {-1: "'no'"}
    (made,) = progress
    figures = made.figures
    assert (figures.done, figures.failed) == (8, 1)
    assert made._paid == 18.0


def test_a_limit_is_of_all_lists_together(progress: list[Progress]) -> None:
    with opened(limit=2) as trainings:
        assert trainings.train(trials(3))
        assert not trainings.train(trials(4, 5))
        assert not trainings.train(trials(5))
        assert trainings.train(trials(4))
    assert RAN == [3, 4]


def test_a_lost_one_ends_the_call(progress: list[Progress], capsys: pytest.CaptureFixture[str]) -> None:
    with opened() as trainings:
        assert not trainings.train(trials(3, 100, 4))
    assert RAN == [3, 100, 4]
    assert trainings.tell("it") == 3
    assert capsys.readouterr().err == (
        "tig-verify: undetermined: Trial(key=100, origin='m.py', cost=2.0): gone\n"
        "tig-verify: it is not at its end; the same call goes on\n"
    )
