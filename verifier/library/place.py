"""Where the modules of a call run, in a process that is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, TypeAlias

from arithmetic.threads import THREAD_LIMIT
from sandbox.isolation import InProcess, Isolation, Jail
from tig_verify.origin import imports_of_ours
from verifier.challenge.errors import InputError

Place: TypeAlias = str | Isolation
"""`process` for a jailed process, `none` for this one, or a place that is open already, as `with Jail() as jail:`."""
_NAMES: Final = ("process", "none")


@contextmanager
def opened(place: Place) -> Iterator[Isolation]:
    """The place, with one thread for NumPy and torch as long as it is used. Raises InputError for an unknown name."""
    with ExitStack() as stack:
        if isinstance(place, str):
            if place not in _NAMES:
                raise InputError(f"isolation: {place!r} is not one of {', '.join(_NAMES)}, and no open place")
            place = stack.enter_context(Jail()) if place == "process" else _in_process()
        stack.enter_context(THREAD_LIMIT.held())
        yield place


def _in_process() -> InProcess:
    place = InProcess()
    with imports_of_ours():
        place.prepare()
    return place


def require_jobs(jobs: int, place: Place) -> None:
    """Refuse a number of processes that cannot be, or that the place is not for. Raises InputError."""
    if jobs < 1:
        raise InputError(f"jobs: {jobs} is no number of processes; 1 is this one alone")
    if jobs > 1 and not isinstance(place, str):
        raise InputError(f"isolation: an open place is for this process alone; with {jobs} jobs name one")
