"""Lanczos and the products of Hessians: against dense eigenvalues and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.experiments.study.sharpness.hessian import gradient, hessian
from verifier.experiments.study.sharpness.lanczos import krylov_spaces, largest, quadrature


def symmetric(size: int, seed: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    matrix = torch.randn(size, size, generator=random, dtype=torch.float64)
    return matrix + matrix.T


def start(size: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 24), st.integers(0, 1000))
def test_all_steps_give_all_eigenvalues(size: int, seed: int) -> None:
    matrix = symmetric(size, seed)
    *_, space = krylov_spaces(lambda vector: matrix @ vector, start(size), size)
    assert space.ritz()[0].numpy() == pytest.approx(np.linalg.eigvalsh(matrix.numpy()), abs=1e-8)
    assert (space.basis @ space.basis.T).numpy() == pytest.approx(np.eye(len(space.basis)), abs=1e-10)


def test_the_largest_eigenvalue_and_its_vector_are_found() -> None:
    matrix = symmetric(200, 0)
    pair = largest(lambda vector: matrix @ vector, start(200), most=150, tolerance=1e-6)
    assert pair.value == pytest.approx(np.linalg.eigvalsh(matrix.numpy())[-1], rel=1e-9)
    residual = float((matrix @ pair.vector - pair.value * pair.vector).norm())
    assert residual == pytest.approx(pair.error, rel=1e-3)
    assert residual <= 1e-6 * pair.value


def test_it_is_not_the_largest_magnitude() -> None:
    diagonal = torch.tensor([-9.0, 1.0, 2.0], dtype=torch.float64)
    assert largest(lambda vector: diagonal * vector, start(3)).value == pytest.approx(2.0)


def test_an_invariant_space_ends_the_steps() -> None:
    diagonal = torch.tensor([1.0] * 5 + [3.0] * 5, dtype=torch.float64)
    spaces = list(krylov_spaces(lambda vector: diagonal * vector, start(10), 10))
    assert len(spaces) == 2
    assert spaces[-1].ritz()[0].tolist() == pytest.approx([1.0, 3.0])


def test_quadrature_gives_the_moments_of_a_probe() -> None:
    matrix, probe = symmetric(30, 3), start(30)
    nodes, weights = quadrature(lambda vector: matrix @ vector, probe, 8)
    unit = probe / probe.norm()
    power = unit
    for exponent in range(2 * 8):
        exact = float(unit @ power)
        assert float((weights * nodes**exponent).sum()) == pytest.approx(exact, rel=1e-9)
        power = matrix @ power


def test_products_of_a_hessian_are_those_of_finite_differences() -> None:
    x = torch.linspace(-1.0, 1.0, 12, dtype=torch.float64).reshape(6, 2)

    def loss(parameters: torch.Tensor) -> torch.Tensor:
        first, second = parameters[:6].reshape(3, 2), parameters[6:]
        return (torch.tanh(x @ first.T) @ second - x[:, 0]).square().mean()

    parameters = start(9)
    product = hessian(loss, parameters)
    dense = torch.stack([product(row) for row in torch.eye(9, dtype=torch.float64)])
    step = 1e-5
    rows = [
        (gradient(loss, parameters + step * row)[1] - gradient(loss, parameters - step * row)[1]) / (2 * step)
        for row in torch.eye(9, dtype=torch.float64)
    ]
    assert dense.numpy() == pytest.approx(torch.stack(rows).numpy(), abs=1e-8)
    found = largest(product, start(9), tolerance=1e-8).value
    assert found == pytest.approx(np.linalg.eigvalsh(torch.stack(rows).numpy())[-1], rel=1e-6)
