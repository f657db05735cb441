"""The page about comparisons of optimisers, nonce by nonce: each beside the one with the best mean quality.

The table of `compare --out` does not say which optimiser its call named first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final

from verifier.challenge.quality import qualifies
from verifier.experiments.comparison import Comparison, Run, compare
from verifier.experiments.comparison_trials import Row, TrialKey
from verifier.experiments.statistics import CONFIDENCE
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

_PAIRED: Final = (
    f"Differences are taken nonce by nonce, to the optimiser with the best mean quality; bars are {CONFIDENCE:.0%} "
    "confidence intervals of their means (Student's, each for itself)."
)
_SOLVABLE: Final = (
    "Qualified and excess, which is (loss - floor) / threshold, are of solvable nonces: those whose floor leaves room "
    "below the threshold."
)
_FEW: Final = 3
"""Contests that the head of the page names."""


@dataclass(frozen=True)
class _Contest:
    """The trainings of one task but for the module, so that they can be compared."""

    title: str
    """Its track and edition."""
    where: str
    """The same, as the end of a heading, if there are several contests."""
    rows: Mapping[str, Sequence[Row]]
    """By optimiser."""
    comparisons: Sequence[Comparison]
    """Over the nonces that all have; the best mean quality first. Empty if there is no such nonce."""
    left_out: Sequence[str]
    """What has no partner."""


def comparison_page(where: str, rows: Iterable[Row], made: Sequence[Facts]) -> Page:
    """The page of at least one training. Raises InputError for results that contradict each other."""
    contests = _contests(rows)
    known = [row for contest in contests for its in contest.rows.values() for row in its]
    optimisers = {row.training.optimiser_digest for row in known}
    nonces = {(_place(row.training), row.training.nonce) for row in known}
    best = [contest.comparisons[0] for contest in contests if contest.comparisons] if len(contests) == 1 else []
    return Page(
        title=f"{len(optimisers):,} optimisers on {_nonces(len(nonces))}",
        lead="; ".join([where, *(contest.title for contest in contests[:_FEW])]),
        figures=[
            Fact("trainings", len(known), Form.INTEGER),
            Fact("optimisers", len(optimisers), Form.INTEGER),
            Fact("nonces", len(nonces), Form.INTEGER),
            *(Fact("best mean quality", round(each.quality), Form.QUALITY, each.name) for each in best[:1]),
            Fact("training time", sum(row.run.seconds for row in known), Form.SECONDS),
        ],
        problems=[
            Remarks(f"Without a partner{contest.where}", contest.left_out) for contest in contests if contest.left_out
        ],
        charts=[chart for contest in contests for chart in _charts(contest)],
        summaries=[_summary(contest) for contest in contests if contest.comparisons],
        table=_table(contests),
        made=made,
    )


def _nonces(number: int) -> str:
    return f"{number:,} nonce" if number == 1 else f"{number:,} nonces"


def _place(training: TrialKey) -> TrialKey:
    """The same for all trainings that can be compared."""
    return replace(training, optimiser_digest="", nonce=0)


def _contests(rows: Iterable[Row]) -> list[_Contest]:
    places: dict[TrialKey, dict[str, list[Row]]] = {}
    for row in rows:
        places.setdefault(_place(row.training), {}).setdefault(row.training.optimiser_digest, []).append(row)
    titles = distinct(f"{place.settings.track_id}, {place.edition}" for place in places)
    where = [f": {title}" for title in titles] if len(titles) > 1 else [""]
    return list(map(_contest, titles, where, (list(its.values()) for its in places.values())))


def _contest(title: str, where: str, groups: Sequence[Sequence[Row]]) -> _Contest:
    names = distinct(group[0].name.removesuffix(".py") for group in groups)
    rows = dict(zip(names, groups, strict=True))
    shared = set.intersection(*({row.run.nonce for row in group} for group in groups))
    runs = {name: [row.run for row in group if row.run.nonce in shared] for name, group in rows.items()}
    ordered = sorted(runs, key=lambda name: -fmean(run.quality for run in runs[name])) if shared else []
    alone = {name: sum(row.run.nonce not in shared for row in group) for name, group in rows.items()}
    return _Contest(
        title=title,
        where=where,
        rows={name: rows[name] for name in ordered or names},
        comparisons=compare({name: runs[name] for name in ordered}) if ordered else [],
        left_out=[f"{name}: {count} of {len(rows[name])} nonces" for name, count in alone.items() if count],
    )


def _charts(contest: _Contest) -> list[Spread]:
    if not contest.comparisons:
        return []
    first, *others = contest.comparisons
    qualities = Spread(
        title=f"Quality of each training{contest.where}",
        summary=_told(f"mean {each.quality:,.0f} of {each.name}" for each in contest.comparisons),
        axis="quality (10⁻⁶)",
        rows=[_dots(each, {nonce: run.quality for nonce, run in each.runs.items()}) for each in contest.comparisons],
        mark=0,
        mark_label="qualifies above 0",
    )
    if not others:
        return [qualities]
    differences = Spread(
        title=f"Difference to {first.name}, nonce by nonce{contest.where}",
        summary=_told(
            f"{each.name} {each.difference.mean:+,.0f}" + (f" ({_ends(each)})" if each.difference.is_known else "")
            for each in others
        ),
        axis="difference in quality (10⁻⁶)",
        rows=[_dots(each, each.differences, has_interval=True) for each in others],
        mark=0,
        mark_label=f"as good as {first.name}",
        note=_PAIRED,
    )
    return [qualities, differences]


def _told(texts: Iterable[str]) -> str:
    return "; ".join(texts)


def _ends(each: Comparison) -> str:
    return f"{each.difference.low:+,.0f} to {each.difference.high:+,.0f}".replace("-", "\N{MINUS SIGN}")


def _dots(each: Comparison, values: Mapping[int, int], has_interval: bool = False) -> Dots:
    nonces = sorted(values)
    low, high = (
        (each.difference.low, each.difference.high) if has_interval and each.difference.is_known else (None, None)
    )
    return Dots(
        name=each.name,
        labels=[str(nonce) for nonce in nonces],
        values=[values[nonce] for nonce in nonces],
        mean=fmean(values.values()),
        low=low,
        high=high,
    )


def _summary(contest: _Contest) -> Table:
    all_of, first = contest.comparisons, contest.comparisons[0]

    def column(name: str, form: Form, value: Callable[[Comparison], Value], rank: int = ON_TABLETS) -> Column:
        return Column(name, form, list(map(value, all_of)), rank)

    return Table(
        f"Means over {_nonces(len(first.runs))}{contest.where}",
        [
            Column("optimiser", Form.TEXT, [each.name for each in all_of]),
            column("quality", Form.QUALITY, lambda each: round(each.quality), ALWAYS),
            column(f"less {first.name}'s", Form.QUALITY,
                   lambda each: None if each is first else round(each.difference.mean)),
            column(f"{CONFIDENCE:.0%} interval", Form.TEXT,
                   lambda each: _ends(each) if each.difference.is_known else None),
            column("won-tied-lost", Form.TEXT,
                   lambda each: None if each is first else f"{each.wins}-{each.ties}-{each.losses}"),
            column("qualified", Form.TEXT, lambda each: f"{each.qualified} of {each.solvable}"),
            column("excess", Form.LOSS, lambda each: each.excess),
            column("epochs", Form.INTEGER, lambda each: round(each.epochs), ON_DESKTOPS),
            column("fuel", Form.LARGE, lambda each: round(each.fuel_used), ON_DESKTOPS),
            column("time", Form.SECONDS, lambda each: each.seconds, ON_DESKTOPS),
        ],
        note=_SOLVABLE,
    )  # fmt: skip


def _table(contests: Sequence[_Contest]) -> Table:
    known = [(contest, name, row) for contest in contests for name, its in contest.rows.items() for row in its]
    runs = [row.run for _, _, row in known]

    def column(name: str, form: Form, value: Callable[[Run], Value], rank: int) -> Column:
        return Column(name, form, list(map(value, runs)), rank)

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
            column("fuel", Form.LARGE, lambda run: run.fuel_used, ON_DESKTOPS),
            column("time", Form.SECONDS, lambda run: run.seconds, ON_DESKTOPS),
            column("threshold", Form.LOSS, lambda run: run.threshold, IN_DETAIL),
            column("floor", Form.LOSS, lambda run: run.floor, IN_DETAIL),
            Column("module", Form.CODE, [row.training.optimiser_digest for _, _, row in known], IN_DETAIL),
        ],
        note="The difference is to the optimiser with the best mean quality of its task, on the same nonce.",
        has_detail=True,
    )


def _difference(contest: _Contest, name: str, row: Row) -> int | None:
    """To the first one's quality of the nonce; None for the first one, and where the nonce has no partner."""
    mine = next((each for each in contest.comparisons[1:] if each.name == name), None)
    return mine.differences.get(row.run.nonce) if mine else None
