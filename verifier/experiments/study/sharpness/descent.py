"""Gradient descent on the challenge's network, with the sharpness along the way (Cohen et al., 2021).

`P` trainable parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice, takewhile
from typing import Final

import torch
from torch import Tensor

from verifier.experiments.study.sharpness.hessian import gradient, hessian
from verifier.experiments.study.sharpness.kernel import drift, tangent_kernel
from verifier.experiments.study.sharpness.lanczos import largest, quadrature
from verifier.experiments.study.sharpness.plain_network import PlainNetwork, instance_of
from verifier.experiments.study.sharpness.rows import Descent, DescentSettings, Sharpness, Spectrum, figure, rounded

_QUADRATURE_STEPS: Final = 80
_KERNEL_OUTPUTS: Final = 50
"""The first training points, of whose outputs the tangent kernel is."""
_RESTART: Final = 0.01
"""The share of a random vector in the start of the next search: the last eigenvector alone could miss a new one."""
_DIVERGED: Final = 1e6
"""A train loss above it, or a NaN, ends a descent while its Hessian is still finite."""
_SCALE: Final = 2.0
"""Of weights and biases in the rescaled network."""


def descent(settings: DescentSettings) -> Descent:
    """Carry out a descent and measure it."""
    network = PlainNetwork(instance_of(settings.n_hidden, settings.nonce), settings.normed)
    random = torch.Generator().manual_seed(settings.nonce)
    losses: list[float] = []
    points: list[Sharpness] = []
    start, last = _direction(network, random), network.initial
    iterates = islice(_iterates(network, settings), settings.steps + 1)
    for loss, last in takewhile(lambda each: each[0] <= _DIVERGED, iterates):
        step = len(losses)
        losses.append(loss)
        if step in settings.measured:
            pair = largest(hessian(network.loss, last), start)
            start = pair.vector + _RESTART * _direction(network, random)
            points.append(Sharpness(step, *rounded([pair.value, network.test_loss(last)])))
    kernel = tangent_kernel(lambda w: network.outputs(w, network.x)[:_KERNEL_OUTPUTS], network.initial)
    later = tangent_kernel(lambda w: network.outputs(w, network.x)[:_KERNEL_OUTPUTS], last)
    doubled = network.rescaled(last, _SCALE)
    of_doubled = largest(hessian(network.loss, doubled), _direction(network, random))
    ends = ((0, network.initial), (len(losses) - 1, last)) if settings.probes else ()
    return Descent(
        settings=settings,
        parameters=len(last),
        losses=rounded(losses),
        points=tuple(points),
        spectra=tuple(_spectrum(network, step, each, settings.probes, random) for step, each in ends),
        kernel_drift=figure(drift(kernel, later)),
        rescaled_loss=figure(network.loss(doubled).item()),
        rescaled_sharpness=figure(of_doubled.value),
    )


def _iterates(network: PlainNetwork, settings: DescentSettings) -> Iterator[tuple[float, Tensor]]:
    """Before each step the loss on the whole training set and the parameters, without end."""
    parameters, velocity = network.initial, torch.zeros_like(network.initial)
    batches = cycle(zip(network.x.split(settings.batch), network.y.split(settings.batch), strict=True))
    for x, y in batches:
        loss, slope = gradient(network.loss, parameters)
        yield loss, parameters
        if len(x) < len(network.x):
            _, slope = gradient(partial(network.batch_loss, x=x, y=y), parameters)
        velocity = settings.momentum * velocity + slope
        parameters = parameters - settings.rate * velocity


def _spectrum(network: PlainNetwork, step: int, parameters: Tensor, probes: int, random: torch.Generator) -> Spectrum:
    product = hessian(network.loss, parameters)
    found = [quadrature(product, _direction(network, random), _QUADRATURE_STEPS) for _ in range(probes)]
    nodes, weights = (torch.cat(each) for each in zip(*found, strict=True))
    return Spectrum(step, rounded(nodes.tolist()), rounded((weights / probes).tolist()))


def _direction(network: PlainNetwork, random: torch.Generator) -> Tensor:
    """A random vector [P] of length 1."""
    vector = torch.randn(len(network.initial), generator=random)
    vector /= vector.norm()
    return vector
