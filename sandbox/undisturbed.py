"""A stretch of work that no setting of the process around it may change.

Warnings that somebody turns into errors and the depth of the caller's own stack are matters of the machine; the answer
of a module must not depend on them.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_FRAMES: Final = 5_000
"""Frames that a call of a module may take beyond what its caller has left: some four times what the bounds allow."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Warn of nothing, and have the stack that the language's bounds need."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + _FRAMES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.setrecursionlimit(limit)
