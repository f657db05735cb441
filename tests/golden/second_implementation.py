"""A golden run by the second implementation, from the record alone; so a record says all that a run depends on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.golden.golden_run import FOLDER, GoldenRun
from tests.reference import instance, network
from tests.reference.cases import by_the_reference
from tests.reference.editions import APRIL, CENTRED, DECEMBER
from tests.reference.instance import Points
from tests.reference.streams import Streams, make_seed
from tests.reference.training import scored_points
from tests.reference.transcript import digest, elements
from verifier.golden.differences import Difference, values

Record = dict[str, Any]
"""As JSON has it."""

EDITIONS = {edition.name: edition for edition in (DECEMBER, CENTRED, APRIL)}


def differences(run: GoldenRun) -> list[Difference]:
    """Train from the record; every field that differs."""
    record = json.loads(run.path.read_text())
    return list(values("", comparable(record), trained(record)))


def trained(record: Record) -> Record:
    """The parts of the record that the second implementation computes: all but what only the product says."""
    task = record["task"]
    edition, n_hidden = EDITIONS[task["edition"]], int(task["settings"]["track_id"].split(",")[0].split("=")[1])
    streams = Streams(edition.name, make_seed(task["settings"], task["rand_hash"], task["nonce"]))
    drawn, source = instance.draw_instance(edition, streams), (FOLDER / task["optimiser"]).read_bytes()
    run = by_the_reference(edition, streams, source, n_hidden, task["fuel_budget"], task["hyperparameters"])
    frozen = (network.initial_weight(streams, n_hidden, layer) for layer in (n_hidden, n_hidden + 1))
    losses = [(None, None), *zip(map(number, run.train_losses), map(number, run.validation_losses), strict=True)]
    return {
        "start": {
            "seed": streams.seed.hex(),
            "instance_digest": digest_of(*numbers(drawn.train, drawn.validation, drawn.test)),
            "initial_parameters_digest": digest_of(network.initial_parameters(streams, n_hidden)),
            "frozen_weight_digests": [digest_of(weight) for weight in frozen],
        },
        "outcome": {
            "epochs": len(run.train_losses),
            "best_epoch": run.best_epoch,
            "stop_reason": run.stop_reason,
            "fuel_used": run.fuel_used,
            "transcript_root": run.transcript_root.hex(),
            "best_parameters_digest": digest_of(run.parameters),
            "best_running_means_digest": digest_of(run.statistics.means),
            "best_running_variances_digest": digest_of(run.statistics.variances),
        },
        "score": {
            "subset_digest": digest_of(*numbers(scored_points(streams, drawn, run.best_epoch))),
            "quality": run.quality,
        },
        "leaves": [[i, *pair, fuel] for i, (pair, fuel) in enumerate(zip(losses, run.fuel, strict=True))],
    }


def comparable(record: Record) -> Record:
    """The same parts of the record."""
    score = {name: record["score"][name] for name in ("subset_digest", "quality")}
    leaves = [row[:4] for row in record["leaves"]]
    return {"start": record["start"], "outcome": record["outcome"], "score": score, "leaves": leaves}


def number(loss: float) -> float | str:
    """A loss as the record has it."""
    return loss if math.isfinite(loss) else str(loss)


def numbers(*sets: Points) -> Iterator[NDArray[np.float32]]:
    """x, f and y of each set of points."""
    return (part for points in sets for part in (points.x, points.f, points.y))


def digest_of(*arrays: NDArray[Any]) -> str:
    """BLAKE3 of the arrays' elements, one after the other."""
    return digest(b"".join(map(elements, arrays))).hex()
