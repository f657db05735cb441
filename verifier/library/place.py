"""Where the modules of a call run, in a process that is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, TypeAlias

from arithmetic.threads import one_thread
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
        stack.enter_context(one_thread())
        yield place


def _in_process() -> InProcess:
    place = InProcess()
    with imports_of_ours():
        place.prepare()
    return place
