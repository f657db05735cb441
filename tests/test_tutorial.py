"""The tutorial is true: its code runs as it stands, and prints what it says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.folders import ROOT

TUTORIAL = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A piece of code, the line that it begins in, and what it is said to print."""

    line: int
    code: str
    output: str


def blocks(text: str) -> list[Block]:
    return [Block(text.count("\n", 0, found.start()) + 2, found[1], found[2] or "") for found in BLOCK.finditer(text)]


def printed(block: Block, names: dict[str, Any]) -> str:
    """What a block prints, in whose place in the document an error is shown."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile("\n" * (block.line - 1) + block.code, TUTORIAL, "exec"), names)
    return out.getvalue()


@pytest.mark.slow
def test_the_tutorial_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="the tutorial draws").use("Agg")
    monkeypatch.chdir(tmp_path)
    found = blocks(TUTORIAL.read_text())
    assert len(found) == TUTORIAL.read_text().count("```python") > 5
    names: dict[str, Any] = {}
    for block in found:
        assert printed(block, names) == block.output, f"{TUTORIAL}:{block.line}"
    assert (tmp_path / "losses.png").read_bytes().startswith(b"\x89PNG")


def fill() -> None:
    """Write what is printed now into the tutorial: `python -m tests.test_tutorial`, in an empty folder."""
    text = TUTORIAL.read_text()
    names: dict[str, Any] = {}
    for block in blocks(text):
        output = printed(block, names)
        before = f"```python\n{block.code}```\n" + (f"\n```text\n{block.output}```\n" if block.output else "")
        if not block.output and f"{before}\n```text\n```\n" in text:
            before = f"{before}\n```text\n```\n"
        after = f"```python\n{block.code}```\n" + (f"\n```text\n{output}```\n" if output else "")
        text = text.replace(before, after, 1)
    TUTORIAL.write_text(text)


if __name__ == "__main__":
    fill()
