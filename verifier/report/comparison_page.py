"""The page about comparisons of optimisers, nonce by nonce: each beside the best one.

That is the one with the best mean quality, of those with the most results.
The table of `compare --out` does not say which optimiser its call named first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final

from verifier.challenge.hyperparameters import Hyperparameters
from verifier.challenge.quality import qualifies
from verifier.experiments.comparison import Comparison, Run, compare
from verifier.experiments.comparison_trials import Row, TrialKey
from verifier.experiments.statistics import CONFIDENCE, Interval
from verifier.report.content import (
    ALWAYS,
    IN_DETAIL,
    ON_DESKTOPS,
    ON_TABLETS,
    Choices,
    Column,
    Dots,
    Fact,
    Facts,
    Form,
    Page,
    Remarks,
    Spread,
    Table,
    Value,
)
from verifier.report.labels import distinct
from verifier.report.loss_blocks import LossBlocks, deflated, kept_epochs

_PAIRED: Final = (
    f"Differences are taken nonce by nonce, to the best optimiser; bars are {CONFIDENCE:.0%} "
    "confidence intervals of their means (Student's, each for itself)."
)
_SOLVABLE: Final = (
    "Qualified and excess, which is (loss - floor) / threshold, are of solvable nonces: those whose floor leaves room "
    "below the threshold."
)
_BELOW: Final = "Below baseline is what the quality lacks to that of kernel regression, on the same test points."
_FEW: Final = 3
"""Contests that the head of the page names."""


@dataclass(frozen=True)
class _Contest:
    """The trainings of one task but for module and hyperparameters, so that they can be compared."""

    title: str
    """Its track and edition."""
    where: str
    """The same, as the end of a heading, if there are several contests."""
    rows: Mapping[str, Sequence[Row]]
    """By optimiser, in the order of the comparisons."""
    comparisons: Sequence[Comparison]
    """Those with the most results first, and among them the best one."""

    @property
    def is_whole(self) -> bool:
        """Whether every optimiser has a result of every nonce."""
        return not any(each.missing for each in self.comparisons)


def comparison_page(where: str, rows: Iterable[Row], made: Sequence[Facts]) -> Page:
    """The page of at least one training. Raises InputError for results that contradict each other."""
    contests = _contests(rows)
    known = [row for contest in contests for its in contest.rows.values() for row in its]
    optimisers = {_optimiser(row.training) for row in known}
    nonces = {(_place(row.training), row.training.nonce) for row in known}
    best = contests[0].comparisons[:1] if len(contests) == 1 and contests[0].is_whole else []
    points = kept_epochs(len(known))
    return Page(
        title=f"{len(optimisers):,} optimiser{'' if len(optimisers) == 1 else 's'} on {_nonces(len(nonces))}",
        lead="; ".join([where, *(contest.title for contest in contests[:_FEW])]),
        figures=[
            Fact("trainings", len(known), Form.INTEGER),
            Fact("optimisers", len(optimisers), Form.INTEGER),
            Fact("nonces", len(nonces), Form.INTEGER),
            *(Fact("best mean quality", _rounded(each.quality), Form.QUALITY, each.name) for each in best),
            Fact("training time", sum(row.run.seconds for row in known), Form.SECONDS),
        ],
        problems=[
            Remarks(f"Not on all nonces{contest.where}", list(_gaps(contest)))
            for contest in contests if not contest.is_whole
        ],
        charts=[chart for contest in contests for chart in _charts(contest)],
        summaries=list(map(_summary, contests)),
        table=_table(contests),
        made=made,
        losses=LossBlocks(points, [len(known)], [deflated(map(_losses, known), points)]),
    )  # fmt: skip


def _losses(row: Row) -> tuple[Sequence[float], Sequence[float]]:
    return row.run.train_losses, row.run.validation_losses


def _nonces(number: int) -> str:
    return f"{number:,} nonce" if number == 1 else f"{number:,} nonces"


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)


def _place(training: TrialKey) -> TrialKey:
    """The same for all trainings that can be compared."""
    return replace(training, optimiser_digest="", hyperparameters=Hyperparameters(), nonce=0)


def _optimiser(training: TrialKey) -> tuple[str, Hyperparameters]:
    """The same for all trainings that are compared as one optimiser's."""
    return training.optimiser_digest, training.hyperparameters


def _contests(rows: Iterable[Row]) -> list[_Contest]:
    places: dict[TrialKey, dict[tuple[str, Hyperparameters], list[Row]]] = {}
    for row in rows:
        places.setdefault(_place(row.training), {}).setdefault(_optimiser(row.training), []).append(row)
    titles = distinct(f"{place.settings.track_id}, {place.edition}" for place in places)
    where = [f": {title}" for title in titles] if len(titles) > 1 else [""]
    return list(map(_contest, titles, where, (list(its.values()) for its in places.values())))


def _contest(title: str, where: str, groups: Sequence[Sequence[Row]]) -> _Contest:
    names = distinct(_name(group[0]) for group in groups)
    ordered = dict(sorted(zip(names, groups, strict=True), key=lambda named: _goodness(named[1]), reverse=True))
    return _Contest(
        title=title,
        where=where,
        rows=ordered,
        comparisons=compare({name: [row.run for row in group] for name, group in ordered.items()}),
    )


def _goodness(rows: Sequence[Row]) -> tuple[int, float]:
    """Who has more results is before others, whose means leave nonces out; then the mean quality."""
    return len(rows), fmean(row.run.quality for row in rows)


def _name(row: Row) -> str:
    return f"{row.optimiser.removesuffix('.py')} {row.training.hyperparameters}".rstrip()


def _gaps(contest: _Contest) -> Iterator[str]:
    """What follows from nonces that not all have a result of."""
    first, *others = contest.comparisons
    if first.missing:
        yield f"{first.name}: {len(first.runs):,} of {_nonces(first.nonces)}; its means are over these"
    for each in others:
        shared = len(each.differences)
        if shared < each.nonces:
            over = f"the {shared:,} that {first.name} has too" if shared else f"none, as {first.name} has none of them"
            yield f"{each.name}: {len(each.runs):,} of {_nonces(each.nonces)}; its difference is over {over}"


def _charts(contest: _Contest) -> list[Spread]:
    first = contest.comparisons[0]
    paired = [(each, each.difference) for each in contest.comparisons if each.difference is not None]
    qualities = Spread(
        title=f"Quality of each training{contest.where}",
        summary=_told(f"mean {each.quality:,.0f} of {each.name}" for each in contest.comparisons),
        axis="quality (10⁻⁶)",
        rows=[
            _dots(each.name, {nonce: run.quality for nonce, run in each.runs.items()}) for each in contest.comparisons
        ],
        mark=0,
        mark_label="qualifies above 0",
        guide=round(fmean(run.baseline_quality for each in contest.comparisons for run in each.runs.values())),
        guide_label="baseline in the mean",
    )
    if not paired:
        return [qualities]
    differences = Spread(
        title=f"Difference to {first.name}, nonce by nonce{contest.where}",
        summary=_told(
            f"{each.name} {interval.mean:+,.0f}" + (f" ({_ends(interval)})" if interval.is_known else "")
            for each, interval in paired
        ),
        axis="difference in quality (10⁻⁶)",
        rows=[_dots(each.name, each.differences, interval) for each, interval in paired],
        mark=0,
        mark_label=f"as good as {first.name}",
        note=_PAIRED,
    )
    return [qualities, differences]


def _told(texts: Iterable[str]) -> str:
    return "; ".join(texts)


def _ends(interval: Interval) -> str:
    return f"{interval.low:+,.0f} to {interval.high:+,.0f}".replace("-", "\N{MINUS SIGN}")


def _dots(name: str, values: Mapping[int, int], interval: Interval | None = None) -> Dots:
    nonces = sorted(values)
    ends = (interval.low, interval.high) if interval is not None and interval.is_known else (None, None)
    return Dots(
        name=name,
        labels=[str(nonce) for nonce in nonces],
        values=[values[nonce] for nonce in nonces],
        mean=fmean(values.values()),
        low=ends[0],
        high=ends[1],
    )


def _summary(contest: _Contest) -> Table:
    all_of, first = contest.comparisons, contest.comparisons[0]

    def column(name: str, form: Form, value: Callable[[Comparison], Value], rank: int = ON_TABLETS) -> Column:
        return Column(name, form, list(map(value, all_of)), rank)

    columns = [
        Column("optimiser", Form.TEXT, [each.name for each in all_of]),
        column("nonces", Form.TEXT, lambda each: f"{len(each.runs):,} of {each.nonces:,}" if each.missing else None),
        column("quality", Form.QUALITY, lambda each: _rounded(each.quality), ALWAYS),
        column("below baseline", Form.QUALITY, lambda each: _rounded(each.below_baseline)),
        column("difference", Form.QUALITY, lambda each: _rounded(each.mean_difference)),
        column(f"{CONFIDENCE:.0%} interval", Form.TEXT,
               lambda each: _ends(each.difference) if each.difference and each.difference.is_known else None),
        column("won-tied-lost", Form.TEXT,
               lambda each: f"{each.wins}-{each.ties}-{each.losses}" if each.difference else None),
        column("qualified", Form.TEXT, lambda each: f"{each.qualified} of {each.solvable}"),
        column("excess", Form.LOSS, lambda each: each.excess),
        column("epochs", Form.INTEGER, lambda each: _rounded(each.epochs), ON_DESKTOPS),
        column("test loss", Form.LOSS, lambda each: _finite(each.test_loss), ON_DESKTOPS),
        column("fuel", Form.LARGE, lambda each: _rounded(each.fuel_used), ON_DESKTOPS),
        column("time", Form.SECONDS, lambda each: each.seconds, ON_DESKTOPS),
        column("ended by", Form.TEXT, _reasons, ON_DESKTOPS),
    ]  # fmt: skip
    whole = [column for column in columns if any(value is not None for value in column.values)]
    notes = [f"Differences are to {first.name}, nonce by nonce."] if len(all_of) > 1 else []
    return Table(
        f"Means over {_nonces(first.nonces)}{contest.where}", whole, note=" ".join([*notes, _BELOW, _SOLVABLE])
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _reasons(each: Comparison) -> str:
    """Why trainings ended; how many of each, if not all alike."""
    reasons = each.stop_reasons
    return ", ".join(reasons if len(reasons) == 1 else (f"{count} {reason}" for reason, count in reasons.items()))


def _table(contests: Sequence[_Contest]) -> Table:
    known = [(contest, name, row) for contest in contests for name, its in contest.rows.items() for row in its]
    runs = [row.run for _, _, row in known]

    def column(name: str, form: Form, value: Callable[[Run], Value], rank: int) -> Column:
        return Column(name, form, list(map(value, runs)), rank)

    reasons = [run.stop_reason for run in runs]
    contest_rank = ON_TABLETS if len(contests) > 1 else IN_DETAIL
    return Table(
        "Trainings",
        [
            Column("training", Form.TEXT, [f"{name}, nonce {row.run.nonce}" for _, name, row in known]),
            Choices.of("optimiser", [name for _, name, _ in known], ON_TABLETS),
            Choices.of("task", [contest.title for contest, _, _ in known], contest_rank),
            column("nonce", Form.INTEGER, lambda run: run.nonce, ON_TABLETS),
            column("quality", Form.QUALITY, lambda run: run.quality, ALWAYS),
            Column("difference", Form.QUALITY, [_difference(*each) for each in known]),
            Choices.of("qualifies", ["yes" if qualifies(run.quality) else "no" for run in runs], ON_TABLETS),
            Choices.of("solvable", ["yes" if run.is_solvable else "no" for run in runs], ON_DESKTOPS),
            column("excess", Form.LOSS, lambda run: run.excess, ON_DESKTOPS),
            column("epochs", Form.INTEGER, lambda run: run.epochs, ON_TABLETS),
            column("best epoch", Form.INTEGER, lambda run: run.best_epoch, IN_DETAIL),
            column("training loss", Form.LOSS, lambda run: _of_best(run, run.train_losses), IN_DETAIL),
            column("validation loss", Form.LOSS, lambda run: _of_best(run, run.validation_losses), IN_DETAIL),
            column("test loss", Form.LOSS, lambda run: run.test_loss, IN_DETAIL),
            Choices.of("ended by", reasons, ON_DESKTOPS if len(set(reasons)) > 1 else IN_DETAIL),
            column("fuel", Form.LARGE, lambda run: run.fuel_used, ON_DESKTOPS),
            column("time", Form.SECONDS, lambda run: run.seconds, ON_DESKTOPS),
            column("baseline", Form.LOSS, lambda run: run.baseline_loss, IN_DETAIL),
            column("threshold", Form.LOSS, lambda run: run.threshold, IN_DETAIL),
            column("floor", Form.LOSS, lambda run: run.floor, IN_DETAIL),
            Column("hyperparameters", Form.TEXT, [str(row.training.hyperparameters) or None for _, _, row in known],
                   IN_DETAIL),
            Column("module", Form.CODE, [row.training.optimiser_digest for _, _, row in known], IN_DETAIL),
        ],
        note="The difference is to the best optimiser of its task, on the same nonce.",
        has_detail=True,
    )  # fmt: skip


def _of_best(run: Run, losses: Sequence[float]) -> float | None:
    return losses[run.best_epoch - 1] if run.best_epoch else None


def _difference(contest: _Contest, name: str, row: Row) -> int | None:
    """To the first one's quality of the nonce; None for the first one, and where the nonce has no partner."""
    mine = next((each for each in contest.comparisons[1:] if each.name == name), None)
    return mine.differences.get(row.run.nonce) if mine else None
