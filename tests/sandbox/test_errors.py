"""What is told of a module: one line, which nobody takes for what the tool says itself."""

from __future__ import annotations

import pickle

import pytest

from sandbox.diagnostics import Diagnostic
from sandbox.errors import MAX_SAID, ModuleRefused, OptimiserError, WorkerFault
from sandbox.worker import client

SENTENCES = [
    "1 accepted, 0 rejected",
    "x.claim: accepted at level replay\n1 accepted",
    "\x1b[2J\u202eaccepted",
    "'; accepted; '",
    "\"' accepted",
    "\ud800\U0001f600",
    "",
    "accepted " * 10_000,
    "\x00" * 10_000,
]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_what_a_module_says_is_one_bounded_line_in_quotes(sentence: str) -> None:
    error = OptimiserError(sentence)
    shown = str(error)
    assert shown[0] == shown[-1]
    assert shown[0] in "'\""
    assert shown[0] not in shown[1:-1].replace("\\" + shown[0], "")
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) <= MAX_SAID
    assert str(pickle.loads(pickle.dumps(error))) == shown
    assert str(OptimiserError(error.said.encode().decode())) == shown  # as over the channel


def test_a_refusal_is_one_line_and_says_how_many_more_there_are() -> None:
    problem = Diagnostic(1, 1, "D100", "wrong")
    assert str(ModuleRefused("m.py", (problem,))) == "m.py:1:1: D100 wrong"
    assert str(ModuleRefused("m.py", (problem,) * 3)) == "m.py:1:1: D100 wrong; 2 more"


@pytest.mark.parametrize("data", [b"{}", b"[[1, 1, 1, 1, 1]]"])
def test_a_worker_whose_reasons_are_none_breaks_the_rules_of_the_channel(data: bytes) -> None:
    with pytest.raises(WorkerFault, match="diagnostics"):
        client._diagnostics(data)
