"""All reference optimisers, through one contract: bits, state, fuel, shapes, learning, and what the methods say."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator, Mapping
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
from verifier.plain_torch.random_numbers import RandomNumbers

pytestmark = pytest.mark.slow

NAMES = sorted(path.stem for path in (FIXTURES / "optimisers").glob("*.py"))
TENSOR_BY_TENSOR = {
    "lars", "muon", "trials/adan", "trials/lars", "trials/lion", "trials/sam", "trials/schedule_free",
    "block_coordinate", "prune_rewind", "sgd_kaiming", "sgd_orthogonal", "shampoo", "soap", "sophia",
    "weight_normalisation",
}  # fmt: skip
"""Modules that want a list of tensors; the others compute with whole vectors, for which one tensor can stand."""
CALMER = {"muon": {"lr": 0.01}, "prodigy": {"lr": 0.3}, "shampoo": {"ridge": 0.01}, "vsgd": {"reach": 1.0}}
"""Hyperparameters with which a descent does not amplify rounding errors."""
LAYOUT = Layout((Part("layers.0.weight", "weight", (4, 3)), Part("layers.0.bias", "bias", (4,))))
KEY = bytes(32)
"""Of the random numbers of a descent."""
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


def loss_at(w: torch.Tensor) -> float:
    return float((0.5 * w * w * torch.linspace(0.1, 2.0, LAYOUT.size) + 0.05 * w).sum())


def in_sandbox(name: str, **hyperparameters: float) -> Descent:
    return descent(name, STEPS, lambda locations: (1.0, 1.0), gradient_at, hyperparameters)


def descent(
    name: str,
    steps: int,
    losses: Callable[[list[torch.Tensor]], tuple[float, float]],
    gradient_at: Callable[[torch.Tensor], torch.Tensor],
    hyperparameters: Mapping[str, float],
) -> Descent:
    """Losses of training and validation are those that the locations so far give."""
    assignment = Assignment(source(name), f"{name}.py", LAYOUT, {"n_hidden": 4}, hyperparameters, KEY, FUEL)
    optimiser = in_process(assignment)
    optimiser.parameters[:] = start().numpy()
    locations: list[torch.Tensor] = []
    optimiser.initialise()
    for step in range(steps):
        if step % STEPS_OF_AN_EPOCH == 0:
            told = losses(locations)
        optimiser.begin_epoch(step // STEPS_OF_AN_EPOCH, *told, 1)
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
    module, w, numbers = plain_module(folder / f"{path}.py"), start(), RandomNumbers(KEY)
    state = module.init_optimiser_state(
        {"n_hidden": 4}, form(w), {**module.HYPERPARAMETERS, **hyperparameters}, numbers
    )
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
    # torch may fuse, and its square root is not correctly rounded; near a minimum, some methods' steps amplify that
    changed = CALMER.get(name, {})
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


def steps_of(name: str, **hyperparameters: float) -> list[torch.Tensor]:
    return [location.double() for location in in_sandbox(name, **hyperparameters).locations]


@pytest.mark.parametrize("name", roster_references.WRITTEN_OUT)
def test_the_published_formula_takes_the_same_steps(name: str) -> None:
    """Locations of the first 50 steps, of a formula that is written out in binary64."""
    formula, hyperparameters = roster_references.WRITTEN_OUT[name]
    expected = formula(start().double(), gradient_at, STEPS)
    torch.testing.assert_close(torch.stack(steps_of(name, **hyperparameters)), expected, rtol=1e-4, atol=1e-5)


def test_a_layer_is_trained_while_the_others_stay() -> None:
    module = plain_module(FIXTURES / "optimisers" / "block_coordinate.py")
    w = [torch.ones(shape) for shape in ((3, 2), (3,), (3, 3), (3,))]
    state = module.init_optimiser_state({"n_hidden": 2}, w, {**module.HYPERPARAMETERS, "steps": 2}, None)
    for turn in (1, 1, 0, 0, 1, 1, 0):
        updates, state = module.optimiser_step_updates(state, w, w, 0, 1.0, 1.0)
        moved = [bool(update.any()) for update in updates]
        assert moved == [turn == 0, turn == 0, turn == 1, turn == 1]
        assert all(torch.equal(update, -0.1 * part) for update, part in zip(updates, w, strict=True) if update.any())


def test_weight_normalisation_is_that_of_torch() -> None:
    """torch's own parametrisation and autograd, under torch's momentum."""
    layer = torch.nn.Linear(3, 4)
    layer.weight.data, layer.bias.data = (part.clone() for part in LAYOUT.views(start()))
    torch.nn.utils.parametrizations.weight_norm(layer)
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.05, momentum=0.9)
    for location in in_sandbox("weight_normalisation", lr=0.05, momentum=0.9).locations:
        w = torch.cat([layer.weight.reshape(-1), layer.bias])
        torch.testing.assert_close(location, w.detach(), rtol=1e-4, atol=1e-5)
        optimiser.zero_grad()
        (gradient_at(w.detach()) @ w).backward()
        optimiser.step()


def test_a_ticket_is_pruned_and_rewound() -> None:
    """The first round ends with epoch 2, the second with epoch 4; the values of the start of epoch 1 come back."""
    descent = in_sandbox("prune_rewind", rewind=1, period=2, rounds=2, fraction=0.5, lr=0.05)
    matrices = [LAYOUT.view(location, 0) for location in descent.locations]
    biases = [LAYOUT.view(location, 1) for location in descent.locations]
    for epoch, left in ((3, 6), (5, 3)):
        before, after = matrices[epoch * STEPS_OF_AN_EPOCH], matrices[epoch * STEPS_OF_AN_EPOCH + 1]
        kept = after != 0
        assert kept.sum() == left
        assert before.abs()[kept].min() >= before.abs()[~kept].max()
        torch.testing.assert_close(after[kept], matrices[STEPS_OF_AN_EPOCH][kept])
        torch.testing.assert_close(biases[epoch * STEPS_OF_AN_EPOCH + 1], biases[STEPS_OF_AN_EPOCH])
        for later in matrices[epoch * STEPS_OF_AN_EPOCH + 1 :]:
            assert not later[~kept].any()


@pytest.mark.parametrize("name", ["sgd_kaiming", "sgd_orthogonal"])
def test_descent_goes_on_from_the_new_weights(name: str) -> None:
    locations = in_sandbox(name, lr=0.05).locations
    w = locations[0]
    assert not torch.isclose(LAYOUT.view(w, 0), LAYOUT.view(start(), 0)).any()
    assert torch.equal(LAYOUT.view(w, 1), LAYOUT.view(start(), 1))
    for step, location in enumerate(locations):
        torch.testing.assert_close(location, w, rtol=1e-5, atol=1e-6)
        w = w - 0.05 * math.exp(-(step // STEPS_OF_AN_EPOCH) / 100) * gradient_at(w)


def initial_weight(name: str, rows: int, columns: int) -> torch.Tensor:
    module = plain_module(FIXTURES / "optimisers" / f"{name}.py")
    state = module.init_optimiser_state({}, [torch.zeros(rows, columns)], module.HYPERPARAMETERS, RandomNumbers(KEY))
    weight: torch.Tensor = state["start"][0].as_subclass(torch.Tensor).double()
    return weight


def test_kaiming_weights_are_normal_with_the_paper_s_variance() -> None:
    w = initial_weight("sgd_kaiming", 300, 100) * (100 / 2) ** 0.5
    assert abs(w.mean()) < 0.02
    assert abs(w.var() - 1) < 0.03
    assert abs((w.abs() < 1).double().mean() - 0.6827) < 0.01


@pytest.mark.parametrize(("rows", "columns"), [(64, 64), (64, 2), (5, 40)])
def test_orthogonal_weights_are_orthogonal(rows: int, columns: int) -> None:
    values = torch.linalg.svdvals(initial_weight("sgd_orthogonal", rows, columns))
    torch.testing.assert_close(values, torch.full_like(values, 2**0.5), rtol=1e-4, atol=0)


def test_sophia_clips_by_hutchinson_s_estimate() -> None:
    """The signs are read off the locations; the rest is the published algorithm."""
    lr, reach, hyperparameters = 0.02, 0.5, {"rho": 0.1, "every": 5, "epochs": roster_references.NEVER}
    locations = steps_of("sophia", lr=lr, reach=reach, **hyperparameters)
    w, m, h = start().double(), torch.zeros(LAYOUT.size).double(), torch.zeros(LAYOUT.size).double()
    for step, location in enumerate(locations):
        gradient = gradient_at(location)
        if step % 5 == 4:
            signs = (location - w) / reach
            torch.testing.assert_close(signs.abs(), torch.ones_like(signs), rtol=0, atol=1e-5)
            h = 0.99 * h + 0.01 * signs * (gradient - m) / reach
        else:
            torch.testing.assert_close(location, w, rtol=1e-5, atol=1e-6)
            m = 0.96 * m + 0.04 * gradient
        w = w - lr * (m / (0.1 * h).clamp(min=1e-12)).clamp(-1, 1)


def test_sophia_s_signs_are_uncorrelated() -> None:
    """As independent signs would be: the mean product of two of them over 256 probes is small."""
    module = plain_module(FIXTURES / "optimisers" / "sophia.py")
    part = module.begun(torch.zeros(4, 3), 16, RandomNumbers(KEY))
    signs = [module.probe({"signs": 16, "t": 10 * turn, "every": 10}, part).reshape(-1) for turn in range(256)]
    matrix = torch.stack(signs).as_subclass(torch.Tensor)
    apart = (matrix.T @ matrix / 256)[~torch.eye(12, dtype=torch.bool)]
    assert (matrix.abs() == 1).all()
    assert apart.square().mean().sqrt() < 0.25


def test_shampoo_s_roots_are_those_of_an_eigendecomposition() -> None:
    module = plain_module(FIXTURES / "optimisers" / "shampoo.py")
    a = torch.randn(40, 25, generator=torch.Generator().manual_seed(1))
    a = 1e-6 * a @ a.T
    found = module.inverse_fourth_root(a, module.HYPERPARAMETERS).double()
    values, vectors = torch.linalg.eigh(a.double() + module.HYPERPARAMETERS["ridge"] * a.norm() * torch.eye(40))
    expected = vectors @ torch.diag(values**-0.25) @ vectors.T
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3 * float(expected.norm()))


def spectrum(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A positive matrix whose eigenvalues are powers of two, and its eigenvectors."""
    vectors = torch.linalg.qr(torch.randn(size, size, generator=torch.Generator().manual_seed(2)))[0]
    return vectors @ torch.diag(2.0 ** -torch.arange(size)) @ vectors.T, vectors


def test_soap_s_basis_comes_to_the_eigenvectors() -> None:
    module = plain_module(FIXTURES / "optimisers" / "soap.py")
    a, vectors = spectrum(12)
    basis = torch.eye(12)
    for _ in range(60):
        basis = module.rotated(basis, a, module.HYPERPARAMETERS["iterations"])
        torch.testing.assert_close(basis.T @ basis, torch.eye(12), rtol=0, atol=1e-4)
    cosines = (basis.T @ vectors).abs()
    torch.testing.assert_close(cosines.max(dim=0).values, torch.ones(12), rtol=0, atol=1e-3)


def test_soap_s_rotation_is_a_step_of_orthogonal_iteration() -> None:
    """Near the eigenvectors, QR of A Q differs from it in second order alone."""
    module = plain_module(FIXTURES / "optimisers" / "soap.py")
    a, vectors = spectrum(6)
    skew = torch.randn(6, 6, generator=torch.Generator().manual_seed(3)) * 1e-3
    near = torch.linalg.qr(vectors + vectors @ (skew - skew.T))[0]
    near = near * (near * vectors).sum(dim=0).sign()
    q, r = torch.linalg.qr(a @ near)
    rotated = module.rotated(near, a, module.HYPERPARAMETERS["iterations"])
    difference = (rotated - q * r.diag().sign()).norm()
    assert difference < 0.05 * (rotated - near).norm()


def by_epochs(name: str, epochs: int, **hyperparameters: float) -> torch.Tensor:
    """The locations [epochs, size] of a module that keeps one for each epoch, and is told the train loss there."""

    def losses(locations: list[torch.Tensor]) -> tuple[float, float]:
        return (loss_at(locations[-1]) if locations else math.nan), 1.0

    found = torch.stack(descent(name, epochs * STEPS_OF_AN_EPOCH, losses, gradient_at, hyperparameters).locations)
    found = found.reshape(epochs, STEPS_OF_AN_EPOCH, LAYOUT.size)
    torch.testing.assert_close(found, found[:, :1].expand_as(found), rtol=1e-5, atol=1e-6)
    return found[:, 0].double()


def test_mass_is_the_method_of_three_sequences() -> None:
    locations = torch.stack(in_sandbox("mass", lr=0.1, alpha=0.1, kappa=3.0).locations)
    expected = roster_references.mass(start().double(), gradient_at, STEPS, 0.1, 0.1, 3.0)
    torch.testing.assert_close(locations.double(), expected, rtol=1e-4, atol=1e-5)


def test_accelerated_sgd_is_the_form_for_deep_networks() -> None:
    locations = torch.stack(in_sandbox("accelerated_sgd", lr=0.1, kappa=100.0, xi=5.0).locations)
    expected = roster_references.accelerated_sgd(start().double(), gradient_at, STEPS, 0.1, 100.0, 5.0)
    torch.testing.assert_close(locations.double(), expected, rtol=1e-4, atol=1e-5)


def test_gradient_descent_takes_a_step_an_epoch() -> None:
    w = start().double()
    for location in by_epochs("gradient_descent", 6, lr=0.2):
        torch.testing.assert_close(location, w, rtol=1e-5, atol=1e-6)
        w = w - 0.2 * gradient_at(w.float()).double()


def test_sgd_plateau_divides_the_rate_where_torch_does() -> None:
    validation = [math.nan, 1.0, 0.5, 0.6, 0.49999, 0.4, 0.41, 0.42, 0.43, 0.1]

    def losses(locations: list[torch.Tensor]) -> tuple[float, float]:
        return 1.0, validation[len(locations) // STEPS_OF_AN_EPOCH]

    given = {"lr": 0.2, "factor": 0.5, "patience": 1}
    locations = descent("sgd_plateau", STEPS_OF_AN_EPOCH * len(validation), losses, gradient_at, given).locations
    w = start().requires_grad_()
    optimiser = torch.optim.SGD([w], lr=0.2)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=1)
    for step, location in enumerate(locations):
        if step >= STEPS_OF_AN_EPOCH and step % STEPS_OF_AN_EPOCH == 0:
            plateau.step(validation[step // STEPS_OF_AN_EPOCH])
        torch.testing.assert_close(location, w.detach(), rtol=1e-5, atol=1e-6)
        w.grad = gradient_at(w.detach())
        optimiser.step()
    assert optimiser.param_groups[0]["lr"] == 0.05


def test_lbfgs_goes_where_whole_matrices_point() -> None:
    """Or half as far as before, where the loss has not fallen."""
    points = by_epochs("lbfgs", 14, lr=0.1, memory=3)
    gradients = torch.stack([gradient_at(point.float()).double() for point in points])
    accepted, halved = [0, 1], 0
    for epoch in range(2, len(points)):
        step = points[epoch] - points[accepted[-1]]
        direction = roster_references.bfgs(points[accepted], gradients[accepted], 3)
        rate = float((step @ direction) / (direction @ direction))
        torch.testing.assert_close(step, rate * direction, rtol=2e-3, atol=1e-4)
        assert rate == pytest.approx(0.5**halved, rel=1e-2)
        has_fallen = loss_at(points[epoch].float()) < loss_at(points[accepted[-1]].float())
        accepted, halved = ([*accepted, epoch], 0) if has_fallen else (accepted, halved + 1)
    assert float(gradients[-1].norm()) < 1e-2 * float(gradients[0].norm())


def test_conjugate_gradients_go_where_polak_and_ribiere_point() -> None:
    points = by_epochs("nonlinear_cg", 25, lr=0.5)
    losses = [loss_at(point.float()) for point in points]
    accepted = [0]
    for epoch in range(1, len(points)):
        gradients = torch.stack([gradient_at(points[each].float()).double() for each in accepted])
        step, direction = points[epoch] - points[accepted[-1]], roster_references.polak_ribiere(gradients)[-1]
        assert float(torch.cosine_similarity(step, direction, dim=0)) == pytest.approx(1, abs=1e-4)
        if losses[epoch] < losses[accepted[-1]]:
            accepted.append(epoch)
    best = by_epochs("gradient_descent", 25, lr=0.9)[-1]
    assert gradient_at(points[accepted[-1]].float()).norm() < 0.5 * gradient_at(best.float()).norm()


def test_hessian_free_takes_the_damped_newton_step() -> None:
    """As many products as conjugate gradients need, at probes of the given length, and then the step."""
    points = by_epochs("hessian_free", 11, iterations=9, damping=0.5, reach=0.1)
    curvature = torch.linspace(0.1, 2.0, LAYOUT.size, dtype=torch.float64)
    reaches = (points[1:10] - points[0]).norm(dim=1)
    torch.testing.assert_close(reaches, torch.full_like(reaches, 0.1), rtol=1e-4, atol=0)
    expected = points[0] - gradient_at(points[0].float()).double() / (curvature + 0.5)
    torch.testing.assert_close(points[10], expected, rtol=1e-2, atol=2e-3)


def test_hessian_free_adapts_its_damping() -> None:
    """The model is exact here, and the more it is trusted the longer are the steps; Martens's rule."""
    points = by_epochs("hessian_free", 21, iterations=9, damping=0.5, trust=1.5, reach=0.1)
    curvature = torch.linspace(0.1, 2.0, LAYOUT.size, dtype=torch.float64)
    before = points[10]
    expected = before - gradient_at(before.float()).double() / (curvature + 0.5 / 1.5)
    torch.testing.assert_close(points[20], expected, rtol=2e-2, atol=2e-3)


def test_sgd_qn_divides_by_the_curvature() -> None:
    """Of this problem, whose Hessian is diagonal, the first measurement says it all."""
    locations = torch.stack(in_sandbox("sgd_qn", lr=0.5, decay_steps=100, curvature=0.5, least=0.3).locations)
    curvature = torch.linspace(0.1, 2.0, LAYOUT.size)
    for step, (before, after) in enumerate(pairwise(locations)):
        diagonal = (0.5 / curvature).clamp(0.3, 1.0) if step >= 2 * STEPS_OF_AN_EPOCH else 1.0
        expected = before - 0.5 / (1 + step / 100) * diagonal * gradient_at(before)
        torch.testing.assert_close(after, expected, rtol=1e-3, atol=1e-4)


def test_vsgd_takes_newton_steps_without_noise() -> None:
    location = in_sandbox("vsgd", every=10, reach=0.1).locations[2 * STEPS_OF_AN_EPOCH + 1]
    torch.testing.assert_close(gradient_at(location), torch.zeros(LAYOUT.size), rtol=0, atol=2e-3)


def test_vsgd_with_noise_is_the_papers() -> None:
    noise = torch.from_numpy(np.random.default_rng(0).normal(0, 0.3, (STEPS_OF_AN_EPOCH, LAYOUT.size)))

    def noisy(w: torch.Tensor, step: int) -> torch.Tensor:
        return gradient_at(w.float()).double() + noise[step % STEPS_OF_AN_EPOCH]

    steps, given = iter(range(10**6)), {"every": 5, "reach": 0.1}
    descended = descent(
        "vsgd", 10 * STEPS_OF_AN_EPOCH, lambda locations: (1.0, 1.0), lambda w: noisy(w, next(steps)).float(), given
    )
    expected = roster_references.vsgd(start().double(), noisy, 10, 5)
    torch.testing.assert_close(descended.end.double(), expected[-1], rtol=1e-3, atol=1e-3)
    starts = torch.stack(descended.locations[STEPS_OF_AN_EPOCH * 2 :: STEPS_OF_AN_EPOCH])[[0, 1, 2]].double()
    torch.testing.assert_close(starts, expected[[1, 2, 3]], rtol=1e-3, atol=1e-3)


# The roster


def test_the_readme_lists_every_module() -> None:
    lines = (FIXTURES / "optimisers" / "README.md").read_text().splitlines()
    assert sorted(line.split("`")[1] for line in lines if line.startswith("| `")) == [f"{name}.py" for name in NAMES]
