"""The table of claims, each with its verdicts; a claim that is known from a log of verdicts alone is a row too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import Final

from protocol.canonical_msgpack import Scalar
from protocol.keys import VerifyKey
from protocol.verdict import Level, Outcome
from verifier.challenge.quality import UNIT, qualifies
from verifier.report.claim_facts import ClaimFacts, VerdictFacts
from verifier.report.content import (
    ALWAYS,
    IN_DETAIL,
    ON_DESKTOPS,
    ON_TABLETS,
    Attached,
    Choice,
    Choices,
    Column,
    Fact,
    Form,
    Table,
    Value,
)
from verifier.report.tasks import task_choices

_MOST_MEASURED: Final = 40
"""Names of measured values that are shown: a stranger can write any number of them."""


@dataclass(frozen=True)
class Row:
    """A claim with its verdicts, or, where the claim is not there, verdicts that are about one."""

    claim: ClaimFacts | None
    verdicts: Sequence[VerdictFacts]

    @property
    def name(self) -> str:
        """Of the claim's file."""
        if self.claim is not None:
            return self.claim.name
        path = PurePath(self.verdicts[0].claim_file)
        return path.name.removesuffix(".claim")

    @property
    def quality(self) -> int | None:
        """The claimed one, or where the claim is not there the measured one."""
        if self.claim is not None:
            return self.claim.quality
        measured = (verdict.measured.get("quality") for verdict in self.verdicts)
        return next((quality for quality in measured if type(quality) is int), None)

    @cached_property
    def verdict(self) -> VerdictFacts | None:
        """The one that counts: a rejection, else the deepest acceptance, else what is there."""

        def weight(verdict: VerdictFacts) -> tuple[int, int]:
            return _WEIGHTS.index(verdict.outcome), _LEVELS.index(verdict.level)

        return max(self.verdicts, key=weight, default=None)

    @property
    def outcome(self) -> str | None:
        """Of the verdict that counts."""
        return self.verdict.outcome if self.verdict else None


_WEIGHTS: Final = [str(outcome) for outcome in (Outcome.UNDETERMINED, Outcome.ACCEPTED, Outcome.REJECTED)]
_LEVELS: Final = [str(level) for level in Level]


def joined(claims: Iterable[ClaimFacts], logged: Iterable[VerdictFacts]) -> list[Row]:
    """Claims with the verdicts about them, in their order, and then what only the verdicts know."""
    verdicts: dict[tuple[str, str], list[VerdictFacts]] = {}
    for verdict in logged:
        verdicts.setdefault(verdict.subject, []).append(verdict)
    rows, told = [], set()
    for claim in claims:
        signed = [claim.verdict] if claim.verdict else []
        rows.append(Row(claim, [*signed, *verdicts.get(claim.subject, ())]))
        told.add(claim.subject)
    return rows + [Row(None, about) for subject, about in verdicts.items() if subject not in told]


def claims_table(rows: Sequence[Row], seconds: Mapping[str, float]) -> Table:
    """The table; claims come first. `seconds` of trainings are by the digests of the claims' files."""
    claims = [row.claim for row in rows if row.claim is not None]
    others = len(rows) - len(claims)

    def of_claims(name: str, form: Form, value: Callable[[ClaimFacts], Value], rank: int) -> Column:
        return Column(name, form, [*map(value, claims), *[None] * others], rank)

    qualities = [row.quality for row in rows]
    columns: list[Column | Choices] = [
        Column("claim", Form.TEXT, [row.name for row in rows]),
        task_choices(claims, others, ON_TABLETS),
        of_claims("nonce", Form.INTEGER, lambda claim: claim.nonce, ON_DESKTOPS),
        Column("quality", Form.QUALITY, qualities),
        Choices.of("qualifies", [_qualifies(each) for each in qualities], ON_TABLETS),
        *_verdict_columns(rows),
        of_claims("epochs", Form.INTEGER, lambda claim: claim.epochs, ON_DESKTOPS),
        of_claims("best epoch", Form.INTEGER, lambda claim: claim.best_epoch, ON_DESKTOPS),
        of_claims("training loss", Form.LOSS, lambda claim: claim.train_loss, IN_DETAIL),
        of_claims("validation loss", Form.LOSS, lambda claim: claim.validation_loss, ON_DESKTOPS),
        Choices.of("ended by", [*(claim.stop_reason for claim in claims), *[None] * others], ON_DESKTOPS),
        of_claims("fuel", Form.LARGE, lambda claim: claim.fuel_used, ON_DESKTOPS),
        of_claims("time", Form.SECONDS, lambda claim: seconds.get(claim.file_digest), ON_DESKTOPS),
        Column("test loss ÷ threshold", Form.LOSS, [_loss(each) for each in qualities], IN_DETAIL),
        _signers(rows),
        Column("digest", Form.CODE, [row.claim.digest if row.claim else row.verdicts[0].claim_digest for row in rows],
               IN_DETAIL),
        Choices.of("made with", [*(_run(claim) for claim in claims), *[None] * others], IN_DETAIL),
    ]  # fmt: skip
    return Table("Claims", [_ranked(column) for column in columns if any(value is not None for value in column.values)],
                 has_detail=True)  # fmt: skip


def attached_verdicts(rows: Sequence[Row]) -> list[Attached]:
    """Every verdict, for the details of the rows."""
    pairs = [(place, verdict) for place, row in enumerate(rows) for verdict in row.verdicts]
    if not pairs:
        return []
    verdicts = [verdict for _, verdict in pairs]
    columns: list[Column | Choices] = [
        Choices.of("outcome", [verdict.outcome for verdict in verdicts]),
        Choices.of("level", [verdict.level for verdict in verdicts]),
        Choices.of("reason", [verdict.reason if verdict.reason != "none" else None for verdict in verdicts]),
        Column("step", Form.INTEGER, [verdict.step or None for verdict in verdicts]),
        Choices.of("detail", [verdict.detail for verdict in verdicts]),
        *_scalars(verdict.measured for verdict in verdicts),
        *_scalars({f"expected {name}": value for name, value in verdict.terms.items()} for verdict in verdicts),
        Choices.of("signed by", [verdict.validator or "nobody: from a log" for verdict in verdicts]),
    ]
    return [Attached("Verdict", [place for place, _ in pairs], columns)]


def _verdict_columns(rows: Sequence[Row]) -> list[Choices]:
    if not any(row.verdicts for row in rows):
        return []
    counted = [row.verdict for row in rows]
    reasons = [verdict.reason if verdict and verdict.reason != "none" else None for verdict in counted]
    return [
        Choices.of("verdict", [verdict.outcome if verdict else "none" for verdict in counted]),
        Choices.of("level", [verdict.level if verdict else None for verdict in counted], ON_DESKTOPS),
        Choices.of("reason", reasons, ON_TABLETS),
    ]


def _signers(rows: Sequence[Row]) -> Choices:
    keys = [row.claim.signer if row.claim else row.verdicts[0].claim_signer for row in rows]
    places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    choices = [
        Choice(VerifyKey(bytes.fromhex(key)).fingerprint, [Fact("public key", key, Form.CODE)]) for key in places
    ]
    return Choices("signer", choices, [places[key] for key in keys], ON_DESKTOPS)


def _qualifies(quality: int | None) -> str | None:
    return None if quality is None else "yes" if qualifies(quality) else "no"


def _loss(quality: int | None) -> float | None:
    """The test loss as a share of the threshold, as the quality tells it."""
    return None if quality is None else 1 - quality / UNIT


def _run(claim: ClaimFacts) -> str | None:
    return ", ".join(f"{name} {version}" for name, version in claim.run) or None


def _scalars(maps: Iterable[Mapping[str, Scalar]]) -> list[Column | Choices]:
    """A column for each name, of the most frequent ones."""
    known = list(maps)
    names = Counter(name for each in known for name in each)
    return [_scalar(name, [each.get(name) for each in known]) for name, _ in names.most_common(_MOST_MEASURED)]


def _scalar(name: str, values: Sequence[Scalar]) -> Column | Choices:
    """A column of numbers of one kind, or of texts, which are few as a rule."""
    label, kinds = name.replace("_", " "), {type(value) for value in values} - {type(None)}
    if kinds == {int}:
        return Column(label, Form.QUALITY if name == "quality" else Form.INTEGER, _numbers(values))
    if kinds == {float}:
        return Column(label, Form.LOSS, _numbers(values))
    return Choices.of(label, [_text(value) for value in values])


def _numbers(values: Sequence[Scalar]) -> list[int | float | None]:
    return [value if isinstance(value, int | float) else None for value in values]


def _text(value: Scalar) -> str | None:
    return None if value is None else str(value)


def _ranked(column: Column | Choices) -> Column | Choices:
    """A column in which all rows are the same tells no row from another: it is in their details."""
    if column.rank == ALWAYS or isinstance(column, Column) or len(column.choices) > 1:
        return column
    return Choices(column.name, column.choices, column.values, IN_DETAIL)
