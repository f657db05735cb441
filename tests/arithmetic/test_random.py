"""Every draw has a fixed address in an extendable output, and a fixed value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from arithmetic import random
from arithmetic.random import Source
from arithmetic.transcendental import elementary

SOURCE = Source("tig-verify tests numbers", bytes(range(32)))
words64 = st.integers(0, 2**64 - 1)


def test_a_source_is_the_derive_key_mode_of_blake3() -> None:
    expected = blake3(bytes(range(32)), derive_key_context="tig-verify tests numbers").digest(100)
    assert SOURCE.read(100) == expected
    assert SOURCE.words(0, 12).tolist() == [int.from_bytes(expected[8 * i : 8 * i + 8], "little") for i in range(12)]


@given(st.integers(0, 2**40), st.integers(0, 20), st.integers(0, 20))
def test_words_are_the_same_wherever_reading_starts(first: int, skipped: int, count: int) -> None:
    together = SOURCE.words(first, skipped + count).tolist()
    assert SOURCE.words(first + skipped, count).tolist() == together[skipped:]


def test_contexts_and_keys_separate_sources() -> None:
    others = [Source("tig-verify tests other", SOURCE.key), Source(SOURCE.context, bytes(32))]
    assert len({source.read(32) for source in (SOURCE, *others)}) == 3


@given(st.lists(words64, min_size=1, max_size=9))
def test_uniforms_are_the_high_53_bits(words: list[int]) -> None:
    uniforms = random.uniforms(np.array(words, dtype=np.uint64)).tolist()
    assert uniforms == [(w >> 11) / 2**53 for w in words]
    assert all(0.0 <= u < 1.0 for u in uniforms)


@given(words64, words64)
def test_normals_are_box_muller(first: int, second: int) -> None:
    u, v = (first >> 11) / 2**53, (second >> 11) / 2**53
    normal = random.normals(np.array([first, second], dtype=np.uint64)).item()
    radius = math.sqrt(elementary.log(u + 2.0**-53) * -2.0)
    assert normal == radius * elementary.cos((2.0 * math.pi) * v)
    assert normal == pytest.approx(math.sqrt(-2 * math.log(u + 2.0**-53)) * math.cos(2 * math.pi * v), abs=1e-12)


def test_the_extremes_of_normals_are_finite() -> None:
    extremes = np.array([[0, 0], [2**64 - 1, 0], [0, 2**63], [2**64 - 1, 2**64 - 1]], dtype=np.uint64)
    normals = random.normals(extremes)
    assert normals.tolist() == [pytest.approx(math.sqrt(106 * math.log(2))), 0.0, -normals[0], 0.0]


def test_normals_look_normal() -> None:
    normals = random.normals(SOURCE.words(0, 40_000).reshape(100, 200, 2))
    assert normals.shape == (100, 200)
    assert abs(normals.mean()) < 4 / math.sqrt(20_000)
    assert abs(normals.var() - 1) < 4 * math.sqrt(2 / 20_000)
    assert abs((normals**4).mean() - 3) < 0.3


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_a_permutation_sorts_and_breaks_ties_by_index(words: list[int]) -> None:
    order = random.permutation(np.array(words, dtype=np.uint64)).tolist()
    assert order == sorted(range(len(words)), key=lambda i: (words[i], i))


def test_a_permutation_compares_words_without_sign() -> None:
    assert random.permutation(np.array([2**63, 2**64 - 1, 1], dtype=np.uint64)).tolist() == [2, 0, 1]


def test_golden_draws() -> None:
    assert SOURCE.words(0, 3).tolist() == [11605025053200795093, 17795445638047168746, 15746866373266753869]
    uniforms = [u.hex() for u in random.uniforms(SOURCE.words(3, 2)).tolist()]
    assert uniforms == ["0x1.c19f2ec724428p-1", "0x1.ad2ff4bfc3a24p-3"]
    normals = [n.hex() for n in random.normals(SOURCE.words(5, 6).reshape(3, 2)).tolist()]
    assert normals == ["-0x1.436d25136b76cp-1", "0x1.3c6797af1472bp+0", "0x1.876609e43b847p-6"]
    assert random.permutation(SOURCE.words(11, 10)).tolist() == [4, 2, 5, 1, 9, 8, 7, 3, 6, 0]
