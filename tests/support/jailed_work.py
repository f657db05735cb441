"""Work of process pools in tests, in processes that hold a jail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox.isolation import Jail
from tests.support.sample_optimisers import assignment, module


@contextmanager
def sleeping() -> Iterator[Callable[[str], str]]:
    """Sleeps over the text "sleep", with a worker in the jail."""

    def work(item: str) -> str:
        if item == "sleep":
            time.sleep(60.0)
        return item

    with Jail() as jail, jail.start(assignment(module())):
        yield work
