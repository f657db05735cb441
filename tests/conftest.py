"""One zygote for all tests of a process, as its libraries take a second; no deadlines on busy machines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from sandbox.isolation import Jail

settings.register_profile("busy", deadline=None)
settings.load_profile("busy")


@pytest.fixture(scope="session")
def jail() -> Iterator[Jail]:
    """A jail that starts when a test first needs it."""
    with Jail() as opened:
        yield opened
