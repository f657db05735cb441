"""The record of a golden run: what it depends on, and every result (fixtures/golden/README.md says what each is)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arithmetic.canonical_bytes import canonical_bytes
from protocol.hashes import blake3_digest
from protocol.transcript import Leaf
from tests.golden.golden_run import GoldenRun
from verifier.challenge.instance.instance import Points
from verifier.challenge.network.architecture import initial_weight
from verifier.challenge.scoring import test_subset
from verifier.challenge.session import Session
from verifier.challenge.solving import Solved, solve
from verifier.challenge.versions import versions
from verifier.runs.row_formats import json_object

Record = dict[str, Any]
"""As JSON has it: sections, and the leaves."""


def trained(run: GoldenRun, device: str = "cpu") -> Record:
    """Train to the end and record it; equal on every machine and device."""
    session = run.session(device=device)
    solved = solve(session)
    leaves = solved.training.leaves
    opened = sorted({0, 1, solved.training.best_epoch, solved.training.epochs} & set(range(len(leaves))))
    return {
        "task": task(run, session),
        "start": start(run, session),
        "outcome": outcome(solved),
        "score": score(session, solved),
        "opened_leaves": [opened_leaf(leaves[epoch]) for epoch in opened],
        "leaves": [row(leaf) for leaf in leaves],
    }


def task(run: GoldenRun, session: Session) -> Record:
    """What the run depends on."""
    fields = session.task
    return {
        "edition": fields.edition,
        "settings": asdict(fields.settings),
        "rand_hash": fields.rand_hash,
        "nonce": session.nonce,
        "optimiser": f"optimisers/{session.module.name}",
        "optimiser_digest": fields.optimiser_digest.hex(),
        "overrides": dict(fields.hyperparameters),
        "hyperparameters": run.hyperparameters,
        "fuel_budget": fields.fuel_budget,
    }


def start(run: GoldenRun, session: Session) -> Record:
    """What follows from the seed."""
    instance, instance_id = session.instance, session.instance_id
    frozen = (initial_weight(instance_id, layer) for layer in (run.n_hidden, run.n_hidden + 1))
    return {
        "seed": instance_id.seed.hex(),
        "instance_digest": digest(*numbers(instance.train, instance.validation, instance.test)),
        "initial_parameters_digest": digest(session.initial),
        "frozen_weight_digests": [digest(weight) for weight in frozen],
    }


def outcome(solved: Solved) -> Record:
    """How training ended, and the best weights."""
    training = solved.training
    parameters, statistics = training.best
    return {
        "epochs": training.epochs,
        "best_epoch": training.best_epoch,
        "stop_reason": training.stop_reason.value,
        "fuel_used": training.fuel_used,
        "transcript_root": training.transcript_root.hex(),
        "best_parameters_digest": digest(parameters),
        "best_running_means_digest": digest(statistics.means),
        "best_running_variances_digest": digest(statistics.variances),
    }


def score(session: Session, solved: Solved) -> Record:
    """What the best weights are worth."""
    best, instance_id = solved.training.best_epoch, session.instance_id
    return {
        "subset_index": instance_id.edition.final_epoch(best),
        "subset_digest": digest(*numbers(test_subset(instance_id, best))),
        "test_loss": solved.score.loss.hex(),
        "threshold": solved.score.threshold.hex(),
        "quality": solved.score.quality,
        "solution_digest": solved.solution.digest().hex(),
    }


def opened_leaf(leaf: Leaf) -> Record:
    """What a leaf holds beside the fields of its row."""
    return {
        "epoch": leaf.epoch,
        "network_digest": leaf.network_digest.hex(),
        "state_digest": leaf.state_digest.hex(),
        "gradient_digest": leaf.gradient_digest.hex(),
        "stale_epochs": leaf.stale_epochs,
    }


def row(leaf: Leaf) -> list[Any]:
    """Training loss, validation loss, fuel used and digest of a leaf."""
    losses = (None if loss is None else loss.hex() for loss in (leaf.train_loss, leaf.validation_loss))
    return [*losses, leaf.fuel_used, leaf.digest().hex()]


def numbers(*sets: Points) -> Iterator[NDArray[np.float32]]:
    """x, f and y of each set of points."""
    return (part for points in sets for part in (points.x, points.f, points.y))


def digest(*arrays: NDArray[np.float32]) -> str:
    """BLAKE3 of the arrays' elements, one after the other."""
    return blake3_digest(b"".join(map(canonical_bytes, arrays))).hex()


def write(run: GoldenRun, record: Record) -> None:
    """Write a record, each leaf on a line."""
    info = {"made_by": "python -m tests.golden.golden_runs fill", "versions": versions()}
    text = json.dumps({"_info": info, **record, "leaves": []}, indent=1)
    leaves = ",\n".join("  " + json.dumps(leaf) for leaf in record["leaves"])
    run.path.write_text(text.replace('"leaves": []', f'"leaves": [\n{leaves}\n ]') + "\n")


def recorded(run: GoldenRun) -> Record:
    """The record of a run, as it was written."""
    record: Record = json_object(run.path.read_text())
    del record["_info"]
    return record


def differences(known: Any, found: Any, where: str = "") -> list[str]:
    """A line for each difference; of lists, for the first element that differs."""
    if isinstance(known, dict) and isinstance(found, dict):
        names = sorted(known.keys() | found.keys())
        return [line for name in names for line in differences(known.get(name), found.get(name), f"{where}.{name}")]
    if isinstance(known, list) and isinstance(found, list):
        pairs = enumerate(zip_longest(known, found))
        return next((lines for i, (a, b) in pairs if (lines := differences(a, b, f"{where}[{i}]"))), [])
    # To Python 1, 1.0 and True are equal, to an optimiser they are not.
    same = type(known) is type(found) and known == found
    return [] if same else [f"{where.removeprefix('.')}: recorded {known}, computed {found}"]
