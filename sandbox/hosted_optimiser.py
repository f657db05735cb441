"""An untrusted module in this process: torch inside, NumPy's arrays of the same memory outside.

The process isolation runs the same class in a worker (`sandbox.worker`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch

from arithmetic import data_movement
from arithmetic.transcendental import elementary
from sandbox import state as states
from sandbox import state_codec
from sandbox.compiler import compile_optimiser
from sandbox.errors import BudgetExhausted, OptimiserError, SandboxError, StateError, WorkerFault
from sandbox.language.module import (
    MAX_DESCRIPTION,
    LoadedModule,
    describe,
    is_authors,
    load_module,
    place_of,
)
from sandbox.meter import Meter
from sandbox.optimiser import Assignment, Vector
from sandbox.tensors.attributes import ATTRIBUTES
from sandbox.tensors.base import TensorBase
from sandbox.tensors.generator import Generator
from sandbox.tensors.namespaces import MathNamespace, TorchNamespace
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor
from sandbox.undisturbed import undisturbed


class HostedOptimiser:
    """An untrusted module in this process, on the given flat buffers, of which it writes neither.

    Raises ModuleRefused, OptimiserError or BudgetExhausted, from the constructor too.
    """

    @torch.inference_mode()
    def __init__(self, assignment: Assignment, parameters: Vector, gradient: Vector) -> None:
        self.parameters = parameters
        self.gradient = gradient
        self._parameters, self._gradient = _tensor(parameters), _tensor(gradient)
        self._assignment = assignment
        self._meter = Meter(assignment.fuel_budget)
        self._borrowed = frozenset(t.untyped_storage().data_ptr() for t in (self._parameters, self._gradient))
        self._state: object = None
        self._compiled = compile_optimiser(assignment.source, assignment.name)
        self._module = self._load()
        self._loading_fuel = self._meter.used
        self._hyperparameters = self._merged_hyperparameters()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    @property
    def fuel_used(self) -> int:
        """Fuel used so far."""
        return self._meter.used

    @property
    def asks_location(self) -> bool:
        """True if the module is ever asked for a query location."""
        return self._compiled.asks_location

    @torch.inference_mode()
    def initialise(self) -> None:
        """Call `init_optimiser_state`."""
        self._state = self._prepare(
            lambda: self._keep(
                self._module.init_optimiser_state(
                    dict(self._assignment.difficulty),
                    self._vector(self._parameters),
                    dict(self._hyperparameters),
                    Generator(self._assignment.key, self._meter, self._parameters.device),
                ),
                "init_optimiser_state",
            )
        )

    @torch.inference_mode()
    def query_location(self, epoch: int, train_loss: float, validation_loss: float) -> Vector | None:
        """Call `query_location_parameters` with a copy of the state, unless it is just `return None`."""
        if not self.asks_location:
            return None
        location = self._guarded(
            lambda: self._module.query_location_parameters(
                self._vector(self._parameters),
                self._rebuilt(self._state, frozenset(), "in copying the state for query_location_parameters"),
                self._vector(self._gradient),
                epoch,
                train_loss,
                validation_loss,
            )
        )
        return None if location is None else self._flat(location, "query_location_parameters")

    @torch.inference_mode()
    def step_updates(self, epoch: int, train_loss: float, validation_loss: float) -> Vector:
        """Call `optimiser_step_updates` and keep the state that it returns."""
        returned = self._guarded(
            lambda: self._module.optimiser_step_updates(
                self._state,
                self._vector(self._gradient),
                self._vector(self._parameters),
                epoch,
                train_loss,
                validation_loss,
            )
        )
        if type(returned) is not tuple or len(returned) != 2:
            raise OptimiserError("optimiser_step_updates must return a pair: return updates, state")
        updates = self._flat(returned[0], "optimiser_step_updates")
        self._state = self._keep(returned[1], "optimiser_step_updates")
        return updates

    def request_state_digest(self) -> Callable[[], bytes]:
        """The digest of the canonical state."""
        return lambda: state_codec.digest(self._state)

    def save(self) -> bytes:
        """The canonical encoding of the state."""
        return state_codec.encode(self._state)

    @torch.inference_mode()
    def restore(self, state: bytes, fuel_used: int) -> None:
        """Load the module anew and take up a saved state."""
        budget = self._assignment.fuel_budget
        if not self._loading_fuel <= fuel_used <= budget:
            raise StateError(f"{fuel_used} units of fuel are not what a run of this module has used")
        self._meter = Meter(budget, fuel_used - self._loading_fuel)
        self._module = self._load()
        self._state = state_codec.decode(state, self._meter, self._assignment.layout)

    def _load(self) -> LoadedModule:
        spaces = {"torch": TorchNamespace(self._meter, self._parameters.device), "math": MathNamespace(self._meter)}
        loaded: LoadedModule = self._prepare(
            lambda: load_module(self._compiled, self._meter, spaces, ATTRIBUTES, elementary.power)
        )
        return loaded

    def _merged_hyperparameters(self) -> dict[str, Any]:
        defaults = dict(self._module.hyperparameters)
        for name in self._assignment.hyperparameters:
            if name not in defaults:
                known = ascii(sorted(defaults))[1:-1][:MAX_DESCRIPTION] or "none"
                module = self._assignment.name.encode("unicode_escape").decode("ascii")[:MAX_DESCRIPTION]
                raise OptimiserError(f"{module} has no hyperparameter {name!a:.80}; its HYPERPARAMETERS: {known}")
        return {**defaults, **self._assignment.hyperparameters}

    def _vector(self, flat: torch.Tensor) -> ParameterVector:
        return ParameterVector(flat, self._meter, self._assignment.layout, own=False)

    def _prepare(self, action: Callable[[], Any]) -> Any:
        """Run what precedes the first epoch, for which the fuel must suffice."""
        try:
            return self._guarded(action)
        except BudgetExhausted as exhausted:
            raise OptimiserError(f"before the first epoch {exhausted.said}; do less, or give more fuel") from None

    def _guarded(self, action: Callable[[], Any]) -> Any:
        self._meter.begin()
        try:
            with undisturbed(), np.errstate(all="ignore"):  # IEEE 754's results, whatever the process wants of NumPy
                return action()
        except BudgetExhausted as exhausted:
            place = place_of(exhausted, self._assignment.name)
            raise exhausted.at(place) if place else exhausted from None
        except SandboxError:
            raise
        except MemoryError:
            raise WorkerFault("the optimiser ran out of memory") from None
        except Exception as error:
            said = describe(error, self._assignment.name)
            if is_authors(error, self._assignment.name):
                raise OptimiserError(said) from None
            raise WorkerFault(f"the sandbox failed: {said}") from error

    def _keep(self, state: object, function: str) -> object:
        return self._rebuilt(state, self._borrowed, f"in keeping the state that {function} returned")

    def _rebuilt(self, state: object, borrowed: frozenset[int], place: str) -> object:
        """A copy of a state: what a call does to it later is forgotten. `place` is for who has no fuel left for it."""
        try:
            return states.normalise(state, borrowed, self._meter)
        except BudgetExhausted as exhausted:
            raise exhausted.at(place) from None

    def _flat(self, returned: object, function: str) -> Vector:
        """A returned vector, or list of tensors, as a flat array that aliases neither input."""
        parts = self._assignment.layout.parts
        if type(returned) is ParameterVector:
            tensors: list[TensorBase] = [returned]
        elif type(returned) in (list, tuple) and all(type(t) is Tensor for t in returned):  # type: ignore[attr-defined]
            shapes = [t.shape for t in returned]  # type: ignore[attr-defined]
            if shapes != [part.shape for part in parts]:
                raise OptimiserError(
                    f"{function} returned {len(shapes)} tensors whose shapes are not those of the parameters; "
                    "return one for each parameter, in their order"
                )
            tensors = list(returned)  # type: ignore[call-overload]
        else:
            raise OptimiserError(
                f"{function} returned {type(returned).__name__}; return a parameter vector or a list of tensors"
            )
        if any(one._data.dtype != torch.float32 for one in tensors):
            raise OptimiserError(f"{function} returned a mask or indices; return numbers")
        data = tensors[0]._data
        if type(returned) is not ParameterVector:
            data = data_movement.cat([one._data.reshape(-1) for one in tensors])
        flat: Vector = states.detach(data, self._borrowed).numpy()
        return flat


def _tensor(values: Vector) -> torch.Tensor:
    """The array's memory as a tensor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch warns of memory that it may not write: a worker's inputs
        return torch.from_numpy(values)
