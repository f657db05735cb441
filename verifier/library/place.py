"""Where the modules of a call run, in a process that is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
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
            place = stack.enter_context(named(place))
        stack.enter_context(THREAD_LIMIT.held())
        yield place


def named(place: str) -> AbstractContextManager[Jail | InProcess]:
    """The place of that name. Raises InputError."""
    if place not in _NAMES:
        raise InputError(f"isolation: {place!r} is not one of {', '.join(_NAMES)}, and no open place")
    return Jail() if place == "process" else nullcontext(_in_process())


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
