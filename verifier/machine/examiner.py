"""Does the checks, each by its name, in a process that may be lost: whatever a check does, there is a finding."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

from arithmetic.allocator import keep_freed_memory
from arithmetic.errors import MachineError
from protocol.examination import MAX_DETAIL, Check, Condition, Finding
from sandbox.errors import SandboxError
from sandbox.isolation import InProcess, Jail
from verifier.challenge.errors import VerifierError
from verifier.machine import memory, processor, software


class Examiner:
    """One examination of this machine, whose modules run in `place`. What checks need is imported by the check."""

    def __init__(self, place: Jail | InProcess) -> None:
        self._place = place
        self._free = memory.available()
        self._taken: int | None = None
        """Bytes that a training took, once one was tried."""
        self._checks: Mapping[Check, Callable[[], Finding]] = {
            Check.SOFTWARE: software.examine,
            Check.PROCESSOR: processor.examine,
            Check.ARITHMETIC: self._arithmetic,
            Check.TENSORS: self._tensors,
            Check.JAIL: self._jail,
            Check.CACHE: self._cache,
            Check.NETWORK: self._network,
            Check.TRAINING: self._training,
            Check.MEMORY: lambda: memory.examine(self._free, self._taken),
        }

    def examine(self, check: Check) -> Finding:
        """What a check finds; if it cannot be made, that it failed."""
        try:
            found = self._checks[check]()
        except (MachineError, SandboxError, VerifierError) as error:
            return failed(check, str(error))
        except Exception as error:  # the machine may be broken in ways that nobody has thought of
            return failed(check, f"could not be made: {type(error).__name__}: {error}")
        return replace(found, detail=_fitting(found.detail))

    def _arithmetic(self) -> Finding:
        from verifier.machine import arithmetic

        return arithmetic.examine_numbers()

    def _tensors(self) -> Finding:
        from verifier.machine import arithmetic

        return arithmetic.examine_tensors()

    def _jail(self) -> Finding:
        from verifier.machine import jail

        return jail.examine(self._place)

    def _cache(self) -> Finding:
        from verifier.machine import cache

        return cache.examine()

    def _network(self) -> Finding:
        from verifier.machine import network

        return network.examine(self._place, self._look_at_memory)

    def _training(self) -> Finding:
        from verifier.machine import known_training

        return known_training.examine(self._place)

    def _look_at_memory(self) -> None:
        self._taken = memory.of_a_training()


def failed(check: Check, why: str) -> Finding:
    """The finding of a check that could not be made."""
    return Finding(check, Condition.FAILED, _fitting(why), {})


@contextmanager
def opened(isolation: str) -> Iterator[Callable[[Check], Finding]]:
    """Does the checks, with modules in a jail (`process`) or in this process (`none`)."""
    keep_freed_memory()  # as a process that trains does
    where: AbstractContextManager[Jail | InProcess] = Jail() if isolation == "process" else nullcontext(InProcess())
    with where as place:
        with contextlib.suppress(Exception):  # its check says so
            place.prepare()  # while this process imports what it needs
        yield Examiner(place).examine


def _fitting(detail: str) -> str:
    """A detail as a record may have it."""
    return detail.encode("utf-8", "backslashreplace").decode()[:MAX_DETAIL]
