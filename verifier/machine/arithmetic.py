"""The arithmetic of this machine: of numbers and arrays, and of the programs that modules record."""

from __future__ import annotations

from protocol.examination import Check, Condition, Finding

_SOUND = "subnormals, rounding and known results are as specified"


def examine_numbers() -> Finding:
    """The self-test of Python and NumPy in this process."""
    from arithmetic import self_test

    return _judged(Check.ARITHMETIC, list(self_test.faults()))


def examine_tensors() -> Finding:
    """The self-test of what executes the programs of modules in this process."""
    from sandbox.execution import self_test

    return _judged(Check.TENSORS, list(self_test.faults()))


def _judged(check: Check, faults: list[str]) -> Finding:
    if faults:
        return Finding(check, Condition.FAILED, "; ".join(faults), {})
    return Finding(check, Condition.OK, _SOUND, {})
