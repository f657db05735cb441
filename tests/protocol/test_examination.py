"""What an examination must hold: every check once, in order, and a beacon that is one."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from protocol import RecordError
from protocol.examination import Check, Condition, Examination
from tests.support.folders import ROOT
from tests.support.sample_records import examination, finding

ALL = tuple(finding(check) for check in Check)

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"beacon": ""}, "examination.beacon: expected 1 to 256 printable ASCII"),
    ({"beacon": "a b"}, "examination.beacon: expected 1 to 256 printable ASCII"),
    ({"specification": 0}, "examination.specification: expected 1 to 2147483647, found 0"),
    ({"findings": ()}, "examination.findings: expected every check once, in the order of the specification"),
    ({"findings": ALL[1:]}, "examination.findings: expected every check once"),
    ({"findings": ALL[::-1]}, "examination.findings: expected every check once"),
    ({"findings": (*ALL, ALL[-1])}, "examination.findings: expected every check once"),
    (
        {"findings": (*ALL[:-1], finding(Check.MEMORY, detail="x" * 501))},
        "examination.findings[8].detail: expected at most 500 characters, found 501",
    ),
]


@pytest.mark.parametrize(("changes", "message"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_no_examination_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError) as refusal:
        examination(**changes)
    assert str(refusal.value).startswith(message)


def test_it_survives_its_bytes_and_the_way_to_another_process() -> None:
    made = examination(beacon=None, findings=(*ALL[:-1], finding(Check.MEMORY, detail="\u00e9" * 500)))
    assert Examination.from_bytes(made.to_bytes()) == pickle.loads(pickle.dumps(made)) == made
    assert pickle.loads(pickle.dumps(ALL[0])) == ALL[0]


def test_what_failed_is_listed() -> None:
    conditions = (Condition.WARNING, Condition.FAILED, *[Condition.OK] * 6, Condition.FAILED)
    findings = tuple(finding(check, condition=condition) for check, condition in zip(Check, conditions, strict=True))
    assert examination(findings=findings).failed == [Check.PROCESSOR, Check.MEMORY]
    assert examination().failed == []


def test_the_lists_are_closed_stable_and_specified() -> None:
    assert " ".join(Check) == "software processor arithmetic tensors jail cache network training memory"
    assert list(Condition) == ["ok", "warning", "failed"]
    section = (ROOT / "docs" / "specification.md").read_text().partition("10.14 ")[2].partition("\n## ")[0]
    rows = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert rows == list(Check)
