"""The steps of the code are those of the specification."""

from __future__ import annotations

import re

from tests.support.folders import ROOT
from verifier.verification import audit, evaluate, replay, verify

STEPS = (*evaluate.STEPS, (8, verify.check_module), *audit.STEPS, *audit.EPOCH_STEPS, *replay.STEPS)


def specified() -> list[int]:
    """The numbers of the table in 10.2."""
    text = (ROOT / "docs" / "specification.md").read_text()
    table = text[text.index("10.2 **Verifying.**") : text.index("10.3 **Encoding.**")]
    return [int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)]


def test_every_step_is_taken_in_order_and_no_other() -> None:
    numbers = [number for number, _ in STEPS]
    assert numbers == sorted(numbers)
    assert sorted(set(numbers)) == specified() == list(range(1, 18))


def test_every_check_says_what_must_hold() -> None:
    documented = [check.__doc__ for _, check in STEPS]
    assert len(set(documented)) == len(STEPS)
    assert all(documented)
