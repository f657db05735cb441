"""Triton's interpreter: whether it is there, and what it must not say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def interpreter() -> Iterator[None]:
    """Kernels run in NumPy; what they compute may overflow, or be of no number, as it may on a device."""
    if find_spec("triton") is None:
        pytest.skip("TRITON IS NOT INSTALLED: no kernel was run; `make test-extras` does")
    if os.environ.get("TRITON_INTERPRET") != "1":  # Triton looks at it when it is imported
        pytest.skip(
            "TRITON DOES NOT INTERPRET HERE: no kernel was run; set TRITON_INTERPRET=1, as `make test-extras` does"
        )
    with np.errstate(all="ignore"):
        yield
