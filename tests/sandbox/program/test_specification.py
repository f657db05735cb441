"""The table of operations is that of the specification (13.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sandbox.program.operations import OPERATIONS
from tests.support.folders import ROOT

TEXT = (ROOT / "docs" / "specification.md").read_text(encoding="utf-8")
TABLES = TEXT.partition("13.2 **Instruction.**")[2].partition("\nParameters are i64")[0]


def rows() -> Iterator[tuple[str, str]]:
    """Codes, and what they are said to be: of three in a row of the first table, of one in a row of the second."""
    for line in TABLES.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        pairs = list(zip(cells[0::2], cells[1::2], strict=False))
        yield from pairs if len(cells) == 6 else pairs[:1]


def codes(text: str) -> list[int]:
    """The codes of a cell: 1, or 1, 2, or 1 to 3."""
    found = [int(number) for number in re.findall(r"\d+", text)]
    return list(range(found[0], found[1] + 1)) if " to " in text else found


def test_every_operation_is_specified_by_its_code() -> None:
    described = {code: text.replace("∞", "inf") for cell, text in rows() for code in codes(cell)}
    assert described.keys() == OPERATIONS.keys()
    for code, operation in OPERATIONS.items():
        assert operation.name in described[code], code
