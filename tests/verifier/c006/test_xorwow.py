"""The streams of cuRAND's XORWOW."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.support.folders import FIXTURES
from verifier.c006 import xorwow

_FILE = FIXTURES / "vectors" / "c006_xorwow.json"
VECTORS = json.loads(_FILE.read_text(encoding="utf-8"))["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["seed"]))
def test_draws_and_uniforms_are_curands(vector: dict[str, Any]) -> None:
    drawn = xorwow.words(np.array([int(vector["seed"])], dtype=np.uint64), 16)
    assert drawn[0].tolist() == vector["u32"]
    bits = xorwow.uniforms(drawn)[0].view(np.uint32)
    assert [f"{word:08x}" for word in bits] == vector["uniform_f32_bits"]


def test_streams_do_not_depend_on_their_neighbours() -> None:
    seeds = np.array([int(vector["seed"]) for vector in VECTORS], dtype=np.uint64)
    together = xorwow.words(seeds, 16)
    assert together.tolist() == [vector["u32"] for vector in VECTORS]


def test_uniforms_reach_one_and_never_zero() -> None:
    ends = xorwow.uniforms(np.array([0, 0xFFFFFFFF], dtype=np.uint32))
    assert ends.tolist() == [2.0**-33, 1.0]
