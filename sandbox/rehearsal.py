"""A rehearsal: a module's three functions on a toy problem for a few steps, to say everything that is wrong at once.

The module's side notes what was returned wrongly (`rehearsed_recording`); here is the problem, and what its numbers
show. Nothing that is counted or computed here is part of an answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

import numpy as np

from sandbox import state_codec
from sandbox.calls import Calls
from sandbox.diagnostics import Diagnostic
from sandbox.errors import BudgetExhausted, OptimiserError
from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.language.interface import ENTRY_POINTS
from sandbox.local_source import LocalSource
from sandbox.optimiser import Assignment, Vector
from sandbox.program.value import NUMBERS, Value
from sandbox.rehearsed_recording import Notes, RehearsedRecording
from sandbox.remark import ENDED, NOT_FINITE, SPENT, Remark
from sandbox.source import Loaded, Source
from sandbox.stored_state import Leaf

FUEL: Final = 5 * 10**10
"""Units for a whole rehearsal: some seconds."""
LOSSES: Final = ((math.nan, math.nan), (0.5, 0.6), (0.4, 0.5))
"""Training and validation loss that each epoch is told, as the epoch before gave them."""
STEPS: Final = 4
"""Steps in each epoch."""
_INIT, _QUERY, _STEP = ENTRY_POINTS
_UPHILL: Final = 0.5
"""The cosine beyond which two directions are taken for one."""


class RehearsedSource(Source, Protocol):
    """The programs of a module that goes on after a mistake."""

    def note(self, remarks: Iterable[Remark]) -> tuple[Diagnostic, ...]:
        """Note what is wrong besides; everything that is, by line."""


class LocalRehearsal(LocalSource):
    """Such a module in this process."""

    def load(self, assignment: Assignment) -> Loaded:
        """Load a module."""
        self._notes = Notes(assignment)
        return super().load(assignment)

    def recording(self, assignment: Assignment) -> RehearsedRecording:
        """A module that is loaded and recorded."""
        return RehearsedRecording(assignment, self.read, self._notes)

    def note(self, remarks: Iterable[Remark]) -> tuple[Diagnostic, ...]:
        """Note what is wrong besides; everything that is, by line."""
        return self._notes.add(remarks)


def rehearse(assignment: Assignment, source: RehearsedSource) -> tuple[Diagnostic, ...]:
    """Call the functions of a module for a few steps; all that is wrong, by line. Raises ModuleRefused, WorkerFault."""
    with _Rehearsal(replace(assignment, fuel_budget=FUEL), source) as rehearsal:
        return rehearsal.run()


class _LenientCalls(Calls):
    """Those of a module that may return what it may not: of results that were wrong, nothing comes."""

    def check(self, results: Sequence[Value]) -> None:
        """Refuse other results."""
        if results:
            super().check(results)


class _Rehearsal(ExecutedOptimiser):
    """An optimiser of a module that may return what it may not."""

    def __init__(self, assignment: Assignment, source: RehearsedSource) -> None:
        super().__init__(assignment, source)
        self._calls = _LenientCalls(assignment, source, self._read)
        self._notes = source
        self._remarks: list[Remark] = []
        size = assignment.layout.size
        self.parameters[:] = _spread(size, 0.0)
        self._target = _spread(size, 0.25)
        self._updates: list[Vector] = []
        self._uphill = self._replaced = 0

    def run(self) -> tuple[Diagnostic, ...]:
        """Take all steps, or those until one cannot be taken; what is wrong."""
        try:
            self.initialise()
        except (OptimiserError, BudgetExhausted) as error:
            return self._notes.note([_remark(error, _INIT)])
        first = self._leaves()
        if self._take_steps() and not self._notes.note(self._remarks):  # else what is strange may follow from that
            self._judge_updates()
            self._judge_state(first, self._leaves())
        return self._notes.note(self._remarks)

    def _take_steps(self) -> bool:
        """Whether all could be taken."""
        for epoch, losses in enumerate(LOSSES):
            self.begin_epoch(epoch, *losses, 0)  # nothing ahead: after a mistake, who knows what comes next
            if not all(self._step() for _ in range(STEPS)):
                return False
        return True

    def _step(self) -> bool:
        """Take one step; whether another one can follow."""
        location = None
        try:
            location = self.query_location()
        except OptimiserError as error:
            self._remarks.append(_remark(error, _QUERY))
        except BudgetExhausted as exhausted:
            self._remarks.append(_remark(exhausted, _QUERY))
            return False
        with np.errstate(all="ignore"):
            self.gradient[:] = (self.parameters if location is None else location) - self._target
        try:
            updates = self.step_updates()
            updates = updates if updates.size else np.zeros_like(self.parameters)  # of a result that was wrong
        except (OptimiserError, BudgetExhausted) as error:
            self._remarks.append(_remark(error, _STEP))
            return False
        return self._take(updates, location)

    def _take(self, updates: Vector, location: Vector | None) -> bool:
        for function, values in ((_QUERY, location), (_STEP, updates)):
            if values is not None and not np.isfinite(values).all():
                what = "the location holds" if function == _QUERY else "the updates hold"
                self._remarks.append(Remark(function, NOT_FINITE, f"{what} an infinity or a NaN, which ends training"))
                return False
        self._uphill += _cosine(updates, self.gradient) > _UPHILL
        self._replaced += _cosine(updates, self.parameters) > 0.9 and bool(
            0.5 < np.linalg.norm(updates) / np.linalg.norm(self.parameters) < 2.0
        )
        self._updates.append(updates.copy())
        self.parameters += updates
        return True

    def _judge_updates(self) -> None:
        count = len(self._updates)
        if not any(update.any() for update in self._updates):
            message, hint = f"the updates of all {count} steps are zero", "nothing would be trained"
            self._remarks.append(Remark(_STEP, "W301", message, hint))
        elif self._replaced == count:
            hint = "return what is to be added to the parameters, such as -lr * gradient"
            message = "the updates look like new parameters: they are added to the old ones"
            self._remarks.append(Remark(_STEP, "W303", message, hint))
        elif self._uphill == count:
            message = "the updates point along the gradient: they are added, so the loss grows"
            self._remarks.append(Remark(_STEP, "W302", message, "return -lr * gradient, not lr * gradient"))

    def _judge_state(self, first: dict[str, Any], last: dict[str, Any]) -> None:
        for path, value in last.items():
            before = first.get(path)
            if before is not None and _is_zero(before) and _is_zero(value):
                message = f"{path} is still zero after {len(self._updates)} steps"
                self._remarks.append(Remark(_STEP, "W304", message, f"only what {_STEP} returns is kept"))
            if _has_nan(value) and not (before is not None and _has_nan(before)):
                hint = "both losses are NaN in the first epoch"
                self._remarks.append(Remark(_STEP, "W305", f"{path} became NaN, and stays so", hint))

    def _leaves(self) -> dict[str, Any]:
        """The elements of tensors and the numbers in the state, by path."""
        return _leaves(state_codec.tree_of(self.save(), self._assignment.layout.size))


def _remark(error: OptimiserError | BudgetExhausted, function: str) -> Remark:
    """What ended a call of a function."""
    return Remark(function, SPENT if isinstance(error, BudgetExhausted) else ENDED, error.said)


def _spread(size: int, start: float) -> Vector:
    """Numbers between -1/10 and 1/10, none of them 0 nor like its neighbours: multiples of the golden ratio."""
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    return ((np.arange(1, size + 1) * ratio + start) % 1.0 * 0.2 - 0.1).astype(np.float32)


def _cosine(one: Vector, other: Vector) -> float:
    product = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    return float(one @ other) / product if product else 0.0


def _leaves(state: Any, path: str = "state") -> dict[str, Any]:
    if isinstance(state, Leaf):
        return {path: state.at} if state.kind == NUMBERS else {}
    if isinstance(state, float):
        return {path: state}
    found: dict[str, Any] = {}
    items = state.items() if isinstance(state, dict) else enumerate(state) if isinstance(state, (list, tuple)) else ()
    for key, value in items:
        found.update(_leaves(value, f"{path}[{key!r:.40}]"))
    return found


def _is_zero(value: Any) -> bool:
    return isinstance(value, np.ndarray) and not value.any()


def _has_nan(value: Any) -> bool:
    return bool(np.isnan(value).any())
