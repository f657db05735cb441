"""The site of the documents leads to every document, and its pages about the library have every public name."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.folders import ROOT

DOCS = ROOT / "docs"
NAVIGATION = set(re.findall(r"([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
DESCRIBED = set(
    re.findall(r"^::: ([\w.]+)$", "".join(path.read_text() for path in DOCS.glob("api/*.md")), re.MULTILINE)
)
TYPES = {"ProtocolError", "VerifierError", "Scalar", "Value"}
"""Names of types that only bring others together."""


@pytest.fixture(scope="module")
def site() -> ModuleType:
    """The program that builds the site, which is in no package."""
    spec = importlib.util.spec_from_file_location("site_of_docs", DOCS / "site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_document_is_in_the_navigation() -> None:
    documents = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert {name for name in documents if not name.startswith("decisions/0")} == NAVIGATION


def offered(package: str) -> set[str]:
    """The names of a front door."""
    stub = ast.parse((ROOT / package / "__init__.pyi").read_text())
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports for alias in node.names}


@pytest.mark.parametrize("package", ["sandbox", "verifier"])
def test_every_name_of_a_front_door_is_described(package: str) -> None:
    assert offered(package) - TYPES - {name.rpartition(".")[2] for name in DESCRIBED} == set()


def test_a_page_names_what_it_cannot_lead_to(site: ModuleType) -> None:
    text = "[a](scale.md#x) [b](../fixtures/golden) [`tests`](../tests) [c](https://x.org/y) ![d](claim.png)"
    assert site.page(text, DOCS) == "[a](scale.md#x) b (`fixtures/golden`) `tests` [c](https://x.org/y) ![d](claim.png)"
    assert site.page("[up](../scale.md) [out](../../Makefile)", DOCS / "api") == "[up](../scale.md) out (`Makefile`)"


def test_pages_are_copies_of_the_documents(site: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "PAGES", tmp_path / "pages")
    site.copy()
    site.copy()
    copied = {path.relative_to(tmp_path / "pages") for path in (tmp_path / "pages").rglob("*.*")}
    assert copied == {path.relative_to(DOCS) for ending in ("md", "png") for path in DOCS.rglob(f"*.{ending}")}
