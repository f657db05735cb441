"""One browser for all tests of pages: Debian's chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Started when a test first needs it; without one, tests that need it are skipped."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="PLAYWRIGHT IS NOT INSTALLED: no page was opened; `make test-extras` does"
    )
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("NO BROWSER: no page was opened; apt-get install chromium")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=arguments)
        yield opened
        opened.close()
