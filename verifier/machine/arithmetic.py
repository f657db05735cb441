"""The arithmetic of this machine: of numbers and arrays in this process, of tensors where modules run."""

from __future__ import annotations

from collections.abc import Iterator

from protocol.examination import Check, Condition, Finding
from sandbox.errors import JailError, WorkerFault
from sandbox.isolation import InProcess, Jail
from sandbox.worker.client import WorkerProcess
from sandbox.worker.zygote_client import Zygote

_SOUND = "subnormals, rounding and known results are as specified"


def examine_numbers() -> Finding:
    """The self-test of Python and NumPy in this process."""
    from arithmetic import self_test

    return _judged(Check.ARITHMETIC, list(self_test.faults()))


def examine_tensors(place: Jail | InProcess) -> Finding:
    """The self-test of torch: in a zygote, which else forks no worker, or in this process.

    Raises JailError where there can be no zygote.
    """
    if isinstance(place, Jail):
        return _judged(Check.TENSORS, list(_faults_where_modules_run(place.zygote)))
    from arithmetic import tensor_self_test

    return _judged(Check.TENSORS, list(tensor_self_test.faults()))


def _faults_where_modules_run(zygote: Zygote) -> Iterator[str]:
    try:
        with WorkerProcess(zygote, 1) as worker:
            worker.start()
    except JailError:  # of a worker, after the self-test; the check of the jail says what it is
        return
    except WorkerFault as fault:
        yield f"there are none where modules run: {fault}"


def _judged(check: Check, faults: list[str]) -> Finding:
    if faults:
        return Finding(check, Condition.FAILED, "; ".join(faults), {})
    return Finding(check, Condition.OK, _SOUND, {})
