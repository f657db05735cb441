"""Two-layer networks between feature learning and lazy training (Chizat et al., 2019; a chapter on optimisation, 10.2).

The task is theirs: inputs on the unit sphere, targets by a teacher of three units, squared loss, gradient descent.
`N` points, `D` inputs, `M` units; everything is float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from verifier.experiments.study.sharpness.kernel import drift
from verifier.experiments.study.sharpness.rows import Lazy, LazySettings, figure

INPUTS: Final = 10
TRAIN: Final = 100
TEST: Final = 1000
TEACHER: Final = 3
GOAL: Final = 1e-3
"""Training ends at this train loss, relative to the mean square of the targets."""
_EVERY: Final = 10
"""Steps with the same rate."""


@dataclass(frozen=True)
class TwoLayers:
    """alpha v . relu(U x)."""

    u: Tensor
    """[M, D]."""
    v: Tensor
    """[M]."""
    alpha: float

    def outputs(self, x: Tensor) -> Tensor:
        """The outputs [N] at points [N, D]."""
        outputs: Tensor = self.alpha * (torch.relu(x @ self.u.T) @ self.v)
        return outputs

    def kernel(self, x: Tensor, other: Tensor) -> Tensor:
        """The tangent kernel between points [N, D] and others."""
        (one, two), (mask, masked) = ([x @ self.u.T, other @ self.u.T] for _ in range(2))
        by_v = torch.relu(one) @ torch.relu(two).T
        by_u = ((mask > 0.0) * self.v.square()) @ (masked > 0.0).to(x.dtype).T
        return self.alpha**2 * (by_v + by_u * (x @ other.T))

    def second_derivative(self, x: Tensor) -> float:
        """The operator norm of D^2 f: of one unit, as no two of them meet in a second derivative."""
        active = (x @ self.u.T > 0.0).to(x.dtype)
        grams = torch.einsum("nm,ni,nj->mij", active, x, x)
        return self.alpha * float(torch.linalg.eigvalsh(grams)[:, -1].max().sqrt())

    def stepped(self, x: Tensor, residual: Tensor, rate: float) -> TwoLayers:
        """After a step of gradient descent on half the sum of squares of a residual [N]."""
        hidden = x @ self.u.T
        by_unit = (residual[:, None] * (hidden > 0.0)).T @ x
        u = self.u - rate * self.alpha * self.v[:, None] * by_unit
        return TwoLayers(u, self.v - rate * self.alpha * (torch.relu(hidden).T @ residual), self.alpha)

    def flat(self) -> Tensor:
        """All weights."""
        return torch.cat([self.u.flatten(), self.v])


def lazy(settings: LazySettings) -> Lazy:
    """Train a student and measure how far its tangent kernel went."""
    random = torch.Generator().manual_seed(settings.seed)
    x, y, test_x, test_y = task(random)
    start = student(settings, random)
    kernel = start.kernel(x, x)
    kappa = (y - start.outputs(x)).norm().item() * start.second_derivative(x) / _top(kernel)
    end, steps = _trained(start, x, y, settings.steps)
    residual = y - start.outputs(x)
    tangent = start.outputs(test_x) + start.kernel(test_x, x) @ flow_weights(kernel, residual, GOAL * float(y @ y))
    return Lazy(
        settings=settings,
        kappa=figure(kappa),
        kernel_drift=figure(drift(kernel, end.kernel(x, x))),
        weight_drift=figure(drift(start.flat(), end.flat())),
        steps=steps,
        train_loss=figure(_relative(end.outputs(x), y)),
        test_loss=figure(_relative(end.outputs(test_x), test_y)),
        tangent_test_loss=figure(_relative(tangent, test_y)),
    )


def task(random: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training points with their targets, and test points with theirs."""
    points = torch.randn(TRAIN + TEST, INPUTS, generator=random, dtype=torch.float64)
    x = points / points.norm(dim=1, keepdim=True)
    u = torch.randn(TEACHER, INPUTS, generator=random, dtype=torch.float64)
    signs = torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64)
    y = TwoLayers(u / u.norm(dim=1, keepdim=True), signs, 1.0).outputs(x)
    return x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:]


def student(settings: LazySettings, random: torch.Generator) -> TwoLayers:
    """A network with Gaussian weights; a symmetric one has half of them twice, once with the sign changed."""
    drawn = settings.width // 2 if settings.symmetric else settings.width
    u = torch.randn(drawn, INPUTS, generator=random, dtype=torch.float64)
    v = torch.randn(drawn, generator=random, dtype=torch.float64)
    if settings.symmetric:
        u, v = torch.cat([u, u]), torch.cat([v, -v])
    return TwoLayers(u, v, settings.alpha)


def flow_weights(kernel: Tensor, residual: Tensor, goal: float) -> Tensor:
    """What multiplies the kernel when its gradient flow has brought a residual's squared length down to `goal`.

    The flow takes the errors along the eigenvectors down by exp(-eigenvalue t) (equation 10.21); t is found by halving.
    With fewer parameters than points it may never get there, and has all the time.
    """
    values, vectors = torch.linalg.eigh(kernel)
    errors = vectors.T @ residual
    low, high = -60.0, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        left = (errors * torch.exp(-values * 2.0**middle)).square().sum().item()
        low, high = (middle, high) if left > goal else (low, middle)
    t = 2.0**high
    values = values.clamp(min=torch.finfo(values.dtype).eps * values[-1])  # with few parameters, some are 0
    weights: Tensor = vectors @ (errors * -torch.expm1(-values * t) / values)
    return weights


def _trained(start: TwoLayers, x: Tensor, y: Tensor, most: int) -> tuple[TwoLayers, int]:
    """After gradient descent with a rate of 1 / beta, beta a bound of the Hessian's eigenvalues; and its steps."""
    network, size, goal = start, torch.linalg.matrix_norm(x, 2).item(), GOAL * float(y @ y)
    for step in range(most):
        residual = network.outputs(x) - y
        if float(residual @ residual) <= goal:
            return network, step
        if step % _EVERY == 0:
            beta = _top(network.kernel(x, x)) + network.alpha * size * residual.norm().item()
        network = network.stepped(x, residual, 1.0 / beta)
    return network, most


def _top(kernel: Tensor) -> float:
    return float(torch.linalg.eigvalsh(kernel)[-1])


def _relative(outputs: Tensor, y: Tensor) -> float:
    return float((outputs - y).square().mean() / y.square().mean())
