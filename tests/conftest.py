"""One zygote for all tests of a process: a fork takes milliseconds, its libraries a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.isolation import Jail


@pytest.fixture(scope="session")
def jail() -> Iterator[Jail]:
    """A jail that starts when a test first needs it."""
    with Jail() as opened:
        yield opened
