"""The page of `tig-verify report` in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from protocol.keys import SigningKey
from protocol.verdict import Outcome, Reason
from tests.support.called import called
from tests.support.sealed_claims import SealedClaims, signed_claim, write_verdict
from tests.support.study_rows import made_up
from tests.verifier.report.sample_facts import claim, evidence
from tests.verifier.report.test_comparison_page import ROWS
from tests.verifier.report.test_html import HOSTILE
from verifier.command_line.terminal import visible
from verifier.report.claims_page import Failures, claims_page
from verifier.report.comparison_page import comparison_page
from verifier.report.content import Page as Content
from verifier.report.html import html
from verifier.report.study_page import study_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

WIDTHS = [360, 800, 1400]
SCHEMES = ["light", "dark"]
KEY = SigningKey.generate()
NAMED = "button combobox searchbox slider image table dialog region navigation DisclosureTriangle".split()
"""Roles of what cannot be used without a name."""


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 120 claims, with verdicts on most."""
    folder = tmp_path_factory.mktemp("claims")
    sealed = SealedClaims(folder, KEY, epochs=60)
    for nonce in range(120):
        path = sealed.write(nonce, "adam" if nonce < 90 else "lion", quality=1000 * nonce - 20_000)
        if nonce % 30 == 7:
            write_verdict(path, KEY, outcome=Outcome.REJECTED, reason=Reason.QUALITY, step=7, detail="it is lower")
        elif nonce % 30 != 8:
            write_verdict(path, KEY)
    return folder


Opened = Callable[..., "Page"]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Opens a page; at the end there was no error, no word on the console, and no request but for the file itself."""
    contexts, complaints = [], []

    def complain(kind: str) -> Callable[[Any], None]:
        return lambda what: complaints.append(f"{kind}: {what}")

    def open_page(path: Path, width: int = 1400, scheme: Any = "light") -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complain("console")(message.text))
        page.on("pageerror", complain("error"))
        page.on("request", lambda request: complain("request")(request.url) if request.url != path.as_uri() else None)
        page.goto(path.as_uri())
        page.wait_for_function("document.querySelectorAll('.canvas:empty').length === 0")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def report(claims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    out = tmp_path / "page.html"
    assert called(capsys, "report", claims, "-o", out).code == 0
    return out


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Content], Path]:
    def write(content: Content) -> Path:
        path = tmp_path / "content.html"
        path.write_bytes(html(content, visible))
        return path

    return write


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def wait_for_focus(page: Page, text: str) -> None:
    """A dialog gives the focus back after it has closed, in an event of its own."""
    page.wait_for_function("text => document.activeElement.textContent === text", arg=text)


def first_names(page: Page, number: int = 3) -> list[str]:
    return list(page.locator("#table tbody th").all_inner_texts()[:number])


def status(page: Page) -> str:
    return str(page.locator("#table [role=status]").inner_text())


def nodes(page: Page) -> list[tuple[str, str]]:
    """Role and name of everything that a screen reader is told of."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    shown = (node for node in tree if not node["ignored"])
    return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in shown]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(opened: Opened, report: Path, width: int, scheme: str) -> None:
    page = opened(report, width, scheme)
    assert overflow(page) == 0
    page.locator("#table tbody button").first.click()
    page.locator(".reading").wait_for()
    assert page.evaluate("document.querySelector('dialog').scrollWidth <= document.querySelector('dialog').clientWidth")
    light, dark = "rgb(255, 255, 255)", "rgb(22, 22, 24)"
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == (
        light if scheme == "light" else dark
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_every_kind_of_page_opens(opened: Opened, written: Callable[[Content], Path], width: int) -> None:
    study = [made_up("SGD", depth, nonce, 0.1 * depth) for depth in (1, 2) for nonce in range(3)]
    contents = [
        claims_page(evidence(*map(claim, range(3))), []),
        claims_page(evidence(failures=[Failures("Failed nonces", ["nonce 7: " + "x" * 500], 1)]), []),
        comparison_page("runs.jsonl", ROWS, []),
        study_page("figure2", study, []),
    ]
    for content in contents:
        page = opened(written(content), width)
        assert page.get_by_role("heading", level=1).inner_text() == content.title
        assert page.locator("figure svg[role=img]").count() == len(content.charts)
        assert page.get_by_role("table").count() == len(content.summaries) + bool(content.table.columns)
        assert overflow(page) == 0


def test_a_table_is_sorted_by_keys(opened: Opened, report: Path) -> None:
    page = opened(report)
    head = page.get_by_role("columnheader", name="quality", exact=True)
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert first_names(page, 1) == ["lion-n_hidden=4-nonce=119"]
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "ascending"
    assert first_names(page, 2) == ["adam-n_hidden=4-nonce=0", "adam-n_hidden=4-nonce=1"]
    page.get_by_role("columnheader", name="claim", exact=True).get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") is None
    assert first_names(page, 3)[2] == "adam-n_hidden=4-nonce=2"  # and not 10


def test_rows_are_chosen_and_the_choice_is_told(opened: Opened, report: Path) -> None:
    page = opened(report)
    assert status(page) == "1 to 50 of 120"
    page.get_by_role("searchbox", name="Search").fill("LION nonce=11")
    assert status(page) == "1 to 10 of 10, chosen of 120"
    page.get_by_label("verdict").select_option(label="rejected (4)")
    assert status(page) == "no row of 120 is like that"
    page.get_by_role("searchbox").fill("")
    assert first_names(page, 9)[2:] == ["adam-n_hidden=4-nonce=67", "lion-n_hidden=4-nonce=97"]
    page.get_by_label("verdict").select_option("")
    page.get_by_role("button", name="Next").click()
    assert status(page) == "51 to 100 of 120"
    page.get_by_role("combobox", name="Rows").select_option("200")
    assert status(page) == "1 to 120 of 120"
    assert not page.get_by_role("button", name="Next").is_visible()


def test_a_claim_is_opened_read_and_closed_by_keys(opened: Opened, report: Path) -> None:
    page = opened(report)
    page.get_by_role("button", name="adam-n_hidden=4-nonce=7", exact=True).focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="adam-n_hidden=4-nonce=7")
    dialog.locator(".reading").wait_for()
    text = dialog.inner_text()
    assert "it is lower" in text
    assert "8 of 120" in text
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("dialog").get_by_role("heading", level=2).inner_text() == "adam-n_hidden=4-nonce=9"
    page.get_by_role("slider", name="Epoch to read").focus()
    page.keyboard.press("Home")
    assert page.locator(".reading").inner_text().startswith("epoch 1: training ")
    page.keyboard.press("ArrowRight")
    assert page.locator(".reading").inner_text().startswith("epoch 2: training ")
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()
    wait_for_focus(page, "adam-n_hidden=4-nonce=9")


def test_after_many_steps_the_focus_is_on_the_row_on_its_page(opened: Opened, report: Path) -> None:
    page = opened(report)
    page.locator("#table tbody button").nth(49).press("Enter")
    page.get_by_role("button", name="Next").last.click()
    page.get_by_role("button", name="Close").click()
    wait_for_focus(page, "adam-n_hidden=4-nonce=50")
    assert status(page) == "51 to 100 of 120"


def test_the_losses_read_are_those_of_the_claim(opened: Opened, report: Path, claims: Path) -> None:
    page = opened(report)
    for nonce in (0, 89):
        page.get_by_role("searchbox").fill(f"nonce={nonce}")
        name = f"adam-n_hidden=4-nonce={nonce}"
        page.get_by_role("button", name=name, exact=True).click()
        known = signed_claim(claims / f"{name}.claim").record
        page.get_by_role("dialog").get_by_text("Numbers").click()
        rows = page.locator("dialog details tbody tr")
        rows.first.wait_for()
        cells = [text.split("\t") for text in rows.all_inner_texts()]
        assert [int(cell[0]) for cell in cells] == list(range(1, known.epochs + 1))
        for place, losses in ((1, known.train_losses), (2, known.validation_losses)):
            read = [float(cell[place]) for cell in cells]
            assert read == pytest.approx(losses, rel=0.006)
        page.keyboard.press("Escape")


def test_a_screen_reader_is_told_what_everything_is(opened: Opened, report: Path) -> None:
    page = opened(report)
    told = nodes(page)
    page.locator("#table tbody button").first.click()
    page.locator(".reading").wait_for()
    told += nodes(page)
    assert {role for role, name in told if role in NAMED and not name.strip()} == set()
    expected = {"table", "columnheader", "rowheader", "image", "searchbox", "slider", "dialog", "main"}
    assert expected <= {role for role, _ in told}
    levels = [int(tag[1]) for tag in page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(e => e.tagName)")]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    duplicates = "(ids => ids.length - new Set(ids).size)([...document.querySelectorAll('[id]')].map(e => e.id))"
    assert page.evaluate(duplicates) == 0


def test_the_focus_can_be_seen_everywhere(opened: Opened, report: Path) -> None:
    page = opened(report)
    seen = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        tag, outline = page.evaluate(
            "(e => [e.tagName, getComputedStyle(e).outline])(document.activeElement)",
        )
        assert outline == "rgb(11, 87, 208) solid 2px"
        seen.add(tag)
    assert {"A", "SUMMARY", "INPUT", "SELECT", "BUTTON"} <= seen


def test_the_numbers_of_a_chart_are_a_table(opened: Opened, report: Path) -> None:
    page = opened(report)
    page.get_by_text("Numbers").first.click()
    table = page.get_by_role("table", name="Distribution of quality")
    table.wait_for()
    counts = [text.split("\t") for text in table.locator("tbody tr").all_inner_texts()]
    assert sum(int(row[1]) + int(row[2]) for row in counts) == 120


def test_what_is_printed_is_dark_on_white_and_without_controls(opened: Opened, report: Path) -> None:
    page = opened(report, scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.get_by_role("searchbox").is_visible()
    assert page.get_by_role("table").last.is_visible()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_texts_are_texts(opened: Opened, written: Callable[[Content], Path], hostile: str) -> None:
    evil = hostile * 20
    facts = replace(claim(0), name=evil, stop_reason=hostile, run=((hostile, evil),))
    content = claims_page(evidence(facts, claim(1), failures=[Failures(hostile, [evil], 1)]), [])
    page = opened(written(replace(content, title=hostile, lead=evil)), width=360)
    assert page.get_by_role("heading", level=1).inner_text() == " ".join(visible(hostile).split())
    assert page.locator("script").count() == 3
    assert page.locator("img").count() == 0
    page.locator("#table tbody button").first.click()
    assert page.get_by_role("dialog").get_by_role("heading", level=2).text_content() == visible(evil)
    assert overflow(page) == 0


def test_ten_thousand_rows_are_quick(opened: Opened, written: Callable[[Content], Path]) -> None:
    page = opened(written(claims_page(evidence(*(claim(nonce, nonce % 997 - 100) for nonce in range(10_000))), [])))
    assert status(page) == "1 to 50 of 10,000"
    timed = "(act => { const began = performance.now(); act(); return performance.now() - began; })"
    for head in ("quality", "claim", "qualifies"):
        button = page.get_by_role("columnheader", name=head, exact=True).get_by_role("button")
        assert button.evaluate(f"button => {timed}(() => button.click())") < 1000  # 30 on an idle machine
    assert page.locator("#table tbody tr").count() == 50
