"""The file of a page: it allows nothing but itself, and what strangers wrote is text in it."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from tests.verifier.report.sample_facts import claim, evidence
from verifier.command_line.terminal import visible
from verifier.report.claims_page import claims_page
from verifier.report.content import Page
from verifier.report.html import html
from verifier.report.loss_blocks import LossBlocks

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "$title ${policy} $$",
    "\u202egnp.exe\u202c",
    "a\u200b\u2066b\x00\x1b[31m\n\r",
    "e\u0301\u0301\u0301",
    "\udcff",
    "&lt;&#x3c;",
    "'\"><img src=x onerror=alert(1)>",
    "\u05d0\u05d1",
]


def made(page: Page) -> str:
    return html(page, visible).decode()


def element(text: str, start: str) -> str:
    """What stands in an element."""
    (found,) = re.findall(rf"<{start}>(.*?)</", text, re.DOTALL)
    return str(found)


def content(text: str) -> Any:
    return json.loads(element(text, 'script type="application/json" id="content"'))


@pytest.fixture(scope="module")
def page() -> Page:
    return claims_page(evidence(claim(0), claim(1)), [])


def test_the_policy_forbids_everything_but_the_page_itself(page: Page) -> None:
    text = made(page)
    (policy,) = re.findall('http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.keys() == {"default-src", "script-src", "style-src", "base-uri", "form-action"}
    assert {rules[name] for name in ("default-src", "base-uri", "form-action")} == {"'none'"}
    for name, start in (("script-src", 'script type="module"'), ("style-src", "style")):
        digest = b64encode(sha256(element(text, start).encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"


def test_the_page_refers_to_nothing(page: Page) -> None:
    text = made(page)
    assert re.findall(r"""\b(?:src|href|action|data|poster)\s*=\s*["'](?!#)""", text) == []
    assert set(re.findall(r"https?://[^\s\"'`)]+", text)) == {"http://www.w3.org/2000/svg"}
    assert (
        re.findall(r"url\(|@import|\bfetch\(|XMLHttpRequest|\.innerHTML|eval\(|insertAdjacent|document\.write", text)
        == []
    )


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_text_is_the_same_text_on_the_page_and_nothing_else(page: Page, hostile: str) -> None:
    facts = replace(claim(0), name=hostile, stop_reason=hostile, run=((hostile, hostile),))
    text = made(replace(claims_page(evidence(facts), []), title=hostile, lead=hostile))
    plain = made(replace(page, title="plain", lead="plain"))
    tags = r"<[/!a-zA-Z][^>]*>"

    def skeleton(of: str) -> list[str]:
        return [tag for tag in re.findall(tags, of) if "Content-Security" not in tag]

    assert skeleton(text) == skeleton(plain)
    said = content(text)
    assert said["lead"] == visible(hostile)
    assert said["table"]["columns"][0]["values"] == [visible(hostile)]


def test_a_megabyte_of_text_is_cut_and_its_length_is_told(page: Page) -> None:
    text = made(replace(page, lead="x" * 10**6))
    assert content(text)["lead"] == "x" * 1000 + " … (1,000,000 characters)"


def test_numbers_that_a_browser_has_not_are_texts(page: Page) -> None:
    claims = [replace(claim(0), nonce=2**64 - 1, fuel_used=2**53, train_loss=float("inf"))]
    columns = {
        each["name"]: each["values"] for each in content(made(claims_page(evidence(*claims), [])))["table"]["columns"]
    }
    assert (columns["nonce"], columns["fuel"]) == ([str(2**64 - 1)], [2**53])
    assert columns["training loss"] == ["inf"]


def test_losses_are_in_an_element_of_their_own(page: Page) -> None:
    text = made(replace(page, losses=LossBlocks(10, [2], [b"block"])))
    assert content(text)["losses"] == {"points": 10, "rows": [2]}
    assert json.loads(element(text, 'script type="application/json" id="losses"')) == [b64encode(b"block").decode()]
