"""What a nonce brings to its place: its points, and the weights that it begins with.

They are drawn as for a training on a CPU, with NumPy, long before they are needed: by whom, says a `Draw`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.task import Task
from verifier.challenge.instance.instance import Points, draw_points
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import initial_parameters, initial_weight

Single = NDArray[np.float32]


@dataclass(frozen=True)
class Start:
    """The beginning of the training of one nonce; it goes from one process to another."""

    nonce: int
    instance_id: InstanceId
    train: Points
    validation: Points
    parameters: Single
    """The trainable parameters, flat."""
    frozen: Single
    """The weight [H, H] of the last normed layer."""
    output: Single
    """The weight [1, H] of the output layer."""


Draw = Callable[[Iterable[tuple[int, InstanceId]]], Generator[Start, None, None]]
"""Draws the start of each nonce, in any order, perhaps ahead of those who ask for them."""


def draw_start(nonce: int, instance_id: InstanceId) -> Start:
    """The start of one nonce."""
    edition, last = instance_id.edition, instance_id.track.n_hidden
    points = draw_points(instance_id, 0, edition.train_points + edition.validation_points)
    return Start(
        nonce=nonce,
        instance_id=instance_id,
        train=_cut(points, slice(edition.train_points)),
        validation=_cut(points, slice(edition.train_points, None)),
        parameters=initial_parameters(instance_id),
        frozen=initial_weight(instance_id, last),
        output=initial_weight(instance_id, last + 1),
    )


def draw_when_asked(identified: Iterable[tuple[int, InstanceId]]) -> Generator[Start, None, None]:
    """A `Draw` that draws each start when it is asked for."""
    return (draw_start(nonce, instance_id) for nonce, instance_id in identified)


def identified(task: Task, nonces: Iterable[int]) -> Iterator[tuple[int, InstanceId]]:
    """Nonces of a task with their instances. Raises EditionError, TrackError or SettingsError."""
    return ((nonce, InstanceId.of(task, nonce)) for nonce in nonces)


def _cut(points: Points, part: slice) -> Points:
    return Points(points.x[part], points.f[part], points.y[part])
