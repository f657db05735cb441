from __future__ import annotations

import os

import pytest

from protocol.examination import Check, Condition
from verifier.machine import control_group, processor

SAID = {
    "x86": "processor\t: 0\nmodel name\t: A 1\ncpu family\t: 6\nmodel\t: 7\nflags\t: fpu avx2 sse4_1 xyz\n\nflags: no",
    "arm": "processor\t: 0\nFeatures\t: fp asimd sve\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n",
    "": "",
}
KNOWN = {"x86": ("A 1 6 7", ["sse4_1", "avx2"]), "arm": ("0x41 0xd40", ["asimd", "sve"]), "": (None, [])}


@pytest.mark.parametrize("kind", SAID)
def test_a_processor_has_a_name_and_instructions(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "told", lambda path: SAID[kind])
    name, instructions = KNOWN[kind]
    assert processor.model() == (name or os.uname().machine)
    assert processor.instructions() == instructions
    assert processor.kind_of_machine() == f"{processor.model()}, {os.cpu_count()} cores: {' '.join(instructions)}"


@pytest.mark.parametrize(
    ("granted", "condition", "said"),
    [
        (None, Condition.OK, ""),
        (4.0, Condition.OK, ""),
        (2.5, Condition.WARNING, "; a control group grants the time of 2.5 cores alone; pass --jobs 2"),
        (0.5, Condition.WARNING, "; a control group grants the time of 0.5 cores alone; pass --jobs 1"),
    ],
)
def test_a_control_group_may_grant_the_time_of_fewer_cores(
    granted: float | None, condition: Condition, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "usable_cores", lambda: 4)
    monkeypatch.setattr(control_group, "cores", lambda: granted)
    found = processor.examine()
    assert (found.check, found.condition, found.measured["cores"]) == (Check.PROCESSOR, condition, 4)
    assert found.detail.endswith(f"4 cores ({' '.join(processor.instructions())}){said}")
    assert ("granted_cores" in found.measured) == bool(said)
