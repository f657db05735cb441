"""An optimiser under contract: the papers' three functions over one flat parameter buffer.

`Optimiser` is what the training loop sees. `HostedOptimiser` runs the untrusted module in this process; the
process isolation runs the same class in a worker (`sandbox.worker.client`, `sandbox.worker`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import torch

from arithmetic import data_movement
from arithmetic.transcendental import elementary
from sandbox import state as states
from sandbox import state_codec
from sandbox.errors import BudgetExhausted, OptimiserError, SandboxError, StateError, WorkerFault
from sandbox.language.module import (
    MAX_DESCRIPTION,
    CompiledModule,
    LoadedModule,
    compile_module,
    describe,
    is_authors,
    load_module,
)
from sandbox.layout import Layout
from sandbox.meter import Meter
from sandbox.tensors.base import TensorBase
from sandbox.tensors.generator import Generator
from sandbox.tensors.namespaces import MathNamespace, TorchNamespace
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor
from sandbox.tensors.vocabulary import ATTRIBUTES, VOCABULARY
from sandbox.undisturbed import undisturbed

Scalar = None | bool | int | float | str


@dataclass(frozen=True)
class Assignment:
    """Everything that an optimiser is given for one run."""

    source: bytes
    """The module, exactly as submitted."""
    name: str
    """Its name for messages."""
    layout: Layout
    """The parts of the parameter vector."""
    difficulty: Mapping[str, int]
    """The numbers of the track, such as n_hidden."""
    hyperparameters: Mapping[str, Scalar]
    """Overrides of the module's HYPERPARAMETERS."""
    key: bytes
    """32 bytes for the optimiser's own random numbers, derived one-way from the instance seed."""
    fuel_budget: int
    """Units of fuel for the whole run."""


class Optimiser(Protocol):
    """The papers' Algorithm 1, seen from the training loop."""

    parameters: torch.Tensor
    """The trainable parameters, flat; the loop writes them, the optimiser reads them."""
    gradient: torch.Tensor
    """The last gradient, flat; likewise."""

    def initialise(self) -> None:
        """Make the optimiser's state from the initial parameters."""

    def query_location(self, epoch: int, train_loss: float, validation_loss: float) -> torch.Tensor | None:
        """The parameters at which to take the gradient, flat, to be read only; None for the current ones."""

    def step_updates(self, epoch: int, train_loss: float, validation_loss: float) -> torch.Tensor:
        """The updates to add to the parameters, flat; until the next call, to be read only, and once.

        It may lie in memory that untrusted code can still write: look at what came of it, not at it again.
        """

    def request_state_digest(self) -> Callable[[], bytes]:
        """Start on the digest of the canonical state; the result waits for it."""

    def save(self) -> bytes:
        """The canonical encoding of the state, of which `request_state_digest` gives the BLAKE3."""

    def restore(self, state: bytes, fuel_used: int) -> None:
        """Go on, in place of `initialise`, where an optimiser of the same assignment was saved. Raises StateError."""

    @property
    def fuel_used(self) -> int:
        """Fuel used so far."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def compile_optimiser(source: bytes, name: str) -> CompiledModule:
    """Check a module against the dialect and compile it. Raises ModuleRefused, and WorkerFault for want of memory."""
    try:
        with undisturbed():
            return compile_module(source, name, VOCABULARY)
    except MemoryError:
        raise WorkerFault("there is not enough memory to read the optimiser") from None


class HostedOptimiser:
    """An untrusted module in this process, on the given flat buffers.

    Raises ModuleRefused, OptimiserError or BudgetExhausted, from the constructor too.
    """

    def __init__(self, assignment: Assignment, parameters: torch.Tensor, gradient: torch.Tensor) -> None:
        self.parameters = parameters
        self.gradient = gradient
        self._assignment = assignment
        self._meter = Meter(assignment.fuel_budget)
        self._borrowed = frozenset(t.untyped_storage().data_ptr() for t in (parameters, gradient))
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

    def initialise(self) -> None:
        """Call `init_optimiser_state`."""
        self._state = self._prepare(
            lambda: self._keep(
                self._module.init_optimiser_state(
                    dict(self._assignment.difficulty),
                    self._vector(self.parameters),
                    dict(self._hyperparameters),
                    Generator(self._assignment.key, self._meter, self.parameters.device),
                )
            )
        )

    def query_location(self, epoch: int, train_loss: float, validation_loss: float) -> torch.Tensor | None:
        """Call `query_location_parameters`, unless it is just `return None`; the state is unchanged by it."""
        if not self.asks_location:
            return None
        location = self._guarded(
            lambda: self._module.query_location_parameters(
                self._vector(self.parameters),
                states.normalise(self._state, frozenset(), self._meter),  # a copy: what a query does to it is forgotten
                self._vector(self.gradient),
                epoch,
                train_loss,
                validation_loss,
            )
        )
        return None if location is None else self._flat(location, "query_location_parameters")

    def step_updates(self, epoch: int, train_loss: float, validation_loss: float) -> torch.Tensor:
        """Call `optimiser_step_updates` and keep the state that it returns."""
        returned = self._guarded(
            lambda: self._module.optimiser_step_updates(
                self._state,
                self._vector(self.gradient),
                self._vector(self.parameters),
                epoch,
                train_loss,
                validation_loss,
            )
        )
        if type(returned) is not tuple or len(returned) != 2:
            raise OptimiserError("optimiser_step_updates must return a pair: return updates, state")
        updates = self._flat(returned[0], "optimiser_step_updates")
        self._state = self._keep(returned[1])
        return updates

    def request_state_digest(self) -> Callable[[], bytes]:
        """The digest of the canonical state."""
        return lambda: state_codec.digest(self._state)

    def save(self) -> bytes:
        """The canonical encoding of the state."""
        return state_codec.encode(self._state)

    def restore(self, state: bytes, fuel_used: int) -> None:
        """Load the module anew and take up a saved state."""
        budget = self._assignment.fuel_budget
        if not self._loading_fuel <= fuel_used <= budget:
            raise StateError(f"{fuel_used} units of fuel are not what a run of this module has used")
        self._meter = Meter(budget, fuel_used - self._loading_fuel)
        self._module = self._load()
        self._state = state_codec.decode(state, self._meter, self._assignment.layout, self.parameters.device)

    def _load(self) -> LoadedModule:
        spaces = {"torch": TorchNamespace(self._meter, self.parameters.device), "math": MathNamespace(self._meter)}
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
            raise OptimiserError(f"before the first epoch {exhausted}; do less, or give more fuel") from None

    def _guarded(self, action: Callable[[], Any]) -> Any:
        self._meter.begin()
        try:
            with undisturbed():
                return action()
        except SandboxError:
            raise
        except MemoryError:
            raise WorkerFault("the optimiser ran out of memory") from None
        except Exception as error:
            said = describe(error, self._assignment.name)
            if is_authors(error, self._assignment.name):
                raise OptimiserError(said) from None
            raise WorkerFault(f"the sandbox failed: {said}") from error

    def _keep(self, state: object) -> object:
        return states.normalise(state, self._borrowed, self._meter)

    def _flat(self, returned: object, function: str) -> torch.Tensor:
        """A returned vector, or list of tensors, as a flat buffer that aliases neither input."""
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
        return states.detach(data, self._borrowed)
