"""A module runs where tensors are computed as the specification says, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from arithmetic import tensor_self_test
from arithmetic.errors import MachineError
from sandbox.errors import WorkerFault
from sandbox.isolation import InProcess, Jail
from sandbox.worker.client import ProcessOptimiser
from sandbox.worker.zygote_client import Zygote
from tests.support.sample_optimisers import assignment, module

WRONG = "elementwise operations give other bits"
SPOILT = """
import sys
from arithmetic import ieee
from sandbox.worker import zygote_server
ieee.add = lambda a, b: a
zygote_server.main(["server", *sys.argv[1:]])
"""


@pytest.fixture
def _anew() -> Iterator[None]:
    """The self-test of this process is to be taken again, and after the test once more."""
    tensor_self_test.require_sound.cache_clear()
    yield
    tensor_self_test.require_sound.cache_clear()


@pytest.mark.usefixtures("_anew")
def test_this_process_hosts_nothing_if_its_tensors_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor_self_test, "_elementwise", lambda device: "others")
    with pytest.raises(MachineError, match=WRONG):
        InProcess().start(assignment(module()))


@pytest.mark.slow
def test_a_prepared_jail_has_its_zygote() -> None:
    with Jail() as own:
        own.prepare()
        begun = own._zygote
        own.prepare()
        assert begun is own.zygote is not None


@pytest.mark.slow
def test_a_zygote_whose_tensors_are_wrong_forks_nothing() -> None:
    zygote = Zygote((sys.executable, "-c", SPOILT))
    try:
        for _ in range(2):  # it has ended by then, but why is still known
            with (
                ProcessOptimiser(assignment(module()), zygote) as optimiser,
                pytest.raises(WorkerFault, match=f"MachineError: .*{WRONG}"),
            ):
                optimiser.initialise()
    finally:
        zygote.close()
