"""`arithmetic` owns every operation on a tensor; nobody else calls one of torch's.

Twice: by reading the source for `torch.<name>`, and by watching a whole training run, in which an optimiser uses every
operation of the facade, for torch operations that a frame outside the arithmetic asked for. What trains has no tensors.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from torch.utils._python_dispatch import TorchDispatchMode

from sandbox.tensors.base import TensorBase
from tests.support.folders import ROOT
from tests.support.sample_operations import OPERATIONS
from tests.support.small_contest import session
from verifier.challenge.solving import solve

OWNERS = sorted((ROOT / "arithmetic").rglob("*.py"))
PACKAGES = [ROOT / name for name in ("arithmetic", "protocol", "sandbox", "verifier")]
USERS = [
    *sorted((ROOT / "sandbox" / "tensors").glob("*.py")),
    *(ROOT / "sandbox" / f"{name}.py" for name in ("hosted_optimiser", "layout", "state")),
]
"""Modules through whose hands tensors go."""
WITHOUT = [
    *sorted((ROOT / "protocol").rglob("*.py")),
    *sorted((ROOT / "verifier" / "challenge").rglob("*.py")),
    *sorted((ROOT / "verifier" / "verification").rglob("*.py")),
]
"""Modules that have no tensors."""

NAMES = frozenset("Tensor device bool float32 int64 inference_mode from_numpy".split())
"""What they may have of torch: types, kinds of numbers, a mode that computes nothing, and an array's memory."""

MOVES = frozenset(
    "view reshape _reshape_alias alias detach select slice split split_with_sizes unsqueeze squeeze t transpose expand "
    "clone copy_ item _local_scalar_dense lift_fresh empty zeros ones zero_ fill_ resolve_conj resolve_neg".split()
)
"""What they may ask for in a run: to see elements in another shape, to copy them, to read one, to set them."""


# By reading


def forbidden(source: str) -> list[str]:
    """What a module has of torch beyond `NAMES`, with line numbers."""
    tree = ast.parse(source)
    modest = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in NAMES
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "torch" and id(node) not in modest:
            found.append(f"line {node.lineno}: torch is used for more than its types")
        elif isinstance(node, ast.Import):
            found += [
                f"line {node.lineno}: import {alias.name} as {alias.asname}"
                for alias in node.names
                if alias.name.split(".")[0] == "torch" and (alias.name != "torch" or alias.asname)
            ]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "torch":
            found.append(f"line {node.lineno}: from {node.module} import")
    return found


@pytest.mark.parametrize("path", USERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_names_an_operation_of_torch(path: Path) -> None:
    assert forbidden(path.read_text()) == []


@pytest.mark.parametrize("path", WITHOUT, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_has_no_tensors_does_not_name_torch(path: Path) -> None:
    names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    assert "torch" not in names


def test_every_package_is_read() -> None:
    assert len(USERS) > 12
    assert len(WITHOUT) > 60


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ny = torch.add(x, x)",
        "import torch\nf = torch.ops.aten.add",
        "import torch\nf = getattr(torch, 'add')",
        "import torch\nt = torch\n",
        "import torch as t",
        "import torch.nn.functional",
        "import torch.nn.functional as f",
        "from torch import add",
        "from torch.nn import functional",
        "def f():\n    import torch\n    return torch.full((), 1.0)",
    ],
)
def test_reading_finds_an_operation(source: str) -> None:
    assert forbidden(source) != []


def test_reading_lets_types_pass() -> None:
    assert forbidden("import torch\ndef f(x: torch.Tensor) -> bool:\n    return x.dtype == torch.float32") == []


# By watching


class Watch(TorchDispatchMode):
    """Notes who asks torch for what: the nearest frame of the project."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.owned: set[str] = set()
        """Modules of the arithmetic that asked for something."""
        self.offences: set[str] = set()
        """Places elsewhere that asked for more than `MOVES`."""

    def __torch_dispatch__(
        self, function: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = function(*args, **kwargs or {})
        name = function.overloadpacket.__name__
        moves = name in MOVES or (name == "to" and result.dtype == args[0].dtype)  # to another device
        frame = asking(sys._getframe(1))
        if frame is not None:
            path = Path(frame.f_code.co_filename)
            if any(path.is_relative_to(owner) for owner in OWNERS):
                self.owned.add(path.stem)
            elif not moves:
                self.offences.add(f"{path.relative_to(ROOT)}:{frame.f_lineno}: {name}")
        return result


def asking(frame: FrameType | None) -> FrameType | None:
    """The nearest frame that runs code of the project; None if there is none."""
    while frame is not None and not is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


@cache
def is_ours(filename: str) -> bool:
    return any(Path(filename).is_relative_to(package) for package in PACKAGES)


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


def watched() -> Watch:
    """A whole run: instance, training, score."""
    watch = Watch()
    with watch:
        solve(session(EVERYTHING))
    return watch


@pytest.mark.slow
def test_only_the_arithmetic_asks_torch_to_compute() -> None:
    watch = watched()
    assert watch.offences == set()
    assert watch.owned >= {"ieee", "reductions", "functions", "data_movement", "sorting", "powers", "prefix_sums"}


@pytest.mark.slow
def test_watching_finds_an_operation_in_the_facade(monkeypatch: pytest.MonkeyPatch) -> None:
    def multiplied(self: Any, other: float) -> Any:
        return self._like(self._data * other)

    place = str(ROOT / "sandbox" / "tensors" / "base.py")
    multiplied.__code__ = multiplied.__code__.replace(co_filename=place)
    monkeypatch.setattr(TensorBase, "__rmul__", multiplied)
    found = watched().offences
    assert len(found) == 1
    assert found.pop().endswith(": mul")
