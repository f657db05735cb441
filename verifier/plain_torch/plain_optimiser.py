"""A module's three functions on torch's own tensors, under the contract that the training loop knows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, Final, Self

import numpy as np
import torch

from sandbox.errors import OptimiserError
from sandbox.language.interface import ENTRY_POINTS, HYPERPARAMETERS
from sandbox.optimiser import Assignment, Vector
from verifier.plain_torch.manners import Manners
from verifier.plain_torch.plain_state import copied
from verifier.plain_torch.random_numbers import RandomNumbers
from verifier.plain_torch.tensors import ParameterVector, vector


def _listing(function: Callable[..., Iterable[Any]]) -> Callable[..., list[Any]]:
    """A builtin function that makes a list."""
    return lambda *arguments, **options: list(function(*arguments, **options))


_LISTS: Final = {function.__name__: _listing(function) for function in (enumerate, reversed, zip)}
"""What is lazy in Python, and a list in the sandbox."""


class PlainTorch:
    """A place for optimisers, like `sandbox.isolation.Jail`: this process, with nothing between it and the module.

    What is trained here is for people to look at. Its transcript is of nothing: no claim can be made of it.
    """

    def start(self, assignment: Assignment) -> PlainOptimiser:
        """Run the module's file. Raises OptimiserError, and whatever the module raises."""
        return PlainOptimiser(assignment)

    def describe(self) -> Mapping[str, str]:
        """The words `plain torch`."""
        return {"isolation": "plain torch"}


class PlainOptimiser:
    """An optimiser whose code is the file itself: what it raises goes to the caller, with the frames of the file."""

    def __init__(self, assignment: Assignment) -> None:
        """The module's name is the path under which debuggers find its lines. Raises as `PlainTorch.start`."""
        self._assignment, self._layout = assignment, assignment.layout
        self.parameters: Vector = np.zeros(self._layout.size, np.float32)
        self.gradient: Vector = np.zeros(self._layout.size, np.float32)
        self._state: object = None
        self._told = (0, math.nan, math.nan)
        self._module = _loaded(assignment)
        self._hyperparameters = self._merged_hyperparameters()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    @property
    def fuel_used(self) -> int:
        """0: nothing is counted."""
        return 0

    def initialise(self) -> None:
        """Call `init_optimiser_state`."""
        state = self._call(
            "init_optimiser_state",
            dict(self._assignment.difficulty),
            self._vector(self.parameters),
            dict(self._hyperparameters),
            RandomNumbers(self._assignment.key),
        )
        self._state = copied(state)

    def begin_epoch(self, epoch: int, train_loss: float, validation_loss: float, steps: int) -> None:
        """Keep what the calls of the epoch are told."""
        self._told = (epoch, train_loss, validation_loss)

    def query_location(self) -> Vector | None:
        """Call `query_location_parameters` with a copy of the state."""
        function = "query_location_parameters"
        inputs = self._vector(self.parameters), copied(self._state), self._vector(self.gradient)
        location = self._call(function, *inputs, *self._told)
        return None if location is None else self._flat(location, function)

    def step_updates(self) -> Vector:
        """Call `optimiser_step_updates` and keep the state that it returns."""
        function = "optimiser_step_updates"
        inputs = self._state, self._vector(self.gradient), self._vector(self.parameters)
        returned = self._call(function, *inputs, *self._told)
        if type(returned) is not tuple or len(returned) != 2:
            raise OptimiserError(f"{function} must return a pair: return updates, state")
        updates = self._flat(returned[0], function)
        self._state = copied(returned[1])
        return updates

    def state_digest(self) -> bytes:
        """Zeros: a state of plain torch has no digest."""
        return bytes(32)

    def save(self) -> bytes:
        """Refuses: a state of plain torch has no encoding."""
        raise NotImplementedError("a training in plain torch keeps no checkpoints")

    def restore(self, state: bytes, fuel_used: int) -> None:
        """Refuses, as `save` does."""
        raise NotImplementedError("a training in plain torch keeps no checkpoints")

    def _call(self, function: str, *arguments: Any) -> Any:
        with torch.no_grad(), Manners():
            return getattr(self._module, function)(*arguments)

    def _vector(self, flat: Vector) -> ParameterVector:
        return vector(torch.from_numpy(flat.copy()), self._layout, own=False)

    def _merged_hyperparameters(self) -> dict[str, Any]:
        defaults = dict(getattr(self._module, HYPERPARAMETERS, {}))
        for name in self._assignment.hyperparameters:
            if name not in defaults:
                known = ", ".join(sorted(defaults)) or "none"
                raise OptimiserError(f"{self._assignment.name} has no hyperparameter {name!r}; it has: {known}")
        return {**defaults, **self._assignment.hyperparameters}

    def _flat(self, returned: Any, function: str) -> Vector:
        """A returned vector, or list of tensors, as a flat array. Raises OptimiserError."""
        if isinstance(returned, ParameterVector):
            tensors: list[torch.Tensor] = [returned.as_subclass(torch.Tensor)]
        elif type(returned) in (list, tuple) and all(isinstance(one, torch.Tensor) for one in returned):
            tensors = list(returned)
            if [tuple(one.shape) for one in tensors] != [part.shape for part in self._layout.parts]:
                raise OptimiserError(
                    f"{function} returned {len(tensors)} tensors whose shapes are not those of the parameters; "
                    "return one for each parameter, in their order"
                )
        else:
            raise OptimiserError(
                f"{function} returned {type(returned).__name__}; return a parameter vector or a list of tensors"
            )
        if any(one.dtype != torch.float32 for one in tensors):
            raise OptimiserError(f"{function} returned a mask or indices; return numbers")
        flat: Vector = torch.cat([one.reshape(-1) for one in tensors]).numpy()
        return flat


def _loaded(assignment: Assignment) -> ModuleType:
    """The module's file, run as Python. Raises what it raises, and OptimiserError for a function that it lacks."""
    module = ModuleType("optimiser_module")
    module.__file__ = assignment.name
    vars(module).update(_LISTS)
    exec(compile(assignment.source, assignment.name, "exec", dont_inherit=True), vars(module))
    for function in ENTRY_POINTS:
        if not callable(getattr(module, function, None)):
            raise OptimiserError(f"{assignment.name} has no function {function}")
    return module
