"""The arithmetic's two libraries behind one face: tests have tensors, which NumPy's modules get as arrays."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import torch

from arithmetic.device import data_movement, ieee, prefix_sums, reductions, sorting
from arithmetic.device.transcendental import functions, powers

MODULES: dict[str, ModuleType] = {
    "data_movement": data_movement,
    "functions": functions,
    "ieee": ieee,
    "powers": powers,
    "prefix_sums": prefix_sums,
    "reductions": reductions,
    "sorting": sorting,
}
"""Those of tensors, which NumPy's share their names with."""


def of_arrays(name: str) -> ModuleType:
    """NumPy's module of a name."""
    return import_module(MODULES[name].__name__.replace("arithmetic.device.", "arithmetic."))


class ArraysBehindTensors:
    """A module of NumPy's that takes and gives tensors; an array's elements stay where they are in memory."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments: _tensors(self._function(name)(*map(_arrays, arguments)))

    def _function(self, name: str) -> Callable[..., Any]:
        # NumPy's operations take a number on either side.
        merged = {"subtract_from": "subtract", "reciprocal_times": "divide"}
        function: Callable[..., Any] = getattr(self._module, merged.get(name, name))
        return function


class OneRow:
    """The picking of tensors, which is done in many rows at once, in a single one."""

    def __getattr__(self, name: str) -> Any:
        return getattr(data_movement, name)

    def rows(self, a: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        return data_movement.rows(a[None], index[None])[0]

    def take(self, a: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        return data_movement.take(a[None], index[None])[0]

    def gather(self, a: torch.Tensor, dim: int, index: torch.Tensor) -> torch.Tensor:
        return data_movement.gather(a[None], dim % a.ndim + 1, index[None])[0]

    def diagonal(self, a: torch.Tensor) -> torch.Tensor:
        return data_movement.diagonal(a[None])[0]

    def replaced_rows(self, a: torch.Tensor, index: torch.Tensor, value: float) -> torch.Tensor:
        return data_movement.replaced_rows(a[None], index[None], value)[0]


def library(name: str) -> dict[str, Any]:
    """The modules of `numpy` or of `torch`."""
    if name == "numpy":
        return {key: ArraysBehindTensors(of_arrays(key)) for key in MODULES}
    return {**MODULES, "data_movement": OneRow()}


def _arrays(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_arrays(one) for one in value)
    return value.numpy() if isinstance(value, torch.Tensor) else value


def _tensors(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_tensors(one) for one in value)
    if isinstance(value, float):
        return value
    assert type(value) is np.ndarray  # and no scalar of NumPy's
    return torch.from_numpy(value if value.flags.writeable else value.copy())
