"""`arithmetic` owns every operation on a tensor: what records and executes programs calls none of torch's or NumPy's.

Twice: by reading what each module names of them, and by running every operation of the facade without torch.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.folders import ROOT
from tests.support.fresh_process import printed
from tests.support.sample_operations import OPERATIONS
from tests.support.small_contest import session
from verifier.challenge.solving import solve

WITHOUT = [
    path
    for folder in (
        "protocol",
        "sandbox",
        "verifier/challenge",
        "verifier/verification",
        "verifier/runs",
        "verifier/golden",
    )
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "lockstep" not in path.parts
]
"""Modules without torch; those that train many nonces on a device are made of it."""
MOVERS = [path for path in sorted((ROOT / "sandbox").rglob("*.py")) if path.name != "rehearsal.py"]
"""Modules through whose hands elements go, untouched; what a rehearsal judges is part of no answer."""
MOVES = frozenset(
    "arange array ascontiguousarray bool_ broadcast_to concatenate dtype empty errstate expand_dims float32 float64 "
    "frombuffer int64 may_share_memory ndarray reshape transpose uint64 uint8 zeros zeros_like".split()
)
"""What they may have of NumPy: kinds of numbers, memory, and the same elements in another shape."""
COHORTS = sorted((ROOT / "sandbox" / "lockstep").glob("*.py"))
"""Modules through whose hands tensors go."""
TORCH_MOVES = frozenset(
    "OutOfMemoryError arange bool cat contiguous_format device empty float32 float64 frombuffer ones stack tensor "
    "uint8 zeros".split()
)
"""The same of torch."""


def names_of(source: str, library: str, alias: str) -> set[str]:
    """What a module names of a library that is known by an alias; the library itself for any other use of it."""
    tree, found, modest = ast.parse(source), set[str](), set[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == alias:
            found.add(node.attr)
            modest.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {
                each.name
                for each in node.names
                if each.name.split(".")[0] == library and (each.name != library or (each.asname or library) != alias)
            }
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == library:
            found |= {f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Name) and node.id == alias and id(node) not in modest:
            found.add(library)
    return found


@pytest.mark.parametrize("path", WITHOUT, ids=lambda path: str(path.relative_to(ROOT)))
def test_torch_is_not_named(path: Path) -> None:
    assert names_of(path.read_text(), "torch", "torch") <= {"Tensor"}  # the type of what a layout may be asked to cut


@pytest.mark.parametrize("path", MOVERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_of_numpy_rounds(path: Path) -> None:
    assert names_of(path.read_text(), "numpy", "np") <= MOVES | {"numpy.typing.NDArray"}


@pytest.mark.parametrize("path", COHORTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_of_torch_rounds(path: Path) -> None:
    assert names_of(path.read_text(), "torch", "torch") <= TORCH_MOVES | {"torch.Tensor"}


def test_every_package_is_read() -> None:
    assert len(WITHOUT) > 150
    assert len(MOVERS) > 60


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import numpy as np\ny = np.exp(x)", {"exp"}),
        ("import numpy as np\nf = getattr(np, 'exp')", {"numpy"}),
        ("import numpy as np\nn = np\n", {"numpy"}),
        ("import numpy", {"numpy"}),
        ("import numpy as n", {"numpy"}),
        ("import numpy.linalg", {"numpy.linalg"}),
        ("from numpy import exp", {"numpy.exp"}),
        ("from numpy.linalg import norm", {"numpy.linalg.norm"}),
        ("def f():\n    import numpy as np\n    return np.linalg.norm(x)", {"linalg"}),
        ("import numpy as np\ndef f(x: np.ndarray) -> None: ...", {"ndarray"}),
    ],
)
def test_reading_finds_what_is_named(source: str, found: set[str]) -> None:
    assert names_of(source, "numpy", "np") == found


EVERYTHING = "\n".join(
    [
        "import math",
        "import torch",
        "HYPERPARAMETERS = {}",
        "def init_optimiser_state(difficulty, parameters, hyperparameters, rng):",
        *(f"    {line}" for line in OPERATIONS),
        '    return {"results": r, "m": torch.zeros_like(parameters), "nan": math.nan * parameters}',
        "def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):",
        "    return [p + 0.001 * g.sign() for p, g in zip(parameters, gradient)]",
        "def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):",
        '    m = state["m"].mul_(0.9).add_(gradient)',
        "    return -0.01 * m / (gradient.square().mean().sqrt() + 1e-8), state",
    ]
).encode()
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # so that importing it fails
from tests.support.small_contest import session
from verifier.challenge.solving import solve
print(solve(session({source!r})).claim.transcript_root.hex())
"""


@pytest.mark.slow
def test_every_operation_is_executed_where_there_is_no_torch() -> None:
    here = solve(session(EVERYTHING)).claim.transcript_root.hex()
    assert printed(WITHOUT_TORCH.format(source=EVERYTHING)) == here
