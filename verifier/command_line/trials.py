"""Trials: the trainings of an experiment, by this process or by others, for a table of results."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from sandbox.errors import ModuleRefused, OptimiserError, WorkerFault
from sandbox.isolation import Isolation
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.challenge.training.trainer import Observer
from verifier.command_line.execution_options import Execution, open_isolation
from verifier.command_line.progress import Progress
from verifier.runs.pool import TaskLost
from verifier.runs.queue import completed
from verifier.runs.results_table import ResultsTable, Row

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class Trial(Protocol[Result_co]):
    """One training of an experiment; its text is its name for people. It is sent to other processes as it is."""

    @property
    def path(self) -> Path:
        """The file of the module."""

    @property
    def key(self) -> Hashable:
        """That of its row in a table of results."""

    @property
    def cost(self) -> float:
        """In proportion to the time that it takes."""

    def run(self, isolation: Isolation, observer: Observer | None, device: str) -> Result_co:
        """Train. Raises OptimiserError for a module that cannot be trained."""


@dataclass(frozen=True)
class Failed:
    """The module cannot be trained; the text says why."""

    text: str


@dataclass(frozen=True)
class TrialRunner(Generic[Result]):
    """Runs trials in a process that does nothing else; sent to other processes as it is."""

    isolation: str
    device: str

    @contextmanager
    def opened(self, observer: Observer | None) -> Iterator[Callable[[Trial[Result]], Result | Failed]]:
        """A function that runs them in this process, one after the other."""
        with open_isolation(self.isolation) as place:

            def work(trial: Trial[Result]) -> Result | Failed:
                try:
                    return trial.run(place, observer, self.device)
                except OptimiserError as error:
                    return Failed(f"{trial.path}: ({trial}) {error}")

            yield work


def require_dialect(modules: Mapping[Path, Module], isolation: str) -> None:
    """Refuse modules that no training would load, before the first one. Raises InputError with all their problems."""
    refusals: list[str] = []
    with open_isolation(isolation) as place:
        for path, module in modules.items():
            try:
                place.check(module.source, str(path))
            except ModuleRefused as refused:
                refusals += refused.lines
    if refusals:
        raise InputError(*refusals)


def fill(table: ResultsTable[Row], trials: Sequence[Trial[Row]], execution: Execution) -> None:
    """Run those trials that the table lacks, and add their rows. Raises as `results` does."""
    missing = [trial for trial in trials if trial.key not in table.rows]
    cost, left = (sum(trial.cost for trial in some) for some in (trials, missing))
    with (
        Progress("training", len(trials), len(trials) - len(missing), cost, cost - left) as progress,
        closing(results(missing, execution, progress)) as rows,
    ):
        for row in rows:
            table.add(row)


def results(trials: Sequence[Trial[Result]], execution: Execution, progress: Progress) -> Generator[Result, None, None]:
    """The result of each trial, as they come.

    Raises InputError for a module that cannot be trained, WorkerFault when a training was lost.
    """
    runner, jobs = TrialRunner[Result](execution.isolation, execution.device), execution.processes(len(trials))
    names = iter([*map(str, trials), "training"])
    with closing(completed(runner.opened, trials, jobs, progress.observe)) as answers:
        progress.begin(next(names))
        for trial, answer in answers:
            if isinstance(answer, Failed):
                raise InputError(answer.text)
            if isinstance(answer, TaskLost):
                raise WorkerFault(f"{trial}: {answer.why}")
            progress.advance(trial.cost)
            progress.begin(next(names))
            yield answer
