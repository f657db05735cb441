"""Algorithm 1, driven by an optimiser that follows a script and a network that writes down what it is asked."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import pytest
from blake3 import blake3

from protocol.claim import StopReason
from protocol.merkle import MerkleTree
from protocol.transcript import Leaf
from sandbox.errors import FuelExhausted
from sandbox.optimiser import Vector
from tests.support.small_contest import SEED, SMALL, instance_id
from verifier.challenge.editions import Edition
from verifier.challenge.instance.instance import draw_instance
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import initial_parameters
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.network import Batch
from verifier.challenge.network.statistics import Statistics
from verifier.challenge.network.weights import Weights
from verifier.challenge.training.early_stopping import EarlyStopping
from verifier.challenge.training.trainer import Epoch, Observer, Trainer, Training, finish
from verifier.challenge.training.transcript import array_digest, transcript_tree

Losses = tuple[float, float]
STATE = b"state of the optimiser, 32 bytes"


def descend(optimiser: Scripted) -> Vector:
    return -0.05 * optimiser.gradient


@dataclass
class Scripted:
    """An optimiser of plain arrays that records every call; `steps` counts them."""

    size: int
    update: Callable[[Scripted], Vector] = descend
    locate: Callable[[Scripted], Vector | None] = lambda optimiser: None
    digest: bytes = STATE
    fuel_per_step: int = 10
    steps: int = 0
    calls: list[str] = field(default_factory=list)
    told: list[tuple[int, float, float]] = field(default_factory=list)
    gradients: list[Vector] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parameters = np.full(self.size, math.nan, np.float32)
        self.gradient = np.full(self.size, math.nan, np.float32)

    def initialise(self) -> None:
        self._note("initialise")

    def begin_epoch(self, epoch: int, train_loss: float, validation_loss: float, steps: int) -> None:
        self.now = (epoch, train_loss, validation_loss)
        self.calls.append(f"epoch of {steps} steps")

    def query_location(self) -> Vector | None:
        self._note("query")
        self.told.append(self.now)
        return self.locate(self)

    def step_updates(self) -> Vector:
        self._note("step")
        self.told.append(self.now)
        self.steps += 1
        return self.update(self)

    def state_digest(self) -> bytes:
        self.calls.append("digest")
        return self.digest

    def save(self) -> bytes:
        raise NotImplementedError

    def restore(self, state: bytes, fuel_used: int) -> None:
        raise NotImplementedError

    @property
    def fuel_used(self) -> int:
        return self.fuel_per_step * self.steps

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self.gradients.append(self.gradient.copy())


@dataclass
class Asked:
    """One forward and backward pass."""

    location: Vector
    batch: Batch
    loss: float


class Recording(EagerNetwork):
    """A network that keeps what it was asked; validation losses may be scripted."""

    def __init__(self, identity: InstanceId, script: tuple[float, ...] = ()) -> None:
        super().__init__(identity)
        self.script = script
        self.asked: list[Asked] = []
        self.validated: list[tuple[Vector, Statistics]] = []

    def loss_and_gradient(self, parameters: Vector, statistics: Statistics, batch: Batch, gradient: Vector) -> float:
        where = parameters.copy()
        loss = super().loss_and_gradient(parameters, statistics, batch, gradient)
        self.asked.append(Asked(where, batch, loss))
        return loss

    def loss(self, parameters: Vector, statistics: Statistics, batch: Batch) -> float:
        self.validated.append((parameters.copy(), statistics.copy()))
        epoch = len(self.validated)
        return self.script[epoch - 1] if epoch <= len(self.script) else super().loss(parameters, statistics, batch)


@dataclass
class Run:
    """A training and its witnesses."""

    training: Training
    optimiser: Scripted
    network: Recording
    initial: Vector


def run(
    edition: Edition = SMALL,
    script: tuple[float, ...] = (),
    observer: Observer | None = None,
    update: Callable[[Scripted], Vector] = descend,
    locate: Callable[[Scripted], Vector | None] = lambda optimiser: None,
    **changes: object,
) -> Run:
    identity = instance_id(edition, 2)
    initial, network = initial_parameters(identity), Recording(identity, script)
    optimiser = Scripted(network.layout.size, update, locate, **changes)  # type: ignore[arg-type]
    trainer = Trainer(identity, draw_instance(identity), network, optimiser)
    trainer.start(initial)
    return Run(finish(trainer, observer), optimiser, network, initial)


def epochs(number: int) -> Edition:
    return replace(SMALL, max_epochs=number)


def at_step(number: int, action: Callable[[Scripted], Vector]) -> Callable[[Scripted], Vector]:
    """Descend, but do something else at one step (from 1)."""
    return lambda optimiser: action(optimiser) if optimiser.steps == number else descend(optimiser)


def exhaust(optimiser: Scripted) -> Vector:
    raise FuelExhausted("spent")


def filled(value: float) -> Callable[[Scripted], Vector]:
    """An update of zeros with one other value in it."""

    def update(optimiser: Scripted) -> Vector:
        updates = np.zeros(optimiser.size, np.float32)
        updates[17] = value
        return updates

    return update


def test_the_calls_of_two_epochs_in_order() -> None:
    done = run(epochs(2))
    epoch = ["epoch of 4 steps", *["query", "step"] * 4, "digest"]
    assert done.optimiser.calls == ["initialise", "digest", *epoch * 2]


def test_epochs_count_from_zero_and_losses_are_those_of_the_epoch_before() -> None:
    done = run(epochs(3))
    told, training = done.optimiser.told, done.training
    assert [epoch for epoch, _, _ in told] == [0] * 8 + [1] * 8 + [2] * 8
    assert all(math.isnan(a) and math.isnan(b) for _, a, b in told[:8])
    losses = list(zip(training.train_losses, training.validation_losses, strict=True))
    assert [(a, b) for _, a, b in told[8:]] == [losses[0]] * 8 + [losses[1]] * 8


def test_the_train_loss_is_the_mean_over_the_batches() -> None:
    done = run(epochs(2))
    for epoch, loss in enumerate(done.training.train_losses):
        batches = done.network.asked[4 * epoch : 4 * epoch + 4]
        assert loss == pytest.approx(sum(asked.loss for asked in batches) / 4, rel=1e-15)


def test_the_gradient_starts_at_zero_and_is_then_the_last_batchs() -> None:
    done = run(epochs(2))
    initialise, *seen = done.optimiser.gradients
    queries, steps = seen[0::2], seen[1::2]
    assert not initialise.any()
    assert not queries[0].any()
    assert all(np.array_equal(query, step) for query, step in zip(queries[1:], steps[:-1], strict=True))
    assert not any(np.array_equal(query, step) for query, step in zip(queries, steps, strict=True))


def test_the_optimiser_starts_from_the_initial_parameters() -> None:
    seen = []

    def first(optimiser: Scripted) -> Vector:
        seen.append(optimiser.parameters.copy())
        return descend(optimiser)

    assert np.array_equal((done := run(epochs(1), update=first)).initial, seen[0])
    assert np.array_equal(done.network.asked[0].location, done.initial)


def test_updates_are_added() -> None:
    def small(optimiser: Scripted) -> Vector:
        return np.full(optimiser.size, 2.0**-10 * optimiser.steps, np.float32)

    done = run(epochs(1), update=small)
    expected = done.initial.copy()
    for step, asked in enumerate(done.network.asked):
        assert np.array_equal(asked.location, expected), step
        expected = expected + 2.0**-10 * (step + 1)
    assert np.array_equal(done.network.validated[0][0], expected)


def test_the_gradient_is_taken_at_the_query_location_and_the_step_from_the_parameters() -> None:
    def ahead(optimiser: Scripted) -> Vector | None:
        return None if optimiser.steps == 1 else optimiser.parameters + 0.125

    def nothing(optimiser: Scripted) -> Vector:
        return np.zeros(optimiser.size, np.float32)

    done = run(epochs(1), update=nothing, locate=ahead)
    for step, asked in enumerate(done.network.asked):
        assert np.array_equal(asked.location, done.initial if step == 1 else done.initial + 0.125)
    assert np.array_equal(done.optimiser.parameters, done.initial)


def test_the_current_parameters_as_location_are_the_same_as_none() -> None:
    given = run(locate=lambda optimiser: optimiser.parameters.copy())
    assert given.training.transcript_root == run().training.transcript_root


def test_a_query_location_does_not_roll_back_the_running_statistics() -> None:
    """They are those of all batches in turn, each at its own location."""
    done = run(epochs(2), locate=lambda optimiser: optimiser.parameters * 1.5)
    network = EagerNetwork(instance_id(n_hidden=2))
    statistics = Statistics.initial(network.architecture)
    for asked in done.network.asked:
        network.loss_and_gradient(asked.location, statistics, asked.batch, np.zeros(done.optimiser.size, np.float32))
    _, seen = done.network.validated[1]
    assert np.array_equal(seen.means, statistics.means)
    assert np.array_equal(seen.variances, statistics.variances)
    assert not np.array_equal(seen.means, np.zeros_like(seen.means))


def test_the_training_set_is_split_once_and_its_batches_are_quantised_once() -> None:
    done = run(epochs(3))
    network, train = EagerNetwork(instance_id()), draw_instance(instance_id()).train
    batches = {id(asked.batch): asked.batch for asked in done.network.asked}
    assert len(batches) == 4
    for x, y in zip(np.split(train.x, 4), np.split(train.y, 4), strict=True):
        same = [batch for batch in batches.values() if np.array_equal(batch.targets, y)]
        assert len(same) == 1
        assert np.array_equal(same[0].inputs.integers, network.batch(x, y).inputs.integers)


def test_the_order_of_the_batches_is_that_of_the_shuffle_streams_words() -> None:
    done = run(epochs(3))
    parts, orders = np.split(draw_instance(instance_id()).train.y, 4), []
    for epoch in range(3):
        hasher = blake3(SEED + struct.pack("<Q", epoch), derive_key_context="tig-verify v2 small shuffle")
        keys = struct.unpack("<4Q", hasher.digest(4 * 8))
        order = sorted(range(4), key=lambda i: (keys[i], i))
        asked = done.network.asked[4 * epoch : 4 * epoch + 4]
        assert all(np.array_equal(one.batch.targets, parts[i]) for one, i in zip(asked, order, strict=True))
        orders.append(order)
    assert orders[0] != orders[1] != orders[2] != orders[0]


@pytest.mark.parametrize(
    ("script", "best", "total"),
    [
        ((5.0, 4.0, 3.0, 3.0, 3.5, 9.0, 1.0), 3, 6),  # an equal loss is no improvement
        ((5.0, 6.0, 6.0, 6.0, 1.0), 1, 4),
        ((5.0, 6.0, 7.0, 4.0, 5.0, 5.0, 3.0, 3.0, 4.0, 3.0, 1.0), 7, 10),
    ],
)
def test_training_stops_exactly_patience_epochs_after_the_best(
    script: tuple[float, ...], best: int, total: int
) -> None:
    done = run(script=script)
    training = done.training
    assert training.stop_reason is StopReason.EARLY_STOPPING
    assert (training.best_epoch, training.epochs) == (best, total)
    assert training.validation_losses == script[:total]
    parameters, statistics = done.network.validated[best - 1]
    assert np.array_equal(training.best.parameters, parameters)
    assert np.array_equal(training.best.statistics.means, statistics.means)
    assert np.array_equal(training.best.statistics.variances, statistics.variances)
    assert not np.array_equal(training.best.parameters, done.optimiser.parameters)


def test_the_epoch_limit() -> None:
    falling = tuple(1.0 / (n + 1) for n in range(20))
    training = run(script=falling).training
    assert training.stop_reason is StopReason.EPOCH_LIMIT
    assert training.epochs == training.best_epoch == SMALL.max_epochs


def test_patience_that_ends_at_the_epoch_limit_is_early_stopping() -> None:
    training = run(epochs(4), script=(1.0, 2.0, 2.0, 2.0)).training
    assert (training.stop_reason, training.epochs) == (StopReason.EARLY_STOPPING, 4)


def test_early_stopping_counts() -> None:
    stopping = EarlyStopping(2)
    assert [stopping.improved(loss) for loss in (3.0, 3.0, 2.0)] == [True, False, True]
    assert (stopping.lowest, stopping.best_epoch, stopping.stale_epochs, stopping.is_over) == (2.0, 3, 0, False)
    assert not stopping.improved(2.0)
    assert not stopping.is_over
    assert not stopping.improved(2.5)
    assert stopping.is_over


FUEL, UPDATE, LOSS = StopReason.FUEL_EXHAUSTED, StopReason.NON_FINITE_UPDATE, StopReason.NON_FINITE_LOSS
ONE = "in step 3 of epoch 3: 1 of 384 values are infinite or NaN, the first in layers.0.weight"
ENDS = [
    ({"update": at_step(11, exhaust)}, FUEL, "'spent'"),
    ({"update": at_step(11, filled(math.nan))}, UPDATE, f"the parameters after the updates {ONE}"),
    ({"update": at_step(11, filled(math.inf))}, UPDATE, f"the parameters after the updates {ONE}"),
    ({"update": at_step(11, filled(-math.inf))}, UPDATE, f"the parameters after the updates {ONE}"),
    ({"locate": lambda o: filled(math.nan)(o) if o.steps == 10 else None}, UPDATE, f"the location {ONE}"),
    ({"locate": lambda o: filled(-math.inf)(o) if o.steps == 10 else None}, UPDATE, f"the location {ONE}"),
    (
        {"update": at_step(11, lambda o: np.full(o.size, 3.4e38, np.float32))},
        LOSS,
        "step 4 of epoch 3 gave an infinity or a NaN; the largest parameter was 3.4e+38",
    ),
    (
        {"update": at_step(12, lambda o: np.full(o.size, 3.4e38, np.float32))},
        LOSS,
        "the validation after epoch 3 gave an infinity or a NaN; the largest parameter was 3.4e+38",
    ),
]


@pytest.mark.parametrize(("changes", "reason", "explanation"), ENDS)
def test_the_epoch_in_which_training_breaks_off_is_discarded(
    changes: dict[str, Callable[[Scripted], Vector]], reason: StopReason, explanation: str
) -> None:
    """Step 11 is in the third epoch: what stands is what two whole epochs gave."""
    broken, whole = run(**changes).training, run(epochs(2)).training  # type: ignore[arg-type]
    assert broken.stop_reason is reason
    assert broken.explanation == explanation
    assert whole.explanation is None
    assert broken.epochs == 2
    assert broken.transcript_root == whole.transcript_root
    assert (broken.train_losses, broken.validation_losses) == (whole.train_losses, whole.validation_losses)
    assert broken.best_epoch == whole.best_epoch
    assert np.array_equal(broken.best.parameters, whole.best.parameters)
    assert np.array_equal(broken.best.statistics.variances, whole.best.statistics.variances)
    assert broken.fuel_used > whole.fuel_used  # the fuel of the discarded epoch is spent all the same


def test_an_overflow_of_finite_updates_that_a_relu_would_hide_ends_training() -> None:
    """-3e38 twice makes a bias of -inf, whose unit is 0: no loss would show it, and no claim could carry it."""

    def sink(optimiser: Scripted) -> Vector:
        updates = np.zeros(optimiser.size, np.float32)
        updates[32] = -3e38  # the first bias, after the first weight [16, 2]
        return updates

    training = run(update=sink).training
    assert training.stop_reason is StopReason.NON_FINITE_UPDATE
    assert training.epochs == 0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_breaking_off_in_the_first_epoch_leaves_the_initial_state(value: float) -> None:
    done = run(update=filled(value))
    training = done.training
    assert (training.epochs, training.best_epoch) == (0, 0)
    assert (training.train_losses, training.validation_losses) == ((), ())
    assert np.array_equal(training.best.parameters, done.initial)
    assert np.array_equal(training.best.statistics.means, np.zeros((3, 16), np.float32))
    assert np.array_equal(training.best.statistics.variances, np.ones((3, 16), np.float32))


def test_an_observer_sees_every_epoch_and_changes_nothing() -> None:
    seen: list[Epoch] = []
    observed, alone = run(observer=seen.append).training, run().training
    assert observed.transcript_root == alone.transcript_root
    assert np.array_equal(observed.best.parameters, alone.best.parameters)
    assert [epoch.number for epoch in seen] == list(range(1, observed.epochs + 1))
    assert tuple(epoch.train_loss for epoch in seen) == observed.train_losses
    assert tuple(epoch.validation_loss for epoch in seen) == observed.validation_losses
    assert [epoch.fuel_used for epoch in seen] == [40 * epoch.number for epoch in seen]
    lowest = [min(observed.validation_losses[:n]) for n in range(1, observed.epochs + 1)]
    assert [epoch.best_validation_loss for epoch in seen] == lowest


def test_the_transcript_root_by_hand() -> None:
    """Every leaf from what the witnesses saw, with struct and blake3 alone."""
    done = run(epochs(2), script=(1.0, 2.0))

    def leaf(epoch: int, losses: Losses, network: tuple[Vector, ...], gradient: Vector, stale: int) -> bytes:
        data = struct.pack("<Qdd", epoch, *losses)
        data += blake3(b"".join(t.tobytes() for t in network)).digest() + STATE
        data += blake3(gradient.tobytes()).digest()
        return blake3(data + struct.pack("<QQ", 40 * epoch, stale)).digest()

    zeros, ones = np.zeros((3, 16), np.float32), np.ones((3, 16), np.float32)
    leaves = [leaf(0, (math.nan, math.nan), (done.initial, zeros, ones), done.optimiser.gradients[0], 0)]
    for epoch in (1, 2):
        parameters, statistics = done.network.validated[epoch - 1]
        losses = done.training.train_losses[epoch - 1], done.training.validation_losses[epoch - 1]
        gradient = done.optimiser.gradients[8 * epoch]  # as the epoch's last step saw it
        leaves.append(leaf(epoch, losses, (parameters, statistics.means, statistics.variances), gradient, epoch - 1))
    assert done.training.transcript_root == MerkleTree(leaves).root


def test_the_root_depends_on_the_optimisers_state_and_on_the_fuel() -> None:
    roots = {run(epochs(1), **changes).training.transcript_root for changes in (
        {}, {"digest": bytes(32)}, {"fuel_per_step": 11}, {"update": lambda o: -0.06 * o.gradient},
    )}  # fmt: skip
    assert len(roots) == 4


def test_the_root_changes_with_every_part_of_every_leaf() -> None:
    first = Leaf(0, None, None, b"n" * 32, b"s" * 32, b"g" * 32, 5, 0)
    second = Leaf(1, 1.0, 2.0, b"N" * 32, b"S" * 32, b"G" * 32, 9, 1)
    changes: list[dict[str, object]] = [
        {"epoch": 2}, {"train_loss": 1.5}, {"validation_loss": 2.5}, {"train_loss": 2.0, "validation_loss": 1.0},
        {"network_digest": b"x" * 32}, {"state_digest": b"x" * 32}, {"gradient_digest": b"x" * 32},
        {"fuel_used": 10}, {"stale_epochs": 2},
    ]  # fmt: skip
    sequences = [(first, second), (first,), (second, first), (first, first)]
    for change in changes:
        changed = replace(second, **change)  # type: ignore[arg-type]
        sequences += [(first, changed), (changed, second)]
    assert len({transcript_tree(leaves).root for leaves in sequences}) == len(sequences)


def test_digests_of_networks_and_arrays() -> None:
    statistics = Statistics(np.array([[1.0]], np.float32), np.array([[2.0]], np.float32))
    swapped = Statistics(statistics.variances, statistics.means)
    parameters = np.array([3.0, 4.0], np.float32)
    assert Weights(parameters, statistics).digest() == blake3(struct.pack("<4f", 3.0, 4.0, 1.0, 2.0)).digest()
    assert Weights(parameters, swapped).digest() != Weights(parameters, statistics).digest()
    assert array_digest(np.array([0.0], np.float32)) != array_digest(np.array([-0.0], np.float32))
