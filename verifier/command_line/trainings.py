"""Trainings that are asked for list by list, as by a search that looks at one list before it asks for the next."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from types import TracebackType
from typing import Generic, Self

from verifier.command_line.execution_options import Execution
from verifier.command_line.exit_codes import UNDETERMINED, UNFINISHED
from verifier.command_line.first_compilation import say_if_first
from verifier.command_line.progress import Progress
from verifier.command_line.terminal import say
from verifier.command_line.trials import Failed, Trial, TrialRunner
from verifier.runs.pool import Answers, TaskLost
from verifier.runs.queue import open_queue
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
        self.failed: dict[Hashable, str] = {}
        """Why each training has no result and never will: its module fails."""
        self._lost: list[str] = []

    def train(self, trials: Iterable[Trial[Row]]) -> bool:
        """Whether all of them are in the table or have failed by now. If not, the call is to end."""
        wanted = {trial.key: trial for trial in trials}
        todo = [trial for key, trial in wanted.items() if key not in self._table.rows and key not in self.failed]
        kept = sum(trial.cost for trial in wanted.values()) - sum(trial.cost for trial in todo)
        self._done, self._paid = self._done + len(wanted) - len(todo), self._paid + kept
        if todo:
            progress = self._opened()
            with closing(self._outcomes(todo, progress)) as outcomes:
                for trial, outcome in outcomes:
                    self._take(trial, outcome, progress)
        return not any(trial.key not in self._table.rows and trial.key not in self.failed for trial in todo)

    def tell(self) -> int:
        """Say why `train` has not done all; the exit code."""
        say(*(f"tig-verify: undetermined: {text}" for text in self._lost), is_error=True)
        say("tig-verify: the search is not at its end; the same call goes on", is_error=True)
        return UNDETERMINED if self._lost else UNFINISHED

    def _take(self, trial: Trial[Row], outcome: Row | Failed | TaskLost, progress: Progress) -> None:
        if isinstance(outcome, TaskLost):
            self._lost.append(f"{trial}: {outcome.why}")
            progress.fail(trial.cost)
        elif isinstance(outcome, Failed):
            self.failed[trial.key] = outcome.why
            progress.fail(trial.cost)
        else:
            self._table.add(outcome)
            progress.advance(trial.cost)
            self._limit = self._limit and self._limit - 1

    def _opened(self) -> Progress:
        """The progress, when the queue is open."""
        if self._progress is None:
            execution = self._execution
            if execution.cluster is None:
                say_if_first(execution.device)
            opened = TrialRunner[Row](execution.isolation, execution.device).opened
            jobs = execution.processes(min(self._planned, execution.limit or self._planned))
            progress = Progress("training", self._planned, self._done, self._cost, self._paid)
            self._progress = self._stack.enter_context(progress)
            queue = open_queue(opened, jobs, progress.observe, execution.cluster, execution.until)
            self._complete = self._stack.enter_context(queue)
        return self._progress

    def _outcomes(
        self, trials: Sequence[Trial[Row]], progress: Progress
    ) -> Generator[tuple[Trial[Row], Row | Failed | TaskLost], None, None]:
        if self._limit == 0:
            return

        def begun(some: Iterable[Trial[Row]]) -> Iterator[Trial[Row]]:
            for trial in some:
                progress.begin(str(trial))
                yield trial

        def work(some: Iterable[Trial[Row]]) -> Answers[Trial[Row], Row | Failed]:
            return self._complete(begun(some))

        execution = replace(self._execution, limit=self._limit)
        yield from execution.answers(trials, work, lambda each: not isinstance(each[1], Failed | TaskLost))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
