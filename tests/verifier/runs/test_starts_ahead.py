"""Starts that other processes draw are those that are drawn here."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.support.processes import children, eventually
from tests.support.small_contest import instance_id
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.lockstep.starts import Start, draw_start
from verifier.runs.starts_ahead import StartsAhead

pytestmark = pytest.mark.slow


def identified(count: int) -> Iterator[tuple[int, InstanceId]]:
    return ((nonce, instance_id(seed=bytes([nonce]) * 32)) for nonce in range(count))


def arrays(start: Start) -> list[bytes]:
    points = [getattr(part, name) for part in (start.train, start.validation) for name in ("x", "f", "y")]
    return [np.asarray(values).tobytes() for values in (*points, start.parameters, start.frozen, start.output)]


def test_starts_are_those_that_are_drawn_here() -> None:
    before = children(os.getpid())
    drawn = {start.nonce: start for start in StartsAhead(2, 3)(identified(9))}
    assert children(os.getpid()) == before
    assert sorted(drawn) == list(range(9))
    for nonce, one in identified(9):
        assert drawn[nonce].instance_id == one
        assert arrays(drawn[nonce]) == arrays(draw_start(nonce, one))


def test_they_are_drawn_ahead_and_no_further() -> None:
    taken = []

    def noted() -> Iterator[tuple[int, InstanceId]]:
        for item in identified(200):
            taken.append(item)
            yield item

    before = children(os.getpid())
    running = StartsAhead(2, 3)(noted())
    next(running)
    eventually(lambda: len(taken) >= 6)  # one was asked for, three wait, and each process has one
    time.sleep(0.3)
    assert len(taken) <= 10
    running.close()
    assert children(os.getpid()) == before
    assert len(taken) <= 10


def test_what_the_nonces_raise_is_raised_here() -> None:
    def failing() -> Iterator[tuple[int, InstanceId]]:
        yield from identified(1)
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        list(StartsAhead(1, 3)(failing()))
