"""A training that is pinned, and what of it is recorded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from arithmetic.canonical_bytes import canonical_bytes
from protocol.hashes import blake3_digest
from protocol.task import Task
from protocol.transcript import Leaf
from sandbox.isolation import Isolation
from verifier.challenge.editions import Track
from verifier.challenge.instance.instance import Points
from verifier.challenge.module import Module
from verifier.challenge.network.architecture import initial_weight
from verifier.challenge.scoring import test_subset
from verifier.challenge.session import Session
from verifier.challenge.solving import Solved, solve
from verifier.challenge.training.trainer import Observer

Results: TypeAlias = dict[str, Any]
"""Sections of results as JSON has them; fixtures/golden/README.md says what each is."""
COLUMNS: Final = ("epoch", "train_loss", "validation_loss", "fuel_used", "leaf")
"""What a row of `leaves` holds."""


@dataclass(frozen=True)
class PinnedTraining:
    """A module on the instance of one nonce; as text, its name for people. It is sent to other processes as it is."""

    path: Path
    """The file of the module."""
    module: Module
    task: Task
    nonce: int

    def __str__(self) -> str:
        return f"{self.path}, {self.track.id}, nonce {self.nonce}"

    @property
    def origin(self) -> str:
        """The file of the module."""
        return str(self.path)

    @property
    def key(self) -> tuple[bytes, int]:
        """What tells it from others."""
        return self.task.digest(), self.nonce

    @property
    def cost(self) -> float:
        """In proportion to the time that it takes."""
        return self.track.n_hidden + 1.0

    @property
    def track(self) -> Track:
        """The track of the task."""
        return Track.parse(self.task.edition, self.task.settings.track_id)

    def session(self, isolation: Isolation) -> Session:
        """Its set-up on this machine. Raises as `Session` does."""
        return Session(self.task, self.nonce, self.module, isolation)

    def run(self, isolation: Isolation, observer: Observer | None = None) -> Results:
        """Train to the end; the results are equal on every machine. Raises as `solve` does."""
        session = self.session(isolation)
        return results(session, solve(session, observer))


def results(session: Session, solved: Solved) -> Results:
    """What is recorded of a training."""
    leaves = solved.training.leaves
    opened = sorted({0, 1, solved.training.best_epoch, solved.training.epochs} & set(range(len(leaves))))
    return {
        "start": _start(session),
        "outcome": _outcome(solved),
        "score": _score(session, solved),
        "opened_leaves": [_opened(leaves[epoch]) for epoch in opened],
        "leaves": [row(leaf) for leaf in leaves],
    }


def row(leaf: Leaf) -> list[Any]:
    """The values of `COLUMNS`; leaf 0 has no losses."""
    losses = (None if loss is None else number(loss) for loss in (leaf.train_loss, leaf.validation_loss))
    return [leaf.epoch, *losses, leaf.fuel_used, leaf.digest().hex()]


def number(value: float) -> float | str:
    """A loss as JSON has it, whose shortest decimal text gives the same binary64; `inf` for one without a value."""
    return value if math.isfinite(value) else str(value)


def points_digest(*sets: Points) -> str:
    """BLAKE3 of sets of points: of each x, then f, then y."""
    return array_digest(*_arrays(*sets))


def array_digest(*arrays: NDArray[np.float32]) -> str:
    """BLAKE3 of the arrays' elements, one array after the other."""
    return blake3_digest(b"".join(map(canonical_bytes, arrays))).hex()


def _start(session: Session) -> Results:
    """What follows from the seed."""
    instance, instance_id = session.instance, session.instance_id
    depth = instance_id.track.n_hidden
    return {
        "seed": instance_id.seed.hex(),
        "instance_digest": points_digest(instance.train, instance.validation, instance.test),
        "initial_parameters_digest": array_digest(session.initial),
        "frozen_weight_digests": [
            array_digest(initial_weight(instance_id, layer)) for layer in (depth, depth + 1)
        ],
    }  # fmt: skip


def _outcome(solved: Solved) -> Results:
    """How training ended, and the best weights."""
    training = solved.training
    parameters, statistics = training.best
    return {
        "epochs": training.epochs,
        "best_epoch": training.best_epoch,
        "stop_reason": training.stop_reason.value,
        "fuel_used": training.fuel_used,
        "transcript_root": training.transcript_root.hex(),
        "best_parameters_digest": array_digest(parameters),
        "best_running_means_digest": array_digest(statistics.means),
        "best_running_variances_digest": array_digest(statistics.variances),
    }


def _score(session: Session, solved: Solved) -> Results:
    """What the best weights are worth."""
    best, instance_id = solved.training.best_epoch, session.instance_id
    return {
        "subset_index": instance_id.edition.final_epoch(best),
        "subset_digest": points_digest(test_subset(instance_id, best)),
        "test_loss": number(solved.score.loss),
        "threshold": number(solved.score.threshold),
        "quality": solved.score.quality,
        "solution_digest": solved.solution.digest().hex(),
    }


def _opened(leaf: Leaf) -> Results:
    """What a leaf holds beside the fields of its row."""
    return {
        "epoch": leaf.epoch,
        "network_digest": leaf.network_digest.hex(),
        "state_digest": leaf.state_digest.hex(),
        "gradient_digest": leaf.gradient_digest.hex(),
        "stale_epochs": leaf.stale_epochs,
    }


def _arrays(*sets: Points) -> Iterator[NDArray[np.float32]]:
    return (part for points in sets for part in (points.x, points.f, points.y))
