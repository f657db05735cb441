"""The page of the papers' methods is whole: its statuses, its counts, and a line for every reference optimiser."""

from __future__ import annotations

import re
from collections import Counter

from tests.support.folders import FIXTURES, ROOT

PAGE = (ROOT / "docs" / "methods.md").read_text("utf-8")
STATUSES = ["here", "possible", "impossible", "theory"]
PAPERS = {
    "December": "The December paper",
    "April": "The April paper",
    "the chapter": "The chapter on optimisation",
    "Demirbilek 2021": "Demirbilek 2021",
    "Sun 2019": "Sun 2019",
}
"""The names in the table of counts, and the headings of the sections."""
EVIDENCE = re.compile(r"\]\([^)]+\)|`tig-verify [^`]+`")


def sections() -> dict[str, str]:
    """The text under each heading of the second level."""
    parts = re.split(r"^## (.*)\n", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def methods(text: str) -> list[tuple[str, str, str]]:
    """Method, status and reason of each row of the tables of methods."""
    tables = re.findall(r"^\| method \| status \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    cells = [re.split(r"(?<!\\)\|", row)[1:-1] for table in tables for row in table.splitlines()]
    return [(method.strip(), status.strip(), reason.strip()) for method, status, reason in cells]


ROWS = {name: methods(sections()[heading]) for name, heading in PAPERS.items()}


def test_statuses_are_the_four_of_the_page() -> None:
    assert re.findall(r"^- `(\w+)`:", PAGE, re.MULTILINE) == STATUSES
    assert {status for rows in ROWS.values() for _, status, _ in rows} == set(STATUSES)


def test_counts_are_those_of_the_rows() -> None:
    counts = {name: Counter(status for _, status, _ in rows) for name, rows in ROWS.items()}
    counts["all"] = sum(counts.values(), Counter())
    table = PAGE.partition("| paper | here |")[2].partition("\n\n")[0].splitlines()[2:]
    told = {name: [int(n) for n in numbers] for name, *numbers in (re.findall(r"[^|]+", line) for line in table)}
    assert {name.strip(): numbers for name, numbers in told.items()} == {
        name: [*(count[status] for status in STATUSES), count.total()] for name, count in counts.items()
    }


def test_what_is_here_says_where_and_what_cannot_be_says_why() -> None:
    for rows in ROWS.values():
        assert not [method for method, status, reason in rows if status == "here" and not EVIDENCE.search(reason)]
        assert not [method for method, status, reason in rows if status != "theory" and not reason]


def test_no_method_stands_twice_in_a_paper() -> None:
    for rows in ROWS.values():
        assert [name for name, n in Counter(method for method, _, _ in rows).items() if n > 1] == []


def test_every_reference_optimiser_has_a_line() -> None:
    modules = {path.name for path in (FIXTURES / "optimisers").glob("*.py")}
    assert modules <= set(re.findall(r"\]\(\.\./fixtures/optimisers/(\w+\.py)\)", PAGE))
