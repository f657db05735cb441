"""A golden run by the second implementation, from the record alone; so a record says all that a run depends on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.golden.record import Record
from tests.reference import instance, network
from tests.reference.cases import OPTIMISERS, by_the_reference
from tests.reference.editions import APRIL, CENTRED, DECEMBER
from tests.reference.instance import Points
from tests.reference.streams import Streams, make_seed
from tests.reference.training import scored_points
from tests.reference.transcript import digest, elements

EDITIONS = {edition.name: edition for edition in (DECEMBER, CENTRED, APRIL)}


def can_train(record: Record) -> bool:
    """Whether the second implementation has the optimiser; it cannot tell when fuel is spent."""
    known = Path(record["task"]["optimiser"]).stem in OPTIMISERS
    return known and record["outcome"]["stop_reason"] != "fuel-exhausted"


def trained(record: Record) -> Record:
    """The parts of the record that the second implementation computes; it takes the fuel of the leaves on trust."""
    task = record["task"]
    edition, n_hidden = EDITIONS[task["edition"]], int(task["settings"]["track_id"].split(",")[0].split("=")[1])
    streams = Streams(edition.name, make_seed(task["settings"], task["rand_hash"], task["nonce"]))
    drawn = instance.draw_instance(edition, streams)
    fuel = [leaf[2] for leaf in record["leaves"]]
    run, quality = by_the_reference(
        edition, streams, Path(task["optimiser"]).stem, n_hidden, fuel, task["hyperparameters"]
    )
    frozen = (network.initial_weight(streams, n_hidden, layer) for layer in (n_hidden, n_hidden + 1))
    epochs = len(run.train_losses)
    return {
        "start": {
            "seed": streams.seed.hex(),
            "instance_digest": digest_of(*numbers(drawn.train, drawn.validation, drawn.test)),
            "initial_parameters_digest": digest_of(network.initial_parameters(streams, n_hidden)),
            "frozen_weight_digests": [digest_of(weight) for weight in frozen],
        },
        "outcome": {
            "epochs": epochs,
            "best_epoch": run.best_epoch,
            "stop_reason": run.stop_reason,
            "transcript_root": run.transcript_root.hex(),
            "best_parameters_digest": digest_of(run.parameters),
            "best_running_means_digest": digest_of(run.statistics.means),
            "best_running_variances_digest": digest_of(run.statistics.variances),
        },
        "score": {
            "subset_digest": digest_of(*numbers(scored_points(streams, drawn, epochs))),
            "quality": quality,
        },
        "leaves": [[a.hex(), b.hex()] for a, b in zip(run.train_losses, run.validation_losses, strict=True)],
    }


def comparable(record: Record) -> Record:
    """The same parts of the record."""
    start = record["start"]
    outcome = {name: value for name, value in record["outcome"].items() if name != "fuel_used"}
    score = {name: record["score"][name] for name in ("subset_digest", "quality")}
    return {"start": start, "outcome": outcome, "score": score, "leaves": [row[:2] for row in record["leaves"][1:]]}


def numbers(*sets: Points) -> Iterator[NDArray[np.float32]]:
    """x, f and y of each set of points."""
    return (part for points in sets for part in (points.x, points.f, points.y))


def digest_of(*arrays: NDArray[Any]) -> str:
    """BLAKE3 of the arrays' elements, one after the other."""
    return digest(b"".join(map(elements, arrays))).hex()
