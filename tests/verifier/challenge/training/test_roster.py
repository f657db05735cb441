"""All reference optimisers, through one contract: bits, state, fuel, shapes, learning, and what the methods say."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from arithmetic import engine_choice
from protocol.transcript import Leaf
from sandbox import state_codec
from sandbox.isolation import InProcess, Isolation, Jail
from sandbox.layout import Layout, Part
from sandbox.optimiser import Assignment, Vector
from tests.support import roster_references
from tests.support.folders import FIXTURES
from tests.support.roster_references import Reference
from tests.support.sample_optimisers import in_process
from tests.support.small_contest import NONCE, SETTINGS, SMALL, task
from verifier.challenge.editions import EDITIONS
from verifier.challenge.module import Module
from verifier.challenge.network.statistics import Statistics
from verifier.challenge.session import Session
from verifier.challenge.training.trainer import Checkpoint

pytestmark = pytest.mark.slow

NAMES = sorted(path.stem for path in (FIXTURES / "optimisers").glob("*.py"))
TENSOR_BY_TENSOR = {"lars", "muon", "trials/adan", "trials/lars", "trials/lion", "trials/sam", "trials/schedule_free"}
"""Modules that want a list of tensors; the others compute with whole vectors, for which one tensor can stand."""
LAYOUT = Layout((Part("layers.0.weight", "weight", (4, 3)), Part("layers.0.bias", "bias", (4,))))
STEPS, STEPS_OF_AN_EPOCH = 50, 8
EPOCHS = 6
FUEL = 10**12

every = pytest.mark.parametrize("name", NAMES)


def source(name: str) -> bytes:
    return (FIXTURES / "optimisers" / f"{name}.py").read_bytes()


# Trainings on the small edition


@pytest.fixture(scope="module", autouse=True)
def _edition() -> Iterator[None]:
    """Trainings end after a few epochs, never before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(EDITIONS, SMALL.name, (replace(SMALL, max_epochs=EPOCHS, patience=EPOCHS),))
        yield


def session(name: str, isolation: Isolation) -> Session:
    settings = replace(SETTINGS, track_id="n_hidden=2")
    asked = replace(task(source(name), FUEL), settings=settings)
    return Session(asked, NONCE, Module(f"{name}.py", source(name)), isolation)


def checkpoints(name: str, isolation: Isolation) -> list[Checkpoint]:
    """One before the first epoch and one after each."""
    given = session(name, isolation)
    with given.trainer() as trainer:
        trainer.start(given.initial)
        found = [trainer.checkpoint()]
        while len(found) <= EPOCHS:
            trainer.advance()
            found.append(trainer.checkpoint())
    return found


@cache
def training(name: str) -> list[Checkpoint]:
    return checkpoints(name, InProcess())


def leaves(name: str) -> tuple[Leaf, ...]:
    """A leaf has digests of the network, the gradient and the state, the losses and the fuel used."""
    found = training(name)[-1].leaves
    assert len(found) == EPOCHS + 1
    return found


def next_leaf(name: str, checkpoint: Checkpoint, isolation: Isolation) -> Leaf:
    """What a new trainer, with a new copy of the module, records after the epoch that follows a checkpoint."""
    with session(name, isolation).trainer() as trainer:
        trainer.resume(checkpoint)
        trainer.advance()
        return trainer.leaves[-1]


@every
def test_two_runs_agree_to_the_bit(name: str) -> None:
    assert checkpoints(name, InProcess())[-1].leaves == leaves(name)


@every
def test_training_goes_on_from_every_epoch(name: str) -> None:
    for epoch in range(EPOCHS):
        assert next_leaf(name, training(name)[epoch], InProcess()) == leaves(name)[epoch + 1]


@every
def test_a_worker_has_the_same_bits_and_fuel(name: str, jail: Jail) -> None:
    assert checkpoints(name, jail)[-1].leaves == leaves(name)


@every
def test_nothing_outlives_a_call_but_the_state(name: str, jail: Jail) -> None:
    """Another process, which has seen no earlier step, goes on from the state as if it had."""
    assert next_leaf(name, training(name)[EPOCHS // 2], jail) == leaves(name)[EPOCHS // 2 + 1]


@every
def test_fuel_is_used_in_every_epoch_and_is_enough(name: str) -> None:
    used = [leaf.fuel_used for leaf in leaves(name)]
    assert used[0] > 0
    assert all(before < after for before, after in pairwise(used))
    assert used[-1] < FUEL


@every
def test_the_state_survives_its_encoding(name: str) -> None:
    state, layout = training(name)[-1].state, session(name, InProcess()).network.layout
    assert state_codec.decode(state, layout.size).encode() == state


def batch_loss(name: str, parameters: Vector) -> float:
    """The loss of the whole training set as one batch: the running statistics, which lag behind, play no part."""
    given = session(name, InProcess())
    points = given.instance.train
    unused = Statistics.initial(given.network.architecture), np.zeros_like(parameters)
    return given.network.loss_and_gradient(parameters, unused[0], given.network.batch(points.x, points.y), unused[1])


@every
def test_it_improves_on_the_initial_loss(name: str) -> None:
    first, *_, last = training(name)
    assert batch_loss(name, last.weights.parameters) < 0.9 * batch_loss(name, first.weights.parameters)


def test_the_engine_changes_neither_bits_nor_fuel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Muon alone multiplies matrices."""
    monkeypatch.setenv(engine_choice.ENGINE_VARIABLE, "binary64")
    assert checkpoints("muon", InProcess())[-1].leaves == leaves("muon")


# Descents on a small problem, inside the sandbox and outside


@dataclass(frozen=True)
class Descent:
    """Where the gradient was taken at each step, and where it ended; flat vectors."""

    locations: list[torch.Tensor]
    end: torch.Tensor


def start() -> torch.Tensor:
    return torch.linspace(-1.0, 1.0, LAYOUT.size)


def gradient_at(w: torch.Tensor) -> torch.Tensor:
    return w * torch.linspace(0.1, 2.0, LAYOUT.size) + 0.05


def in_sandbox(name: str, **hyperparameters: float) -> Descent:
    assignment = Assignment(source(name), f"{name}.py", LAYOUT, {"n_hidden": 4}, hyperparameters, bytes(32), FUEL)
    optimiser = in_process(assignment)
    optimiser.parameters[:] = start().numpy()
    locations = []
    optimiser.initialise()
    for step in range(STEPS):
        epoch = step // STEPS_OF_AN_EPOCH
        optimiser.begin_epoch(epoch, 1.0, 1.0, 1)
        location = optimiser.query_location()
        locations.append(torch.tensor(optimiser.parameters if location is None else location))
        optimiser.gradient[:] = gradient_at(locations[-1])
        updates = optimiser.step_updates()
        assert updates.dtype == np.float32
        assert updates.shape == (LAYOUT.size,)
        assert np.isfinite(updates).all()
        optimiser.parameters += updates
    return Descent(locations, torch.from_numpy(optimiser.parameters))


def plain_module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def flat(vector: torch.Tensor | list[torch.Tensor]) -> torch.Tensor:
    return vector if isinstance(vector, torch.Tensor) else torch.cat([part.reshape(-1) for part in vector])


def with_torch(path: str, **hyperparameters: float) -> Descent:
    """The same with torch itself, under plain Python."""
    form: Callable[[torch.Tensor], object] = LAYOUT.views if path in TENSOR_BY_TENSOR else lambda w: w
    folder = FIXTURES if "/" in path else FIXTURES / "optimisers"
    module, w = plain_module(folder / f"{path}.py"), start()
    state = module.init_optimiser_state({"n_hidden": 4}, form(w), {**module.HYPERPARAMETERS, **hyperparameters}, None)
    gradient, locations = torch.zeros_like(w), []
    for step in range(STEPS):
        epoch = step // STEPS_OF_AN_EPOCH
        location = module.query_location_parameters(form(w), state, form(gradient), epoch, 1.0, 1.0)
        locations.append(w.clone() if location is None else flat(location))
        gradient = gradient_at(locations[-1])
        updates, state = module.optimiser_step_updates(state, form(gradient), form(w), epoch, 1.0, 1.0)
        w = w + flat(updates)
    return Descent(locations, w)


@every
def test_a_module_means_the_same_under_plain_python(name: str) -> None:
    # torch may fuse, and its square root is not correctly rounded; near a minimum, muon's steps amplify that
    changed = {"lr": 0.01} if name == "muon" else {}
    inside, outside = in_sandbox(name, **changed), with_torch(name, **changed)
    torch.testing.assert_close(inside.end, outside.end, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(inside.locations, outside.locations, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reference", roster_references.TORCH, ids=lambda reference: reference.name)
def test_torch_takes_the_same_steps(reference: Reference) -> None:
    """Where momentum looks ahead, torch keeps the location in the parameters' place."""
    descent = in_sandbox(reference.name, **reference.hyperparameters)
    w = start().requires_grad_()
    optimiser, scheduler = reference.build(w)
    for step, location in enumerate(descent.locations):
        torch.testing.assert_close(location, w.detach(), rtol=1e-5, atol=1e-6)
        w.grad = gradient_at(w.detach())
        optimiser.step()
        if scheduler is not None and (reference.each_step or (step + 1) % STEPS_OF_AN_EPOCH == 0):
            scheduler.step()


@pytest.mark.parametrize("name", roster_references.TRIALS)
def test_the_authors_code_takes_the_same_steps(name: str) -> None:
    trial, theirs, ours = roster_references.TRIALS[name]
    expected = with_torch(f"trials/{trial}", **theirs)
    torch.testing.assert_close(in_sandbox(name, **ours).end, expected.end, rtol=2e-5, atol=2e-6)


def test_algorithm_3_asks_for_the_gradient_at_the_sum() -> None:
    w, gradient = start(), torch.zeros(LAYOUT.size)
    for location in in_sandbox("algorithm3", reach=1.0, lr=0.05).locations:
        torch.testing.assert_close(location, w + gradient, rtol=1e-5, atol=1e-6)
        gradient = gradient_at(w + gradient)
        w = w - 0.05 * gradient


def test_barzilai_borwein_finds_the_curvature() -> None:
    locations = in_sandbox("barzilai_borwein", lr=0.05, averaging=0.125).locations
    expected = roster_references.barzilai_borwein(start().double(), gradient_at, STEPS, 0.05, 0.125)
    torch.testing.assert_close(torch.stack(locations).double(), expected, rtol=1e-4, atol=1e-5)


def test_muon_takes_steps_without_a_preferred_direction() -> None:
    """The singular values of a matrix's update are near the rate, whatever those of its gradient."""
    first, second = in_sandbox("muon", lr=0.1).locations[:2]
    taken = torch.linalg.svdvals((LAYOUT.view(second - first, 0)).double()) / (0.1 * (4 / 3) ** 0.5)
    given_ = torch.linalg.svdvals(LAYOUT.view(gradient_at(start()), 0).double())
    assert given_.max() > 3 * given_.min()
    assert 0.6 < taken.min() <= taken.max() < 1.3


# The roster


def test_the_readme_lists_every_module() -> None:
    lines = (FIXTURES / "optimisers" / "README.md").read_text().splitlines()
    assert sorted(line.split("`")[1] for line in lines if line.startswith("| `")) == [f"{name}.py" for name in NAMES]
