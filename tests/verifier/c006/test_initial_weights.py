"""What the live network's initialiser draws."""

from __future__ import annotations

import hashlib
import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tests.support.folders import FIXTURES
from verifier.c006 import xorwow
from verifier.c006.initial_weights import drawn_weights, initial_limit, initial_weights, weights_of

_FILE = FIXTURES / "vectors" / "c006_initial_weights.json"
VECTORS = json.loads(_FILE.read_text(encoding="utf-8"))["vectors"]
THIN = initial_limit(256, 1)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['seed_u64']}-{vector['in_features']}")
def test_weights_are_the_networks(vector: dict[str, Any]) -> None:
    weights = initial_weights(int(vector["seed_u64"]), vector["out_features"], vector["in_features"])
    assert (
        f"{initial_limit(vector['out_features'], vector['in_features']).view(np.uint32):08x}"
        == (vector["limit_f32_bits"])
    )
    assert [f"{word:08x}" for word in weights[:16].view(np.uint32)] == vector["first16_bits"]
    assert hashlib.sha256(weights.astype("<f4").tobytes()).hexdigest() == vector["sha256_le_f32"]


def test_the_address_counts_on_across_words_and_wraps() -> None:
    for address in (2**32 - 3, 2**64 - 3):
        across = drawn_weights(address, 6, THIN)
        assert across.tolist() == [float(drawn_weights((address + index) % 2**64, 1, THIN)[0]) for index in range(6)]


@pytest.mark.parametrize("limit", [THIN, initial_limit(2, 256, 5), initial_limit(256, 256)])
def test_every_weight_is_rounded_once(limit: np.float32) -> None:
    # Small draws are those whose weight has more bits than binary64: there the exact product decides.
    drawn = np.concatenate(
        [np.arange(40_000), 2**31 + np.arange(-300, 300), 2**32 - 1 - np.arange(600), 3 ** np.arange(20)]
    ).astype(np.uint32)
    weights = weights_of(drawn, limit)
    uniforms = xorwow.uniforms(drawn)
    for uniform, weight in zip(uniforms[::37].tolist(), weights[::37].tolist(), strict=True):
        exact = Fraction(float(limit)) * (2 * Fraction(uniform) - 1)
        near = [np.nextafter(np.float32(weight), np.float32(side)) for side in (-1, 1)]
        assert all(abs(exact - Fraction(weight)) <= abs(exact - Fraction(float(other))) for other in near)


def test_weights_do_not_fall_as_draws_rise() -> None:
    drawn = np.sort(np.random.default_rng(4).integers(0, 2**32, 100_000, dtype=np.uint32))
    assert (np.diff(weights_of(drawn, THIN)) >= 0).all()
    assert weights_of(np.array([0, 2**32 - 1], dtype=np.uint32), THIN).tolist() == [-THIN, THIN]


def test_a_limit_moves_by_units_in_the_last_place() -> None:
    exact = initial_limit(256, 1)
    assert initial_limit(256, 1, 1) == np.nextafter(exact, np.float32(1))
    assert initial_limit(256, 1, -1) == np.nextafter(exact, np.float32(0))
    assert math.isclose(float(exact), 0.5 * math.sqrt(2 / 257), rel_tol=1e-7)
