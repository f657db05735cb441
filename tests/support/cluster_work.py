"""Work of clusters in tests; imported by the processes of their nodes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.envelope import seal
from protocol.keys import SigningKey
from sandbox.isolation import Jail
from tests.support.small_contest import module, session
from verifier.challenge.solving import solve
from verifier.challenge.training.trainer import Observer

RAISE, KILL = -1, -2
"""An item that raises an error, and one that ends what works on its node."""


@dataclass(frozen=True)
class Answer:
    """Who has done an item, and how many that process has done by then."""

    node: str
    process: int
    threads: str
    items: int


@contextmanager
def telling() -> Iterator[Callable[[int], Answer]]:
    """Sleeps for so many milliseconds; some numbers are orders."""
    items = count(1)

    def work(item: int) -> Answer:
        if item == RAISE:
            raise ValueError("negative")
        if item == KILL:
            os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(max(item, 0) / 1000)
        return Answer(os.environ["TEST_NODE"], os.getpid(), os.environ["OMP_NUM_THREADS"], next(items))

    yield work


@contextmanager
def signed_claims() -> Iterator[Callable[[int], tuple[bytes, bytes]]]:
    """The signed claim of a nonce and its solution, of a training in a jail."""
    source = module(updates="-state * gradient, state", state='hyperparameters["lr"]')
    with Jail() as jail:

        def work(nonce: int) -> tuple[bytes, bytes]:
            solved = solve(session(source, nonce=nonce, isolation=jail))
            key = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(32)))
            return seal(solved.claim, key).to_bytes(), seal(solved.solution, key).to_bytes()

        yield work


@contextmanager
def unprepared() -> Iterator[Callable[[int], int]]:
    """Is not ready for anything on one node."""
    if os.environ.get("TEST_NODE") == "two":
        raise RuntimeError("no memory\x1b[2J")
    yield abs


@contextmanager
def halves(observer: Observer | None) -> Iterator[Callable[[int], int]]:
    """Half of a number; nobody observes."""
    assert observer is None
    yield lambda item: item // 2
