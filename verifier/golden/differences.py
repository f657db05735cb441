"""What differs between a golden file and what is computed now, the first epoch and field first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from verifier.golden.golden_file import GoldenFile
from verifier.golden.training import COLUMNS, Results

_SHOWN: Final = 16
"""Characters of a digest that people are shown."""
_LOSSES: Final = ("train_loss", "validation_loss")


@dataclass(frozen=True)
class Difference:
    """One field, as it was recorded and as it was computed; `None` is what is not there."""

    epoch: int | None
    """The first epoch in which the field differs, 0 for before the first; None for a field of the whole training."""
    field: str
    recorded: Any
    computed: Any

    def __str__(self) -> str:
        if self.field == "epoch":
            return (
                f"epoch {self.epoch}: {'computed, not recorded' if self.recorded is None else 'recorded, not computed'}"
            )
        where = self.field if self.epoch is None else f"epoch {self.epoch}: {self.field}"
        return f"{where}: recorded {_shown(self.recorded)}, computed {_shown(self.computed)}"

    def as_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)


def differences(known: GoldenFile, found: GoldenFile, ignore_module_digest: bool = False) -> list[Difference]:
    """Every field that differs, in the order in which a training comes by them.

    Of a column of epochs, of the opened leaves and of a list it is the first place. With `ignore_module_digest` another
    module may have given the same results.
    """
    lines: list[Difference] = []
    if not ignore_module_digest:
        lines += values("optimiser_digest", known.task.optimiser_digest.hex(), found.task.optimiser_digest.hex())
    lines += values("specification", known.specification, found.specification)
    old, new = known.results, found.results
    lines += values("start", old["start"], new["start"])
    epochs = [*_columns(old["leaves"], new["leaves"]), *_opened(old["opened_leaves"], new["opened_leaves"])]
    lines += sorted(epochs, key=lambda line: line.epoch or 0)
    return lines + [line for name in ("outcome", "score") for line in values(name, old[name], new[name])]


def report(found: Sequence[Difference]) -> list[str]:
    """Lines for people: where results begin to differ, then every difference; and what is known to be equal."""
    epochs = [each.epoch for each in found if each.epoch is not None]
    head = f"differs from epoch {min(epochs)} on" if epochs else "differs"
    lines = [head, *(f"  {each}" for each in found)]
    fields = {each.field for each in found}
    if fields == {"optimiser_digest"}:
        return [*lines, "  All results agree: --ignore-module-digest accepts a module that has changed."]
    if not fields & {*_LOSSES, "epoch"}:
        lines.append("  The losses of all epochs agree.")
    return lines


def _columns(known: Sequence[list[Any]], found: Sequence[list[Any]]) -> list[Difference]:
    """The first epoch in which each column differs, and the first that only one has."""
    lines = []
    for column, name in enumerate(COLUMNS):
        pairs = ((epoch, old[column], new[column]) for epoch, (old, new) in enumerate(zip(known, found, strict=False)))
        first = next((Difference(epoch, name, old, new) for epoch, old, new in pairs if not _same(old, new)), None)
        lines += [first] if first else []
    if len(known) != len(found):
        epoch = min(len(known), len(found))
        lines.append(Difference(epoch, "epoch", *(epoch if len(rows) > epoch else None for rows in (known, found))))
    return lines


def _opened(known: Sequence[Results], found: Sequence[Results]) -> list[Difference]:
    """What differs in the first leaf that was opened on both sides, and differs."""
    computed = {leaf["epoch"]: leaf for leaf in found}
    for old in known:
        if (new := computed.get(old["epoch"])) is not None and (lines := list(values("", old, new))):
            return [Difference(old["epoch"], line.field, line.recorded, line.computed) for line in lines]
    return []


def values(where: str, known: Any, found: Any) -> Iterator[Difference]:
    """Every field that differs in two objects of JSON; of two lists, the first place."""
    if isinstance(known, dict) and isinstance(found, dict):
        for name in {**known, **found}:
            yield from values(f"{where}.{name}".removeprefix("."), known.get(name), found.get(name))
    elif isinstance(known, list) and isinstance(found, list) and len(known) == len(found):
        places = ((f"{where}[{place}]", *pair) for place, pair in enumerate(zip(known, found, strict=True)))
        yield from next((lines for place in places if (lines := list(values(*place)))), [])
    elif not _same(known, found):
        yield Difference(None, where, known, found)


def _same(known: Any, found: Any) -> bool:
    """To Python 1, 1.0 and True are equal, and 0.0 and -0.0; to an optimiser they are not."""
    return json.dumps(known) == json.dumps(found)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}.."
    return f"{value:,}" if isinstance(value, int) else str(value)
