"""A comparison of optimisers on one track as tables, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from verifier.command_line.options.candidates import Candidate
from verifier.command_line.options.instance_options import Instances
from verifier.command_line.options.nonces_option import reasons_text
from verifier.command_line.terminal import json_text
from verifier.command_line.text_table import number_text, text_table
from verifier.experiments.comparison import Comparison
from verifier.experiments.statistics import CONFIDENCE

_FEW: Final = 10
"""Nonces below which an interval leans on the normal distribution of the differences."""
_TEXTS: Final = ("optimiser", "ended by")
"""Columns that are no numbers."""


@dataclass(frozen=True)
class NoResult:
    """A nonce on which a candidate has no result."""

    nonce: int
    why: str
    is_lost: bool
    """Whether a process or the machine failed, and not the module."""


@dataclass(frozen=True)
class ComparedTrack:
    """The comparison of all candidates on one track."""

    instances: Instances
    candidates: Sequence[Candidate]
    comparisons: Sequence[Comparison]
    """One of each candidate, in the same order."""
    without: Sequence[Sequence[NoResult]]
    """By candidate, the nonces that it has no result of."""

    @property
    def title(self) -> str:
        """The track and its edition."""
        return f"{self.instances.track.id}, {self.instances.track.edition.name}"


def as_tables(compared: ComparedTrack) -> list[str]:
    """For a terminal: who is better, how they trained, and what is to be known about both."""
    first = compared.comparisons[0]
    return [
        f"{compared.title}: {_nonces(first.nonces)}, {first.solvable} of them solvable",
        "",
        *text_table(_without_empty(list(map(_figures, compared.comparisons))), _TEXTS),
        "",
        *text_table(_without_empty(list(map(_training, compared.comparisons))), _TEXTS),
        "",
        *_notes(compared),
    ]


def as_page_tables(tracks: Sequence[ComparedTrack]) -> list[list[dict[str, str]]]:
    """For a page: who is better, and how they trained, on all tracks."""
    names = [track.instances.track.id if len(tracks) > 1 else "" for track in tracks]
    every = [(name, each) for name, track in zip(names, tracks, strict=True) for each in track.comparisons]
    return [
        _without_empty([{"track": name, **columns(each)} for name, each in every]) for columns in (_figures, _training)
    ]


def as_json(compared: ComparedTrack) -> list[str]:
    """An object for each candidate; figures are means, and qualities whole numbers in units of 1e-6."""
    return [
        json_text({**_identity(compared.instances, candidate), **_means(each), "failed": _failed(without)})
        for candidate, each, without in zip(compared.candidates, compared.comparisons, compared.without, strict=True)
    ]


def _figures(each: Comparison) -> dict[str, str]:
    """How good an optimiser is, beside the first one."""
    paired = each.difference is not None
    return {
        "optimiser": each.name,
        "nonces": f"{len(each.runs)}/{each.nonces}" if each.missing else "",
        "quality": _text(each.quality, "{:,.0f}"),
        "below baseline": _text(each.below_baseline, "{:,.0f}"),
        "difference": _text(each.mean_difference, "{:+,.0f}"),
        f"{CONFIDENCE:.0%} interval": _interval(each),
        "won-tied-lost": f"{each.wins}-{each.ties}-{each.losses}" if paired else "",
        "qualified": f"{each.qualified}/{each.solvable}",
        "excess": _text(each.excess, "{:.3f}"),
    }


def _training(each: Comparison) -> dict[str, str]:
    """How it trained."""
    return {
        "optimiser": each.name,
        "epochs": _text(each.epochs, "{:.1f}"),
        "best epoch": _text(each.best_epoch, "{:.1f}"),
        "training loss": _text(each.train_loss, "{:#.3g}"),
        "validation loss": _text(each.validation_loss, "{:#.3g}"),
        "test loss": _text(each.test_loss, "{:#.3g}"),
        "fuel": "" if each.fuel_used is None else number_text(each.fuel_used),
        "seconds": _text(each.seconds, "{:,.1f}"),
        "ended by": _reasons(each),
    }


def _text(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def _interval(each: Comparison) -> str:
    if each.difference is None:
        return ""
    if not each.difference.is_known:
        return "unknown"
    return f"{each.difference.low:+,.0f} to {each.difference.high:+,.0f}"


def _reasons(each: Comparison) -> str:
    """Why trainings ended; how many of each, if not all alike."""
    reasons = each.stop_reasons
    return ", ".join(reasons if len(reasons) == 1 else (f"{reason} {count}" for reason, count in reasons.items()))


def _without_empty(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The rows without the columns that have nothing in any."""
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    return [{name: row[name] for name in names} for row in rows]


def _notes(compared: ComparedTrack) -> list[str]:
    first, *others = compared.comparisons
    notes = [
        "Means; quality and difference in units of 10⁻⁶, losses of the best epoch.",
        "Below baseline: what the quality lacks to that of kernel regression, on the same test points.",
        "Qualified and excess, which is (loss - floor) / threshold, are of solvable nonces.",
    ]
    if others:
        notes.append(f"Differences are to {first.name}, nonce by nonce.")
        pairs = [len(each.differences) for each in others if each.differences]
        if pairs and min(pairs) < _FEW:
            are = "is" if min(pairs) == 1 else "are"
            notes.append(f"{_nonces(min(pairs))} {are} few: an interval from fewer than {_FEW} is rough.")
    return [*notes, *_told_of_missing(compared)]


def _told_of_missing(compared: ComparedTrack) -> list[str]:
    """What follows from nonces without a result, and why there is none."""
    if not any(each.missing for each in compared.comparisons):
        return []
    lines = ["", "A nonce without a result is in no mean and has not qualified: who fails on hard ones looks too good."]
    for each, without in zip(compared.comparisons, compared.without, strict=True):
        told = [f"a result of {len(each.runs)} of {_nonces(each.nonces)}"] if each.missing else []
        if each is not compared.comparisons[0] and len(each.differences) < each.nonces:
            told.append(f"compared on the {len(each.differences)} that both have" if each.differences
                        else "compared on none, as there is none that both have")  # fmt: skip
        if told:
            lines.append(f"{each.name}: {', '.join(told)}")
        whys = {no.nonce: f"{'undetermined: ' if no.is_lost else ''}{no.why}" for no in without}
        lines += [f"  {line}" for line in reasons_text(whys)]
    return lines


def _nonces(number: int) -> str:
    return f"{number:,} nonce" if number == 1 else f"{number:,} nonces"


def _identity(instances: Instances, candidate: Candidate) -> dict[str, object]:
    return {
        "edition": instances.track.edition.name,
        "track": instances.track.id,
        "file": str(candidate.path),
        "optimiser": candidate.name,
        "optimiser_digest": candidate.module.digest.hex(),
        "hyperparameters": dict(candidate.hyperparameters),
    }


def _means(each: Comparison) -> dict[str, object]:
    interval = each.difference
    ends = (interval.low, interval.high) if interval is not None and interval.is_known else (None, None)
    return {
        "nonces": each.nonces,
        "results": len(each.runs),
        "quality": _whole(each.quality),
        "below_baseline": _whole(each.below_baseline),
        "difference": _whole(each.mean_difference),
        "difference_low": _whole(ends[0]),
        "difference_high": _whole(ends[1]),
        "wins": each.wins,
        "ties": each.ties,
        "losses": each.losses,
        "solvable": each.solvable,
        "qualified": each.qualified,
        "excess": each.excess,
        "epochs": each.epochs,
        "best_epoch": each.best_epoch,
        "stop_reasons": dict(each.stop_reasons),
        "train_loss": each.train_loss,
        "validation_loss": each.validation_loss,
        "test_loss": each.test_loss if each.test_loss is not None and math.isfinite(each.test_loss) else None,
        "fuel_used": _whole(each.fuel_used),
        "seconds": each.seconds,
    }


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _failed(without: Sequence[NoResult]) -> list[dict[str, object]]:
    return [{"nonce": no.nonce, "why": no.why, "lost": no.is_lost} for no in without]
