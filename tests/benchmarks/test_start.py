"""The memory of a command's processes is seen while it runs."""

from __future__ import annotations

import os
import sys

import pytest

from benchmarks import start


@pytest.mark.slow
def test_a_process_and_its_children_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "PROGRAM", sys.executable)
    child = "import time; kept = bytearray(50_000_000); time.sleep(0.5)"
    first, second = start.watch(["-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"])
    assert (first.depth, second.depth) == (0, 1)
    assert second.resident > second.own > 50.0 > first.own


def test_what_another_process_holds_is_not_looked_at_when_it_is_gone() -> None:
    process = start.Process(0)
    process.look(os.getpid())
    seen = process.resident
    process.look(2**22 + 1)
    assert process.resident == seen > 5.0
    assert next(iter(process.figures("it"))) == "resident memory of it"
