"""Traps: each is found where it is, and no module of ours has one."""

from __future__ import annotations

import ast
import re
import time
from pathlib import Path

import pytest

from sandbox.language.traps import find_traps
from tests.support.folders import FIXTURES, ROOT
from tests.support.sample_modules import module_of

HERE = "# here"
QUIET = sorted(
    [
        *(FIXTURES / "optimisers").glob("*.py"),
        *(path for path in (FIXTURES / "trials").glob("*.py") if not path.stem.endswith(".before")),
    ]
)


def traps(source: str) -> list[tuple[int, str]]:
    return [(each.line, each.code) for each in find_traps(ast.parse(source), source)]


@pytest.mark.parametrize("path", QUIET, ids=lambda path: path.stem)
def test_no_optimiser_of_ours_is_warned_of(path: Path) -> None:
    assert traps(path.read_text()) == []


TRAPS = {
    # Sophia: a Hessian, estimated at the query location, that no step ever sees.
    "an item set by a query": ("W201", {"query": 'state["h"] = gradient * gradient  # here'}),
    "an item augmented by a query": ("W201", {"query": 'state["h"] += gradient  # here'}),
    "a change in place by a query": ("W201", {"query": 'h = state["h"]\n    h.mul_(0.9).add_(gradient)  # here'}),
    "a list changed by a query": ("W201", {"query": 'for h in state["all"]:\n        h.append(1)  # here'}),
    "a helper called by a query": (
        "W201",
        {"more": 'def keep(where, h):\n    where["h"] = h\n\n', "query": "keep(state, gradient)  # here"},
    ),
    "an augmented name": ("W202", {"step": 'h = state["h"]\n    h += gradient  # here', "updates": "-h"}),
    "a name assigned anew": (
        "W202",
        {"step": 'h = state["h"]\n    h = 0.9 * h + gradient  # here', "updates": "h"},
    ),
    "the name of a loop": (
        "W202",
        {
            "init": '"h": [torch.zeros_like(p) for p in parameters]',
            "step": (
                "u = []\n    for h, g in zip(state['h'], gradient):\n        h = 0.9 * h + g  # here\n"
                "        u.append(-h)"
            ),
            "updates": "u",
        },
    ),
    "a counter": ("W202", {"init": '"h": 0', "step": 'h = state["h"]\n    h += 1  # here', "updates": "-gradient / h"}),
    "a method's result": ("W203", {"step": 'state["h"].mul(0.9)  # here'}),
    "a function's result": ("W203", {"step": 'torch.add(state["h"], gradient)  # here'}),
    "a builtin's result": ("W203", {"step": 'sorted([len(state["h"])])  # here'}),
    "an operator's result": ("W203", {"step": 'state["h"] * 0.9  # here'}),
    "a comparison for an assignment": ("W203", {"step": 'state["h"] == gradient  # here'}),
    "a hyperparameter": ("W204", {"head": 'HYPERPARAMETERS = {"lr": 0.1}  # here'}),
    "a hyperparameter with a search space": (
        "W204",
        {"head": 'HYPERPARAMETERS: {"lr": "log 1e-4..1e-1"} = {"lr": 0.1}  # here'},
    ),
    "a hyperparameter that is not declared": ("W205", {"init": '"h": hyperparameters.get("beta", 0.9)  # here'}),
    "a hyperparameter that is missing": (
        "W205",
        {
            "head": 'HYPERPARAMETERS = {"lr": 1}',
            "init": '"h": hyperparameters["lr"],\n        "k": hyperparameters["rate"]  # here',
            "step": 'state["k"] = 1 + state["k"]',
        },
    ),
    "a part of the state": ("W206", {"init": '"h": 0,\n        "old": 1  # here'}),
    "a part that is only counted": ("W206", {"init": '"h": 0,\n        "t": 0  # here', "step": 'state["t"] += 1'}),
    "a correction in the first epoch": ("W207", {"step": "u = -gradient / (1 - 0.9**epoch)  # here", "updates": "u"}),
    "a division by the epoch": ("W207", {"step": "u = -gradient / epoch  # here", "updates": "u"}),
    "a loss in a mean": ("W208", {"step": 'state["h"] = 0.9 * state["h"] + 0.1 * train_loss  # here'}),
    "a loss in a minimum": ("W208", {"step": 'state["h"] = min(validation_loss, state["h"])  # here'}),
    "steps counted for epochs": (
        "W211",
        {"step": "if validation_loss > state['h']:\n        pass\n    else:\n        state['h'] += 1  # here"},
    ),
    "a rate that falls in every step": (
        "W211",
        {
            "more": "def fall(h, train_loss):\n    if train_loss > h['k']:\n        h['h'] *= 0.5  # here\n\n",
            "step": "fall(state, train_loss)",
        },
    ),
    "a view that is read late": (
        "W209",
        {"step": 'h = state["h"]\n    row = h[0]\n    h.mul_(0.9)\n    state["h"] = h + row  # here'},
    ),
    "a transposed view": (
        "W209",
        {"step": 'h = state["h"]\n    other = h.T\n    h.add_(1.0)\n    state["h"] = other  # here'},
    ),
    "a gradient changed in place": ("W210", {"step": "gradient.add_(parameters)  # here"}),
    "a parameter changed in place": ("W210", {"step": "for p in parameters:\n        p.mul_(0.9)  # here"}),
    "a location made of the parameters": ("W210", {"query": "parameters.add_(gradient)  # here"}),
}


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_found_where_it_is(name: str) -> None:
    code, parts = TRAPS[name]
    source = module_of(**parts)
    line = next(number for number, text in enumerate(source.split("\n"), 1) if text.endswith(HERE))
    assert traps(source) == [(line, code)]


QUIET_PARTS = {
    "a name that is put back": {"step": 'h = state["h"]\n    h += gradient\n    state["h"] = h', "updates": "-h"},
    "a name that a helper keeps": {
        "more": "def keep(where, h):\n    where['h'] = h\n\n",
        "step": 'h = state["h"]\n    h += gradient\n    keep(state, h)',
    },
    "a setting that is changed for one step": {
        "head": 'HYPERPARAMETERS = {"lr": 0.1}',
        "init": '"h": hyperparameters["lr"]',
        "step": 'h = state["h"]\n    h *= 0.5',
        "updates": "-h * gradient",
    },
    "a loop that fills a new list": {
        "init": '"h": [torch.zeros_like(p) for p in parameters]',
        "step": (
            "new = []\n    for h, g in zip(state['h'], gradient):\n"
            "        h = 0.9 * h + g\n        new.append(h)\n    state['h'] = new"
        ),
    },
    "a list that is changed itself": {
        "init": '"h": [torch.zeros_like(p) for p in parameters]',
        "step": "h = state['h']\n    h += [gradient[0]]",
    },
    "a query that computes in place on its own": {
        "query": 'h = state["h"] * 0.9\n    h.add_(gradient)',
    },
    "a query that calls what reads": {
        "more": "def look(h, x):\n    return h['h'] * x\n\n",
        "query": "x = look(state, gradient)",
    },
    "settings kept whole": {
        "head": 'HYPERPARAMETERS = {"lr": 0.1}',
        "init": '"h": 0, **hyperparameters',
        "updates": '-state["lr"] * gradient',
    },
    "settings read by computed names": {
        "head": 'HYPERPARAMETERS = {"lr": 0.1}',
        "init": '"h": 0, **{name: value for name, value in hyperparameters.items()}',
    },
    "an epoch that is asked for": {"step": "if epoch > 0:\n        state['h'] = gradient / epoch"},
    "an epoch from 1": {"updates": "-gradient / (1 - 0.9 ** (epoch + 1))"},
    "a loss that is asked for": {"step": 'if not math.isnan(train_loss):\n        state["h"] = 0.9 * train_loss'},
    "a loss compared with itself": {"step": 'if train_loss == train_loss:\n        state["h"] = 0.9 * train_loss'},
    "a loss in a comparison": {"step": 'if validation_loss < 0.9 * train_loss:\n        state["h"] = 0'},
    "a loss in a minimum that keeps the other": {"step": 'state["h"] = min(state["h"], validation_loss)'},
    "epochs that are counted once": {
        "step": "if state['h'] != epoch and validation_loss > 0.1:\n        state['h'] += 1",
    },
    "the best loss so far": {"step": "if validation_loss < state['h']:\n        state['h'] = validation_loss"},
    "a view taken after the change": {"step": 'h = state["h"]\n    h.mul_(0.9)\n    state["h"] = h + h[0]'},
    "a view taken again": {
        "step": 'h = state["h"]\n    row = h[0]\n    h.mul_(0.9)\n    row = h[0]\n    state["h"] = h + row'
    },
    "a part of a dict": {"step": 'h = state["h"]\n    g = h["g"]\n    h.mul_(0.9)\n    state["h"] = g'},
    "a copy of the gradient changed in place": {"step": "gradient = gradient * 1.0\n    gradient.add_(parameters)"},
}


@pytest.mark.parametrize("name", QUIET_PARTS)
def test_what_only_looks_like_a_trap_is_none(name: str) -> None:
    assert traps(module_of(**QUIET_PARTS[name])) == []


HEAVY = {
    "many calls": {
        "more": "".join(f"def f{i}(x):\n    f{i + 1}(x)\n    f{i + 1}(x)\n\n" for i in range(600)),
        "query": "f0(state)",
    },
    "many parameters": {
        "more": f"def f({', '.join(f'x{i}' for i in range(500))}):\n" + "    x0 + x1\n" * 1000 + "\n\n",
        "query": f"f({', '.join(['state'] * 500)})",
    },
    "many names": {"step": "a0 = state['h']\n" + "".join(f"    a{i} = a{i - 1}\n" for i in range(1, 2000))},
    "many forgotten names": {"step": "pass\n" + "".join(f"    a{i} = state['h']\n    a{i} += 1\n" for i in range(600))},
    "many views": {"step": "x = state['h']\n" + "".join(f"    a{i} = x[0]\n" for i in range(1500)) + "    x.add_(1.0)"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_a_hostile_module_is_looked_at_in_time(name: str) -> None:
    source = module_of(**HEAVY[name])
    started = time.process_time()
    find_traps(ast.parse(source), source)
    assert time.process_time() - started < 5.0, "each takes less than a second"


def test_the_guide_names_every_trap() -> None:
    guide = (ROOT / "docs" / "optimiser-guide.md").read_text()
    named = set(re.findall(r"^\| ([NWR]\d+) \|", guide, re.MULTILINE))
    sources = (
        ROOT / "sandbox" / name
        for name in ("language/traps.py", "language/observations.py", "rehearsal.py", "remark.py")
    )
    assert named == {code for path in sources for code in re.findall(r'"([NWR]\d+)"', path.read_text())}
