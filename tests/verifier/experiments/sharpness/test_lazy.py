"""Two-layer networks and the linear model: against autograd, norms by iteration and closed forms."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from verifier.experiments.study.sharpness.aggregates import SCALINGS, barrier, by_width, of_scaling, slope, swept
from verifier.experiments.study.sharpness.kernel import tangent_kernel
from verifier.experiments.study.sharpness.lazy import INPUTS, TwoLayers, flow_weights, lazy, student, task
from verifier.experiments.study.sharpness.linear import linear
from verifier.experiments.study.sharpness.rows import LazySettings, LinearSettings

SETTINGS = LazySettings(width=16, factor=1.0, exponent=0.5, symmetric=True, seed=3, steps=20_000)


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def flat_outputs(network: TwoLayers, x: torch.Tensor, flat: torch.Tensor) -> torch.Tensor:
    u, v = flat[: network.u.numel()].reshape(network.u.shape), flat[network.u.numel() :]
    return TwoLayers(u, v, network.alpha).outputs(x)


def test_the_kernel_is_that_of_the_jacobian() -> None:
    network = student(replace(SETTINGS, symmetric=False), random())
    x, *_ = task(random(1))
    jacobian = torch.autograd.functional.jacobian(lambda flat: flat_outputs(network, x, flat), network.flat())
    assert torch.allclose(network.kernel(x, x), jacobian @ jacobian.T)
    assert torch.allclose(network.kernel(x, x[:7]), (jacobian @ jacobian.T)[:, :7])
    assert torch.allclose(
        tangent_kernel(lambda flat: flat_outputs(network, x, flat), network.flat()), jacobian @ jacobian.T
    )


def test_a_step_is_one_of_gradient_descent() -> None:
    network = student(replace(SETTINGS, symmetric=False), random())
    x, y, *_ = task(random(1))
    flat = network.flat().requires_grad_()
    ((flat_outputs(network, x, flat) - y).square().sum() / 2).backward()
    assert flat.grad is not None
    stepped = network.stepped(x, network.outputs(x) - y, 0.01)
    assert torch.allclose(stepped.flat(), network.flat() - 0.01 * flat.grad)


def test_the_second_derivative_has_the_norm_that_iteration_finds() -> None:
    network = student(replace(SETTINGS, width=4, symmetric=False), random())
    x, *_ = task(random(1))
    second = torch.stack(
        [
            torch.autograd.functional.hessian(lambda flat, i=i: flat_outputs(network, x, flat)[i], network.flat())
            for i in range(20)
        ]
    )
    best = 0.0
    for seed in range(30):  # the largest of a trilinear form, by turns
        r = torch.randn(20, generator=random(seed), dtype=torch.float64)
        for _ in range(30):
            values, vectors = torch.linalg.eigh(torch.einsum("i,ijk->jk", r / r.norm(), second))
            r = torch.einsum("ijk,j,k->i", second, vectors[:, -1], vectors[:, -1])
        best = max(best, float(values[-1]))
    assert network.second_derivative(x[:20]) == pytest.approx(best, rel=1e-6)


def test_a_symmetric_student_begins_with_zero_and_another_does_not() -> None:
    x, *_ = task(random(1))
    assert float(student(SETTINGS, random()).outputs(x).abs().max()) < 1e-14
    assert float(student(replace(SETTINGS, symmetric=False), random()).outputs(x).abs().max()) > 0.1


def test_the_flow_reaches_the_goal_along_the_kernel() -> None:
    x, y, *_ = task(random(1))
    kernel = student(replace(SETTINGS, width=256), random()).kernel(x, x)
    goal = 0.05 * float(y @ y)
    left = y - kernel @ flow_weights(kernel, y, goal)
    assert float(left @ left) == pytest.approx(goal, rel=1e-6)
    error, rate = y.clone(), 0.01 / float(torch.linalg.eigvalsh(kernel)[-1])
    while float(error @ error) > goal:  # small steps of gradient descent on the linear model
        error = error - rate * kernel @ error
    assert torch.allclose(error, left, atol=0.01 * float(y.norm()))


def test_a_large_output_scale_is_lazy_and_its_network_the_tangent_model() -> None:
    wide, large = lazy(replace(SETTINGS, width=256)), lazy(replace(SETTINGS, width=256, factor=100.0))
    small = lazy(replace(SETTINGS, width=256, factor=0.01))
    assert large.kernel_drift < 0.1 * wide.kernel_drift < wide.kernel_drift < small.kernel_drift
    assert large.kappa == pytest.approx(0.01 * wide.kappa, rel=1e-6)  # equation 10.45
    assert large.test_loss == pytest.approx(large.tangent_test_loss, rel=0.02)
    assert max(each.train_loss for each in (wide, large, small)) <= 1e-3
    assert small.test_loss < large.test_loss


def test_a_linear_model_follows_its_flow_and_the_lemma() -> None:
    slow = linear(LinearSettings(0, 0.001, 40))
    rate = 0.002 / slow.eigenvalues[0]
    for i, eigenvalue in enumerate(slow.eigenvalues):
        flow = [slow.errors[i] * math.exp(-eigenvalue * rate * step) for step in range(41)]
        assert slow.errors[i :: len(slow.eigenvalues)] == pytest.approx(flow, rel=1e-3)
    assert slow.unmoved < 1e-12
    good, bad = (linear(LinearSettings(0, fraction, 400)) for fraction in (0.95, 1.05))
    assert all(np.diff(good.losses) <= 0.0)
    assert good.losses[-1] == pytest.approx(good.least, rel=1e-6)
    assert bad.losses[-1] > bad.losses[0]


def test_aggregates_are_those_by_hand() -> None:
    assert slope({2.0: [4.0, 4.0], 8.0: [64.0]}) == pytest.approx(2.0)
    assert barrier([1.0, 5.0, 2.0]) == 3.0
    one = lazy(replace(SETTINGS, steps=3))
    some = [
        replace(one, settings=replace(SETTINGS, width=width, factor=factor), kappa=float(width))
        for width, factor in ((64, 1.0), (16, 1.0), (64, 0.1), (16, 1.0))
    ]
    same = of_scaling(some, next(iter(SCALINGS)))
    assert by_width(same, lambda each: each.kappa) == {16: [16.0, 16.0], 64: [64.0]}
    assert {factor: len(each) for factor, each in swept(some).items()} == {0.1: 1, 1.0: 1}
    assert INPUTS == 10
