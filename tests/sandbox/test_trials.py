"""Ten published optimisers as their authors write them, and how little of each had to change."""

from __future__ import annotations

import importlib.util
from difflib import SequenceMatcher
from pathlib import Path
from types import ModuleType

import pytest
import torch

from tests.support.folders import FIXTURES
from tests.support.sample_optimisers import LAYOUT, assignment, in_process, play
from tests.support.small_contest import session
from verifier.challenge.solving import solve

pytestmark = pytest.mark.slow

FOLDER = FIXTURES / "trials"
CHANGED = {
    "adafactor": 8,
    "adam": 2,
    "adamw": 3,
    "adan": 0,
    "lars": 0,
    "lion": 0,
    "muon": 2,
    "sam": 5,
    "schedule_free": 10,
    "shampoo": 0,
}
"""Lines of each original that the sandbox does not take as they are."""
STEPS = 20


def source(name: str) -> bytes:
    return (FOLDER / f"{name}.py").read_bytes()


def plain_module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem.replace(".", "_"), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def start() -> torch.Tensor:
    return torch.linspace(-1.0, 1.0, LAYOUT.size)


def gradient_at(w: torch.Tensor) -> torch.Tensor:
    return w * torch.linspace(0.1, 2.0, LAYOUT.size) + 0.05


def flat(parts: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat([part.reshape(-1) for part in parts])


def descend_plainly(path: Path) -> torch.Tensor:
    """Where the original goes, with torch itself and lists of its tensors."""
    module, w = plain_module(path), start()
    state = module.init_optimiser_state({"n_hidden": 4}, LAYOUT.views(w), dict(module.HYPERPARAMETERS), None)
    gradient = torch.zeros_like(w)
    for step in range(STEPS):
        views = LAYOUT.views(w), LAYOUT.views(gradient)
        location = module.query_location_parameters(views[0], state, views[1], step // 8, 1.0, 1.0)
        gradient = gradient_at(w if location is None else flat(location))
        gradients = LAYOUT.views(gradient)
        updates, state = module.optimiser_step_updates(state, gradients, LAYOUT.views(w), step // 8, 1.0, 1.0)
        w = w + flat(updates)
    return w


def descend_in_sandbox(name: str) -> torch.Tensor:
    optimiser = in_process(assignment(source(name), fuel_budget=10**11))
    optimiser.parameters[:] = start()
    optimiser.initialise()
    for step in range(STEPS):
        optimiser.begin_epoch(step // 8, 1.0, 1.0, 1)
        location = optimiser.query_location()
        where = optimiser.parameters if location is None else location
        optimiser.gradient[:] = gradient_at(torch.from_numpy(where))
        optimiser.parameters += optimiser.step_updates()
    return torch.from_numpy(optimiser.parameters)


def changed_lines(name: str) -> int:
    """Lines that differ in more than their indentation."""
    before, after = (
        [line.strip() for line in (FOLDER / f"{name}{form}.py").read_text().splitlines()] for form in (".before", "")
    )
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return sum(max(a1 - a0, b1 - b0) for kind, a0, a1, b0, b1 in matcher.get_opcodes() if kind != "equal")


def test_each_trial_has_an_original() -> None:
    files = {path.name for path in FOLDER.glob("*.py")}
    assert files == {f"{name}{form}.py" for name in CHANGED for form in ("", ".before")}


@pytest.mark.parametrize("name", CHANGED)
def test_few_lines_had_to_change(name: str) -> None:
    assert changed_lines(name) == CHANGED[name]


@pytest.mark.parametrize("name", CHANGED)
def test_two_runs_agree_to_the_bit(name: str) -> None:
    first, second = (play(in_process(assignment(source(name))), epochs=2) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", CHANGED)
def test_a_trial_does_what_its_original_does_with_torch(name: str) -> None:
    # Newton's iterations of shampoo amplify what torch rounds differently.
    tolerance = 2e-3 if name == "shampoo" else 2e-5
    expected = descend_plainly(FOLDER / f"{name}.before.py")
    torch.testing.assert_close(descend_in_sandbox(name), expected, rtol=tolerance, atol=tolerance / 10)


@pytest.mark.parametrize("name", CHANGED)
def test_a_trial_learns(name: str) -> None:
    losses = solve(session(source(name))).training.train_losses
    assert min(losses) < losses[0]
