"""Modules in plain torch: what they compute and what is refused is the sandbox's, up to the rounding of torch."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from protocol.settings import Settings
from protocol.task import Task
from sandbox import state_codec
from sandbox.errors import OptimiserError, SandboxError
from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.isolation import InProcess
from sandbox.optimiser import Assignment, Optimiser, Vector
from sandbox.stored_state import Leaf
from tests.fuzzing.programs import Programs
from tests.support.folders import FIXTURES
from tests.support.sample_operations import OPERATIONS, OTHERS, TENSORS
from tests.support.sample_optimisers import LAYOUT, OPTIMISERS, assignment, in_process, module, numbers
from tests.support.small_contest import SMALL
from tests.support.small_contest import module as small_module
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.plain_torch import NetworkOptimiser, PlainTorch, debug
from verifier.plain_torch.network_optimiser import layout_of

TRIALS = [path for path in sorted((FIXTURES / "trials").glob("*.py")) if ".before" not in path.name]
SETTING_UP = [line for line in OPERATIONS if not line.startswith(("r =", "r."))]
STRINGS = {TENSORS["dtype"], TENSORS["device"]}
"""The sandbox's dtypes and device are words."""


def started(optimiser: Any) -> Any:
    optimiser.parameters[:] = numbers() / 7 - 1
    optimiser.initialise()
    return optimiser


def plain_value(value: Any) -> Any:
    """A part of a state with arrays for tensors, of either kind."""
    if isinstance(value, (list, tuple)):
        return [plain_value(part) for part in value]
    if isinstance(value, Leaf):
        return "ParameterVector" if value.is_vector else "Tensor", f"torch.{value.kind}", value.at
    if not isinstance(value, torch.Tensor):
        return value
    return type(value).__name__, str(value.dtype), value.as_subclass(torch.Tensor).numpy()


def states(source: bytes) -> tuple[Any, Any]:
    """What a module's first state is in the sandbox and in plain torch."""
    given = assignment(source)
    sandboxed = state_codec.tree_of(started(in_process(given)).save(), LAYOUT.size)
    return plain_value(sandboxed), plain_value(started(PlainTorch().start(given))._state)


def agree(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, np.ndarray):
        return ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=1e-4, atol=1e-6, equal_nan=True)
    if isinstance(ours, (list, tuple)):
        return len(ours) == len(theirs) and all(map(agree, ours, theirs))
    if isinstance(ours, float):
        return math.isclose(ours, theirs, rel_tol=1e-6) or (math.isnan(ours) and math.isnan(theirs))
    return type(ours) is type(theirs) and bool(ours == theirs)


def test_every_operation_gives_what_it_gives_in_the_sandbox() -> None:
    differing = []
    for text in [*TENSORS.values(), *OTHERS]:
        source = module("\n    ".join([*SETTING_UP, f"return [{text}]"]), math=True)
        if text not in STRINGS and not agree(*states(source)):
            differing.append(text)
    assert differing == []


def descend(optimiser: Optimiser) -> Vector:
    """20 steps of three epochs down a valley."""
    slopes = np.linspace(0.1, 2.0, LAYOUT.size, dtype=np.float32)
    optimiser.parameters[:] = np.linspace(-1.0, 1.0, LAYOUT.size)
    optimiser.initialise()
    for step in range(20):
        optimiser.begin_epoch(step // 8, 1.0, 1.0, 1)
        location = optimiser.query_location()
        optimiser.gradient[:] = (optimiser.parameters if location is None else location) * slopes + np.float32(0.05)
        optimiser.parameters += optimiser.step_updates()
    return optimiser.parameters


@pytest.mark.parametrize("path", [*OPTIMISERS, *TRIALS], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_module_goes_where_it_goes_in_the_sandbox(path: Path) -> None:
    given = assignment(path.read_bytes(), str(path), fuel_budget=10**11)
    expected = descend(InProcess().start(given))
    # Newton's iterations of muon amplify what torch rounds differently.
    np.testing.assert_allclose(descend(PlainTorch().start(given)), expected, rtol=1e-3, atol=1e-3)


def test_random_modules_go_where_they_go_in_the_sandbox() -> None:
    agreed = 0
    for seed in range(40):
        given = assignment(Programs(Random(f"plain {seed}")).module().encode(), fuel_budget=10**8)
        try:
            expected = descend(InProcess().start(given))
        except SandboxError:
            continue
        with contextlib.suppress(TypeError, RuntimeError):  # torch's own functions take less
            np.testing.assert_allclose(descend(PlainTorch().start(given)), expected, rtol=1e-2, atol=1e-3)
            agreed += 1
    assert agreed > 15


@pytest.mark.parametrize(
    "line",
    [
        "parameters.mul_(2)",
        "parameters[0].mul_(2)",
        "parameters[0][0] = 1.0",
        "parameters[0] = parameters[1]",
        "parameters[9]",
        "torch.zeros(3, 4).T.mul_(2)",
        "torch.zeros(3, 4).reshape(12).add_(1)",
        "torch.zeros(3, 4)[0].fill_(1)",
        "torch.zeros(3).flatten().add_(1)",
        "parameters + torch.ones(16)",
        "torch.where(parameters > 0, torch.ones(16), 0.0)",
        "parameters + parameters[0]",
    ],
)
def test_what_the_sandbox_refuses_of_views_and_vectors_is_refused(line: str) -> None:
    given = assignment(module(f"{line}\n    return {{}}"))
    with pytest.raises(OptimiserError) as refused:
        started(in_process(given))
    with pytest.raises((TypeError, ValueError, IndexError)) as raised:
        started(PlainTorch().start(given))
    assert type(raised.value).__name__ in str(refused.value)


@pytest.mark.parametrize(
    "lines",
    [
        "m = torch.ones(3)\n    view = m[:2]\n    m.mul_(2)\n    return [m, view]",  # a view keeps the old value
        "m = torch.ones(3)\n    n = m\n    m += 1\n    return [m, n]",  # += makes a new tensor
        "m = torch.ones(3)\n    n = m.detach()\n    m.mul_(2)\n    return [m, n, m.data, m.contiguous()]",
        "m = torch.zeros_like(parameters)\n    m.add_(1)\n    m[0].clone().mul_(3)\n    return [m]",
        "m = torch.ones(3)\n    n = m.float()\n    n.mul_(2)\n    return [m, n, parameters.float().mul_(2)]",
        "m = torch.ones(3)\n    n = m.flatten()\n    m.mul_(2)\n    return [m, n]",
        "m = torch.ones(2, 2)\n    m[0] += 1\n    m[m > 1] = 7.0\n    return [m, m.expand(2, 2, 2).mul_(2)]",
        "return [torch.tensor(3), torch.full((2,), 1), torch.where(torch.ones(2) > 0, 1, 0), (parameters > 0).all()]",
        "return [parameters.maximum(0.5), parameters.clamp(-parameters, 0.5), parameters.dot(parameters)]",
        "x = torch.ones(3)\n    return [x.lerp(2, 0.5), x.addcmul(2, x), x.addcdiv_(x, 4), 3 if parameters else 4]",
        "return [reversed([1, 2])[0], zip([1], [2]), enumerate([5.0], start=1)]",
    ],
)  # fmt: skip
def test_what_changes_in_place_is_what_changes_in_the_sandbox(lines: str) -> None:
    assert agree(*states(module(lines)))


REMEMBERING = module(
    "return [0, parameters]", "state[0] += 1\n    return None", "return -state[1], [state[0], gradient]"
)


@pytest.mark.parametrize("start", [in_process, PlainTorch().start])
def test_only_the_value_of_the_returned_state_survives(start: Callable[[Assignment], Any]) -> None:
    optimiser = started(start(assignment(REMEMBERING)))
    optimiser.begin_epoch(0, math.nan, math.nan, 1)
    optimiser.query_location()
    optimiser.gradient[:] = 1.0
    first = optimiser.parameters.copy()
    updates = optimiser.step_updates().copy()
    optimiser.parameters[:], optimiser.gradient[:] = 7.0, 7.0
    np.testing.assert_array_equal(updates, -first)
    if isinstance(optimiser, ExecutedOptimiser):
        kept = plain_value(state_codec.tree_of(optimiser.save(), LAYOUT.size))
    else:
        kept = plain_value(optimiser._state)
    assert kept[0] == 0  # what a query does to it is forgotten
    np.testing.assert_array_equal(kept[1][2], 1.0)


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (module("return {1: 2}"), "state has a key that is not a string"),
        (module('return {"f": [abs]}'), r"state\['f'\]\[0\] is of type builtin_function_or_method"),
        (module(step="return -gradient"), "must return a pair"),
        (module(step="return 1, state"), "returned int; return a parameter vector or a list"),
        (module(step="return [gradient[1]], state"), "returned 1 tensors whose shapes are not those"),
        (module(step="return gradient > 0, state"), "returned a mask or indices"),
        (b"import torch", "has no function init_optimiser_state"),
    ],
)
def test_what_breaks_the_contract_is_named(made: bytes, problem: str) -> None:
    def life() -> None:
        started(PlainTorch().start(assignment(made))).step_updates()

    with pytest.raises(OptimiserError, match=problem):
        life()


def test_an_unknown_hyperparameter_is_named() -> None:
    with pytest.raises(OptimiserError, match="has no hyperparameter 'rate'; it has: lr"):
        PlainTorch().start(assignment(module(), hyperparameters={"rate": 1.0}))


# Training


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.py"
    path.write_bytes(
        small_module("-state * gradient / (gradient.norm() + 1e-3), state", "parameters - 0.001 * gradient")
    )
    return path


def test_a_training_is_close_to_the_one_that_counts(file: Path) -> None:
    found, settings = Module(file.name, file.read_bytes()), Settings("", "", "c006", "", "n_hidden=1")
    task = Task(SMALL.name, settings, found.digest, {"lr": 0.1}, 10**12, "0" * 32)
    counted = solve(Session(task, 3, found, InProcess()))
    result = debug(file, track="n_hidden=1", nonce=3, edition=SMALL.name, hyperparameters={"lr": 0.1})
    assert result.train_losses == pytest.approx(counted.training.train_losses, rel=1e-3)
    assert result.validation_losses == pytest.approx(counted.training.validation_losses, rel=1e-3)
    assert (result.stop_reason, result.best_epoch) == (counted.training.stop_reason, counted.training.best_epoch)
    assert result.quality == pytest.approx(counted.score.quality, rel=1e-2)
    assert result.threshold == counted.score.threshold


def test_a_training_ends_after_the_epochs_that_were_asked_for(file: Path) -> None:
    seen: list[int] = []
    result = debug(
        file, track="n_hidden=1", edition=SMALL.name, epochs=2, callback=lambda epoch: seen.append(epoch.number)
    )
    assert (result.stop_reason, len(result.validation_losses), seen) == (None, 2, [1, 2])


def test_what_a_module_raises_comes_with_its_own_lines(file: Path) -> None:
    file.write_text(file.read_text().replace("-state * gradient", "undefined * gradient"))
    with pytest.raises(NameError, match="undefined") as raised:
        debug(file, track="n_hidden=1", edition=SMALL.name)
    last = raised.traceback[-1]
    assert (str(last.path), last.lineno + 1) == (str(file), file.read_text().split("\n").index(str(last.statement)) + 1)


def test_the_optimiser_of_somebodys_own_network(file: Path) -> None:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 1))
    network[0].bias.requires_grad_(False)
    assert [part.role for part in layout_of(network).parts] == ["weight", "norm.weight", "norm.bias", "weight", "bias"]
    x = torch.randn(64, 3)
    y = x.sum(1, keepdim=True).sin()
    optimiser = NetworkOptimiser(network, file, hyperparameters={"lr": 0.05})
    losses = [optimiser.step(lambda: (network(x) - y).square().mean()) for _ in range(60)]
    assert losses[-1] < 0.3 * losses[0]
