"""What a search has found, as a table, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from protocol.canonical_msgpack import Scalar
from protocol.task import Task
from verifier.challenge.hyperparameters import Hyperparameters
from verifier.command_line.options.nonces_option import nonces_text
from verifier.command_line.terminal import json_text
from verifier.command_line.trying.tuning_run import Plan
from verifier.experiments.statistics import CONFIDENCE
from verifier.experiments.tuning.judgement import Judgement
from verifier.experiments.tuning.search import OWN
from verifier.experiments.tuning.track_search import Outcome, Tried


@dataclass(frozen=True)
class JudgedTrack:
    """Values of hyperparameters for a track, and what they were judged by."""

    task: Task
    """Its hyperparameters are the values; none for the module's own."""
    judgement: Judgement | None
    faults: Sequence[str] = ()
    """Why they are not accepted."""

    @property
    def track(self) -> str:
        """The text of the track."""
        return self.task.settings.track_id

    def as_json(self) -> dict[str, object]:
        """What is printed, as the entries of an object."""
        return {
            "optimiser_digest": self.task.optimiser_digest.hex(),
            "edition": self.task.edition,
            "track": self.track,
            "hyperparameters": dict(self.task.hyperparameters),
            "judgement": _judgement(self.judgement),
            "faults": list(self.faults),
        }


def judged_table(judged: Sequence[JudgedTrack]) -> list[str]:
    """The lines of a table for a terminal."""
    rows = [["track", "quality", "own values'", "difference", f"{CONFIDENCE:.0%} interval", "won-tied-lost", "values"]]
    rows += [[each.track, *_figures(each.judgement), _values(each.task)] for each in judged]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:-1], widths[1:-1]), row[-1]]).rstrip() for row in rows
    ]


@dataclass(frozen=True)
class Report:
    """A search, for people and programs."""

    path: Path
    """The module's file."""
    own: Mapping[str, Scalar]
    """The module's values of what was searched for."""
    plan: Plan
    seed: int
    outcomes: Sequence[Outcome]

    def as_table(self) -> list[str]:
        """The lines of a table for a terminal, and what is to be said about it."""
        judged = [JudgedTrack(each.task, each.judgement) for each in self.outcomes]
        return [*judged_table(judged), "", *self._notes()]

    def as_json(self) -> list[dict[str, object]]:
        """An object for each track."""
        return [self._track(each) for each in self.outcomes]

    def as_file(self) -> str:
        """Everything, with all that was tried: the text of a file."""
        tracks = [self._track(each) | {"proposals": list(map(_tried, each.tried))} for each in self.outcomes]
        return json_text({"own": dict(self.own), "tracks": tracks}, indent=1) + "\n"

    def _track(self, each: Outcome) -> dict[str, object]:
        task, own = each.task, each.tried[0]
        return {
            "file": str(self.path),
            "optimiser": self.path.stem,
            "optimiser_digest": task.optimiser_digest.hex(),
            "edition": task.edition,
            "track": each.track,
            "hyperparameters": dict(task.hyperparameters),
            "is_better": each.is_better,
            "search": {
                "nonces": list(self.plan.nonces),
                "seed": self.seed,
                "batch": self.plan.batch,
                "proposals": len(each.tried) - 1,
                "failed": sum(tried.quality is None for tried in each.tried),
                "quality": each.best.quality,
                "own_quality": own.quality,
            },
            "judgement": _judgement(each.judgement),
            "why": each.why,
        }

    def _notes(self) -> list[str]:
        count = self.plan.proposals
        proposals = f"{count} proposal{'s' if count > 1 else ''}"
        judged, searched = nonces_text(self.plan.judge_nonces), nonces_text(self.plan.nonces)
        notes = [
            f"Means over nonces {judged}, which the search did not see; quality in units of 10⁻⁶.",
            f"The search: {proposals} for each track, on nonces {searched}.",
        ]
        for each in self.outcomes:
            notes += [f"{each.track}: {note}" for note in _remarks(each)]
        return notes


def _figures(judged: Judgement | None) -> list[str]:
    if judged is None:
        return [""] * 5
    low, high = judged.difference.low, judged.difference.high
    return [
        f"{judged.quality:,.0f}",
        f"{judged.own_quality:,.0f}",
        f"{judged.difference.mean:+,.0f}",
        f"{low:+,.0f} to {high:+,.0f}" if judged.difference.is_known else "unknown",
        f"{judged.wins}-{judged.ties}-{judged.losses}",
    ]


def _values(task: Task) -> str:
    return str(Hyperparameters(task.hyperparameters)) or "its own"


def _remarks(each: Outcome) -> list[str]:
    failed = [tried for tried in each.tried if tried.quality is None]
    remarks = []
    if failed:
        remarks.append(f"the module fails with {len(failed)} of the proposals; the first, {_shown(failed[0])}")
    if each.best.proposal.number == OWN:
        remarks.append("no proposal was better in the search; the module's own values stay")
    elif each.judgement is None:
        remarks.append(f"with the values that were best in the search the module fails {each.why}; its own values stay")
    elif not each.is_better:
        remarks.append("the values are not better where they were judged; the module's own values stay")
    elif not each.judgement.is_clear:
        remarks.append("the difference may be chance, as its interval has 0 in it; judge on more nonces")
    return remarks


def _shown(tried: Tried) -> str:
    return f"{tried.proposal.hyperparameters}: {tried.why}"


def _tried(tried: Tried) -> dict[str, object]:
    return {
        "hyperparameters": dict(tried.proposal.hyperparameters),
        "quality": tried.quality,
        "why": tried.why,
    }  # fmt: skip


def _judgement(judged: Judgement | None) -> dict[str, object] | None:
    if judged is None:
        return None
    interval = judged.difference
    return {
        "nonces": list(judged.nonces),
        "qualities": list(judged.qualities),
        "own_qualities": list(judged.own_qualities),
        "difference": interval.mean,
        "difference_low": interval.low if interval.is_known else None,
        "difference_high": interval.high if interval.is_known else None,
        "wins": judged.wins,
        "ties": judged.ties,
        "losses": judged.losses,
    }
