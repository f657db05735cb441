"""The kernel ends a worker for each thing that it asks for in its jail, and a jail that is open is noticed."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import pytest

from sandbox.errors import WorkerFault
from sandbox.worker.client import is_ended_for
from sandbox.worker.prober import ATTEMPTS
from sandbox.worker.zygote_client import Zygote, workers

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the jail needs Linux")]

OPEN = """
import sys
from sandbox.jail import seccomp
from sandbox.worker import zygote_server
seccomp.program = lambda rules, machine: seccomp._instruction(seccomp._RETURN, seccomp._ALLOW)
zygote_server.main(["prober", *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with contextlib.closing(Zygote(workers("prober"))) as own:
        yield own


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_the_jail_holds(attempt: str, zygote: Zygote) -> None:
    assert is_ended_for(attempt, zygote)
    assert zygote.confinement is not None


def test_a_filter_that_lets_everything_pass_is_noticed() -> None:
    """The kernel says of the worker that it has a filter; other layers may refuse, but nothing ends it."""
    with contextlib.closing(Zygote((sys.executable, "-c", OPEN))) as own:
        assert [attempt for attempt in ATTEMPTS if is_ended_for(attempt, own)] == []


def test_another_end_is_a_fault_and_no_answer(zygote: Zygote) -> None:
    with pytest.raises(WorkerFault, match=r"the worker process ended unexpectedly \(exit status 1\)"):
        is_ended_for("no such attempt", zygote)
