"""The methods that the thesis compares: three rules for networks, and four methods that are lazy (1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

import numpy as np

from verifier.experiments.study.feedback.lazy_features import gated_network, gaussian_features, linear_features
from verifier.experiments.study.feedback.matrices import MatrixKind, direct, sequential
from verifier.experiments.study.feedback.networks import Array, Network, initial_network, n_parameters
from verifier.experiments.study.feedback.rules import Backpropagation, Rule, gradient


class Method(StrEnum):
    """How something is learnt."""

    BP = "BP"
    FA = "FA"
    DFA = "DFA"
    NTK = "NTK"
    GAUSSIAN = "gaussian features"
    RELU = "ReLU features"
    LINEAR = "linear features"


LAZY: Final = (Method.NTK, Method.GAUSSIAN, Method.RELU, Method.LINEAR)
FIXED: Final = (Method.GAUSSIAN, Method.RELU, Method.LINEAR)
"""Those that train the output layer alone."""
ALIGNED: Final = (Method.FA, Method.DFA)
"""Those with random matrices."""


@dataclass(frozen=True, eq=False)
class Learner:
    """A network with the rule of its errors."""

    network: Network
    rule: Rule
    first: int = 0
    """The first layer that is trained."""

    @cached_property
    def parameters(self) -> Array:
        """What is trained: a view of the network's."""
        return self.network.parameters[self._start :]

    def gradient(self, x: Array, labels: Array) -> Array:
        """What the rule takes for the gradient of these parameters."""
        return gradient(self.network, self.network.forward(x), labels, self.rule, self.first)[self._start :]

    @cached_property
    def _start(self) -> int:
        return n_parameters(self.network.sizes[: self.first + 1])


def initial_learner(
    method: Method, matrix: MatrixKind, sizes: tuple[int, ...], generator: np.random.Generator
) -> Learner:
    """A learner at its start; the matrix is used by those that have one."""
    match method:
        case Method.NTK:
            return Learner(gated_network(sizes, generator), Backpropagation())
        case Method.GAUSSIAN:
            network = gaussian_features(sizes, generator)
        case Method.LINEAR:
            network = linear_features(sizes, generator)
        case _:
            network = initial_network(sizes, generator)
    if method in ALIGNED:
        make = sequential if method == Method.FA else direct
        return Learner(network, make(network, matrix, generator))
    return Learner(network, Backpropagation(), len(sizes) - 2 if method in FIXED else 0)
