"""An untrusted module on handles without data: its calls as programs (`sandbox.program`).

It runs in a worker, or in this process where the module is trusted. It computes nothing, so it needs neither torch nor
NumPy, and holds no parameters, gradients or seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from arithmetic.transcendental import elementary
from sandbox import skeleton, state
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
from sandbox.optimiser import Assignment
from sandbox.program.call import Call, CallKind, Read, Recorded
from sandbox.program.recorder import Recorder
from sandbox.program.value import GRADIENT, NUMBERS, PARAMETERS, Value
from sandbox.state import Rebuilt
from sandbox.tensors.attributes import ATTRIBUTES
from sandbox.tensors.base import TensorBase
from sandbox.tensors.generator import Generator
from sandbox.tensors.namespaces import MathNamespace, TorchNamespace
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor
from sandbox.undisturbed import undisturbed


class Recording:
    """A loaded module, whose calls are recorded; `read` executes what it must know the numbers of.

    Raises ModuleRefused, OptimiserError or BudgetExhausted, from the constructor too.
    """

    def __init__(self, assignment: Assignment, read: Read) -> None:
        self._assignment = assignment
        self._read = read
        self._state: object = None
        self._tensors = 0
        self._is_large = False
        self._compiled = compile_optimiser(assignment.source, assignment.name)
        self._start(Meter(assignment.fuel_budget))
        self._loading_fuel = self._meter.used
        self._hyperparameters = self._merged_hyperparameters()

    @property
    def fuel_used(self) -> int:
        """Fuel used so far."""
        return self._meter.used

    @property
    def asks_location(self) -> bool:
        """True if the module is ever asked for a query location."""
        return self._compiled.asks_location

    def call(self, call: Call) -> Recorded:
        """Call a function of the module."""
        record = {
            CallKind.INITIALISE: self._initialise,
            CallKind.QUERY: self._query_location,
            CallKind.STEP: self._step_updates,
        }[call.kind]
        if self._is_large:
            self._state = state.moved(self._state)  # now that nothing is left of the last call
        self._recorder.begin(call.kind, self._tensors)
        segment = record(call)
        return Recorded(segment, self._meter.used, self._recorder.worked)

    def restore(self, saved: bytes, fuel_used: int) -> None:
        """Load the module anew and take up a saved state, of which `saved` is the skeleton. Raises StateError."""
        budget = self._assignment.fuel_budget
        if not self._loading_fuel <= fuel_used <= budget:
            raise StateError(f"{fuel_used} units of fuel are not what a run of this module has used")
        self._start(Meter(budget, fuel_used - self._loading_fuel))
        self._state, self._tensors = skeleton.state_of(saved, self._recorder, self._assignment.layout)

    def _start(self, meter: Meter) -> None:
        self._meter = meter
        self._recorder = self._new_recorder(meter)
        spaces = {"torch": TorchNamespace(self._recorder), "math": MathNamespace(meter)}
        self._module: LoadedModule = self._prepared(
            lambda: load_module(self._compiled, meter, spaces, ATTRIBUTES, elementary.power)
        )

    def _new_recorder(self, meter: Meter) -> Recorder:
        return Recorder(meter, self._read)

    def _initialise(self, _: Call) -> bytes:
        """Call `init_optimiser_state`."""
        return self._prepared(  # type: ignore[no-any-return]
            lambda: self._kept(
                self._module.init_optimiser_state(
                    dict(self._assignment.difficulty),
                    self._vector(PARAMETERS),
                    dict(self._hyperparameters),
                    Generator(self._recorder),
                ),
                "init_optimiser_state",
            )
        )

    def _query_location(self, call: Call) -> bytes:
        """Call `query_location_parameters` with a copy of the state."""
        location = self._guarded(
            lambda: self._module.query_location_parameters(
                self._vector(PARAMETERS),
                self._rebuilt(self._state, "in copying the state for query_location_parameters").state,
                self._vector(GRADIENT),
                call.epoch,
                call.train_loss,
                call.validation_loss,
            )
        )
        results = [] if location is None else self._results(location, "query_location_parameters")
        return self._recorder.end(results)

    def _step_updates(self, call: Call) -> bytes:
        """Call `optimiser_step_updates` and keep the state that it returns."""
        returned = self._guarded(
            lambda: self._module.optimiser_step_updates(
                self._state,
                self._vector(GRADIENT),
                self._vector(PARAMETERS),
                call.epoch,
                call.train_loss,
                call.validation_loss,
            )
        )
        if type(returned) is not tuple or len(returned) != 2:
            raise OptimiserError("optimiser_step_updates must return a pair: return updates, state")
        updates = self._results(returned[0], "optimiser_step_updates")
        return self._kept(returned[1], "optimiser_step_updates", updates)

    def _merged_hyperparameters(self) -> dict[str, Any]:
        defaults = dict(self._module.hyperparameters)
        for name in self._assignment.hyperparameters:
            if name not in defaults:
                known = ascii(sorted(defaults))[1:-1][:MAX_DESCRIPTION] or "none"
                module = self._assignment.name.encode("unicode_escape").decode("ascii")[:MAX_DESCRIPTION]
                raise OptimiserError(f"{module} has no hyperparameter {name!a:.80}; its HYPERPARAMETERS: {known}")
        return {**defaults, **self._assignment.hyperparameters}

    def _vector(self, number: int) -> ParameterVector:
        layout = self._assignment.layout
        return ParameterVector(Value(number, NUMBERS, (layout.size,)), self._recorder, layout, own=False)

    def _prepared(self, action: Callable[[], Any]) -> Any:
        """Run what precedes the first epoch, for which the fuel must suffice."""
        try:
            return self._guarded(action)
        except BudgetExhausted as exhausted:
            raise OptimiserError(f"before the first epoch {exhausted.said}; do less, or give more fuel") from None

    def _guarded(self, action: Callable[[], Any]) -> Any:
        self._meter.begin()
        try:
            with undisturbed():
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

    def _kept(self, returned: object, function: str, results: list[Value] | None = None) -> bytes:
        """The end of a call that returns a state, which is kept."""
        kept = self._rebuilt(returned, f"in keeping the state that {function} returned")
        self._state, self._tensors = kept.state, len(kept.values)
        self._is_large = kept.size.parts > state.SMALL_PARTS
        return self._recorder.end(results or [], kept.template, kept.scalars, kept.integers)

    def _rebuilt(self, returned: object, place: str) -> Rebuilt:
        """A copy of a state: what a call does to it later is forgotten. `place` is for who has no fuel left for it."""
        try:
            return state.rebuilt(returned, self._recorder)
        except BudgetExhausted as exhausted:
            raise exhausted.at(place) from None

    def _results(self, returned: object, function: str) -> list[Value]:
        """What a function returned: a vector, or a tensor for each parameter."""
        if type(returned) is ParameterVector:
            tensors: list[TensorBase] = [returned]
        elif type(returned) in (list, tuple) and all(type(t) is Tensor for t in returned):  # type: ignore[attr-defined]
            tensors = list(returned)  # type: ignore[call-overload]
            if [one._value.shape for one in tensors] != [part.shape for part in self._assignment.layout.parts]:
                raise OptimiserError(
                    f"{function} returned {len(tensors)} tensors whose shapes are not those of the parameters; "
                    "return one for each parameter, in their order"
                )
        else:
            raise OptimiserError(
                f"{function} returned {type(returned).__name__}; return a parameter vector or a list of tensors"
            )
        if any(one._value.kind != NUMBERS for one in tensors):
            raise OptimiserError(f"{function} returned a mask or indices; return numbers")
        return [one._value for one in tensors]
