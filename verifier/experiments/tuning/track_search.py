"""The search on one track: its trainings, and what they have shown."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from protocol.task import Task
from protocol.tuning import TunedTrack
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.experiments.comparison_trials import Row, Trial
from verifier.experiments.tuning.judgement import Judgement
from verifier.experiments.tuning.search import OWN, Proposal, Search, own_proposal


@dataclass(frozen=True)
class Tried:
    """Values that were trained on the nonces of the search."""

    proposal: Proposal
    quality: float | None
    """The mean, in units of 1e-6; None where the module fails."""
    why: str = ""
    """It fails so."""


@dataclass(frozen=True)
class Outcome:
    """What was found on a track."""

    task: Task
    """With the values that were best in the search: the module's own, if none were better."""
    tried: Sequence[Tried]
    """In the order of proposal, the module's own values first."""
    best: Tried
    judgement: Judgement | None
    """None if no other values were better in the search, or if the module fails with them where they are judged."""
    why: str = ""
    """It fails so there."""

    @property
    def track(self) -> str:
        """The text of the track."""
        return self.task.settings.track_id

    @property
    def is_better(self) -> bool:
        """Whether the values are better where they were judged, in the mean."""
        return self.judgement is not None and self.judgement.is_better

    def tuned(self) -> TunedTrack:
        """As a part of a record; of values that were judged."""
        assert self.judgement is not None
        judged = self.judgement
        return TunedTrack(self.task, tuple(judged.nonces), tuple(judged.qualities), tuple(judged.own_qualities))


class TrackSearch:
    """The search on one track."""

    def __init__(self, path: Path, module: Module, task: Task, nonces: Sequence[int], search: Search) -> None:
        """`task` has no overrides; the nonces are those of the search."""
        self._path, self._module, self._task, self._nonces, self._search = path, module, task, nonces, search
        self._tried: list[Tried] = []

    @property
    def cost(self) -> float:
        """In proportion to the time that a training takes."""
        return self._trials(own_proposal(), self._nonces[:1])[0].cost

    def propose(self, count: int) -> list[Proposal]:
        """The next so many proposals; at first the module's own values too."""
        return [*([] if self._tried else [own_proposal()]), *self._search.propose(count)]

    def trials(self, proposal: Proposal) -> list[Trial]:
        """The trainings that show how good a proposal is."""
        return self._trials(proposal, self._nonces)

    def learn(
        self, proposals: Iterable[Proposal], rows: Mapping[Hashable, Row], failed: Mapping[Hashable, str]
    ) -> None:
        """Take what the trainings of proposals have shown: all of them are among the rows, or have failed.

        Raises InputError if the module fails with its own values.
        """
        tried = [self._judged(proposal, rows, failed) for proposal in proposals]
        for each in tried:
            if each.proposal.number == OWN and each.quality is None:
                raise InputError(f"{self._path}: with its own values, {each.why}; a search needs these to begin with")
        self._search.tell((each.proposal, each.quality) for each in tried)
        self._tried += tried

    @property
    def best(self) -> Tried:
        """What is best so far; of equals the first."""
        return max(self._tried, key=lambda tried: -1e18 if tried.quality is None else tried.quality)

    def judging(self, nonces: Sequence[int]) -> list[Trial]:
        """The trainings that judge the best on other nonces; none if it is the module's own values."""
        if self.best.proposal.number == OWN:
            return []
        pairs = zip(self._trials(own_proposal(), nonces), self._trials(self.best.proposal, nonces), strict=True)
        return [trial for pair in pairs for trial in pair]

    def outcome(
        self, judging: Sequence[Trial], rows: Mapping[Hashable, Row], failed: Mapping[Hashable, str]
    ) -> Outcome:
        """What was found, when these trainings are among the rows, or have failed."""
        best = self.best
        task = replace(self._task, hyperparameters=best.proposal.hyperparameters)
        why = next((f"on nonce {trial.nonce}: {failed[trial.key]}" for trial in judging if trial.key in failed), "")
        if why or not judging:
            return Outcome(task, self._tried, best, None, why)
        qualities = [rows[trial.key].run.quality for trial in judging]
        nonces = [trial.nonce for trial in judging[::2]]
        return Outcome(task, self._tried, best, Judgement(nonces, qualities[1::2], qualities[::2]))

    def _trials(self, proposal: Proposal, nonces: Iterable[int]) -> list[Trial]:
        task = replace(self._task, hyperparameters=proposal.hyperparameters)
        return [Trial(self._path, self._module, task, nonce) for nonce in nonces]

    def _judged(self, proposal: Proposal, rows: Mapping[Hashable, Row], failed: Mapping[Hashable, str]) -> Tried:
        trials = self.trials(proposal)
        for trial in trials:
            if trial.key in failed:
                return Tried(proposal, None, f"on nonce {trial.nonce}: {failed[trial.key]}")
        return Tried(proposal, fmean(rows[trial.key].run.quality for trial in trials))
