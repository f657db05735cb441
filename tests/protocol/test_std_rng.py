"""Rust's standard random stream, against the words and draws of the original."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from hypothesis import given
from hypothesis import strategies as st

from protocol import std_rng
from protocol.std_rng import StdRng
from tests.support.folders import FIXTURES

_FILE = FIXTURES / "vectors" / "network_std_rng.json"
VECTORS = json.loads(_FILE.read_text(encoding="utf-8"))

seeded = pytest.mark.parametrize("vector", VECTORS["from_seed"], ids=lambda vector: vector["seed_hex"][-6:])


def stream(vector: dict[str, Any]) -> StdRng:
    return StdRng.from_seed(bytes.fromhex(vector["seed_hex"]))


@seeded
def test_words_and_bytes_are_the_originals(vector: dict[str, Any]) -> None:
    rng = stream(vector)
    assert [rng.next_u32() for _ in range(64)] == vector["next_u32_first64"]
    rng = stream(vector)
    assert [str(rng.next_u64()) for _ in range(32)] == vector["next_u64_first32"]
    rng = stream(vector)
    assert struct.pack("<20I", *(rng.next_u32() for _ in range(20))).hex() == vector["fill_bytes_80"]
    rng = stream(vector)
    assert [rng.bytes32().hex() for _ in range(4)] == vector["gen_u8x32_first4"]


@seeded
def test_mixed_widths_take_consecutive_words(vector: dict[str, Any]) -> None:
    rng = stream(vector)
    for draw in vector["mixed_u64_u32_u32_pattern20"]:
        width, number = draw.split(":")
        assert (rng.next_u64() if width == "u64" else rng.next_u32()) == int(number)


@seeded
def test_ranges_are_the_originals(vector: dict[str, Any]) -> None:
    rng = stream(vector)
    for drawn in vector["gen_range_u32_sequential"]:
        assert [rng.below_u32(drawn["n"]) for _ in drawn["draws"]] == drawn["draws"]
    rng = stream(vector)
    for drawn in vector["gen_range_usize_sequential"]:
        assert [rng.below_u64(drawn["n"]) for _ in drawn["draws"]] == drawn["draws"]


@seeded
def test_shuffles_are_the_originals(vector: dict[str, Any]) -> None:
    for shuffled in vector["shuffle_small_fresh_rng_each"]:
        items = list(range(shuffled["n"]))
        stream(vector).shuffle(items)
        assert items == shuffled["perm"]
    rng = stream(vector)
    for permutation in vector["shuffle_0_1000_three_epochs_same_rng"]:
        items = list(range(1000))
        rng.shuffle(items)
        assert items == permutation
    assert rng.next_u32() == vector["next_u32_after_three_shuffles"]


@pytest.mark.parametrize("vector", VECTORS["seed_from_u64"], ids=lambda vector: vector["u64"])
def test_a_u64_gives_the_originals_stream(vector: dict[str, Any]) -> None:
    rng = StdRng.from_u64(int(vector["u64"]))
    assert [rng.next_u32() for _ in range(16)] == vector["next_u32_first16"]


@given(st.binary(min_size=32, max_size=32), st.integers(0, (1 << 60) - 1))
def test_twenty_rounds_would_be_the_chacha20_of_a_library(key: bytes, group: int) -> None:
    # The library has 20 rounds only, but counters of any size, which no vector reaches.
    counter = group << 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(std_rng, "_DOUBLE_ROUNDS", 10)
        words = std_rng._words_of_blocks(struct.unpack("<8I", key), counter)
    nonce = struct.pack("<QQ", counter, 0)
    keystream = Cipher(algorithms.ChaCha20(key, nonce), mode=None).encryptor().update(bytes(16 * 64))
    assert struct.pack("<256I", *words) == keystream


@given(st.integers(0, (1 << 64) - 1), st.integers(1, (1 << 32) - 1))
def test_draws_stay_below_their_bound(state: int, bound: int) -> None:
    rng = StdRng.from_u64(state)
    assert all(0 <= rng.below_u32(bound) < bound for _ in range(20))
    assert all(0 <= rng.below_u64(bound << 32) < bound << 32 for _ in range(20))


def test_a_bound_and_a_seed_that_cannot_be_are_refused() -> None:
    rng = StdRng.from_u64(0)
    for bound in (0, -1, 1 << 32):
        with pytest.raises(ValueError, match=r"a bound from 1 to 2\^32 - 1"):
            rng.below_u32(bound)
    with pytest.raises(ValueError, match=r"a bound from 1 to 2\^64 - 1"):
        rng.below_u64(1 << 64)
    with pytest.raises(ValueError, match="a seed has 32 bytes, found 31"):
        StdRng.from_seed(bytes(31))
