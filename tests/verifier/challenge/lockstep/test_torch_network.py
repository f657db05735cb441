"""The networks of many places give the bits of one after the other, whatever is beside them, and wait for nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils._python_dispatch import TorchDispatchMode

from arithmetic.exponents import NonFiniteError
from tests.support.small_contest import SMALL
from verifier.challenge.editions import APRIL_2025, DECEMBER_2025, Edition, FourierFeatures, Track
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.lockstep.starts import Start, draw_start
from verifier.challenge.lockstep.torch_network import TorchNetwork
from verifier.challenge.network.architecture import Architecture
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.statistics import Statistics

Single = NDArray[np.float32]
Change = Callable[[list[Single], np.random.Generator], None]
"""What makes a case of the parts of a location."""
CPU = torch.device("cpu")
SMALL_NETWORK = replace(SMALL, train_points=45, validation_points=11, batches=3, width=24)
UNEQUAL = replace(APRIL_2025[0], function=FourierFeatures(8), train_points=65, validation_points=9, batches=2, width=12)
"""33 and 32 points: the two batches add up numbers of another width."""
EDITIONS = {
    "small": SMALL_NETWORK,
    "unequal": UNEQUAL,
    "14 bits": replace(SMALL_NETWORK, name="14-bits", operand_bits=14),
    "three inputs": replace(SMALL_NETWORK, name="three-inputs", inputs=3, width=7),
    "one batch": replace(SMALL_NETWORK, name="one-batch", batches=1),
}


@dataclass
class Alone:
    """The network of one place by itself, by NumPy."""

    start: Start

    def __post_init__(self) -> None:
        self.network = EagerNetwork(self.start.instance_id)
        self.statistics = Statistics.initial(self.network.architecture)
        self.parameters, self.gradient = self.start.parameters.copy(), np.zeros_like(self.start.parameters)
        ends = np.cumsum(self.start.instance_id.edition.batch_sizes)[:-1]
        parts = (np.split(values, ends) for values in (self.start.train.x, self.start.train.y))
        self._batches = [self.network.batch(x, y) for x, y in zip(*parts, strict=True)]
        self._validation = self.network.batch(self.start.validation.x, self.start.validation.y)

    def loss_and_gradient(self, location: Single, batch: int) -> float | None:
        """None for a NonFiniteError."""
        try:
            return self.network.loss_and_gradient(location, self.statistics, self._batches[batch], self.gradient)
        except NonFiniteError:
            return None

    def validation_loss(self) -> float | None:
        """None for a NonFiniteError."""
        try:
            return self.network.loss(self.parameters, self.statistics, self._validation)
        except NonFiniteError:
            return None


class Together:
    """The same networks in places, and alone."""

    def __init__(self, edition: Edition, n_hidden: int, places: int) -> None:
        track = Track(edition, n_hidden)
        starts = [draw_start(i, InstanceId(track, bytes([i]) * 32)) for i in range(places)]
        self.alone = [Alone(start) for start in starts]
        self.network = TorchNetwork(track, places, CPU)
        for place, start in enumerate(starts):
            self.network.enter(place, start)

    def step(self, locations: Sequence[Single], batches: Sequence[int]) -> list[bool]:
        """One step of all, compared; which were finite."""
        stacked = torch.from_numpy(np.stack(locations))
        losses, finite = self.network.loss_and_gradient(stacked, torch.tensor(batches))
        for place, (one, location, batch) in enumerate(zip(self.alone, locations, batches, strict=True)):
            loss = one.loss_and_gradient(location, batch)
            assert bool(finite[place]) == (loss is not None)
            if loss is not None:
                assert bits(losses[place]) == bits(loss)
                assert bits(self.network.gradient[place]) == bits(one.gradient)
                self._compare_statistics(place)
        return finite.tolist()

    def validate(self) -> list[bool]:
        """The validation losses of all, compared; which were finite."""
        losses, finite = self.network.validation_losses(len(self.alone))
        for place, one in enumerate(self.alone):
            loss = one.validation_loss()
            assert bool(finite[place]) == (loss is not None)
            assert loss is None or bits(losses[place]) == bits(loss)
        return finite.tolist()

    def put(self, parameters: Sequence[Single]) -> None:
        """Let these be the parameters."""
        for place, (one, values) in enumerate(zip(self.alone, parameters, strict=True)):
            one.parameters = values
            self.network.parameters[place] = torch.from_numpy(values)

    def _compare_statistics(self, place: int) -> None:
        statistics = self.alone[place].statistics
        assert bits(self.network.means[place]) == bits(statistics.means)
        assert bits(self.network.variances[place]) == bits(statistics.variances)


def bits(values: Any) -> bytes:
    """The bytes of numbers; every NaN is one."""
    array = np.asarray(values)
    return np.where(np.isnan(array), np.asarray(np.nan, array.dtype), array).tobytes()


@pytest.mark.parametrize("name", EDITIONS)
@pytest.mark.parametrize("places", [1, 3, 8])
@pytest.mark.parametrize("n_hidden", [1, 3])
def test_steps_have_the_bits_of_one_after_the_other(name: str, places: int, n_hidden: int) -> None:
    edition, random = EDITIONS[name], np.random.default_rng(places)
    together = Together(edition, n_hidden, places)
    for _ in range(4):
        batches = random.integers(edition.batches, size=places).tolist()
        locations = [
            one.parameters + random.normal(size=one.parameters.size).astype(np.float32) for one in together.alone
        ]
        assert all(together.step(locations, batches))
        together.put([one.parameters - np.float32(0.05) * one.gradient for one in together.alone])
    assert all(together.validate())


def test_a_step_of_the_real_size_has_the_bits_of_one_after_the_other() -> None:
    together = Together(replace(DECEMBER_2025, function=FourierFeatures(8)), 2, 3)
    assert all(together.step([one.parameters for one in together.alone], [0, 3, 7]))
    together.put([one.parameters - one.gradient for one in together.alone])
    assert all(together.validate())


def scaled(power: int) -> Change:
    """A location whose weights are so small or large."""

    def change(parts: list[Single], random: np.random.Generator) -> None:
        for part in parts[::4]:
            part[:] *= np.float32(2.0**power)

    return change


def dead_features(parts: list[Single], random: np.random.Generator) -> None:
    """All features of a layer but one never reach the ReLU's other side."""
    parts[1][1:] = -1e30


def all_dead(parts: list[Single], random: np.random.Generator) -> None:
    parts[1][:] = -1e30


def zero_weights(parts: list[Single], random: np.random.Generator) -> None:
    for part in parts:
        part[:] = 0.0


def negative_zeros(parts: list[Single], random: np.random.Generator) -> None:
    for part in parts[1::2]:
        part[:] = -0.0


def one_huge_weight(parts: list[Single], random: np.random.Generator) -> None:
    parts[0].flat[0] = 3e38


def subnormal_gammas(parts: list[Single], random: np.random.Generator) -> None:
    parts[2][:] = random.integers(-9, 9, parts[2].size) * np.float32(1e-45)


def huge_gammas(parts: list[Single], random: np.random.Generator) -> None:
    parts[2][:] = 1e37


def infinite_bias(parts: list[Single], random: np.random.Generator) -> None:
    parts[1][0] = -np.inf


def nan_weight(parts: list[Single], random: np.random.Generator) -> None:
    parts[0].flat[-1] = np.nan


def infinite_beta(parts: list[Single], random: np.random.Generator) -> None:
    parts[3][0] = np.inf


def large_bias(parts: list[Single], random: np.random.Generator) -> None:
    parts[1][0] = 1e20  # finite, as are its squares' rounding errors


def overflowing_bias(parts: list[Single], random: np.random.Generator) -> None:
    parts[1][:] = 3e38 * random.choice([1, -1], parts[1].size)
    parts[0][:] *= np.float32(1e37)


CASES: dict[str, Change] = {
    **{f"weights times 2^{power}": scaled(power) for power in (-149, -140, -126, -100, -64, 30, 63, 100, 127)},
    **{
        change.__name__: change
        for change in (
            *(dead_features, all_dead, zero_weights, negative_zeros, one_huge_weight, subnormal_gammas, huge_gammas),
            *(infinite_bias, nan_weight, infinite_beta, large_bias, overflowing_bias),
        )
    },
}
NOT_FINITE = {"infinite_bias", "nan_weight", "infinite_beta", "overflowing_bias"}


def changed(one: Alone, change: Change) -> Single:
    location = one.parameters.copy()
    change(one.network.layout.views(location), np.random.default_rng(1))
    return location


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("edition", ["small", "unequal", "14 bits"])
def test_a_place_at_the_limits_is_as_alone_and_disturbs_no_other(name: str, edition: str) -> None:
    together = Together(EDITIONS[edition], 2, 3)
    ordinary = [one.parameters for one in together.alone]
    locations = [ordinary[0], changed(together.alone[1], CASES[name]), ordinary[2]]
    finite = together.step(locations, [0, 1, 1])
    assert finite[0]
    assert finite[2]
    assert finite[1] or name not in {"weights times 2^-149", "zero_weights"}
    assert not (finite[1] and name in NOT_FINITE)
    together.put([ordinary[0], changed(together.alone[1], CASES[name]), ordinary[2]])
    if finite[1]:  # else the running statistics mean nothing
        finite = together.validate()
    assert finite[0]
    assert finite[2]


@pytest.mark.parametrize("seed", range(12))
def test_places_of_any_magnitudes_are_as_alone(seed: int) -> None:
    together, random = Together(SMALL_NETWORK, 2, 8), np.random.default_rng(seed)
    locations = []
    for one in together.alone:
        location = one.parameters.copy()
        for part in one.network.layout.views(location):
            power = random.integers(-150, 60)
            part[:] = np.ldexp(random.normal(size=part.shape), power).astype(np.float32)
            part[random.random(part.shape) < 0.2] = random.choice([0.0, -0.0])
        locations.append(location)
    together.step(locations, random.integers(3, size=8).tolist())


def test_variances_that_overflow_alone_are_not_finite() -> None:
    """A sum of squares over B - 1 is above the largest binary32, over B it is not; the loss is finite."""
    edition = replace(SMALL_NETWORK, name="two-rows", train_points=4, batches=2, norm_momentum=1.0)
    together = Together(edition, 1, 2)
    location = together.alone[0].parameters.copy()
    weight, bias, *_ = together.alone[0].network.layout.views(location)
    weight[:], bias[:] = 0.0, 0.0
    x = together.alone[0].start.train.x[:2]
    direction = (x[0] - x[1]) / np.square(x[0] - x[1]).sum() * np.float32(3e19)
    weight[:] = direction
    bias[:] = -(x[1] @ direction)
    assert together.step([location, together.alone[1].parameters], [0, 0]) == [False, True]
    losses, _ = together.network.loss_and_gradient(
        torch.from_numpy(np.stack([location, location])), torch.tensor([0, 0])
    )
    assert losses[0].isfinite()


def test_places_can_be_moved_and_left_out() -> None:
    together = Together(SMALL_NETWORK, 2, 5)
    assert all(together.step([one.parameters for one in together.alone], [0, 1, 2, 0, 1]))
    together.network.rearrange(torch.tensor([4, 0, 2]))
    together.alone = [together.alone[i] for i in (4, 0, 2)]
    assert all(together.step([one.parameters for one in together.alone], [1, 1, 0]))
    assert all(together.validate())


def test_a_place_can_be_given_to_another_nonce() -> None:
    together = Together(SMALL_NETWORK, 2, 3)
    together.step([changed(one, nan_weight) for one in together.alone], [0, 1, 2])
    track = together.alone[0].start.instance_id.track
    for place in range(3):
        start = draw_start(place, InstanceId(track, bytes([100 + place]) * 32))
        together.network.enter(place, start)
        together.alone[place] = Alone(start)
    assert all(together.step([one.parameters for one in together.alone], [2, 1, 0]))
    assert all(together.validate())


class Unwaited(TorchDispatchMode):
    """Fails where the host would wait for a device, and counts what a device is asked for."""

    WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal.default", "unique", "item")

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func)
        assert not any(wait in name for wait in self.WAITS), f"{name} waits for the device"
        if name.startswith(("aten.index.", "aten.index_put")):
            assert not any(index.dtype == torch.bool for index in args[1]), f"{name} waits for a mask"
        result = func(*args, **(kwargs or {}))
        self.calls += 1
        return result


@pytest.mark.parametrize("edition", [SMALL_NETWORK, UNEQUAL], ids=lambda edition: edition.name)
def test_nothing_in_a_step_waits_for_the_device(edition: Edition) -> None:
    """On a device without numbers, where whatever wants to know one fails."""
    network = TorchNetwork(Track(edition, 2), 3, torch.device("meta"))
    batches = torch.zeros(3, dtype=torch.int64, device="meta")
    device = Unwaited()
    with device:
        network.loss_and_gradient(network.parameters, batches)
        network.validation_losses(3)
        network.rearrange(batches)
    assert device.calls > 100


@pytest.mark.parametrize(
    "waits", [lambda x: x.item(), lambda x: bool(x > 0), lambda x: x[None][x[None] > 0], lambda x: x.nonzero()]
)
def test_what_waits_is_found(waits: Callable[[torch.Tensor], object]) -> None:
    with pytest.raises(AssertionError, match="waits"), Unwaited():
        waits(torch.ones(()))


def test_parameters_have_the_layout_of_the_track() -> None:
    track = Track(SMALL_NETWORK, 2)
    assert TorchNetwork(track, 2, CPU).parameters.shape == (2, Architecture(track).layout().size)
