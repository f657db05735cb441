"""Lines that may ask for the elements of a tensor are named; what really asks is always among them."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from sandbox.language.observations import find_observations
from sandbox.program.call import CallKind
from tests.support.folders import FIXTURES
from tests.support.recorded_run import RecordedRun
from tests.support.sample_optimisers import INITIAL_LINE, STEP_LINE, module

OPTIMISERS = sorted((FIXTURES / "optimisers").glob("*.py"))
TRIALS = sorted(path for path in (FIXTURES / "trials").glob("*.py") if "before" not in path.name)


def lines(source: bytes) -> list[int]:
    text = source.decode()
    return sorted({found.line for found in find_observations(ast.parse(text), text)})


class Watched(RecordedRun):
    """A run that notes the lines of the module that ask."""

    def __init__(self, source: bytes) -> None:
        self.asking: set[int] = set()
        super().__init__(source)

    def _read(self, segment: bytes) -> bytes:
        frame = sys._getframe()
        while frame is not None and frame.f_code.co_filename != "optimiser.py":
            frame = frame.f_back  # type: ignore[assignment]
        self.asking.add(frame.f_lineno)
        return super()._read(segment)


@pytest.mark.parametrize("path", [*OPTIMISERS, *TRIALS], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_line_that_asks_is_named(path: Path) -> None:
    run = Watched(path.read_bytes())
    run.call(CallKind.INITIALISE)
    run.keep()
    for epoch in range(2):
        for kind in (CallKind.QUERY,) * run.recording.asks_location + (CallKind.STEP,):
            run.call(kind, epoch)
            if kind is CallKind.STEP:
                run.keep()
    assert run.asking <= set(lines(path.read_bytes()))


def test_few_lines_of_the_reference_optimisers_are_named() -> None:
    named = {path.stem: found for path in OPTIMISERS if (found := lines(path.read_bytes()))}
    once_an_epoch = [named.pop(name) for name in ("hessian_free", "lbfgs", "nonlinear_cg", "vsgd")]
    assert sum(map(len, once_an_epoch)) < 30
    assert named == {"barzilai_borwein": [20, 21], "lars": [27]}


ASKS = [
    "x = gradient[0].sum().item()",
    "x = gradient[0].tolist()",
    "x = float(gradient[0].sum())",
    "x = int(state['m'].argmax())",
    "x = 1 if gradient[0].sum() > 0 else 2",
    "x = [p for p in parameters if p.sum() > 0]",
    "x = (gradient > 0).all()",
    "x = math.sqrt(gradient[0].sum())",
    "x = max(gradient[0].sum(), 1.0)",
    "x = not gradient[0].sum()",
    "x = 0.0 < gradient[0].sum() < 1.0",
    "x = gradient[0].sum() > 0 and 1.0",
    "x = torch.full((2,), gradient[0].sum())",
    "x = gradient.add(gradient, alpha=gradient[0].sum())",
    "x = gradient[1].take(state['order'])",
    "x = gradient[0][state['order']]",
    "g = gradient[0]; h = g.norm(); x = h.item()",
    "x = [g.norm().item() for g in gradient]",
    "d = {'a': gradient[0].sum()}; x = float(d['a'])",
    "l = []; l.append(gradient[0].sum()); x = float(l[0])",
]


@pytest.mark.parametrize("line", ASKS)
def test_what_may_ask_is_named(line: str) -> None:
    source = module(
        "return {'m': torch.zeros_like(parameters), 'order': parameters[1].argsort()}", step=line, math=True
    )
    assert lines(source) == [STEP_LINE]


BLIND = [
    "x = float(train_loss)",
    "x = 1 if train_loss > validation_loss else 2",
    "x = math.sqrt(1.0 - 0.9 ** (epoch + 1))",
    "x = -gradient * hyper['lr']",
    "x = gradient.shape if len(gradient) > 1 else 0",
    "x = max(gradient[0].shape[0], gradient[0].numel())",
    "x = 1 if state['t'] % 10 == 0 else 2",
    "x = 1 if state['m'] is None else 2",
    "x = torch.where(gradient > 0, 1.0, -1.0)",
    "x = gradient.mul(0.9).add(gradient, alpha=1 - 0.9)",
    "x = [p * 2 for p in gradient if len(p.shape) > 1]",
    "x = 1 if 'm' in state else 2",
]


@pytest.mark.parametrize("line", BLIND)
def test_what_asks_for_nothing_is_not_named(line: str) -> None:
    source = module("return {'m': torch.zeros_like(parameters), 't': 0}", step=line, math=True)
    assert lines(source) == []


def test_a_helper_is_what_it_is_called_with() -> None:
    helper = b"def clip(x, most):\n    return most if x > most else x\n"
    assert lines(helper + module(step="return -gradient * clip(train_loss, 1.0), state")) == []
    assert lines(helper + module(step="return -gradient * clip(gradient.norm(), 1.0), state")) == [2]


def test_random_orders_are_asked_for() -> None:
    assert lines(module("return {'order': rng.permutation(5)}")) == [INITIAL_LINE]
