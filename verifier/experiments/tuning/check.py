"""A record of submitted hyperparameters, trained again: as it was judged, or on instances that nobody could foresee."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from protocol.tuning import TunedTrack, Tuning
from verifier.challenge.errors import InputError
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.module import Module
from verifier.experiments.comparison_trials import Row, Trial
from verifier.experiments.tuning.judgement import Judgement


@dataclass(frozen=True)
class TrackCheck:
    """The trainings of a track: on each nonce with the module's own values, and with the submitted ones."""

    stated: TunedTrack
    own: Sequence[Trial]
    tuned: Sequence[Trial]

    @property
    def trials(self) -> list[Trial]:
        """All of them."""
        return [trial for pair in zip(self.own, self.tuned, strict=True) for trial in pair]

    def judgement(self, rows: Mapping[Hashable, Row]) -> Judgement | None:
        """What was reached; None if a training has no result."""
        if any(trial.key not in rows for trial in self.trials):
            return None
        own, tuned = ([rows[trial.key].run.quality for trial in some] for some in (self.own, self.tuned))
        return Judgement(self.stated.nonces, tuned, own)

    def untrue(self, rows: Mapping[Hashable, Row], failed: Mapping[Hashable, str]) -> list[str]:
        """A line for each quality that is not what the record states."""
        stated = zip(self.stated.own_qualities, self.stated.qualities, strict=True)
        found = []
        for trial, quality in zip(self.trials, (quality for pair in stated for quality in pair), strict=True):
            reached = failed.get(trial.key) or rows[trial.key].run.quality
            if reached != quality:
                found.append(f"{_named(trial)}: the record says {quality}, training gives {reached}")
        return found

    def unshown(self, rows: Mapping[Hashable, Row], failed: Mapping[Hashable, str]) -> list[str]:
        """Why it is not shown that the submitted values are better than the module's own; nothing if it is."""
        judged = self.judgement(rows)
        if judged is None:
            return [f"{_named(trial)}: {failed[trial.key]}" for trial in self.trials if trial.key in failed]
        if not judged.is_better:
            return ["the values are not better in the mean"]
        return (
            [] if judged.is_clear else ["the values may be better by chance: the interval has 0 in it, or is unknown"]
        )


def _named(trial: Trial) -> str:
    whose = "the submitted values" if trial.task.hyperparameters else "the module's own values"
    return f"nonce {trial.nonce}, with {whose}"


def track_checks(record: Tuning, path: Path, module: Module, beacon: str | None) -> list[TrackCheck]:
    """The trainings that check a record: those that it states, or, with a beacon, those of instances drawn by it.

    Raises RecordError for a beacon that is none, EditionError, TrackError or SettingsError for a track that there is
    not, InputError for another module and for more fuel than the edition has.
    """
    rand_hash = None if beacon is None else record.rand_hash(beacon)
    return [_track_check(each, path, module, rand_hash) for each in record.tracks]


def _track_check(stated: TunedTrack, path: Path, module: Module, rand_hash: str | None) -> TrackCheck:
    if module.digest != stated.task.optimiser_digest:
        wanted = stated.task.optimiser_digest.hex()[:16]
        raise InputError(f"{path}: is not the module of the record; pass the one whose digest begins {wanted}")
    most = InstanceId.of(stated.task, stated.nonces[0]).edition.max_fuel_budget
    if stated.task.fuel_budget > most:
        raise InputError(f"the record's fuel budget is above the edition's maximum, {most}")
    own, tuned = (
        task if rand_hash is None else replace(task, rand_hash=rand_hash) for task in (stated.own_task, stated.task)
    )
    return TrackCheck(
        stated,
        [Trial(path, module, own, nonce) for nonce in stated.nonces],
        [Trial(path, module, tuned, nonce) for nonce in stated.nonces],
    )
