"""The answer no."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from protocol.verdict import Reason
from sandbox.errors import ModuleRefused, OptimiserError


class Rejection(Exception):
    """A check failed: the answer is no. Not an error, and not one of this package's errors."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@contextmanager
def module_faults() -> Iterator[None]:
    """Make a module that is refused, or whose own code fails, an answer no."""
    try:
        yield
    except ModuleRefused as refused:
        raise Rejection(Reason.OPTIMISER_REFUSED, str(refused)) from None
    except OptimiserError as error:
        raise Rejection(Reason.OPTIMISER_FAILED, str(error)) from None


def require(holds: bool, reason: Reason, detail: str) -> None:
    """Raise Rejection unless a check holds."""
    if not holds:
        raise Rejection(reason, detail)
