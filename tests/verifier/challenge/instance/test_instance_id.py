"""Streams against BLAKE3 called directly."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import get_args

import numpy as np
import pytest
from blake3 import blake3

from tests.support.small_contest import SEED, instance_id
from verifier.challenge.editions import DECEMBER_2025
from verifier.challenge.instance.instance_id import Label

DECEMBER = instance_id(DECEMBER_2025)
LABELS: tuple[Label, ...] = get_args(Label)


def expected(label: str, index: int, length: int, seek: int = 0) -> bytes:
    material = SEED + index.to_bytes(8, "little")
    return blake3(material, derive_key_context=f"tig-verify v2 december-2025 {label}").digest(length, seek=seek)


@pytest.mark.parametrize(("label", "index"), list(product(LABELS, [0, 1, 1000, 2**64 - 1])))
def test_bytes_are_those_of_blake3(label: Label, index: int) -> None:
    source = DECEMBER.stream(label, index)
    assert source.read(100) == expected(label, index, 100)
    words = source.words(3, 5)
    assert words.dtype == np.uint64
    assert words.tobytes() == expected(label, index, 40, seek=24)


def test_the_labels_are_those_of_the_specification() -> None:
    assert LABELS == ("features", "points", "noise", "weights", "shuffle", "test-subset", "optimiser")


def test_streams_differ_by_label_index_seed_and_edition() -> None:
    sources = [DECEMBER.stream(label, index) for label, index in product(LABELS, range(5))]
    sources += [instance_id(DECEMBER_2025, seed=bytes(32)).stream(label) for label in LABELS]
    sources += [instance_id(replace(DECEMBER_2025, name="another")).stream(label) for label in LABELS]
    assert len({source.read(32) for source in sources}) == len(sources)


def test_the_index_is_zero_unless_given() -> None:
    assert DECEMBER.stream("points") == DECEMBER.stream("points", 0)
