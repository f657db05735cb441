"""The product of 16-bit integers against int64."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

pytest.importorskip("numba", reason="NUMBA IS NOT INSTALLED: the compiled network was not tested")

self_test = import_module("verifier.challenge.network.compiled.self_test")
KERNELS = self_test.network_kernels()

COLUMNS, ROWS, TOP = KERNELS.columns, KERNELS.rows, self_test.TOP


@pytest.mark.parametrize("k", [1, 2, 3, 125, 136, 256, self_test.MOST_TERMS])
@pytest.mark.parametrize("seed", range(3))
def test_both_products_are_those_of_int64(k: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    left = random.integers(-TOP, TOP + 1, ((seed + 1) * ROWS, k))
    right = random.integers(-TOP, TOP + 1, (k, (seed + 1) * COLUMNS))
    assert np.array_equal(self_test.multiplied(KERNELS.product, left, right), left @ right)
    assert np.array_equal(self_test.multiplied_transposed(KERNELS.transposed_product, left.T, right), left @ right)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_sums_do_not_overflow(sign: int) -> None:
    left = np.full((ROWS, self_test.MOST_TERMS), TOP)
    right = np.full((self_test.MOST_TERMS, COLUMNS), sign * TOP)
    assert 2**31 - 2**22 <= abs((left @ right)[0, 0]) < 2**31
    assert np.array_equal(self_test.multiplied(KERNELS.product, left, right), left @ right)
    assert np.array_equal(self_test.multiplied_transposed(KERNELS.transposed_product, left.T, right), left @ right)


def test_the_self_test_holds_here() -> None:
    assert self_test.is_exact()


@pytest.mark.parametrize("name", ["multiplied", "multiplied_transposed"])
def test_the_self_test_finds_a_product_that_is_off_by_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = getattr(self_test, name)

    def off(*given: object) -> object:
        result = right(*given)
        result[-1, -1] += 1
        return result

    monkeypatch.setattr(self_test, name, off)
    assert not self_test.is_exact()
