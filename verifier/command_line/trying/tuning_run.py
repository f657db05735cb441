"""The rounds of a search for better hyperparameters, and the judgement at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.declaration import Declaration
from sandbox.errors import ModuleRefused
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.command_line.options.execution_options import open_isolation
from verifier.command_line.options.nonces_option import nonces_text
from verifier.command_line.trying.trainings import Trainings
from verifier.experiments.comparison_trials import Row, Trial
from verifier.experiments.tuning.search import Proposal
from verifier.experiments.tuning.track_search import Outcome, TrackSearch
from verifier.runs.results_table import ResultsTable


@dataclass(frozen=True)
class Plan:
    """How long a search is, and what it is judged on."""

    proposals: int
    """For each track, beside the module's own values."""
    batch: int
    """Proposals that are trained before the next are made."""
    nonces: Sequence[int]
    judge_nonces: Sequence[int]

    def __post_init__(self) -> None:
        """Raises InputError for a judgement on what the search has seen."""
        if seen := sorted({*self.nonces} & {*self.judge_nonces}):
            problem = f"{nonces_text(seen)[:80]} {'is' if len(seen) == 1 else 'are'} among --nonces"
            raise InputError(f"--judge-nonces: {problem}; judge on nonces that the search does not see")

    @property
    def trainings(self) -> int:
        """Those of a track."""
        return (self.proposals + 1) * len(self.nonces) + 2 * len(self.judge_nonces)


def declaration(path: Path, module: Module, isolation: str) -> Declaration:
    """What a module declares about its hyperparameters. Raises InputError with all problems of one that is refused."""
    with open_isolation(isolation) as place:
        try:
            return place.declaration(module.source, str(path))
        except ModuleRefused as refused:
            raise InputError(*refused.lines) from None


def outcomes(
    searches: Sequence[TrackSearch], plan: Plan, trainings: Trainings[Row], table: ResultsTable[Row]
) -> list[Outcome] | None:
    """What is found on each track; None if the call is to end before. Raises InputError for a module that fails."""
    for first in range(0, plan.proposals, plan.batch):
        count = min(plan.batch, plan.proposals - first)
        proposed = [(search, search.propose(count)) for search in searches]
        if not trainings.train(_trials(proposed)):
            return None
        for search, proposals in proposed:
            search.learn(proposals, table.rows, trainings.failed)
    judging = [search.judging(plan.judge_nonces) for search in searches]
    if not trainings.train(trial for trials in judging for trial in trials):
        return None
    return [
        search.outcome(trials, table.rows, trainings.failed) for search, trials in zip(searches, judging, strict=True)
    ]


def _trials(proposed: Iterable[tuple[TrackSearch, Sequence[Proposal]]]) -> Iterable[Trial]:
    """The trainings of all proposals of a round."""
    return (trial for search, proposals in proposed for proposal in proposals for trial in search.trials(proposal))
