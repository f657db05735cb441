"""The adaptive methods, against torch's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from verifier.experiments.study.feedback.networks import FLOAT
from verifier.experiments.study.feedback.optimisers import OPTIMISERS

THEIRS: dict[str, Callable[[list[torch.Tensor]], torch.optim.Optimizer]] = {
    "SGD": lambda some: torch.optim.SGD(some, lr=0.1),
    "Adagrad": lambda some: torch.optim.Adagrad(some, lr=0.1, eps=1e-8),
    "Adadelta": lambda some: torch.optim.Adadelta(some, lr=0.1, rho=0.9, eps=1e-6),
    "RMSProp": lambda some: torch.optim.RMSprop(some, lr=0.1, alpha=0.9, eps=1e-8),
    "Adam": lambda some: torch.optim.Adam(some, lr=0.1, eps=1e-8),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_steps_are_those_of_torch(name: str) -> None:
    generator = np.random.default_rng(0)
    start = generator.normal(size=20).astype(FLOAT)
    ours, theirs = start.copy(), torch.tensor(start)
    optimiser, reference = OPTIMISERS[name](0.1, 20), THEIRS[name]([theirs])
    for _ in range(30):
        gradient = generator.normal(size=20).astype(FLOAT)
        optimiser.step(ours, gradient)
        theirs.grad = torch.tensor(gradient)
        reference.step()
    assert np.abs(ours - start).min() > 0.0
    assert ours == pytest.approx(theirs.numpy(), rel=1e-4, abs=1e-5)
