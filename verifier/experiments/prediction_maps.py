"""A function of two inputs and the network that was trained on it, as maps of the square (papers, Figure 1B)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.claim import Claim
from protocol.solution import Solution
from verifier.challenge.errors import InputError
from verifier.challenge.instance.instance import draw_instance
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import initial_parameters
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.network import Network
from verifier.challenge.network.statistics import Statistics
from verifier.challenge.network.weights import read_weights

Array = NDArray[np.float64]
Single = NDArray[np.float32]
SIDE = 128
"""Cells along each side of the square."""


@dataclass(frozen=True)
class PredictionMaps:
    """The target where it was drawn, and the network on a grid over [-1, 1]^2; every number is one of f's."""

    points: Array
    """Inputs [N, 2] of all points of the instance."""
    target: Array
    """The noiseless function [N] there."""
    initial: Array
    """The network as it is given to the optimiser [SIDE, SIDE]: running means 0 and variances 1. Rows are x2."""
    best: Array
    """The network after the best epoch [SIDE, SIDE]."""
    train_points: int
    """Points, the first ones, that were trained on."""


def prediction_maps(claim: Claim, solution: Solution) -> PredictionMaps | None:
    """The prediction maps of a claim; None where there are not two inputs. Both networks are in evaluation mode.

    Raises EditionError or SettingsError for a claim about no instance, InputError for another claim's solution, and
    NonFiniteError for weights that give no values.
    """
    instance_id = InstanceId.of(claim.task, claim.nonce)
    if instance_id.edition.inputs != 2:
        return None
    weights = read_weights(solution, instance_id.track)
    if solution.digest() != claim.solution_digest or weights is None:
        raise InputError("the solution is not the one that the claim names")
    instance, network = draw_instance(instance_id), EagerNetwork(instance_id)
    initial = initial_parameters(instance_id), Statistics.initial(network.architecture)
    points = (instance.train, instance.validation, instance.test)
    return PredictionMaps(
        points=_joined([part.x for part in points]),
        target=_joined([part.f for part in points]),
        initial=_on_grid(network, *initial),
        best=_on_grid(network, *weights),
        train_points=len(instance.train.y),
    )


def centres() -> Array:
    """The centres [SIDE] of the cells along a side."""
    steps: Array = np.arange(SIDE, dtype=np.float64) + 0.5
    return steps * (2.0 / SIDE) - 1.0


def _on_grid(network: Network, parameters: Single, statistics: Statistics) -> Array:
    x2, x1 = np.meshgrid(centres(), centres(), indexing="ij")
    x = np.stack([x1.ravel(), x2.ravel()], axis=1).astype(np.float32)
    return network.predict(parameters, statistics, x).astype(np.float64).reshape(SIDE, SIDE)


def _joined(parts: list[Single]) -> Array:
    return np.concatenate(parts).astype(np.float64)
