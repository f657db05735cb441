"""The pieces of a training, product against second implementation, so that a difference is located."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any, cast

import msgpack  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import sandbox.meter
from arithmetic import engine_choice, exact_sums, random, reductions
from arithmetic.exponents import NonFiniteError
from arithmetic.transcendental import elementary, elementary_arrays
from protocol.hashes import blake3_digest
from protocol.merkle import MerkleTree
from sandbox.errors import BudgetExhausted
from tests.reference import arithmetic, fuel, instance, network, streams, training, transcript
from tests.reference.arithmetic import Double, NoValue, Single
from tests.reference.cases import OPTIMISERS, Case
from tests.reference.editions import APRIL, CENTRED, DECEMBER, Edition
from tests.reference.fuel import FuelExhausted, MemoryExhausted
from tests.reference.optimiser import Optimiser, Submission
from tests.support.folders import VECTORS
from verifier.challenge import scoring
from verifier.challenge.editions import DECEMBER_2025, Track
from verifier.challenge.instance.instance import draw_instance
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import initial_parameters, initial_weight
from verifier.challenge.network.eager_passes import EagerPasses
from verifier.challenge.network.network_choice import network_for
from verifier.challenge.network.statistics import Statistics
from verifier.challenge.quality import quality

pytestmark = pytest.mark.slow

SEED = bytes(range(32))
STREAMS = streams.Streams(DECEMBER.name, SEED)
PATIENT = settings(max_examples=60, deadline=None)


def drawn_from_seed(n_hidden: int) -> InstanceId:
    """The product's name of the instance that `STREAMS` is of."""
    return InstanceId(Track(DECEMBER_2025, n_hidden), SEED)


@pytest.fixture(autouse=True)
def ieee() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def numbers(kind: str, shape: tuple[int, ...], e: int, seed: int) -> Single:
    """Awkward binary32 numbers around 2^e; a tenth of them zeros of either sign."""
    random = np.random.default_rng(seed)
    signs = random.choice([-1.0, 1.0], shape)
    values: NDArray[np.floating]
    match kind:
        case "normal":
            values = random.standard_normal(shape) * 2.0**e
        case "heavy":
            values = np.ldexp(random.standard_normal(shape), e - random.integers(0, 60, shape))
        case "largest":
            values = signs * (1 - 2.0**-24) * 2.0**e
        case "ties":
            values = (random.integers(-(2**11), 2**11, shape) + 0.5) * 2.0 ** (e - 11)
        case _:
            values = signs * random.integers(1, 2**23, shape) * 2.0**-149
    return np.where(random.random(shape) < 0.1, signs * 0.0, values).astype(np.float32)


def awkward(*shape: int, low: int = -140, high: int = 100) -> st.SearchStrategy[Single]:
    kinds = st.sampled_from(["normal", "heavy", "largest", "ties", "subnormal"])
    return st.builds(numbers, kinds, st.just(shape), st.integers(low, high), st.integers(0, 2**32))


def pattern(values: object) -> bytes:
    """The bits, every NaN as the same one."""
    return transcript.elements(np.asarray(values))


def doubles(values: Double | float) -> bytes:
    return np.asarray(values, dtype=np.float64).tobytes()


@PATIENT
@given(awkward(5, 37), awkward(37, 4))
def test_products(a: Single, b: Single) -> None:
    passes = EagerPasses(engine_choice.engine(), 11, 1e-5)
    left, right = passes.quantise(a), passes.quantise(b)
    found = arithmetic.product(arithmetic.quantise(a), arithmetic.quantise(b))
    assert pattern(passes.product(left, right).rounded()) == pattern(found)
    swapped = arithmetic.product(arithmetic.quantise(b).T, arithmetic.quantise(a).T)
    assert pattern(passes.product(right.transposed, left.transposed).rounded()) == pattern(swapped)


@PATIENT
@given(awkward(125, 6))
def test_sums(v: Single) -> None:
    assert doubles(arithmetic.column_sums(v)) == doubles(exact_sums.column_sums(v))
    assert doubles(arithmetic.total(v)) == doubles(exact_sums.total(v))
    assert pattern(arithmetic.sums(v)) == pattern(reductions.sums(v.reshape(-1), 0))
    terms = v.T.astype(np.float64) / 3
    assert doubles(arithmetic.row_sums(terms)) == doubles(exact_sums.row_sums(terms))


@PATIENT
@given(awkward(5, 37), awkward(37, 4), st.sampled_from([0.0, np.inf, np.nan]))
def test_general_products(a: Single, b: Single, first: float) -> None:
    a[0, 0], b[0, 0] = first, -first
    assert pattern(arithmetic.matmul(a, b)) == pattern(reductions.matmul(a, b))


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_what_meets_an_infinity_has_no_value(bad: float) -> None:
    v = np.array([[1, bad], [0, 2]], np.float32)
    for reduction in (arithmetic.quantise, arithmetic.column_sums, arithmetic.total):
        with pytest.raises(NoValue):
            reduction(v)


def test_functions() -> None:
    random = np.random.default_rng(1)
    positive = np.concatenate(
        [random.random(20000), np.ldexp(random.random(20000) + 2.0**-53, random.integers(-900, 900, 20000))]
    )
    assert doubles(arithmetic.log(positive)) == doubles(elementary_arrays.log_array(positive))
    exponents = np.concatenate([random.uniform(-100, 0, 20000), random.uniform(-700, 700, 20000), [-0.0, 0.0]])
    assert doubles(arithmetic.exp(exponents)) == doubles(elementary_arrays.exp_array(exponents))
    angles = np.concatenate([random.uniform(-100, 100, 40000), random.uniform(-1e6, 1e6, 20000), [0.0]])
    assert doubles(arithmetic.cos(angles)) == doubles(elementary_arrays.cos_array(angles))
    for x in random.uniform(0, 2, 50):
        for y in (0, 1, 2, 3, 50, 51, 799, -1, -7, 0.5, -0.5, 0.004, -1.7, 12.3):
            assert arithmetic.power(float(x), y) == elementary.power(float(x), y)


@PATIENT
@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 3), min_size=1, max_size=50))
def test_permutations(numbers: list[int]) -> None:
    words = np.array(numbers, np.uint64)
    assert streams.permutation(words).tolist() == random.permutation(words).tolist()


@pytest.mark.parametrize(
    ("edition", "nonce"),
    [(DECEMBER, 0), (DECEMBER, 1), (CENTRED, 0), (CENTRED, 1), (APRIL, 0)],
    ids=lambda value: getattr(value, "name", None),
)
def test_instances(edition: Edition, nonce: int) -> None:
    case = Case("momentum", 1, nonce, edition=edition)
    identity, drawn = case.session.instance_id, case.streams
    ours, theirs = instance.draw_instance(edition, drawn), draw_instance(identity)
    for a, b in ((ours.train, theirs.train), (ours.validation, theirs.validation), (ours.test, theirs.test)):
        assert [pattern(v) for v in (a.x, a.f, a.y)] == [pattern(v) for v in (b.x, b.f, b.y)]
    subset, expected = training.scored_points(drawn, ours, 7), scoring.test_subset(identity, 7)
    assert [pattern(v) for v in (subset.x, subset.f, subset.y)] == [
        pattern(v) for v in (expected.x, expected.f, expected.y)
    ]


@pytest.mark.parametrize("n_hidden", [1, 2, 5])
def test_initial_weights(n_hidden: int) -> None:
    identity = drawn_from_seed(n_hidden)
    assert pattern(network.initial_parameters(STREAMS, n_hidden)) == pattern(initial_parameters(identity))
    for layer in range(n_hidden + 2):
        weight = network.initial_weight(STREAMS, n_hidden, layer)
        expected = initial_weight(identity, layer)
        assert (weight.shape, pattern(weight)) == (tuple(expected.shape), pattern(expected))


Outcome = tuple[bytes, ...] | None


def step_of_the_product(n_hidden: int, w: Single, before: network.Statistics, points: instance.Points) -> Outcome:
    """Loss, gradient, statistics and the loss in evaluation mode of a training step."""
    net = network_for(drawn_from_seed(n_hidden))
    statistics = Statistics(before.means.copy(), before.variances.copy())
    x, y, gradient = points.x, points.y[:, 0], np.full_like(w, np.nan)
    try:
        loss = net.loss_and_gradient(w, statistics, net.batch(x, y), gradient)
        evaluated = net.loss(w, statistics, net.batch(x[:50], y[:50]))
    except NonFiniteError:
        return None
    return doubles(loss), doubles(evaluated), *map(pattern, (statistics.means, statistics.variances, gradient))


def step_of_the_reference(n_hidden: int, w: Single, before: network.Statistics, points: instance.Points) -> Outcome:
    net = network.Network(n_hidden, STREAMS)
    try:
        loss, gradient, statistics = net.train(w, before, points)
        evaluated = net.evaluate(w, statistics, points[:50])
    except NoValue:
        return None
    return doubles(loss), doubles(evaluated), *map(pattern, (statistics.means, statistics.variances, gradient))


@pytest.mark.parametrize("n_hidden", [1, 3])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_steps(n_hidden: int, data: st.DataObject) -> None:
    """Parameters near and far from the start, of which some overflow on the way."""
    w = network.initial_parameters(STREAMS, n_hidden)
    if data.draw(st.booleans(), "far from the start"):
        magnitude = awkward(w.size, low=-30, high=10) if data.draw(st.booleans(), "tame") else awkward(w.size, high=66)
        w = w * data.draw(magnitude, "factors") + data.draw(awkward(w.size, high=5), "terms")
    x, y = data.draw(awkward(125, 2, high=3), "x"), data.draw(awkward(125, 1, high=60), "y")
    means, variances = (
        data.draw(awkward(n_hidden + 1, 256, low=-30, high=20), name) for name in ("means", "variances")
    )
    before, points = network.Statistics(means, np.abs(variances)), instance.Points(x, y, y)
    assert step_of_the_reference(n_hidden, w, before, points) == step_of_the_product(n_hidden, w, before, points)


@pytest.mark.parametrize("at", [0, 512, 800, 1100])
def test_parameters_that_are_not_finite_have_no_loss(at: int) -> None:
    w, before = network.initial_parameters(STREAMS, 1), network.initial_statistics(1)
    w[at] = -np.inf
    points = instance.draw_instance(DECEMBER, STREAMS).train[:125]
    assert step_of_the_product(1, w, before, points) is step_of_the_reference(1, w, before, points) is None


def test_a_variance_that_is_not_finite_ends_the_training_pass() -> None:
    w, before = network.initial_parameters(STREAMS, 1), network.initial_statistics(1)
    before.variances[1, 7] = np.inf
    points = instance.draw_instance(DECEMBER, STREAMS).train[:125]
    with pytest.raises(NoValue):
        network.Network(1, STREAMS).train(w, before, points)
    theirs, statistics = network_for(drawn_from_seed(1)), Statistics(before.means, before.variances)
    with pytest.raises(NonFiniteError):
        theirs.loss_and_gradient(w, statistics, theirs.batch(points.x, points.y[:, 0]), np.empty_like(w))


def calls_of_the_product(
    case: Case, parameters: Single, gradients: list[Single], limits: dict[str, int]
) -> list[object]:
    """Fuel, state and what each call returns, until fuel or memory ends."""
    trace: list[object] = []
    with case.session.start_optimiser() as optimiser, pytest.MonkeyPatch.context() as patch:
        optimiser.parameters[:] = parameters
        optimiser.gradient[:] = 0.0
        optimiser.initialise()
        trace += [optimiser.fuel_used, optimiser.state_digest()]
        for limit, value in limits.items():
            patch.setattr(sandbox.meter, limit, value)
        for epoch, g in enumerate(gradients):
            try:
                optimiser.begin_epoch(epoch, 1.0, 2.0, 1)
                location = optimiser.query_location()
                trace.append(pattern(parameters if location is None else location))
                optimiser.gradient[:] = g
                trace.append(pattern(optimiser.step_updates()))
            except BudgetExhausted as end:
                return [*trace, type(end).__name__, optimiser.fuel_used]
            trace += [optimiser.fuel_used, optimiser.state_digest()]
    return trace


def calls_of_the_reference(
    case: Case, parameters: Single, gradients: list[Single], limits: dict[str, int]
) -> list[object]:
    submission = Submission(case.source, dict(case.hyperparameters), case.fuel_budget)
    difficulty, layout = case.edition.difficulty(case.n_hidden), network.layout(case.n_hidden)
    optimiser = Optimiser(submission, difficulty, layout, parameters, case.streams.source)
    trace = [optimiser.meter.used, transcript.digest(transcript.encode(optimiser.state))]
    before = np.zeros_like(parameters)
    with pytest.MonkeyPatch.context() as patch:
        for limit, value in limits.items():
            patch.setattr(fuel, limit, value)
        for epoch, g in enumerate(gradients):
            try:
                trace.append(pattern(optimiser.location(parameters, before, epoch, (1.0, 2.0))))
                trace.append(pattern(optimiser.step(parameters, g, epoch, (1.0, 2.0))))
            except (FuelExhausted, MemoryExhausted) as end:
                return [*trace, type(end).__name__, optimiser.meter.used]
            trace += [optimiser.meter.used, transcript.digest(transcript.encode(optimiser.state))]
            before = g
    return trace


@pytest.mark.parametrize("name", OPTIMISERS)
@settings(max_examples=6, deadline=None)
@given(
    parameters=awkward(1280),
    gradients=st.lists(awkward(1280), min_size=1, max_size=4),
    limits=st.fixed_dictionaries(
        {},
        optional={
            "CALL_BYTES": st.integers(10_000, 1_000_000),
            "CALL_OBJECT_BYTES": st.integers(1_000, 100_000),
            "CALL_FUEL": st.integers(100_000, 3_000_000),
        },
    ),
)
@example(  # Muon's memory ends nearly where its fuel does
    parameters=numbers("normal", (1280,), 0, 0),
    gradients=[numbers("normal", (1280,), 0, 0)],
    limits={"CALL_BYTES": 71_052, "CALL_FUEL": 266_884},
)
def test_optimisers(name: str, parameters: Single, gradients: list[Single], limits: dict[str, int]) -> None:
    """Also where one call may use less than 7.4 says, so that its end is seen."""
    case = Case(name, 1, 0)
    expected = calls_of_the_product(case, parameters, gradients, limits)
    assert calls_of_the_reference(case, parameters, gradients, limits) == expected


@pytest.mark.parametrize("name", [name for name in OPTIMISERS if b"deep_lr" in Case(name, 8, 0).source])
def test_optimisers_of_deep_networks(name: str) -> None:
    case, w = Case(name, 8, 0), network.initial_parameters(STREAMS, 8)
    assert calls_of_the_reference(case, w, [w], {}) == calls_of_the_product(case, w, [w], {})


@PATIENT
@given(st.integers(1, 70))
def test_merkle_roots(count: int) -> None:
    leaves = [transcript.digest(struct.pack("<I", i)) for i in range(count)]
    assert transcript.merkle_root(leaves) == MerkleTree(leaves).root


@PATIENT
@given(st.floats(0, 1e6), st.floats(2.0**-20, 1e3))
@example(1 - 2.0**-7, 1.0)  # 7812.5 exactly
@example(1 + 2.0**-7, 1.0)
def test_qualities(loss: float, threshold: float) -> None:
    assert training.quality(loss, threshold) == quality(loss, threshold)


@pytest.mark.parametrize("vector", json.loads((VECTORS / "precommit.json").read_text())["precommits"])
def test_texts_and_seeds_of_precommits(vector: dict[str, Any]) -> None:
    record = bytes.fromhex(vector["precommit"])
    assert blake3_digest(record).hex() == vector["digest"]
    text = streams.make_rand_hash(record, vector["seed_beacon"])
    assert text == vector["rand_hash"]
    chosen = cast("dict[str, dict[str, str]]", msgpack.unpackb(record))["settings"]
    assert [streams.make_seed(chosen, text, nonce).hex() for nonce in range(2)] == vector["seeds"]


@pytest.mark.parametrize("vector", json.loads((VECTORS / "tuning.json").read_text())["tunings"])
def test_texts_of_tunings(vector: dict[str, Any]) -> None:
    record = bytes.fromhex(vector["tuning"])
    assert blake3_digest(record).hex() == vector["digest"]
    assert streams.make_rand_hash(record, vector["beacon"], "tuning") == vector["rand_hash"]
