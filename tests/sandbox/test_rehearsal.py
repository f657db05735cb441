"""Rehearsals: everything that is wrong is said at once, where it shows, and no module of ours has anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.diagnostics import Diagnostic
from sandbox.isolation import InProcess
from sandbox.layout import Layout, Part
from sandbox.optimiser import Assignment
from tests.sandbox.language.test_traps import QUIET
from tests.support.sample_modules import module_of

LAYOUT = Layout((Part("layers.0.weight", "weight", (3, 2)), Part("layers.0.bias", "bias", (3,))))


def rehearsed(source: str) -> tuple[Diagnostic, ...]:
    return InProcess().rehearse(Assignment(source.encode(), "my.py", LAYOUT, {"n_hidden": 2}, {}, bytes(32), 1))


def said(source: str) -> list[tuple[str, str, str]]:
    """What is said, with the text of the line."""
    lines = source.split("\n")
    return [(lines[each.line - 1].strip(), each.code, each.message) for each in rehearsed(source)]


@pytest.mark.parametrize("path", QUIET, ids=lambda path: path.stem)
def test_nothing_is_wrong_with_an_optimiser_of_ours(path: Path) -> None:
    """One collects gradients for longer than a rehearsal lasts, before its first step."""
    expected = ["W301"] if path.stem == "hessian_free" else []
    assert [found.code for found in rehearsed(path.read_text())] == expected


STEP = "return -0.01 * gradient, state"


def test_everything_is_said_at_once() -> None:
    source = module_of(
        init='"h": known, "rng": rng, "good": [1.0, (2, rng)]',
        more="def known(x):\n    return x\n\n\n",
        query="if epoch == 0:\n        return parameters[0]",
        updates="[gradient[0], gradient[0] < 0.0, 1.0]",
    )
    state = [
        "state['good'][1][1] is of type Generator, which a state may not hold",
        "state['h'] is of type function, which a state may not hold",
        "state['rng'] is of type Generator, which a state may not hold",
    ]
    query = "query_location_parameters returned Tensor; return a parameter vector or a list of tensors"
    assert [(line, message) for line, _, message in said(source)] == [
        *(("return {", message) for message in state),
        ("def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):", query),
        *(
            ("return [gradient[0], gradient[0] < 0.0, 1.0], state", message)
            for message in (
                "3 tensors are returned, for 2 parameters",
                "item 1 of what is returned, for layers.0.bias, has the shape [3, 2], not [3]",
                *state,
            )
        ),
    ]


PAIR = "return gradient, gradient, state"
WRONG = {
    "a mistake in a helper": (
        {"more": "def f(x):\n    return x[7]\n\n\n", "step": "f([1])"},
        ("return x[7]", "R301", "IndexError: list index out of range"),
    ),
    "a mistake in the last epoch": (
        {"step": "assert epoch < 2, 'late'"},
        ("assert epoch < 2, 'late'", "R301", "AssertionError: late"),
    ),
    "a mistake at the start": ({"init": '"h": 1 / 0'}, ('"h": 1 / 0', "R301", "ZeroDivisionError: division by zero")),
    "no pair": ({"updates": "gradient, gradient"}, (PAIR, "R301", "{} must return a pair: return updates, state")),
    "no updates": (
        {"updates": "None"},
        ("return None, state", "R302", "{} returned NoneType; return a parameter vector or a list of tensors"),
    ),
    "a mask": (
        {"updates": "gradient > 0.0"},
        ("return gradient > 0.0, state", "R302", "{} returned a mask or indices; return numbers"),
    ),
    "a tensor that is a mask": (
        {"updates": "[gradient[0], gradient[1] > 0.0]"},
        (
            "return [gradient[0], gradient[1] > 0.0], state",
            "R302",
            "item 1 of what is returned, for layers.0.bias, is a mask or indices, not numbers",
        ),
    ),
    "a number": (
        {"updates": "[gradient[0], 1.0]"},
        ("return [gradient[0], 1.0], state", "R302", "item 1 of what is returned is of type float, not a tensor"),
    ),
    "an infinity": (
        {"updates": "gradient / 0.0"},
        ("return gradient / 0.0, state", "R304", "the updates hold an infinity or a NaN, which ends training"),
    ),
    "a location that is NaN": (
        {"query": "if epoch == 1:\n        return parameters * math.nan"},
        (
            "def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):",
            "R304",
            "the location holds an infinity or a NaN, which ends training",
        ),
    ),
    "no updates at all": (
        {"updates": "0.0 * gradient"},
        ("return 0.0 * gradient, state", "W301", "the updates of all 12 steps are zero"),
    ),
    "uphill": (
        {"updates": "0.01 * gradient"},
        (
            "return 0.01 * gradient, state",
            "W302",
            "the updates point along the gradient: they are added, so the loss grows",
        ),
    ),
    "new parameters": (
        {"updates": "parameters - 0.01 * gradient"},
        (
            "return parameters - 0.01 * gradient, state",
            "W303",
            "the updates look like new parameters: they are added to the old ones",
        ),
    ),
    "a part that a query sets": (
        {"init": '"h": torch.zeros_like(parameters)', "query": 'state["h"] = gradient'},
        (STEP, "W304", "state['h'] is still zero after 12 steps"),
    ),
    "a mean that begins with a NaN": (
        {"init": '"h": 0.0', "step": 'state["h"] = 0.9 * state["h"] + train_loss'},
        (STEP, "W305", "state['h'] became NaN, and stays so"),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_where_it_shows(name: str) -> None:
    parts, (line, code, message) = WRONG[name]
    source = module_of(**{"updates": "-0.01 * gradient", "init": '"h": 1.0', **parts})
    assert said(source) == [(line, code, message.format("optimiser_step_updates"))]


@pytest.mark.slow
def test_a_call_that_never_ends_is_named() -> None:
    ((line, code, _),) = said(module_of(step="while True:\n        pass"))
    assert (line, code) == ("while True:", "R305")


def test_a_state_may_be_deep_or_large() -> None:
    deep = "x = 1.0\n    for i in range(40):\n        x = [x]\n    state['h'] = x"
    ((line, code, message),) = said(module_of(step=deep, updates="-0.01 * gradient"))
    assert (line, code) == (STEP, "R303")
    assert message.startswith("the state is nested deeper than 32")
