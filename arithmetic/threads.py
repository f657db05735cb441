"""The number of threads that a training uses in each of its processes: one.

The bits do not depend on it, the time does: matrices are small, so threads gain little, and those that are idle wait in
a loop, on a core that the worker or another training needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final

ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""Variables for a process of ours, to be set before it loads NumPy or torch, which look then."""


class ThreadLimit:
    """A limit of one thread for NumPy and torch, as far as they are loaded, while anybody asks for it.

    For a process that is not ours: its environment, and what else it computes, are its own. The libraries' numbers are
    the process's, so that the first who asks changes them, and the last who has finished puts them back.
    """

    def __init__(self) -> None:
        self._turn = Lock()
        self._asking = 0
        self._limits: Any = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, one thread; afterwards as many as before, unless another thread of the process is still inside."""
        with self._turn:
            if not self._asking:
                from threadpoolctl import threadpool_limits

                self._limits = threadpool_limits(1)
            self._asking += 1
        try:
            yield
        finally:
            with self._turn:
                self._asking -= 1
                if not self._asking:
                    self._limits.restore_original_limits()


THREAD_LIMIT: Final = ThreadLimit()
"""That of this process."""
