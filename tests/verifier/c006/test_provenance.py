"""Whether frozen layers are recognised: untouched, altered, replaced; and nothing hostile stops the search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from verifier.c006.address_search import NEIGHBOURS, DrawRanges, find_source
from verifier.c006.initial_weights import LIMIT_SLACK, drawn_weights, initial_limit, initial_weights, weights_of
from verifier.c006.loader import Linear, Norm, Weights
from verifier.c006.provenance import Origin, frozen_provenance, layer_provenance

pytestmark = pytest.mark.slow

WHOLE, OUTPUT, FIRST = (256, 256), (2, 256), (256, 1)  # (outputs, inputs)
SHAPES = [WHOLE, OUTPUT, FIRST]
ADDRESS = 0x7F5B_3240_0200

Array = NDArray[np.float32]


def layer(shape: tuple[int, int], address: int = ADDRESS) -> Array:
    """A weight [inputs, outputs] as it is drawn."""
    outputs, inputs = shape
    return initial_weights(address, outputs, inputs).reshape(inputs, outputs).copy()


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**39 - 1))
def test_an_allocators_address_is_recovered(shape: tuple[int, int], block: int) -> None:
    found = layer_provenance(layer(shape, 512 * block), 3)
    assert (found.origin, found.address, found.limit_ulps) == (Origin.UNTOUCHED, 512 * block, 0)
    assert (found.layer, found.differing, found.first_differing) == (3, 0, None)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**64 - 1))
def test_any_address_of_a_whole_layer_is_recovered(address: int) -> None:
    found = layer_provenance(layer(WHOLE, address), 0)
    assert (found.origin, found.address) == (Origin.UNTOUCHED, address)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**48 - 1), st.integers(-LIMIT_SLACK, LIMIT_SLACK))
def test_a_thin_layer_may_have_a_limit_that_a_gpu_rounded(address: int, ulps: int) -> None:
    outputs, inputs = OUTPUT
    flat = drawn_weights(address, outputs * inputs, initial_limit(outputs, inputs, ulps))
    found = layer_provenance(flat.reshape(inputs, outputs), 0)
    assert (found.origin, found.differing) == (Origin.UNTOUCHED, 0)
    again = drawn_weights(found.address or 0, len(flat), initial_limit(outputs, inputs, found.limit_ulps))
    assert again.tobytes() == flat.tobytes()


def test_a_limit_beyond_the_slack_explains_little() -> None:
    flat = drawn_weights(ADDRESS, 512, initial_limit(*OUTPUT, 2 * LIMIT_SLACK))
    assert layer_provenance(flat.reshape(256, 2), 0).origin is not Origin.UNTOUCHED


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("before", [0, 1, 100, 254])
def test_the_low_word_carries_into_the_high_one(shape: tuple[int, int], before: int) -> None:
    address = (0x1234 << 32) - before
    found = layer_provenance(layer(shape, address), 0)
    assert (found.origin, found.address) == (Origin.UNTOUCHED, address)


@pytest.mark.parametrize("before", [1, 6, 7, 20, 40_000, 65_530])
def test_an_address_wraps_at_the_end_of_memory(before: int) -> None:
    assert layer_provenance(layer(WHOLE, 2**64 - before), 0).address == 2**64 - before


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.002, 0.3])
def test_changed_weights_are_counted_and_the_first_is_named(shape: tuple[int, int], share: float) -> None:
    random = np.random.default_rng(5)
    weight = layer(shape)
    flat = weight.reshape(-1)
    changed = np.flatnonzero(random.random(len(flat)) < share)
    changed = changed if len(changed) else np.array([17])
    flat[changed] = np.nextafter(flat[changed], np.float32(1))
    found = layer_provenance(weight, 2)
    assert (found.origin, found.address) == (Origin.ALTERED, ADDRESS)
    assert (found.differing, found.first_differing) == (len(changed), changed[0])
    assert f"{len(changed)} of {len(flat)} weights" in found.detail
    assert f"from input {changed[0] // shape[0]} to output {changed[0] % shape[0]}" in found.detail


def test_a_constant_that_is_added_to_half_of_the_weights_does_not_mislead() -> None:
    """Neighbours that moved together agree with the low word and with another high word."""
    weight = layer(WHOLE)
    moved = np.random.default_rng(6).random(weight.shape) < 0.4
    moved[0] = True
    weight[moved] += np.float32(2.0**-17)
    found = layer_provenance(weight, 0)
    assert (found.origin, found.address, found.differing) == (Origin.ALTERED, ADDRESS, moved.sum())


def test_half_a_layer_that_was_replaced_is_altered() -> None:
    weight = layer(WHOLE)
    weight[:140] = 0
    found = layer_provenance(weight, 0)
    assert (found.address, found.differing, found.first_differing) == (ADDRESS, 140 * 256, 0)


def test_a_negative_zero_is_a_change() -> None:
    """A drawn zero is positive; only the bits tell them apart."""
    address = next(a for a in range(ADDRESS, ADDRESS + 2**24, 2**16) if (layer(WHOLE, a) == 0).any())
    weight = layer(WHOLE, address)
    weight[weight == 0] = -0.0
    found = layer_provenance(weight, 0)
    assert (found.origin, found.address) == (Origin.ALTERED, address)


def fitted_head() -> Array:
    """What least squares gives on hidden features of a network that was not trained."""
    random = np.random.default_rng(8)
    features = np.maximum(random.normal(size=(250, 256)), 0)
    return np.linalg.lstsq(features, random.normal(size=(250, 2)))[0].astype(np.float32)


def test_a_fitted_head_is_replaced() -> None:
    found = layer_provenance(fitted_head(), 4)
    assert (found.origin, found.address, found.differing) == (Origin.REPLACED, None, 512)
    assert found.detail == "linear layer 4 (256 -> 2): no address explains its weights"


def test_a_matrix_that_was_transposed_is_not_what_was_drawn() -> None:
    assert layer_provenance(np.ascontiguousarray(layer(WHOLE).T), 0).origin is Origin.REPLACED


@pytest.mark.parametrize("shape", [WHOLE, OUTPUT])
@pytest.mark.parametrize("value", [0.0, -0.0, 0.01, 0.03125, -0.03125, 1e-45, 3e38, np.inf, np.nan])
def test_constant_layers_are_replaced_and_end(shape: tuple[int, int], value: float) -> None:
    weight = np.full(shape[::-1], value, dtype=np.float32)
    assert layer_provenance(weight, 0).origin is Origin.REPLACED


@pytest.mark.parametrize("shape", SHAPES)
def test_random_layers_are_replaced(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(9)
    for values in (random.normal(size=shape[::-1]), random.uniform(-1 / 32, 1 / 32, shape[::-1])):
        assert layer_provenance(values.astype(np.float32), 0).origin is Origin.REPLACED
    possible = drawn_weights(0, shape[0] * shape[1], initial_limit(*shape))
    shuffled = random.permutation(possible).reshape(shape[::-1])
    assert layer_provenance(shuffled, 0).origin is Origin.REPLACED


def test_a_layer_of_many_addresses_has_the_one_that_explains_most() -> None:
    """Every window finds another address; the search is bounded all the same."""
    random = np.random.default_rng(10)
    pieces = [drawn_weights(int(a), 1000, initial_limit(*WHOLE)) for a in random.integers(0, 2**48, 63)]
    pieces.append(drawn_weights(ADDRESS, 2**16, initial_limit(*WHOLE))[63_000:])
    found = layer_provenance(np.concatenate(pieces).reshape(256, 256), 0)
    assert (found.address, found.differing) == (ADDRESS, 63_000)


@pytest.mark.parametrize(
    "limit", [initial_limit(*WHOLE), initial_limit(*OUTPUT, -LIMIT_SLACK), initial_limit(*FIRST, 3)]
)
def test_a_weight_confines_its_draw_exactly(limit: np.float32) -> None:
    random = np.random.default_rng(11)
    near = np.concatenate([random.integers(0, 2**32, 20_000), *(2 ** random.uniform(0, 31, (2, 4000)))]).astype(
        np.int64
    )
    drawn = np.concatenate([near, 2**32 - 1 - near, (2**31 + near) % 2**32, [0, 2**32 - 1]])
    weights = weights_of(drawn.astype(np.uint32), limit)
    ranges = DrawRanges.of(weights, limit)
    assert ((ranges.first <= drawn) & (drawn <= ranges.last)).all()
    for ends, step, stop in ((ranges.first, -1, 0), (ranges.last, 1, 2**32 - 1)):
        assert (weights_of(ends.astype(np.uint32), limit) == weights).all()
        inside = ends != stop
        assert (weights_of((ends + step)[inside].astype(np.uint32), limit) != weights[inside]).all()


def test_what_no_draw_becomes_has_no_range() -> None:
    limit = initial_limit(*OUTPUT)
    beyond = np.nextafter(limit, np.float32(1))
    none = np.array([np.nan, np.inf, -np.inf, beyond, -beyond, 3e38, -3e38, 1e-12], dtype=np.float32)
    assert not DrawRanges.of(none, limit).present.any()
    assert DrawRanges.of(np.array([0.0, limit, -limit], dtype=np.float32), limit).present.all()


def test_too_few_weights_give_no_address() -> None:
    assert find_source(drawn_weights(ADDRESS, NEIGHBOURS - 1, initial_limit(*WHOLE)), (initial_limit(*WHOLE),)) is None


@pytest.mark.parametrize("n_hidden", [1, 2, 4])
def test_the_frozen_layers_are_the_last_two(n_hidden: int) -> None:
    shapes = [FIRST, *[WHOLE] * (n_hidden - 1), OUTPUT]
    linear = [
        Linear(layer(shape, ADDRESS + 512 * at), np.zeros(shape[0], np.float32)) for at, shape in enumerate(shapes)
    ]
    for trained in linear[:-2]:
        trained.weight[:] += 1
    norm = Norm(*[np.ones(256, np.float32)] * 4)
    hidden, output = frozen_provenance(Weights(tuple(linear), (norm,) * n_hidden))
    assert (hidden.layer, hidden.origin, hidden.address) == (
        n_hidden - 1,
        Origin.UNTOUCHED,
        ADDRESS + 512 * (n_hidden - 1),
    )
    assert (output.layer, output.origin, output.address) == (n_hidden, Origin.UNTOUCHED, ADDRESS + 512 * n_hidden)
