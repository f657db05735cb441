"""The data set of the live challenge, against the network's code as it was compiled, and as a C compiler reads it."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.support.folders import FIXTURES
from verifier.c006.dataset import DataSet, cosine, draw_dataset, draw_function, fused_sum

_FOLDER = FIXTURES / "vectors"
VECTORS = [json.loads((_FOLDER / f"c006_dataset_{i}.json").read_text(encoding="utf-8")) for i in (0, 1)]

every_vector = pytest.mark.parametrize("vector", VECTORS, ids=["0", "1"])


def numbers(text: str, *shape: int) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), dtype="<f4").reshape(shape)


def drawn(vector: dict[str, Any]) -> DataSet:
    return draw_dataset(bytes.fromhex(vector["seed_hex"]))


def same_bits(left: NDArray[np.float32], right: NDArray[np.float32]) -> bool:
    return left.shape == right.shape and left.tobytes() == right.tobytes()


@every_vector
@pytest.mark.parametrize("name", ["a", "b", "w"])
def test_the_functions_parameters_are_the_compiled_codes_bit_for_bit(vector: dict[str, Any], name: str) -> None:
    found = getattr(draw_function(bytes.fromhex(vector["seed_hex"])), name)
    assert same_bits(found, numbers(vector["sass_emulated"][name], 2, 128))


@every_vector
def test_the_points_are_the_compiled_codes_bit_for_bit(vector: dict[str, Any]) -> None:
    data = drawn(vector)
    assert same_bits(data.x, numbers(vector["sass_emulated"]["x"], 1450, 1))
    assert same_bits(data.f, numbers(vector["sass_emulated"]["true"], 1450, 2))
    assert same_bits(data.y, numbers(vector["sass_emulated"]["noisy"], 1450, 2))
    assert hashlib.sha256(data.x.tobytes()).hexdigest() == vector["sha256"]["x"]
    assert hashlib.sha256(data.y.tobytes()).hexdigest() == vector["sha256"]["sass_noisy"]


@every_vector
def test_a_c_compilers_reading_of_the_code_is_near(vector: dict[str, Any]) -> None:
    function, data, libm = draw_function(bytes.fromhex(vector["seed_hex"])), drawn(vector), vector["libm"]
    assert same_bits(function.b, numbers(libm["b"], 2, 128))
    assert same_bits(data.x, numbers(libm["x"], 1450, 1))
    np.testing.assert_allclose(function.a, numbers(libm["a"], 2, 128), rtol=0, atol=1.5e-6)
    np.testing.assert_allclose(function.w, numbers(libm["w"], 2, 128), rtol=0, atol=1.6e-5)
    np.testing.assert_allclose(data.f, numbers(libm["true"], 1450, 2), rtol=0, atol=1e-5)
    np.testing.assert_allclose(data.y, numbers(libm["noisy"], 1450, 2), rtol=0, atol=1e-5)


def test_the_split_is_1000_200_250_in_this_order() -> None:
    data = drawn(VECTORS[0])
    assert [len(part.x) for part in (data.train, data.validation, data.test)] == [1000, 200, 250]
    for name in ("x", "f", "y"):
        parts = [getattr(part, name) for part in (data.train, data.validation, data.test)]
        assert same_bits(np.concatenate(parts), getattr(data, name))


def test_only_the_first_eight_bytes_of_the_seed_matter() -> None:
    seed = bytes.fromhex(VECTORS[0]["seed_hex"])
    assert same_bits(draw_dataset(seed[:8] + bytes(24)).y, draw_dataset(seed).y)


def test_streams_wrap_around_two_to_the_64() -> None:
    before, after = draw_function(b"\xff" * 8), draw_function(bytes(8))
    assert same_bits(before.a[0, 1:], after.a[0, :-1])
    assert np.isfinite(draw_dataset(b"\xff" * 8).y).all()


def rounded(exact: Fraction) -> float:
    """To binary32, ties to even."""
    if exact == 0:
        return 0.0
    digit = Fraction(2) ** (math.frexp(float(exact))[1] - 24)
    return float(round(exact / digit) * digit)


SINGLES = st.floats(-(2.0**20), 2.0**20, width=32).filter(lambda x: x == 0.0 or abs(x) > 2.0**-20)


@example(641.0, 6700417.0 * 2.0**-56, 1.0)  # 2^-24 (1 + 2^-32), just above a tie: rounded twice, it would be lost
@example(641.0, -6700417.0 * 2.0**-56, -1.0)
@example(1.0 + 2.0**-16, (1.0 - 2.0**-16) * 2.0**-24, 1.0 + 2.0**-23)  # just below a tie
@example(3.0, 5.0, -15.0)
@given(SINGLES, SINGLES, SINGLES)
def test_a_fused_sum_is_rounded_once(a: float, b: float, c: float) -> None:
    found = fused_sum(np.array([a]) * b, np.array([c]))
    assert float(found[0]) == rounded(Fraction(a) * Fraction(b) + Fraction(c))


@given(st.floats(-100.0, 100.0, width=32))
def test_the_cosine_is_near_the_true_one(angle: float) -> None:
    # The angle in turns is cut to 24 digits, and 1 / (2 pi) has only 24: 2^-23 of the angle each.
    found = float(cosine(np.array([angle], dtype=np.float32))[0])
    assert abs(found - math.cos(angle)) <= abs(angle) * 2.0**-22 + 2.0**-24
