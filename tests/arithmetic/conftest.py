"""Each test of a module that NumPy and torch share runs with both: it asks for the module by its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.support.libraries import library


@pytest.fixture(scope="module", params=["numpy", "torch"])
def modules(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """One library after the other; NumPy says nothing of what is not finite, as where programs are executed."""
    with np.errstate(all="ignore"):
        yield library(request.param)


@pytest.fixture(scope="module")
def data_movement(modules: dict[str, Any]) -> Any:
    """Making, joining and picking values."""
    return modules["data_movement"]


@pytest.fixture(scope="module")
def functions(modules: dict[str, Any]) -> Any:
    """Correctly rounded functions."""
    return modules["functions"]


@pytest.fixture(scope="module")
def ieee(modules: dict[str, Any]) -> Any:
    """Elementwise operations."""
    return modules["ieee"]


@pytest.fixture(scope="module")
def power(modules: dict[str, Any]) -> Any:
    """Correctly rounded powers."""
    return modules["powers"].power


@pytest.fixture(scope="module")
def prefix_sums(modules: dict[str, Any]) -> Any:
    """Prefix sums along a dimension."""
    return modules["prefix_sums"].prefix_sums


@pytest.fixture(scope="module")
def reductions(modules: dict[str, Any]) -> Any:
    """Sums and products."""
    return modules["reductions"]


@pytest.fixture(scope="module")
def sorting(modules: dict[str, Any]) -> Any:
    """Orders."""
    return modules["sorting"]
