"""The self-test of the networks of a device: a step and a validation of a few places, held against a single network."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
import torch

from arithmetic.errors import MachineError
from arithmetic.exponents import NonFiniteError
from verifier.challenge.editions import DECEMBER_2025, FourierFeatures, Track
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.lockstep.lockstep_network import LockstepNetwork, MakeNetwork
from verifier.challenge.lockstep.starts import Start, draw_start
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.statistics import Statistics

_EDITION: Final = replace(
    DECEMBER_2025,
    name="agreement",
    function=FourierFeatures(features=8),
    train_points=257,
    validation_points=33,
    batches=2,
)
"""Batches of 129 and 128 points, which add up numbers of another width; products of the real size."""
_TRACK: Final = Track(_EDITION, n_hidden=2)
_BATCHES: Final = (0, 1, 0)
"""Of each place; the second one has a parameter that is not finite."""
_BROKEN: Final = 1


@cache
def require_agreement(device: str, make: MakeNetwork) -> None:
    """Hold the networks that are made for a device against the eager network, once. Raises MachineError."""
    if not agree(device, make):
        raise MachineError(f"networks trained together on {device} give other bits than the specification's")


def agree(device: str, make: MakeNetwork) -> bool:
    """Whether networks on a device give the bits of the eager network in a training step and an evaluation."""
    starts = [draw_start(place, InstanceId(_TRACK, bytes([place]) * 32)) for place in range(len(_BATCHES))]
    starts[_BROKEN].parameters[-1] = np.inf
    network = make(_TRACK, len(starts), torch.device(device))
    for place, start in enumerate(starts):
        network.enter(place, start)
    return list(_together(network)) == [_alone(start, batch) for start, batch in zip(starts, _BATCHES, strict=True)]


def _together(network: LockstepNetwork) -> Iterator[list[bytes]]:
    """The results of each place; none where they are not finite."""
    device = network.parameters.device
    network.gradient.fill_(math.nan)  # so that what is not written is seen
    losses, finite = network.loss_and_gradient(network.parameters, torch.tensor(_BATCHES, device=device))
    network.parameters.sub_(network.gradient)
    validated, are_finite = network.validation_losses(len(_BATCHES))
    results = (losses, network.gradient, network.means, network.variances, validated)
    arrays = [result.cpu().numpy() for result in results]
    for place, is_finite in enumerate(finite.logical_and(are_finite).tolist()):
        yield [array[place].tobytes() for array in arrays] if is_finite else []


def _alone(start: Start, batch: int) -> list[bytes]:
    """The same of one place, with NumPy."""
    network, (ends, _) = EagerNetwork(start.instance_id), _EDITION.batch_sizes
    statistics, gradient = Statistics.initial(network.architecture), np.zeros_like(start.parameters)
    rows = (slice(ends), slice(ends, None))[batch]
    points = network.batch(start.train.x[rows], start.train.y[rows])
    validation = network.batch(start.validation.x, start.validation.y)
    try:
        loss = network.loss_and_gradient(start.parameters, statistics, points, gradient)
        validated = network.loss(start.parameters - gradient, statistics, validation)
    except NonFiniteError:
        return []
    results = (np.float64(loss), gradient, statistics.means, statistics.variances, np.float64(validated))
    return [result.tobytes() for result in results]
