"""The answer no."""

from __future__ import annotations

from protocol.verdict import Reason


class Rejection(Exception):
    """A step failed: the answer is no. Not an error, and not one of this package's errors."""

    def __init__(self, step: int, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.step = step
        self.reason = reason
