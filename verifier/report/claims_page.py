"""The page about claims and verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from protocol.verdict import Outcome
from verifier.challenge.quality import qualifies
from verifier.report.claim_facts import ClaimFacts, VerdictFacts
from verifier.report.claims_table import Row, attached_verdicts, claims_table, joined
from verifier.report.content import ON_DESKTOPS, ON_TABLETS, Choices, Column, Fact, Facts, Form, Page, Remarks, Table
from verifier.report.loss_blocks import LossBlocks
from verifier.report.quality_histogram import quality_histogram

_MOST_NAMED: Final = 50
"""Failures that are named on top; all rejections are in the table."""
_MOST_TASKS: Final = 50
_NOT_SIGNED: Final = "A log of verdicts is not signed: its lines are as they were left."
_CHECKED: Final = (
    "The signature of every claim was checked, and holds for the key that is named as its signer. Whose key that is, "
    "and whether the claim is true, does not follow from that."
)


@dataclass(frozen=True)
class Failures:
    """What there is no row of: the name of a file or a nonce, and why."""

    title: str
    lines: Sequence[str]
    number: int


@dataclass(frozen=True)
class Evidence:
    """What a page about claims is made of."""

    where: str
    """The folders or files, for people."""
    claims: Sequence[ClaimFacts]
    losses: LossBlocks
    logged: Sequence[VerdictFacts]
    failures: Sequence[Failures]
    seconds: Mapping[str, float]
    """Of trainings, by the digests of the claims' files."""


def claims_page(evidence: Evidence, made: Sequence[Facts]) -> Page:
    """The page of at least one claim, verdict or failure."""
    rows = joined(evidence.claims, evidence.logged)
    table = claims_table(rows, evidence.seconds)
    groups = _by_task(table, rows)
    qualities = {name: [row.quality for row in group if row.quality is not None] for name, group in groups.items()}
    return Page(
        title=_title(len(evidence.claims), len(rows)),
        lead="; ".join([evidence.where, *_told(groups, evidence.claims)]),
        figures=_figures(rows, evidence),
        problems=[*_rejected(rows), *map(_problems, evidence.failures)],
        charts=[quality_histogram(qualities)] if any(qualities.values()) else [],
        summaries=[_summary(groups)] if len(groups) > 1 else [],
        table=table,
        attached=attached_verdicts(rows),
        made=[*made, *_signatures(evidence)],
        losses=evidence.losses,
    )


def _title(claims: int, rows: int) -> str:
    number, noun = (claims, "claim") if claims else (rows, "verdict")
    return "No claim" if number == 0 else f"{number:,} {noun}" + ("" if number == 1 else "s")


def _by_task(table: Table, rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of each task, the most frequent task first; those without one are apart."""
    column = next((column for column in table.columns if column.name == "task"), None)
    if not isinstance(column, Choices):
        return {"": list(rows)}
    groups: dict[str, list[Row]] = {}
    for row, place in zip(rows, column.values, strict=True):
        label = "of the log alone" if place is None else column.choices[place].label
        groups.setdefault(label, []).append(row)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def _told(groups: Mapping[str, Sequence[Row]], claims: Sequence[ClaimFacts]) -> list[str]:
    """The task, if all claims have one, and the editions."""
    editions = sorted({claim.task.edition for claim in claims})
    return [*(groups if len(groups) == 1 and claims else ()), ", ".join(editions)] if claims else []


def _figures(rows: Sequence[Row], evidence: Evidence) -> list[Fact]:
    claims = evidence.claims
    qualities = [row.quality for row in rows if row.quality is not None]
    copies = len(claims) - len({claim.digest for claim in claims})
    figures = [Fact("claims", len(claims), Form.INTEGER, _note(copies, "copies among them"))] if claims else []
    if qualities:
        above = sum(map(qualifies, qualities))
        figures += [
            Fact("qualify", above / len(qualities), Form.SHARE, f"{above:,} of {len(qualities):,}"),
            Fact("best quality", max(qualities), Form.QUALITY),
            Fact("median quality", round(median(qualities)), Form.QUALITY),
        ]
    if claims:
        figures += [
            Fact("median epochs", round(median(claim.epochs for claim in claims)), Form.INTEGER),
            Fact("median fuel", round(median(claim.fuel_used for claim in claims)), Form.LARGE),
        ]
    if evidence.seconds:
        times = list(evidence.seconds.values())
        figures.append(Fact("training time", sum(times), Form.SECONDS, f"median {median(times):,.3g} s"))
    return [*figures, *_verdict_figures(rows), *(_failed(each) for each in evidence.failures)]


def _note(number: int, text: str) -> str:
    return f"{number:,} {text}" if number else ""


def _failed(failures: Failures) -> Fact:
    return Fact(failures.title.lower(), failures.number, Form.INTEGER)


def _verdict_figures(rows: Sequence[Row]) -> list[Fact]:
    outcomes = Counter(row.outcome for row in rows)
    if outcomes.keys() <= {None}:
        return []
    counted = [(str(outcome), outcomes[str(outcome)]) for outcome in Outcome] + [("without verdict", outcomes[None])]
    return [Fact(name, number, Form.INTEGER) for name, number in counted if number]


def _rejected(rows: Sequence[Row]) -> list[Remarks]:
    """The rejections, by reason, the most frequent one first."""
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        if (verdict := row.verdict) is not None and verdict.outcome == Outcome.REJECTED:
            by_reason.setdefault(verdict.reason, []).append(f"{row.name}: {verdict.detail}")
    ordered = sorted(by_reason.items(), key=lambda entry: -len(entry[1]))
    return [_problems(Failures(f"Rejected ({reason})", lines, len(lines))) for reason, lines in ordered]


def _problems(failures: Failures) -> Remarks:
    shown = failures.lines[:_MOST_NAMED]
    return Remarks(f"{failures.title}: {failures.number:,}", shown, len(failures.lines) - len(shown))


def _summary(groups: Mapping[str, Sequence[Row]]) -> Table:
    """One line for each task."""
    shown = list(groups.items())[:_MOST_TASKS]
    columns = [Column("task", Form.TEXT, [name for name, _ in shown])]
    columns.append(Column("claims", Form.INTEGER, [len(group) for _, group in shown]))
    qualities = [[row.quality for row in group if row.quality is not None] for _, group in shown]
    shares = [sum(map(qualifies, each)) / len(each) if each else None for each in qualities]
    claims = [[row.claim for row in group if row.claim is not None] for _, group in shown]
    columns += [
        Column("qualify", Form.SHARE, shares),
        Column("best quality", Form.QUALITY, [max(each, default=None) for each in qualities]),
        Column("median quality", Form.QUALITY, [round(median(each)) if each else None for each in qualities]),
        Column("median epochs", Form.INTEGER, [_median(each, "epochs") for each in claims], ON_TABLETS),
        Column("median fuel", Form.LARGE, [_median(each, "fuel_used") for each in claims], ON_DESKTOPS),
    ]
    left = len(groups) - len(shown)
    return Table("Tasks", columns, note=_note(left, "more have fewer claims."))


def _median(claims: Sequence[ClaimFacts], name: str) -> int | None:
    return round(median(getattr(claim, name) for claim in claims)) if claims else None


def _signatures(evidence: Evidence) -> list[Facts]:
    facts = []
    if evidence.claims:
        facts.append(Fact("claims", _CHECKED))
    signed = sum(claim.verdict is not None for claim in evidence.claims)
    if signed:
        facts.append(Fact("verdicts", f"{signed:,} were signed, and their signatures hold, each for the key named."))
    if evidence.logged:
        facts.append(Fact("log", _NOT_SIGNED))
    return [Facts("Signatures", facts)] if facts else []
