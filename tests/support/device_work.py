"""Trainings of a device in tests of pools: without a device, and some of them are orders. Imported by its processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from tests.support import small_contest
from verifier.challenge.lockstep.device import Trained, Wanted
from verifier.challenge.module import Module

PLACES = 4
SLOW, BROKEN = 500, 600
"""From these nonces on."""


def wanted(nonce: int) -> Wanted:
    """What nonces ask for; those divisible by seven ask for nothing."""
    return Wanted(small_contest.task(), Module("small.py", small_contest.module()), nonce)


def half_wanted(nonce: int) -> Wanted | None:
    return wanted(nonce) if nonce % 7 else None


class FourAtOnce:
    """Has four nonces in hand, and answers the last one first. Odd ones are to be trained elsewhere."""

    def __init__(self, mark: Path | None) -> None:
        self._mark = mark

    def train(self, numbered: Iterable[tuple[int, Wanted]]) -> Iterator[tuple[int, Trained | None]]:
        rest = iter(numbered)
        hand: list[tuple[int, Wanted]] = []
        while hand := [*hand, *islice(rest, PLACES - len(hand))]:
            number, each = hand.pop()
            self._obey(each.nonce)
            yield number, None if each.nonce % 2 else trained(each.nonce)

    def _obey(self, nonce: int) -> None:
        if self._mark is not None and not self._mark.exists():  # dies over its first one, once
            self._mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if nonce >= BROKEN:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        if nonce >= SLOW:
            time.sleep(60.0)


def trained(nonce: int) -> Trained:
    """A training that says which nonce it is of."""
    return Trained((nonce,), 0.5, {})  # type: ignore[arg-type]


@contextmanager
def trainings(mark: Path | None, kind: str, expected: int) -> Iterator[FourAtOnce]:
    assert (kind, os.environ["CUDA_VISIBLE_DEVICES"]) in {("cpu", "0"), ("cpu", "1")}
    assert expected > 0
    yield FourAtOnce(mark)


@contextmanager
def unready(kind: str, expected: int) -> Iterator[FourAtOnce]:
    raise RuntimeError("no kernel image is available")
    yield


@contextmanager
def telling() -> Iterator[Callable[[int, Trained | None], object]]:
    """Says what it was given."""
    yield lambda nonce, given: (nonce, None if given is None else given.training)
