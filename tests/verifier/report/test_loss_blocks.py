"""Losses of many trainings on one page: small, and exact to three digits."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.report.loss_blocks import deflated, kept_epochs, step

losses = st.integers(0, 40).flatmap(
    lambda count: st.tuples(*[st.lists(st.floats(1e-20, 1e30), min_size=count, max_size=count)] * 2)
)


def inflated(block: bytes) -> list[float]:
    """As the page's program reads it."""
    planes = zlib.decompress(block)
    size = len(planes) // 3
    uppers = (bytes(planes[at + plane * size] for plane in range(3)) for at in range(size))
    return [struct.unpack(">f", _middle(upper))[0] for upper in uppers]


def _middle(upper: bytes) -> bytes:
    return upper[:2] + bytes([upper[2] | 0x08 if any(upper) else 0, 0])


def near(found: Sequence[float], known: Sequence[float]) -> bool:
    return len(found) == len(known) and all(abs(a - b) <= b / 4000 for a, b in zip(found, known, strict=True))


@given(st.lists(losses, max_size=5))
def test_a_block_has_the_losses_in_order_to_three_digits(histories: list[tuple[list[float], list[float]]]) -> None:
    known = [loss for pair in histories for half in pair for loss in half]
    assert near(inflated(deflated(histories, 1000)), known)


@pytest.mark.parametrize("epochs", [1, 2, 9, 10, 11, 95, 100, 101])
def test_of_a_long_training_the_first_and_the_last_epoch_are_kept_and_some_between(epochs: int) -> None:
    history = [float(epoch) for epoch in range(1, epochs + 1)]
    found = inflated(deflated([(history, history)], points=10))
    half = found[: len(found) // 2]
    kept = [*range(1, epochs + 1, step(epochs, 10))]
    kept += [epochs] if kept[-1] != epochs else []
    assert near(half, kept)
    assert len(half) <= 11


def test_losses_without_a_place_on_a_page_are_no_reason_to_fail() -> None:
    strange = (1e300, -1e300, -0.0, 0.0, 5e-324, -1.0)
    found = inflated(deflated([(strange, strange)], 1000))
    assert [math.isfinite(loss) for loss in found[:6]] == [False, False, True, True, True, True]
    assert found[3:5] == [0.0, 0.0]
    assert found[5] == pytest.approx(-1.0, rel=1e-3)


def test_many_trainings_have_room_for_few_epochs_each() -> None:
    assert kept_epochs(1) == kept_epochs(0) == 1000
    assert kept_epochs(10_000) == 150
    assert kept_epochs(10**6) == 64


def test_ten_thousand_histories_of_150_noisy_epochs_fit_on_a_page() -> None:
    draw = Random(1)
    histories = [tuple([0.1 * draw.gauss(1.0, 0.05) for _ in range(150)] for _ in range(2)) for _ in range(100)]
    block = deflated(((train, validation) for train, validation in histories), kept_epochs(10_000))
    assert 100 * len(block) * 4 / 3 < 7_000_000  # in base64
