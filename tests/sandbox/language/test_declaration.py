"""What a module declares about its hyperparameters is read from its tree: values, and texts of its annotation."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.declaration import Declaration
from sandbox.errors import ModuleRefused
from sandbox.language.module import compile_module
from tests.support.sample_modules import ENTRY_POINTS, NAME, VOCABULARY


def declared(line: str) -> Declaration:
    return compile_module(f"{line}\n{ENTRY_POINTS}".encode(), NAME, VOCABULARY).declaration


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("", {}),
        ("OTHERS = {'lr': 1}", {}),
        ("HYPERPARAMETERS = {}", {}),
        (
            "HYPERPARAMETERS = {'lr': 1e-3, 'steps': -3, 'name': 'a', 'fast': True, 'no': None}",
            {"lr": 1e-3, "steps": -3, "name": "a", "fast": True, "no": None},
        ),
        ("HYPERPARAMETERS = {'lr': 1, 'lr': 2}", {"lr": 2}),
        ("HYPERPARAMETERS = {'zero': -0.0, 'one': -True}", {"zero": -0.0, "one": -1}),
        ("HYPERPARAMETERS = {'lr': -'a'}", {"lr": None}),  # the dialect allows it, and no module can be loaded with it
    ],
)
def test_values(line: str, values: dict[str, Any]) -> None:
    assert repr(declared(line)) == repr(Declaration(values))


@pytest.mark.parametrize(
    ("annotation", "spaces"),
    [
        ("dict", {}),
        ("dict[str, float]", {}),
        ("'a text'", {}),
        ("{}", {}),
        ("{'lr': 'log 1e-4..1e-1', 'mode': 'a|b'}", {"lr": "log 1e-4..1e-1", "mode": "a|b"}),
        ("Annotated[dict, {'lr': '0.1..0.2'}]", {"lr": "0.1..0.2"}),
        ("Annotated[dict, 'first', {'lr': '0.1..0.2'}, {'lr': '1..2'}]", {"lr": "0.1..0.2"}),
        ("{'lr': (1, 2), 3: 'x', **{}}", {"lr": "(1, 2)", "3": "x", "**": "{}"}),
        (f"{{'lr': [{'1, ' * 99}]}}", {"lr": f"[{'1, ' * 99}"[:80]}),
    ],
)
def test_spaces(annotation: str, spaces: dict[str, str]) -> None:
    found = declared(f"from typing import Annotated\nHYPERPARAMETERS: {annotation} = {{'lr': 1}}")
    assert found == Declaration({"lr": 1}, spaces)


def test_a_module_that_breaks_the_rules_says_nothing() -> None:
    with pytest.raises(ModuleRefused):
        declared("HYPERPARAMETERS = {'lr': [1]}")
