"""Attacks by tensors that take more than one run of a module to show."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from sandbox.compiler import compile_optimiser
from sandbox.errors import ModuleRefused
from tests.attacks.corpus import Build, Case, Verdict, read_corpus
from tests.support.sample_optimisers import assignment, in_process, module, play

ABSENT = [
    case
    for item in read_corpus()
    for case in item.cases
    if case.verdict is Verdict.REJECT and case.build is Build.FULL and set(case.detail) & {"D153", "D154"}
]
MIXED = module(
    initial="return {'m': parameters * 0.0, 's': rng.normal(3, 4)}",
    step="m = state['m'] * 0.9 + gradient\n    x = m[0] @ state['s'].T @ parameters[0]\n"
    "    return [-x * m.norm(), m[1].exp() * m.sum() - gradient[1].mean()], {'m': m, 's': m[0]}",
)
KEPT = (
    "parameters",
    "[parameters[0].T, parameters[1][1:]]",
    "parameters.clone()",
    "[x for x in parameters]",
    "+parameters",
)


@pytest.mark.parametrize("case", ABSENT, ids=lambda case: case.name)
def test_each_of_several_absent_attributes_is_reported(case: Case) -> None:
    with pytest.raises(ModuleRefused) as refused:
        compile_optimiser(case.source, "a.py")
    displays = [node for node in ast.walk(ast.parse(case.source)) if isinstance(node, ast.List) and len(node.elts) > 1]
    lines = {element.lineno for display in displays for element in display.elts}
    assert lines <= {problem.line for problem in refused.value.diagnostics}


@pytest.mark.parametrize("offset", [1, 3, 5, 16, 17])
def test_sums_do_not_depend_on_alignment(offset: int, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros, given = np.zeros, assignment(MIXED)
    with monkeypatch.context() as patch:
        patch.setattr(np, "zeros", lambda size, kind: zeros(size + offset, kind)[offset:])
        moved = in_process(given)
    assert moved.parameters.ctypes.data % 16 == offset * 4 % 16
    assert play(moved) == play(in_process(given))


@pytest.mark.parametrize("kept", KEPT)
def test_what_a_state_keeps_of_the_inputs_does_not_change_with_them(kept: str) -> None:
    optimiser = in_process(assignment(module(initial=f"return {{'x': {kept}}}")))
    optimiser.initialise()
    before = optimiser.state_digest()
    optimiser.parameters.fill(7.0)
    assert optimiser.state_digest() == before
