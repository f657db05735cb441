"""The trusted side of an optimiser: what it holds from one segment of a call to the next."""

from __future__ import annotations

import tracemalloc

import numpy as np

from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.layout import Layout, Part
from sandbox.local_source import LocalSource
from sandbox.optimiser import Assignment
from tests.support.sample_optimisers import module

LAYOUT = Layout((Part("layers.0.weight", "weight", (4, 2)), Part("layers.0.bias", "bias", (4,))))


def started(initial: str = "return ()", step: str = "return gradient, state") -> ExecutedOptimiser:
    """An optimiser of a module, initialised on the parameters 0, 1, 2, .."""
    assignment = Assignment(module(initial, step=step), "module.py", LAYOUT, {"n_hidden": 1}, {}, bytes(32), 10**12)
    optimiser = ExecutedOptimiser(assignment, LocalSource())
    optimiser.parameters[:] = range(12)
    optimiser.initialise()
    return optimiser


def test_parts_of_a_tensor_take_no_memory_when_a_number_is_read() -> None:
    """They cost a call each, whatever their size; a copy of each would take 800 MB here, and any validator's memory."""
    body = "x = torch.zeros(1000, 1000)\n    views = [x.T for i in range(200)]\n    y = x[0, 0].item()\n    return y"
    started()
    tracemalloc.start()
    try:
        started(initial=body)
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()


def test_parts_are_used_after_a_number_was_read() -> None:
    """Of a tensor that was made, of the parameters, and of another part."""
    step = (
        "x = parameters * 2.0\n    a = x[0].T\n    b = parameters[0].T\n    c = a[1]\n    n = c[3].item()\n"
        "    d = c[1:3]\n    m = d[0].item()\n    return [(a + b).T * n, c + d[1] + m], (a, b, c, d)"
    )
    optimiser = started(step=step)
    optimiser.begin_epoch(0, 0.0, 0.0, 1)
    updates = optimiser.step_updates()
    weight = np.arange(8, dtype=np.float32).reshape(4, 2)
    c = 2 * weight[:, 1]
    expected = [3 * weight * 14.0, c + c[2] + 6.0]
    assert updates.tolist() == np.concatenate([one.reshape(-1) for one in expected]).tolist()
    assert [array.tolist() for array in optimiser.state.arrays] == [
        (2 * weight.T).tolist(),
        weight.T.tolist(),
        c.tolist(),
        c[1:3].tolist(),
    ]
