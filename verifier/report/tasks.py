"""The tasks of claims as a column to choose by: each with a short name, and all that it consists of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from protocol.task import Task
from verifier.report.claim_facts import ClaimFacts
from verifier.report.content import Choice, Choices, Fact, Form
from verifier.report.labels import distinct

_MOST: Final = 200
"""Tasks of which everything is told; a page has no room for that of ten thousand."""
_FILE_NAME: Final = re.compile(r"(?:.*/)?(.+)-[^-]+-nonce=[0-9]+")
"""As `solve` names a claim: its module, track and nonce."""


def task_choices(claims: Sequence[ClaimFacts], others: int, rank: int) -> Choices:
    """The column of the tasks of claims, and of rows without one."""
    known = {id(claim.task): claim.task for claim in claims}
    keys = {identity: task_key(task) for identity, task in known.items()}  # many claims share one object
    found: dict[str, tuple[Task, str]] = {}
    for claim in claims:
        if (key := keys[id(claim.task)]) not in found:
            found[key] = claim.task, _optimiser(claim)
    labels = distinct(_label(task, optimiser) for task, optimiser in found.values())
    choices = [
        Choice(label, _facts(task) if place < _MOST else ())
        for place, (label, (task, _)) in enumerate(zip(labels, found.values(), strict=True))
    ]
    places = {key: place for place, key in enumerate(found)}
    return Choices("task", choices, [*(places[keys[id(claim.task)]] for claim in claims), *[None] * others], rank)


def task_key(task: Task) -> str:
    """Everything in a task, as text; to Python 1 and 1.0 are equal, to an optimiser they are not."""
    return repr((task.edition, task.settings, task.optimiser_digest, sorted(task.hyperparameters.items()),
                 task.fuel_budget, task.rand_hash, task.precommit_digest))  # fmt: skip


def _optimiser(claim: ClaimFacts) -> str:
    """The module's name in the name of the file, which anybody can choose, or its digest."""
    match = _FILE_NAME.fullmatch(claim.name)
    return match[1] if match else f"module {claim.task.optimiser_digest.hex()[:16]}"


def _label(task: Task, optimiser: str) -> str:
    return ", ".join(filter(None, (optimiser, _hyperparameters(task), task.settings.track_id)))


def _hyperparameters(task: Task) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(task.hyperparameters.items()))


def _facts(task: Task) -> list[Fact]:
    given = {name: text for name, text in asdict(task.settings).items() if text and name != "track_id"}
    precommit = task.precommit_digest
    return [
        Fact("edition", task.edition),
        Fact("track", task.settings.track_id),
        Fact("module", task.optimiser_digest.hex(), Form.CODE),
        Fact("hyperparameters", _hyperparameters(task) or "the module's own"),
        Fact("fuel budget", task.fuel_budget, Form.INTEGER),
        Fact("random hash", task.rand_hash, Form.CODE),
        *([] if precommit is None else [Fact("precommit", precommit.hex(), Form.CODE)]),
        *(Fact(name.replace("_", " "), text) for name, text in given.items()),
    ]
