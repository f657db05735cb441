"""Trials: the trainings of an experiment, by this process or by others, for a table of results."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

from sandbox.errors import ModuleRefused, OptimiserError, WorkerFault
from sandbox.isolation import Isolation
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.challenge.training.trainer import Observer
from verifier.command_line.exit_codes import DONE, UNDETERMINED, UNFINISHED, USAGE
from verifier.command_line.first_compilation import say_if_first
from verifier.command_line.options.execution_options import Execution, Workplace, open_isolation
from verifier.command_line.progress import Progress
from verifier.command_line.terminal import say
from verifier.runs.pool import TaskLost
from verifier.runs.queue import open_queue
from verifier.runs.results_table import ResultsTable, Row

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class Trial(Protocol[Result_co]):
    """One training of an experiment; its text is its name for people. It is sent to other processes as it is."""

    @property
    def origin(self) -> str:
        """What it trains, for messages: the file of a module, or the name of a model."""

    @property
    def key(self) -> Hashable:
        """That of its row in a table of results."""

    @property
    def cost(self) -> float:
        """In proportion to the time that it takes."""

    def run(self, isolation: Isolation, observer: Observer | None) -> Result_co:
        """Train. Raises OptimiserError for a module that cannot be trained."""


@dataclass(frozen=True)
class Failed:
    """The module cannot be trained; the text says why."""

    why: str


Outcomes = Generator[tuple[Trial[Result], Result | Failed | TaskLost], None, None]
"""Trials with what became of them, as they come."""
TrialRun = Callable[[Sequence[Trial[Result]], int | None], Outcomes[Result]]
"""Runs a list of trials, until so many have a result; all, if there is no such number."""


@dataclass(frozen=True)
class TrialRunner(Generic[Result]):
    """Runs trials in a process that does nothing else; sent to other processes as it is."""

    isolation: str

    @classmethod
    def of(cls, execution: Execution) -> Self:
        """That of a call."""
        return cls(execution.isolation)

    @contextmanager
    def opened(self, observer: Observer | None) -> Iterator[Callable[[Trial[Result]], Result | Failed | TaskLost]]:
        """A function that runs them in this process, one after the other."""
        with Workplace(self.isolation) as place:

            def work(trial: Trial[Result]) -> Result | Failed | TaskLost:
                try:
                    return trial.run(place.isolation, observer)
                except (ModuleRefused, OptimiserError) as error:
                    return Failed(str(error))
                except WorkerFault as fault:
                    place.renew()
                    return TaskLost(str(fault))

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


@dataclass(frozen=True)
class Missed:
    """A training that gave no result."""

    trial: Trial[object]
    why: str
    is_lost: bool
    """Whether a process or the machine failed, and not the module."""


@dataclass
class Shortfall:
    """The trainings that a table lacks after a call, and why."""

    trials: int
    """All that there are to be."""
    missing: int
    """Those among them without a row, with those of other shards."""
    left: int
    """Those that the same call goes on with."""
    missed: list[Missed] = field(default_factory=list)
    """Those that this call tried in vain."""

    @property
    def untried(self) -> int:
        """Those that nobody has tried yet: they are left, or of other shards."""
        return self.missing - len(self.missed)

    @property
    def exit_code(self) -> int:
        """4 if some are left, else 2 if a module failed, else 3 if one was lost."""
        if self.left:
            return UNFINISHED
        if self.missed:
            return UNDETERMINED if all(each.is_lost for each in self.missed) else USAGE
        return DONE

    def tell(self, consequence: str) -> int:
        """Say how many are missing; the exit code."""
        if self.left:
            left = f"{self.left} training{'s are' if self.left > 1 else ' is'} left"
            say(f"tig-verify: {left}; the same call goes on", is_error=True)
        elif self.missing:
            say(f"tig-verify: {self.missing} of {self.trials} trainings missing; {consequence}", is_error=True)
        return self.exit_code


def fill(table: ResultsTable[Row], trials: Sequence[Trial[Row]], execution: Execution) -> Shortfall:
    """Run those of this shard's trials that the table lacks, and add their rows.

    A training that fails ends no other one. It is told at once, unless its module has failed so before.
    """
    mine = execution.shard.of(trials)
    todo = [trial for trial in mine if trial.key not in table.rows]
    cost, left = (sum(trial.cost for trial in some) for some in (mine, todo))
    if todo and execution.cluster is None:
        say_if_first()
    shortfall = Shortfall(len(trials), missing=0, left=len(todo))
    told: set[tuple[str, str]] = set()
    with (
        Progress("training", len(mine), len(mine) - len(todo), cost, cost - left) as progress,
        open_trials(TrialRunner[Row].of(execution), execution, len(todo), progress) as run,
        closing(run(todo, execution.limit)) as outcomes,
    ):
        for trial, outcome in outcomes:
            shortfall.left -= 1
            if not isinstance(outcome, Failed | TaskLost):
                table.add(outcome)
                continue
            is_lost = isinstance(outcome, TaskLost)
            shortfall.missed.append(Missed(trial, outcome.why, is_lost))
            if (trial.origin, outcome.why) not in told:
                told.add((trial.origin, outcome.why))
                fault = "undetermined: " if is_lost else ""
                progress.echo(f"tig-verify: {fault}{_why(trial, outcome)}", is_error=True)
    shortfall.missing = sum(trial.key not in table.rows for trial in trials)
    return shortfall


def results(trials: Sequence[Trial[Result]], execution: Execution, progress: Progress) -> Generator[Result, None, None]:
    """The result of each trial, as they come.

    Raises InputError for a module that cannot be trained, WorkerFault when a training was lost.
    """
    with (
        open_trials(TrialRunner[Result].of(execution), execution, len(trials), progress) as run,
        closing(run(trials, execution.limit)) as outcomes,
    ):
        for trial, outcome in outcomes:
            if isinstance(outcome, Failed):
                raise InputError(_why(trial, outcome))
            if isinstance(outcome, TaskLost):
                raise WorkerFault(_why(trial, outcome))
            yield outcome


def _why(trial: Trial[Result], outcome: Failed | TaskLost) -> str:
    return f"{trial.origin}: ({trial}) {outcome.why}" if isinstance(outcome, Failed) else f"{trial}: {outcome.why}"


@contextmanager
def open_trials(
    runner: TrialRunner[Result], execution: Execution, planned: int, progress: Progress
) -> Iterator[TrialRun[Result]]:
    """What runs `planned` trials in all: one list of them after the other, by the same processes."""
    jobs = execution.processes(min(planned, execution.limit or planned))
    with open_queue(runner.opened, jobs, progress.observe, execution.cluster, execution.until) as complete:

        def begun(some: Iterable[Trial[Result]]) -> Iterator[Trial[Result]]:
            for trial in some:
                progress.begin(str(trial))
                yield trial

        def run(trials: Sequence[Trial[Result]], limit: int | None) -> Outcomes[Result]:
            allowed = replace(execution, limit=limit)
            answers = allowed.answers(
                trials, lambda some: complete(begun(some)), lambda each: not isinstance(each[1], Failed | TaskLost)
            )
            with closing(answers):
                for trial, outcome in answers:
                    (progress.fail if isinstance(outcome, Failed | TaskLost) else progress.advance)(trial.cost)
                    yield trial, outcome

        yield run
