"""Paths between two points of one instance's loss: the straight line, and a trained curve (Garipov et al., 2018).

`P` trainable parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle, repeat
from typing import Final

import torch
from torch import Tensor

from verifier.challenge.network.architecture import initial_parameters
from verifier.experiments.study.sharpness.plain_network import PlainNetwork, instance_of
from verifier.experiments.study.sharpness.rows import Connection, End, PathSettings, figure, rounded

_ELSEWHERE: Final = 1000
"""Added to a nonce: the other start is the initial network of that instance, before the same frozen layers."""
_BATCHES: Final = 8
"""Of an epoch, as in the challenge; their order is fixed."""
_RATES: Final = {End.MOMENTUM: 0.01, End.ADAM: 0.001, End.ELSEWHERE: 0.001}
_BEND_RATE: Final = 0.003
"""Adam's, which trains the bend."""
_BEND_BATCHES: Final = 4
"""Into which the training set is cut while the bend is trained."""

Path = Callable[[float], Tensor]
"""The parameters [P] at a place from 0 to 1."""


def connection(settings: PathSettings) -> Connection:
    """Train both ends and the curve between them, and measure the losses along the way."""
    network = PlainNetwork(instance_of(settings.n_hidden, settings.nonce))
    first, second = (_end(network, settings, name) for name in (settings.first, settings.second))
    line = _losses(network, lambda t: torch.lerp(first, second, t), settings.points)
    curve: tuple[list[float], list[float]] = [], []
    if settings.bend_steps:
        bend = trained_bend(network, first, second, settings.bend_steps, settings.nonce)
        curve = _losses(network, bezier(first, bend, second), settings.points)
    return Connection(
        settings=settings,
        line_train=rounded(line[0]),
        line_test=rounded(line[1]),
        curve_train=rounded(curve[0]),
        curve_test=rounded(curve[1]),
        distance=figure(((second - first).norm() / first.norm()).item()),
    )


def bezier(first: Tensor, bend: Tensor, second: Tensor) -> Path:
    """The quadratic Bezier curve from `first` to `second`."""
    return lambda t: (1.0 - t) ** 2 * first + 2.0 * t * (1.0 - t) * bend + t * t * second


def trained_bend(network: PlainNetwork, first: Tensor, second: Tensor, steps: int, seed: int) -> Tensor:
    """The bend of the curve whose mean loss is low: each step is at a random place of it, from the straight line on."""
    random = torch.Generator().manual_seed(seed)
    bend = ((first + second) / 2.0).requires_grad_()
    optimiser = torch.optim.Adam([bend], lr=_BEND_RATE)
    batches = cycle(zip(network.x.chunk(_BEND_BATCHES), network.y.chunk(_BEND_BATCHES), strict=True))
    for place, (x, y) in zip(torch.rand(steps, generator=random).tolist(), batches, strict=False):
        _step(optimiser, network.batch_loss(bezier(first, bend, second)(place), x, y))
    return bend.detach()


def _end(network: PlainNetwork, settings: PathSettings, name: End) -> Tensor:
    """One of the two points: the start, or where an optimiser comes to."""
    instance_id = instance_of(settings.n_hidden, settings.nonce + (_ELSEWHERE if name is End.ELSEWHERE else 0))
    start = torch.from_numpy(initial_parameters(instance_id))
    if name is End.START:
        return start
    parameters = start.requires_grad_()
    optimiser: torch.optim.Optimizer
    if name is End.MOMENTUM:
        optimiser = torch.optim.SGD([parameters], lr=_RATES[name], momentum=0.9)
    else:
        optimiser = torch.optim.Adam([parameters], lr=_RATES[name])
    batches = list(zip(network.x.chunk(_BATCHES), network.y.chunk(_BATCHES), strict=True))
    for epoch in repeat(batches, settings.epochs):
        for x, y in epoch:
            _step(optimiser, network.batch_loss(parameters, x, y))
    return parameters.detach()


def _step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


@torch.no_grad()
def _losses(network: PlainNetwork, path: Path, points: int) -> tuple[list[float], list[float]]:
    """The losses on the training set and on the test set at even places."""
    places = [path(i / (points - 1)) for i in range(points)]
    return [network.loss(each).item() for each in places], [network.test_loss(each) for each in places]
