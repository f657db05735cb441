"""What was found on a machine, signed by who examined it (specification, 10.14).

It is a statement of the key's holder and nothing more: no file shows on which machine it was made, nor when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, Final, Self

from protocol.beacon import check_beacon
from protocol.canonical_msgpack import Scalar
from protocol.record import Record

MAX_DETAIL: Final = 500  # characters
MAX_SPECIFICATION: Final = (1 << 31) - 1


class Check(StrEnum):
    """What is examined, in this order. The list is closed and its texts are stable."""

    SOFTWARE = "software"  # what is installed, and its versions
    PROCESSOR = "processor"  # its instructions, and the cores that may be used
    ARITHMETIC = "arithmetic"  # of numbers and arrays, where the network is trained
    TENSORS = "tensors"  # of tensors, as programs ask for it
    JAIL = "jail"  # a module gets nothing but its memory and its channel
    CACHE = "cache"  # the folder of compiled code
    NETWORK = "network"  # what trains: its engine, its bits and its time
    TRAINING = "training"  # a known training has its known result
    MEMORY = "memory"  # for trainings side by side


class Condition(StrEnum):
    """What a check found."""

    OK = "ok"
    WARNING = "warning"  # it could be faster or better protected; its answers are right
    FAILED = "failed"  # no answer of this machine can be relied on, or there is none


@dataclass(frozen=True)
class Finding:
    """One check: what it found, in words for people, and what it measured."""

    check: Check
    condition: Condition
    detail: str  # what was found and, where something is wrong, what to do
    measured: Mapping[str, Scalar]

    def __post_init__(self) -> None:
        object.__setattr__(self, "measured", MappingProxyType(dict(self.measured)))

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[object, ...]]:  # a read-only map cannot be pickled
        return type(self), (self.check, self.condition, self.detail, dict(self.measured))


@dataclass(frozen=True)
class Examination(Record):
    """The findings of all checks on one machine, and the beacon for which they were made."""

    TYPE: ClassVar[str] = "examination.v1"

    beacon: str | None  # of who asked for it: an older examination does not have it
    specification: int  # the version of the rules
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> list[Check]:
        """The checks that failed."""
        return [finding.check for finding in self.findings if finding.condition is Condition.FAILED]

    def check(self) -> None:
        """Raise `RecordError` for a field out of range, and unless every check is there once, in its order."""
        if self.beacon is not None:
            check_beacon(self.beacon, "examination.beacon")
        self.require_range("specification", 1, MAX_SPECIFICATION)
        found = [finding.check for finding in self.findings]
        self.require(found == list(Check), "findings", "expected every check once, in the order of the specification")
        for index, finding in enumerate(self.findings):
            size = len(finding.detail)
            problem = f"expected at most {MAX_DETAIL} characters, found {size}"
            self.require(size <= MAX_DETAIL, f"findings[{index}].detail", problem)
