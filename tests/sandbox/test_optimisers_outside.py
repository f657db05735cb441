"""The shipped modules run under plain Python with torch tensors, and mean there what they mean in the sandbox."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

from sandbox.layout import Layout, Part
from sandbox.optimiser import Assignment, HostedOptimiser

OPTIMISERS = sorted((Path(__file__).parents[2] / "fixtures" / "optimisers").glob("*.py"))
LAYOUT = Layout((Part("layers.0.weight", "weight", (4, 3)), Part("layers.0.bias", "bias", (4,))))
STEPS = 20


def plain_module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def start() -> torch.Tensor:
    return torch.linspace(-1.0, 1.0, LAYOUT.size)


def gradient_at(w: torch.Tensor) -> torch.Tensor:
    return w * torch.linspace(0.1, 2.0, LAYOUT.size) + 0.05


def descend_plainly(path: Path) -> torch.Tensor:
    module, w = plain_module(path), start()
    state = module.init_optimiser_state({"n_hidden": 4}, w, dict(module.HYPERPARAMETERS), None)
    gradient = torch.zeros_like(w)
    for step in range(STEPS):
        location = module.query_location_parameters(w, state, gradient, step // 8, 1.0, 1.0)
        gradient = gradient_at(w if location is None else location)
        updates, state = module.optimiser_step_updates(state, gradient, w, step // 8, 1.0, 1.0)
        w = w + updates
    return w


def descend_in_sandbox(path: Path) -> torch.Tensor:
    assignment = Assignment(path.read_bytes(), path.name, LAYOUT, {"n_hidden": 4}, {}, bytes(32), 10**12)
    optimiser = HostedOptimiser(assignment, start(), torch.zeros(LAYOUT.size))
    optimiser.initialise()
    for step in range(STEPS):
        location = optimiser.query_location(step // 8, 1.0, 1.0)
        optimiser.gradient.copy_(gradient_at(optimiser.parameters if location is None else location))
        optimiser.parameters.add_(optimiser.step_updates(step // 8, 1.0, 1.0))
    return optimiser.parameters


@pytest.mark.parametrize("path", OPTIMISERS, ids=lambda path: path.stem)
def test_a_module_means_the_same_under_plain_python(path: Path) -> None:
    # torch may fuse and its square root is not correctly rounded: equal to a few units in the last place only
    torch.testing.assert_close(descend_in_sandbox(path), descend_plainly(path), rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("momentum", lambda w: torch.optim.SGD([w], lr=0.01, momentum=0.9)),
        ("adam", lambda w: torch.optim.Adam([w], lr=0.001)),
    ],
)
def test_a_method_that_torch_has_too_takes_the_same_steps(
    name: str, reference: Callable[[torch.Tensor], torch.optim.Optimizer]
) -> None:
    w = start().requires_grad_()
    optimiser = reference(w)
    for _ in range(STEPS):
        w.grad = gradient_at(w.detach())
        optimiser.step()
    path = next(path for path in OPTIMISERS if path.stem == name)
    torch.testing.assert_close(descend_in_sandbox(path), w.detach(), rtol=1e-5, atol=1e-6)
