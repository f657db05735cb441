"""Fixes: each replaces a problem by what torch itself takes for the same, and touches nothing else."""

from __future__ import annotations

import pytest
import torch

from sandbox.diagnostics import Diagnostic
from sandbox.fixes import DROPPED, DROPPED_KEYWORDS, RENAMES, fixed
from sandbox.tensors.vocabulary import VOCABULARY


@pytest.mark.parametrize("old", RENAMES)
def test_a_name_is_replaced_by_one_that_is_here(old: str) -> None:
    words = VOCABULARY.attributes | VOCABULARY.namespaces["torch"]
    assert RENAMES[old] in words
    assert old not in words
    assert old in VOCABULARY.hints


SAMPLES = {
    "as_tensor": ([1.0, 2.0],), "asarray": ([1.0, 2.0],), "concat": ([torch.ones(2)] * 2,),
    "concatenate": ([torch.ones(2)] * 2,), "swapaxes": (torch.ones(2, 3), 0, 1), "swapdims": (torch.ones(2, 3), 0, 1),
}  # fmt: skip
ALONE = frozenset({"absolute", "negative"})
NOT_ALIKE = frozenset({"empty", "empty_like"})


@pytest.mark.parametrize("old", [old for old in RENAMES if old not in NOT_ALIKE and not old.endswith("_")])
def test_torch_takes_both_names_for_the_same(old: str) -> None:
    pair = (torch.tensor([-1.0, 2.0]), torch.tensor([3.0, 2.0]))
    given = SAMPLES.get(old, pair[:1] if old in ALONE else pair)
    assert torch.equal(getattr(torch, old)(*given), getattr(torch, RENAMES[old])(*given))


def test_what_is_dropped_is_advised_to_be_left_out() -> None:
    assert all(VOCABULARY.hints[name].startswith("leave it out") for name in DROPPED)
    hinted = {name for name in DROPPED_KEYWORDS if f"{name}=" in VOCABULARY.hints}
    assert all(VOCABULARY.hints[f"{name}="].startswith("leave it out") for name in hinted)


CASES = [
    ("D154", "x = y.absolute()", 7, "x = y.abs()"),
    ("D154", "x = y.absolute().cuda(True).t()", 18, "x = y.absolute().t()"),
    ("D154", "x = y.cuda(0)", 7, "x = y.cuda(0)"),  # whatever 0 is there for
    ("D154", "from torch import absolute", 19, "from torch import absolute"),  # its uses would have to be found
    ("D154", "x = torch.sqtr(y)", 11, "x = torch.sqtr(y)"),
    ("D155", "f(x, requires_grad=True)", 6, "f(x)"),
    ("D155", "f(x, requires_grad=True, dim=0)", 6, "f(x, dim=0)"),
    ("D155", "f(requires_grad=False , dim=0)", 3, "f(dim=0)"),
    ("D155", "f(x, dtype=torch.float64)", 6, "f(x)"),
    ("D155", "f(x, dtype=kind(y))", 6, "f(x, dtype=kind(y))"),
    ("D155", "f(x, out=y)", 6, "f(x, out=y)"),
    ("D111", "  @torch.no_grad()", 4, None),
    ("D111", "@torch.no_grad", 2, "@torch.no_grad"),
    ("D111", "@cached", 2, "@cached"),
    ("G005", "\t\tx = 1", 1, "        x = 1"),
    ("G005", "\t x = 1", 1, "\t x = 1"),  # how far that is, only its author knows
    ("G005", "x =\t1", 4, "x =\t1"),
    ("G004", "\ufeffx = 1", 1, "x = 1"),
    ("D151", "absolute(x)", 1, "absolute(x)"),
]


@pytest.mark.parametrize(("code", "line", "column", "expected"), CASES)
def test_a_line_is_fixed_or_left_alone(code: str, line: str, column: int, expected: str | None) -> None:
    text = f"first\n{line}\nlast"
    mended = "first\nlast" if expected is None else f"first\n{expected}\nlast"
    assert fixed(text, [Diagnostic(2, column, code, "")]) == mended


@pytest.mark.parametrize("place", [(9, 1), (0, 1), (-9, 1), (10**30, 1), (1, 99), (1, 0), (1, -3), (1, 10**30)])
@pytest.mark.parametrize("code", ["D111", "D154", "D155", "G004", "G005"])
def test_places_that_a_text_does_not_have_are_passed_over(code: str, place: tuple[int, int]) -> None:
    assert fixed("x.absolute()", [Diagnostic(*place, code, "")]) == "x.absolute()"
