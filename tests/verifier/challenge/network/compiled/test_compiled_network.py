"""The compiled network against the eager one, bit for bit, on networks of all shapes and numbers of all magnitudes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arithmetic.exponents import NonFiniteError
from tests.support.small_contest import SMALL, instance_id
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import initial_parameters
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.network import Network
from verifier.challenge.network.statistics import Statistics

pytest.importorskip("numba", reason="NUMBA IS NOT INSTALLED: the compiled network was not tested")

CompiledNetwork = import_module("verifier.challenge.network.compiled.compiled_network").CompiledNetwork
self_test = import_module("verifier.challenge.network.compiled.self_test")
KERNELS = self_test.network_kernels()

Single = NDArray[np.float32]
NO_VALUE = b"no value"


def instance(inputs: int, width: int, n_hidden: int) -> InstanceId:
    return instance_id(replace(SMALL, inputs=inputs, width=width), n_hidden)


def results(network: Network, parameters: Single, x: Single, y: Single) -> Iterator[bytes]:
    """The bytes of everything that two steps and an evaluation give; they end where there is no value."""
    statistics, gradient = Statistics.initial(network.architecture), np.zeros_like(parameters)
    try:
        batch = network.batch(x, y)
        for _ in range(2):
            yield np.float64(network.loss_and_gradient(parameters, statistics, batch, gradient)).tobytes()
            yield from (gradient.tobytes(), statistics.means.tobytes(), statistics.variances.tobytes())
        yield np.float64(network.loss(parameters, statistics, batch)).tobytes()
        yield network.predict(parameters, statistics, x).tobytes()
    except NonFiniteError:
        yield NO_VALUE


def same(identity: InstanceId, parameters: Single, x: Single, y: Single) -> list[bytes]:
    found, expected = (
        list(results(network, parameters, x, y)) for network in (CompiledNetwork(identity), EagerNetwork(identity))
    )
    assert found == expected
    return found


def numbers(random: np.random.Generator, shape: int | tuple[int, ...], level: int, spread: int) -> Single:
    """Numbers around 2^level, up to 2^spread beyond; some are zeros of either sign."""
    values = random.standard_normal(shape) * np.exp2(random.integers(-spread, spread + 1, shape).astype(np.float64))
    values[random.random(shape) < 0.1] = -0.0
    with np.errstate(over="ignore"):
        found: Single = np.ldexp(values, level).astype(np.float32)
    return np.clip(found, -3e38, 3e38)


LEVELS = [0, 0, 0, 0, -3, 10, -70, -126, -140, 30, 55, 61, 63, 100, 120, 127]


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**32),
    shape=st.sampled_from([(2, 16, 1), (2, 16, 2), (1, 3, 1), (3, 64, 2), (2, 65, 3), (5, 40, 2)]),
    rows=st.sampled_from([2, 3, 5, 6, 7, 12, 17, 20]),
    levels=st.tuples(st.sampled_from(LEVELS), st.sampled_from(LEVELS), st.sampled_from(LEVELS)),
    spread=st.sampled_from([0, 1, 8]),
)
def test_every_bit_is_that_of_the_eager_network(
    seed: int, shape: tuple[int, int, int], rows: int, levels: tuple[int, int, int], spread: int
) -> None:
    random, identity = np.random.default_rng(seed), instance(*shape)
    weights, vectors, points = levels
    network = EagerNetwork(identity)
    parameters = numbers(random, network.layout.size, weights, spread)
    for part, values in zip(network.layout.parts, network.layout.views(parameters), strict=True):
        if part.role != "weight":
            values[:] = numbers(random, part.shape, vectors, spread)
    x, y = numbers(random, (rows, shape[0]), points, spread), numbers(random, rows, points, spread)
    same(identity, parameters, x, y)


@pytest.mark.parametrize("n_hidden", [1, 2, 4])
def test_a_usual_training_step_of_the_full_width(n_hidden: int) -> None:
    random, identity = np.random.default_rng(n_hidden), instance(2, 256, n_hidden)
    parameters = initial_parameters(identity) + numbers(random, EagerNetwork(identity).layout.size, -6, 1)
    for rows in (125, 137):  # as in December and in April
        x, y = numbers(random, (rows, 2), 0, 0), numbers(random, rows, 0, 0)
        assert NO_VALUE not in same(identity, parameters, x, y)


def test_batches_of_several_sizes_leave_nothing_behind() -> None:
    random, identity = np.random.default_rng(1), instance(2, 16, 3)
    compiled, eager = CompiledNetwork(identity), EagerNetwork(identity)
    parameters = initial_parameters(identity)
    for rows in (17, 13, 18, 14, 17):  # all of them take the same buffers
        x, y = numbers(random, (rows, 2), 0, 0), numbers(random, rows, 0, 0)
        assert list(results(compiled, parameters, x, y)) == list(results(eager, parameters, x, y))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("role", ["weight", "bias", "norm.weight", "norm.bias"])
def test_a_parameter_that_is_not_finite_has_no_value(role: str, value: float) -> None:
    identity = instance(2, 16, 2)
    parameters, layout = initial_parameters(identity), EagerNetwork(identity).layout
    for part, values in zip(layout.parts, layout.views(parameters), strict=True):
        if part.role == role:
            values.flat[-1] = value
    random = np.random.default_rng(2)
    assert same(identity, parameters, numbers(random, (9, 2), 0, 0), numbers(random, 9, 0, 0)) == [NO_VALUE]


def test_dead_units_and_equal_points() -> None:
    identity = instance(2, 16, 2)
    parameters = initial_parameters(identity)
    layout = EagerNetwork(identity).layout
    layout.views(parameters)[1][::2] = -50.0  # biases of layer 0: every other unit is dead
    x = np.ones((8, 2), np.float32)
    assert NO_VALUE not in same(identity, parameters, x, np.ones(8, np.float32))


def test_a_weight_is_packed_both_ways() -> None:
    random = np.random.default_rng(3)
    weight = numbers(random, (64, 32), 0, 3)
    rows, inwards, outwards = np.zeros((64, 32), np.int16), np.zeros((16, 64), np.int32), np.zeros((32, 32), np.int32)
    KERNELS.pack_weight(*map(self_test.Argument, (weight, 11, rows, inwards, outwards)))
    assert np.array_equal(inwards.view(np.int16).reshape(16, 64, 2), rows.reshape(64, 16, 2).transpose(1, 0, 2))
    assert np.array_equal(outwards.view(np.int16).reshape(32, 32, 2), rows.reshape(32, 2, 32).transpose(0, 2, 1))


def test_memory_that_may_not_be_written_or_lies_otherwise_is_read() -> None:
    random, identity = np.random.default_rng(4), instance(2, 16, 1)
    arrays = [initial_parameters(identity), numbers(random, (2, 9), 0, 0).T, numbers(random, 18, 0, 0)[::2]]
    for array in arrays:
        array.flags.writeable = False
    same(identity, *arrays)
