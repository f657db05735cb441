"""The module's side of a run has neither torch nor NumPy, and asks for a number where the module needs one."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from sandbox import state
from sandbox.meter import Meter
from sandbox.program.call import Call, CallKind
from sandbox.program.recorder import Recorder
from sandbox.program.segment import HEADER
from tests.support.folders import ROOT
from tests.support.fresh_process import printed
from tests.support.recorded_run import RecordedRun
from tests.support.sample_optimisers import module


def test_what_records_loads_neither_torch_nor_numpy() -> None:
    code = "import sys, sandbox.recording; print(sorted({'torch', 'numpy', 'numba', 'llvmlite'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


OBSERVES = {
    "item": "x = gradient[0][0, 0].item()",
    "float": "x = float(gradient[0].sum())",
    "int": "x = int(gradient[1].argmax())",
    "bool": "x = 1 if gradient[1][0] > 0 else 2",
    "truth": "x = 1 if gradient[0].sum() > 0 and 1 else 2",
    "tolist": "x = gradient[1].tolist()",
    "all": "x = (gradient > 0).all()",
    "any": "x = (gradient > 0).any()",
    "math": "x = math.sqrt(gradient[1].square().sum())",
    "an index that may be out of range": "x = gradient[1][gradient[0].reshape(12).argsort()[:2]]",
    "full": "x = torch.full((2,), gradient[1][0])",
}


@pytest.mark.parametrize("name", OBSERVES)
def test_a_number_costs_one_question(name: str) -> None:
    run = RecordedRun(module(step=f"{OBSERVES[name]}; return -gradient, state", math=True))
    run.call(CallKind.INITIALISE)
    run.segments.clear()
    run.call(CallKind.STEP)
    assert len(run.segments) == 2


BLIND = {
    "where": "x = torch.where(gradient[0] > 0, 1.0, -1.0)",
    "sort": "x = gradient[0].sort(0)[1].float() + gradient[0].gather(0, gradient[0].argsort(0))",
    "topk": "x = gradient[1].take(gradient[1].topk(2)[1])",
    "rows": "x = gradient[0][gradient[0].argmax(0)]",
    "arange": "x = gradient[1][torch.arange(4)]",
    "shapes": "x = gradient[0].reshape(-1).shape[0] + gradient[0].numel()",
    "losses": "x = 1.0 if train_loss > validation_loss else 2.0",
}


@pytest.mark.parametrize("name", BLIND)
def test_what_needs_no_number_asks_nothing(name: str) -> None:
    run = RecordedRun(module(step=f"{BLIND[name]}; return -gradient, state"))
    run.call(CallKind.INITIALISE)
    run.segments.clear()
    run.call(CallKind.STEP)
    assert len(run.segments) == 1


def test_a_call_that_asks_crosses_as_numbers_too() -> None:
    run = RecordedRun(module(step="return -gradient * gradient[1][0].item(), state"))
    run.call(CallKind.INITIALISE)
    run.call(CallKind.STEP)
    first = len(run.segments)
    run.call(CallKind.STEP, 1)
    assert [len(data) - HEADER.size for data in run.segments[first:]] == [0, 8]


def test_losses_that_are_no_numbers_are_recorded_as_they_are() -> None:
    run = RecordedRun(module(step="return -gradient * train_loss, state"))
    run.call(CallKind.INITIALISE)
    run.validator.begin(CallKind.STEP, run.state)
    recorded = run.recording.call(Call(CallKind.STEP, 0, float("nan"), 1e300))
    assert str(list(run.validator.read(recorded.segment).scalars)) == "[nan]"


SCATTERED = """
import gc
from sandbox.program.call import CallKind
from tests.support.recorded_run import RecordedRun
from tests.support.sample_optimisers import module

def size():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmSize"))

# Each call fills its memory with integers of another length, and keeps one of forty.
step = "x = [(1 << state['n']) + i for i in range(45000)]; p = state['p'] + x[::40]"
step += "; return -gradient, {'n': state['n'] + 60, 'p': p}"
run = RecordedRun(module(initial="return {'n': 70, 'p': []}", step=step))
run.call(CallKind.INITIALISE)
run.call(CallKind.STEP)
before = size()
for epoch in range(1, 31):
    run.call(CallKind.STEP, epoch)
    run.programs.clear(), run.segments.clear()
    gc.collect()
print((size() - before) // 1024)
"""


@pytest.mark.slow
def test_what_a_state_keeps_does_not_hold_on_to_what_the_calls_gave_up() -> None:
    """Without moving the state, 115 MiB; in as many calls as it has parts for, hundreds."""
    assert int(printed(SCATTERED)) < 60


def test_a_state_that_is_moved_is_the_same_in_other_objects() -> None:
    items = "'f': [0.5, -0.0, math.inf, math.nan], 'i': [2**70, -(2**70), 7, True], 'x': torch.zeros(3)"
    run = RecordedRun(module(initial=f"return {{{items}, '\\u20ac' * 3: ('a' * 9, None), 'v': parameters}}", math=True))
    run.call(CallKind.INITIALISE)
    recorder, kept = Recorder(Meter(10**9), lambda _: b""), run.recording._state
    first, second = (state.rebuilt(one, recorder) for one in (kept, state.moved(kept)))
    assert (first.template, repr(first.scalars), first.integers) == (
        second.template, repr(second.scalars), second.integers,
    )  # fmt: skip
    assert [repr(one) for one in first.values] == [repr(one) for one in second.values]
    containers: list[Any] = [kept, state.moved(kept)]
    texts = [next(key for key in one if len(key) == 3) for one in containers]
    assert texts[0] == texts[1]
    assert texts[0] is not texts[1]
