"""Looks for the devices of this machine that can train in lockstep, in a process that may be lost over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from arithmetic.errors import MachineError
from sandbox.errors import WorkerFault
from verifier.challenge.lockstep.device import Device
from verifier.runs.pool import ProcessPool, TaskLost

Found = tuple[Device, ...] | str
"""Devices, or why there is none."""


def found_devices() -> tuple[Device, ...]:
    """The GPUs of this machine, each of which passes the self-test; it takes seconds. Raises MachineError."""
    if not _has_torch():
        raise MachineError("a GPU needs torch, which is not installed; pip install 'tig-verify[cuda]'")
    with ProcessPool[str, Found](_search, 1, tries=1) as pool:
        try:
            ((_, found),) = pool.run(["cuda"])
        except WorkerFault as fault:
            raise MachineError(f"the GPU could not be tested: {fault}") from None
    if isinstance(found, TaskLost):
        raise MachineError(f"the GPU could not be tested: {found.why}")
    if isinstance(found, str):
        raise MachineError(found)
    return found


def _has_torch() -> bool:
    """Whether torch can be imported, without doing so, which takes a second."""
    try:
        return find_spec("torch") is not None
    except ModuleNotFoundError:  # whoever looks for it may say so himself
        return False


@contextmanager
def _search() -> Iterator[Callable[[str], Found]]:
    """The work of the other process."""
    from verifier.challenge.lockstep.cuda import usable_devices

    def work(_: str) -> Found:
        try:
            return usable_devices()
        except MachineError as error:
            return str(error)

    yield work
