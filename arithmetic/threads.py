"""The number of threads that a training uses in each of its processes: one.

The bits do not depend on it, the time does: matrices are small, so threads gain little, and those that are idle wait in
a loop, on a core that the worker or another training needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""Variables for a process of ours, to be set before it loads NumPy or torch, which look then."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, NumPy and torch use one thread, if they are loaded already; afterwards as many as before.

    For a process that is not ours: its environment, and what else it computes, are its own.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield
