"""Trainings that are asked for list by list, as by a search that looks at one list before it asks for the next."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from contextlib import ExitStack, closing
from types import TracebackType
from typing import Generic, Self

from verifier.command_line.exit_codes import UNDETERMINED, UNFINISHED
from verifier.command_line.first_compilation import say_if_first
from verifier.command_line.options.execution_options import Execution
from verifier.command_line.progress import Progress
from verifier.command_line.terminal import say
from verifier.command_line.trying.trials import Failed, Trial, TrialRun, TrialRunner, open_trials
from verifier.runs.pool import TaskLost
from verifier.runs.results_table import ResultsTable, Row


class Trainings(Generic[Row]):
    """Trains what a table lacks, one list after the other, by the same processes. A context manager.

    No process is started before there is something to train.
    """

    def __init__(self, table: ResultsTable[Row], execution: Execution, planned: int, cost: float) -> None:
        """`planned` and `cost` are of all trainings that will be asked for, with those that the table has."""
        self._table, self._execution, self._planned, self._cost = table, execution, planned, cost
        self._limit = execution.limit
        self._done, self._paid = 0, 0.0
        self._stack = ExitStack()
        self._progress: Progress | None = None
        self._run: TrialRun[Row] | None = None
        self.failed: dict[Hashable, str] = {}
        """Why each training has no result and never will: its module fails."""
        self._lost: list[str] = []

    def train(self, trials: Iterable[Trial[Row]]) -> bool:
        """Whether all of them are in the table or have failed by now. If not, the call is to end."""
        asked = list(trials)
        new = {trial.key: trial for trial in asked if not self._is_done(trial)}
        todo = list(new.values())
        self._pass_over(len(asked) - len(todo), sum(trial.cost for trial in asked) - sum(trial.cost for trial in todo))
        if todo and self._limit != 0:
            run = self._opened()
            with closing(run(todo, self._limit)) as outcomes:
                for trial, outcome in outcomes:
                    self._take(trial, outcome)
        return all(map(self._is_done, todo))

    def tell(self, what: str) -> int:
        """Say why `train` has not done all, of `what` the trainings are; the exit code."""
        say(*(f"tig-verify: undetermined: {text}" for text in self._lost), is_error=True)
        say(f"tig-verify: {what} is not at its end; the same call goes on", is_error=True)
        return UNDETERMINED if self._lost else UNFINISHED

    def _is_done(self, trial: Trial[Row]) -> bool:
        return trial.key in self._table.rows or trial.key in self.failed

    def _pass_over(self, count: int, cost: float) -> None:
        """Count trainings that need not be done: they are done already, or asked for twice."""
        if self._progress is None:
            self._done, self._paid = self._done + count, self._paid + cost
        else:
            for _ in range(count):
                self._progress.advance(cost / count)

    def _take(self, trial: Trial[Row], outcome: Row | Failed | TaskLost) -> None:
        if isinstance(outcome, TaskLost):
            self._lost.append(f"{trial}: {outcome.why}")
        elif isinstance(outcome, Failed):
            self.failed[trial.key] = outcome.why
        else:
            self._table.add(outcome)
            self._limit = self._limit and self._limit - 1

    def _opened(self) -> TrialRun[Row]:
        """What trains, from the first list on."""
        if self._run is None:
            if self._execution.cluster is None:
                say_if_first()
            progress = Progress("training", self._planned, self._done, self._cost, self._paid)
            self._progress = self._stack.enter_context(progress)
            runner = TrialRunner[Row].of(self._execution)
            self._run = self._stack.enter_context(open_trials(runner, self._execution, self._planned, progress))
        return self._run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
