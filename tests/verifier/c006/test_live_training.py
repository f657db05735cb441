"""The live network's training loop: its gradient, its statistics, its shuffles, its ends."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from types import TracebackType
from typing import Any, Self

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from protocol.claim import StopReason
from protocol.std_rng import StdRng
from sandbox.errors import FuelExhausted, MemoryExhausted
from sandbox.optimiser import Vector
from tests.support.folders import VECTORS
from verifier.c006 import training
from verifier.c006.dataset import DataSet
from verifier.c006.evaluation import outputs
from verifier.c006.training import LiveNetwork, LiveTraining, train
from verifier.challenge.training.trainer import Epoch

Array = NDArray[Any]

_FILE = VECTORS / "network_std_rng.json"
STREAMS = json.loads(_FILE.read_text(encoding="utf-8"))["from_seed"]

WIDTH = 6
DEPTH = 4
SEED = bytes(range(32))


def initial_weights(kind: type = np.float32, width: int = WIDTH) -> list[Array]:
    """Weights [in, out] of a narrow network."""
    rng = np.random.default_rng(1)
    shapes = [(1, width), *[(width, width)] * (DEPTH - 1), (width, 2)]
    return [rng.uniform(-1.0, 1.0, shape).astype(kind) for shape in shapes]


def points(count: int = 1450) -> DataSet:
    """Points of a function that a narrow network can learn a little of."""
    rng = np.random.default_rng(2)
    x = rng.uniform(-1.0, 1.0, (count, 1)).astype(np.float32)
    f = np.concatenate([np.sin(3 * x), np.cos(3 * x)], axis=1).astype(np.float32)
    return DataSet(x, f, (f + rng.normal(0.0, 0.2, f.shape)).astype(np.float32))


def sgd(rate: float) -> Callable[[StubOptimiser], Vector]:
    return lambda optimiser: np.float32(-rate) * optimiser.gradient


def stay(optimiser: StubOptimiser) -> Vector:
    return np.zeros_like(optimiser.gradient)


@dataclass
class StubOptimiser:
    """An optimiser made of functions, and what it was told."""

    network: LiveNetwork
    updates: Callable[[StubOptimiser], Vector] = field(default_factory=lambda: sgd(1e-4))
    query: Callable[[StubOptimiser], Vector | None] = lambda optimiser: None
    steps: int = 0
    told: list[tuple[int, float, float]] = field(default_factory=list)
    fuel_used: int = 0

    def __post_init__(self) -> None:
        self.parameters = np.full(self.network.layout.size, math.nan, np.float32)
        self.gradient = np.full(self.network.layout.size, math.nan, np.float32)

    def initialise(self) -> None:
        assert np.array_equal(self.parameters, self.network.initial_parameters().numpy())
        assert not self.gradient.any()

    def begin_epoch(self, epoch: int, train_loss: float, validation_loss: float, steps: int) -> None:
        assert steps == 8
        self.now = (epoch, train_loss, validation_loss)

    def query_location(self) -> Vector | None:
        return self.query(self)

    def step_updates(self) -> Vector:
        self.steps += 1
        self.told.append(self.now)
        return self.updates(self)

    def state_digest(self) -> bytes:
        raise NotImplementedError

    def save(self) -> bytes:
        raise NotImplementedError

    def restore(self, state: bytes, fuel_used: int) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def run(
    updates: Callable[[StubOptimiser], Vector] | None = None,
    query: Callable[[StubOptimiser], Vector | None] | None = None,
    observed: list[Epoch] | None = None,
) -> tuple[LiveTraining, StubOptimiser]:
    network = LiveNetwork(initial_weights())
    optimiser = StubOptimiser(network)
    optimiser.updates = updates or optimiser.updates
    optimiser.query = query or optimiser.query
    return train(SEED, points(), network, optimiser, (observed if observed is not None else []).append), optimiser


@pytest.fixture
def three_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "MAX_EPOCHS", 3)


# -- the gradient ------------------------------------------------------------------------------------------------


def by_hand(
    parts: Sequence[Array], frozen: Array, last: Array, x: Array, y: Array
) -> tuple[float, list[Array], list[tuple[Array, Array]]]:
    """Mean squared error, gradient of the sum of the squares, and the batch's mean and unbiased variance of each
    norm; weights [out, in], written down from the formulas in binary64."""
    h, passed, moments = x, [], []
    zeros, ones = np.zeros(len(frozen)), np.ones(len(frozen))
    layers = [*(parts[i : i + 4] for i in range(0, len(parts), 4)), (frozen, zeros, ones, zeros)]
    for weight, bias, gamma, beta in layers:
        z = h @ weight.T + bias
        r = np.where(z > 0.0, z, 0.0)
        inverse = 1.0 / np.sqrt(r.var(axis=0) + 1e-5)
        normal = (r - r.mean(axis=0)) * inverse
        moments.append((r.mean(axis=0), r.var(axis=0, ddof=1)))
        passed.append((h, z, normal, inverse))
        h = normal * gamma + beta
    residual = h @ last.T - y
    gradients: list[Array] = []
    dh = 2.0 * residual @ last
    for (weight, _, gamma, _), (inputs, z, normal, inverse) in zip(reversed(layers), reversed(passed), strict=True):
        d_normal = dh * gamma
        dr = inverse * (d_normal - d_normal.mean(axis=0) - normal * (d_normal * normal).mean(axis=0))
        dz = np.where(z > 0.0, dr, 0.0)
        gradients = [dz.T @ inputs, dz.sum(axis=0), (dh * normal).sum(axis=0), dh.sum(axis=0), *gradients]
        dh = dz @ weight
    return float((residual**2).mean()), gradients[:-4], moments


def test_gradient_and_statistics_are_those_of_the_formulas() -> None:
    initial = initial_weights(np.float64)
    network = LiveNetwork(initial)
    rng = np.random.default_rng(3)
    flat = torch.tensor(rng.normal(0.0, 0.7, network.layout.size))
    gradient = torch.zeros_like(flat)
    before = rng.uniform(0.5, 2.0, (2, DEPTH, WIDTH))
    statistics = torch.tensor(before)
    x, y = rng.uniform(-1, 1, (104, 1)), rng.normal(0.0, 1.0, (104, 2))

    loss = network.loss_and_gradient(flat, statistics, torch.tensor(x), torch.tensor(y), gradient)

    parts = [part.numpy() for part in network.layout.views(flat)]
    expected_loss, expected_gradients, moments = by_hand(parts, initial[-2].T, initial[-1].T, x, y)
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    expected = np.concatenate([part.ravel() for part in expected_gradients])
    assert np.abs(expected).max() > 1.0
    np.testing.assert_allclose(gradient.numpy(), expected, rtol=0, atol=1e-10 * np.abs(expected).max())
    for layer, (mean, variance) in enumerate(moments):
        np.testing.assert_allclose(statistics[0, layer], 0.9 * before[0, layer] + 0.1 * mean, rtol=1e-12)
        np.testing.assert_allclose(statistics[1, layer], 0.9 * before[1, layer] + 0.1 * variance, rtol=1e-12)


def test_trainable_parts_are_those_before_the_frozen_layers() -> None:
    layout = LiveNetwork(initial_weights()).layout
    assert [part.shape for part in layout.parts] == [
        (WIDTH, 1), (WIDTH,), (WIDTH,), (WIDTH,),
        (WIDTH, WIDTH), (WIDTH,), (WIDTH,), (WIDTH,),
        (WIDTH, WIDTH), (WIDTH,), (WIDTH,), (WIDTH,),
    ]  # fmt: skip
    assert [part.name for part in layout.parts[4:8]] == [
        "layers.1.weight", "layers.1.bias", "layers.1.norm.weight", "layers.1.norm.bias",
    ]  # fmt: skip
    assert [part.role for part in layout.parts[4:8]] == ["weight", "bias", "norm.weight", "norm.bias"]


@pytest.mark.usefixtures("three_epochs")
def test_weights_of_the_outcome_are_the_network_that_was_validated() -> None:
    outcome, _ = run(sgd(1e-3))
    weights = outcome.weights
    assert weights is not None
    validation = points().validation
    loss = np.mean((outputs(weights, validation.x) - validation.y) ** 2)
    assert float(loss) == pytest.approx(outcome.validation_loss, rel=1e-4)
    initial = initial_weights()
    for layer in (-2, -1):
        np.testing.assert_array_equal(weights.linear[layer].weight, initial[layer])
        assert not weights.linear[layer].bias.any()
    assert (weights.norms[-1].weight == 1.0).all()
    assert not weights.norms[-1].bias.any()
    assert weights.norms[-1].mean.all(), "the frozen norm's statistics move"
    assert (weights.linear[0].weight != initial[0]).all()


# -- the loop ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("three_epochs")
@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream["seed_hex"][-8:])
def test_every_epoch_shuffles_anew_with_the_networks_stream(stream: dict[str, Any]) -> None:
    network = LiveNetwork(initial_weights())
    seen: list[list[int]] = []
    data = points()
    data.x[:, 0] = np.arange(len(data.x)) / 1024

    def recorded(parameters: Any, statistics: Any, x: torch.Tensor, y: Any, gradient: Any) -> float:
        seen.append((x[:, 0] * 1024).int().tolist())
        np.testing.assert_array_equal(y, data.y[seen[-1]])
        return 1.0

    network.loss_and_gradient = recorded  # type: ignore[method-assign]
    train(bytes.fromhex(stream["seed_hex"]), data, network, StubOptimiser(network))
    assert [len(rows) for rows in seen] == [128, 128, 128, 128, 128, 128, 128, 104] * 3
    orders = [list(chain.from_iterable(seen[8 * epoch : 8 * epoch + 8])) for epoch in range(3)]
    assert orders == stream["shuffle_0_1000_three_epochs_same_rng"]


@pytest.mark.usefixtures("three_epochs")
def test_reported_losses_are_means_over_all_errors_of_the_epoch_before() -> None:
    observed: list[Epoch] = []
    outcome, optimiser = run(stay, observed=observed)
    assert (outcome.stop_reason, outcome.epochs) == (StopReason.EPOCH_LIMIT, 3)
    told = optimiser.told
    assert [epoch for epoch, _, _ in told] == [0] * 8 + [1] * 8 + [2] * 8
    assert all(math.isnan(loss) for loss in told[0][1:])
    assert [told[8][1:], told[16][1:]] == [(e.train_loss, e.validation_loss) for e in observed[:2]]
    network, data = LiveNetwork(initial_weights()), points()
    total = 0.0
    order = list(range(1000))
    StdRng.from_seed(SEED).shuffle(order)
    for start in range(0, 1000, 128):
        rows = order[start : start + 128]
        x, y = torch.tensor(data.x[rows]), torch.tensor(data.y[rows])
        statistics, gradient = network.initial_statistics(), torch.zeros(network.layout.size)
        loss = network.loss_and_gradient(network.initial_parameters(), statistics, x, y, gradient)
        total += loss * 2 * len(rows)
    assert observed[0].train_loss == pytest.approx(total / 2000, rel=1e-6)


@pytest.mark.usefixtures("three_epochs")
def test_a_query_location_is_where_the_gradient_is_taken_and_not_where_the_step_starts() -> None:
    losses: dict[str, list[Epoch]] = {"none": [], "same": [], "doubled": []}
    run(sgd(1e-3), observed=losses["none"])
    run(sgd(1e-3), lambda o: o.parameters.copy(), losses["same"])
    run(sgd(1e-3), lambda o: 2.0 * o.parameters, losses["doubled"])
    none, same, doubled = ([epoch.train_loss for epoch in observed] for observed in losses.values())
    assert none == same
    assert none != doubled
    outcome, _ = run(stay, lambda o: 2.0 * o.parameters)
    assert outcome.weights is not None
    np.testing.assert_array_equal(outcome.weights.linear[0].weight, initial_weights()[0])


@pytest.mark.usefixtures("three_epochs")
def test_batches_with_a_query_location_never_move_the_statistics() -> None:
    always, _ = run(query=lambda o: o.parameters.copy())
    assert always.weights is not None
    for norm in always.weights.norms:
        assert not norm.mean.any()
        assert (norm.variance == 1.0).all()
    # One batch of each epoch without: the statistics have moved by three batches.
    rarely, _ = run(stay, lambda o: None if o.steps % 8 == 0 else o.parameters.copy())
    all_moved, _ = run(stay)
    assert rarely.weights is not None
    assert all_moved.weights is not None
    dead = all_moved.weights.norms[0].mean == 0.0
    ratio = rarely.weights.norms[0].mean[~dead] / all_moved.weights.norms[0].mean[~dead]
    expected = (1 - 0.9**rarely.best_epoch) / (1 - 0.9 ** (8 * all_moved.best_epoch))
    np.testing.assert_allclose(ratio, expected, rtol=0.3)


# -- the ends ----------------------------------------------------------------------------------------------------


def scripted(monkeypatch: pytest.MonkeyPatch, losses: Sequence[float]) -> LiveTraining:
    """A training whose validation losses are these, the last one for ever, and whose parameters count the epochs."""
    network = LiveNetwork(initial_weights())
    remaining = iter(losses)
    monkeypatch.setattr(network, "loss", lambda *_: next(remaining, losses[-1]))
    monkeypatch.setattr(network, "loss_and_gradient", lambda *_: 1.0)
    network.initial_parameters = lambda: torch.zeros(network.layout.size)  # type: ignore[method-assign]
    optimiser = StubOptimiser(network, lambda o: np.full_like(o.parameters, 0.125))
    return train(SEED, points(), network, optimiser)


def test_training_ends_fifty_epochs_after_the_best_which_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = scripted(monkeypatch, [3.0, 2.0, 5.0, 1.0, 1.0])
    assert (outcome.stop_reason, outcome.epochs, outcome.best_epoch) == (StopReason.EARLY_STOPPING, 54, 4)
    assert outcome.validation_loss == 1.0
    assert outcome.weights is not None
    assert (outcome.weights.linear[0].weight == 4.0).all()


def test_an_improvement_is_more_than_the_margin_in_binary32(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, three = (float(np.float32(1.0) - steps * np.float32(2.0**-24)) for steps in (1, 2, 3))
    assert one - 1e-7 > three
    # 1 - 1e-7 rounds to two: binary64 would take two for an improvement.
    assert scripted(monkeypatch, [1.0, two]).best_epoch == 1
    assert scripted(monkeypatch, [1.0, three]).best_epoch == 2
    # Small steps count from the best, not from the last.
    assert scripted(monkeypatch, [1.0, one, two, three]).best_epoch == 4


def test_a_nan_never_improves(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = scripted(monkeypatch, [math.nan, math.inf, math.nan])
    assert (outcome.stop_reason, outcome.epochs, outcome.best_epoch) == (StopReason.EARLY_STOPPING, 50, 0)
    assert outcome.weights is None
    assert scripted(monkeypatch, [math.nan, 2.0, math.nan]).best_epoch == 2


def test_a_thousand_epochs_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StdRng, "shuffle", lambda *_: None)
    falling = [2.0 - epoch / 1000 for epoch in range(1100)]
    outcome = scripted(monkeypatch, falling)
    assert (outcome.stop_reason, outcome.epochs, outcome.best_epoch) == (StopReason.EPOCH_LIMIT, 1000, 1000)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
def test_a_loss_that_is_not_finite_ends_training_with_the_best_so_far(value: float) -> None:
    outcome, optimiser = run(lambda o: np.full_like(o.gradient, value if o.steps > 20 else 1e-3))
    assert (outcome.stop_reason, outcome.epochs, outcome.best_epoch) == (StopReason.NON_FINITE_LOSS, 2, 2)
    assert outcome.weights is not None
    assert optimiser.steps == 21
    at_once, _ = run(lambda o: np.full_like(o.gradient, value))
    assert (at_once.weights, at_once.epochs, at_once.validation_loss) == (None, 0, math.inf)


@pytest.mark.parametrize(
    ("exhaustion", "reason"),
    [(FuelExhausted, StopReason.FUEL_EXHAUSTED), (MemoryExhausted, StopReason.MEMORY_EXHAUSTED)],
)
def test_an_exhausted_optimiser_ends_training_with_the_best_so_far(
    exhaustion: type[Exception], reason: StopReason
) -> None:
    def limited(optimiser: StubOptimiser) -> Vector:
        if optimiser.steps > 20:
            raise exhaustion("spent")
        return np.float32(-1e-4) * optimiser.gradient

    outcome, _ = run(limited)
    assert (outcome.stop_reason, outcome.epochs, outcome.best_epoch) == (reason, 2, 2)
    assert outcome.weights is not None


def test_training_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "MAX_EPOCHS", 60)
    observed: list[Epoch] = []
    outcome, _ = run(sgd(1e-3), observed=observed)
    assert outcome.validation_loss < 0.5 * observed[0].validation_loss
    assert observed[-1].best_validation_loss == outcome.validation_loss == min(e.validation_loss for e in observed)
    assert [epoch.number for epoch in observed] == list(range(1, outcome.epochs + 1))
