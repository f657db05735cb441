"""The pages of `plot`, `compare` and `profile` in a browser: their tables fit the page, on a screen and on paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from verifier.experiments.plots.page import page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

OVERFLOW = "document.querySelector('div').scrollWidth - document.querySelector('div').clientWidth"
TRAINING: dict[str, str] = {
    "training": "a-long-name-of-a-module-with-lr=0.001-n_hidden=4-nonce=123456",
    "quality (10⁻⁶)": "-10,000,000",
    **dict.fromkeys(("test loss", "threshold", "floor", "its training loss", "its validation loss"), "0.000123"),
    "epochs": "1000",
    "best epoch": "1000",
    "end": "non-finite-update",
    "fuel": "4.99e12",
}
LINE = {"share": "100.0%", "fuel": "123,000", "MiB": "0.0123", "ms": "123", "times": "1.23e6", "line": "1234"}
TABLES = {
    "plot": ([TRAINING] * 8, ["training", "end"]),
    "profile": (
        [{**LINE, "source": "updates.append(momentum.mul(-hyperparameters['lr']).add_(p, alpha=x))" * 14}],
        ["source"],
    ),
}


@pytest.mark.parametrize("width", [700, 800, 1400])
@pytest.mark.parametrize("name", TABLES)
def test_a_table_fits_its_page(browser: Browser, tmp_path: Path, name: str, width: int) -> None:
    rows, texts = TABLES[name]
    path = tmp_path / "page.html"
    path.write_text(page(name, b"\x89PNG", "nothing", "A table.", rows, texts))
    context = browser.new_context(viewport={"width": width, "height": 900})
    opened = context.new_page()
    opened.goto(path.as_uri())
    assert opened.evaluate(OVERFLOW) == 0
    if width == 700:  # of a sheet of A4, between its margins
        opened.emulate_media(media="print")
        assert opened.evaluate(OVERFLOW) == 0
    context.close()
