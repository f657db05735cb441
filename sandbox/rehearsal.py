"""A rehearsal: a module's three functions on a toy problem for a few steps, to say everything that is wrong at once.

A training ends at the first mistake. Here what a function returned wrongly is noted, something takes its place, and the
next one is called. Nothing that is counted or computed here is part of an answer.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch

from sandbox import state as states
from sandbox.diagnostics import Diagnostic
from sandbox.errors import BudgetExhausted, OptimiserError
from sandbox.hosted_optimiser import HostedOptimiser
from sandbox.language.findings import MAX_TEXT
from sandbox.language.gate import read_source
from sandbox.language.interface import ENTRY_POINTS
from sandbox.optimiser import Assignment, Vector
from sandbox.state_limits import MAX_DEPTH
from sandbox.tensors.base import TensorBase
from sandbox.tensors.tensor import Tensor

FUEL: Final = 5 * 10**10
"""Units for a whole rehearsal: some seconds."""
LOSSES: Final = ((math.nan, math.nan), (0.5, 0.6), (0.4, 0.5))
"""Training and validation loss that each epoch is told, as the epoch before gave them."""
STEPS: Final = 4
"""Steps in each epoch."""
_MOST: Final = 50
"""Problems that are noted."""
_INIT, _QUERY, _STEP = ENTRY_POINTS
_LINE: Final = re.compile(r"(?:, at )?\bline ([0-9]+)(?:: )?")
_FIT: Final = "use dict, list, tuple, tensors, numbers, strings and None"
_UPHILL: Final = 0.5
"""The cosine beyond which two directions are taken for one."""


def rehearse(assignment: Assignment) -> tuple[Diagnostic, ...]:
    """Call the functions of a module for a few steps; all that is wrong, by line. Raises ModuleRefused, WorkerFault."""
    assignment = replace(assignment, fuel_budget=FUEL)
    source, _ = read_source(assignment.source, assignment.name)
    notes = _Notes(source)
    try:
        _Rehearsal(assignment, notes).run()
    except (OptimiserError, BudgetExhausted) as error:
        notes.add_error(error, _INIT)
    return notes.all()


class _Notes:
    """What was wrong, each once, at the line where it shows."""

    def __init__(self, source: str) -> None:
        self._lines = {node.name: _place(node) for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
        self._found: set[Diagnostic] = set()

    def add(self, function: str, code: str, message: str, hint: str = "") -> None:
        """Note something about what a function returned."""
        if len(self._found) < _MOST:
            self._found.add(Diagnostic(*self._lines.get(function, (1, 1)), code, message[:MAX_TEXT], hint[:MAX_TEXT]))

    def add_error(self, error: OptimiserError | BudgetExhausted, function: str) -> None:
        """Note what ended a call of a function."""
        code, line = "R305" if isinstance(error, BudgetExhausted) else "R301", _LINE.search(error.said)
        if line is None:
            self.add(function, code, error.said)
        else:
            text = error.said[: line.start()] + error.said[line.end() :]
            self._found.add(Diagnostic(max(int(line[1]), 1), 1, code, text[:MAX_TEXT]))

    def all(self) -> tuple[Diagnostic, ...]:
        """All of them, by line."""
        return tuple(sorted(self._found))


class _Rehearsal(HostedOptimiser):
    """An optimiser that notes what its module returned wrongly, and goes on."""

    def __init__(self, assignment: Assignment, notes: _Notes) -> None:
        self._notes = notes
        self._is_unfit = False
        size = assignment.layout.size
        super().__init__(assignment, _spread(size, 0.0), np.zeros(size, np.float32))
        self._target = _spread(size, 0.25)
        self._updates: list[Vector] = []
        self._uphill = self._replaced = 0

    def run(self) -> None:
        """Take all steps, or those until one cannot be taken."""
        self.initialise()
        first = _leaves(self._state)
        for epoch, losses in enumerate(LOSSES):
            for _ in range(STEPS):
                if not self._step(epoch, *losses):
                    return
        if not self._notes.all():  # else what is strange may follow from what is wrong
            self._judge_updates()
            self._judge_state(first, _leaves(self._state))

    def _step(self, epoch: int, train_loss: float, validation_loss: float) -> bool:
        """Take one step; whether another one can follow."""
        location, updates = None, None
        try:
            location = self.query_location(epoch, train_loss, validation_loss)
        except OptimiserError as error:
            self._notes.add_error(error, _QUERY)
        except BudgetExhausted as exhausted:
            self._notes.add_error(exhausted, _QUERY)
            return False
        with np.errstate(all="ignore"):
            self.gradient[:] = (self.parameters if location is None else location) - self._target
        try:
            updates = self.step_updates(epoch, train_loss, validation_loss)
        except OptimiserError as error:
            self._notes.add_error(error, _STEP)
        except BudgetExhausted as exhausted:
            self._notes.add_error(exhausted, _STEP)
            return False
        if updates is None:
            return False
        return self._take(updates, location)

    def _take(self, updates: Vector, location: Vector | None) -> bool:
        for function, values in ((_QUERY, location), (_STEP, updates)):
            if values is not None and not np.isfinite(values).all():
                what = "the location holds" if function == _QUERY else "the updates hold"
                self._notes.add(function, "R304", f"{what} an infinity or a NaN, which ends training")
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
            self._notes.add(_STEP, "W301", f"the updates of all {count} steps are zero", "nothing would be trained")
        elif self._replaced == count:
            hint = "return what is to be added to the parameters, such as -lr * gradient"
            self._notes.add(_STEP, "W303", "the updates look like new parameters: they are added to the old ones", hint)
        elif self._uphill == count:
            hint = "return -lr * gradient, not lr * gradient"
            self._notes.add(
                _STEP, "W302", "the updates point along the gradient: they are added, so the loss grows", hint
            )

    def _judge_state(self, first: dict[str, Any], last: dict[str, Any]) -> None:
        for path, value in last.items():
            before = first.get(path)
            if before is not None and _is_zero(before) and _is_zero(value):
                hint = f"only what {_STEP} returns is kept"
                self._notes.add(_STEP, "W304", f"{path} is still zero after {len(self._updates)} steps", hint)
            if _has_nan(value) and not (before is not None and _has_nan(before)):
                hint = "both losses are NaN in the first epoch"
                self._notes.add(_STEP, "W305", f"{path} became NaN, and stays so", hint)

    # What takes the place of wrong returns

    def _flat(self, returned: object, function: str) -> Vector:
        try:
            return super()._flat(returned, function)
        except OptimiserError as error:
            for message in self._misfits(returned) or [error.said]:
                self._notes.add(function, "R302", message)
            return np.zeros(self._assignment.layout.size, np.float32)

    def _misfits(self, returned: object) -> list[str]:
        """What is wrong with each tensor of a list."""
        if type(returned) not in (list, tuple):
            return []
        parts = self._assignment.layout.parts
        items: list[object] = list(returned)  # type: ignore[call-overload]
        messages = (
            [] if len(items) == len(parts) else [f"{len(items)} tensors are returned, for {len(parts)} parameters"]
        )
        for number, (item, part) in enumerate(zip(items, parts, strict=False)):
            if type(item) is not Tensor:
                messages.append(f"item {number} of what is returned is {_kind(item)}, not a tensor")
            elif item.shape != part.shape:
                shapes = f"{list(item.shape)}, not {list(part.shape)}"
                messages.append(f"item {number} of what is returned, for {part.name}, has the shape {shapes}")
            elif item._data.dtype != torch.float32:
                messages.append(
                    f"item {number} of what is returned, for {part.name}, is a mask or indices, not numbers"
                )
        return messages

    def _keep(self, state: object, function: str) -> object:
        self._is_unfit = False
        try:
            return super()._keep(state, function)
        except OptimiserError as error:
            self._is_unfit = True
            unfit = [f"{path} is {_kind(part)}, which a state may not hold" for path, part in _unfit(state, "state")]
            for message in unfit or [error.said]:
                self._notes.add(function, "R303", message, _FIT)
            return state

    def _rebuilt(self, state: object, borrowed: frozenset[int], place: str) -> object:
        return state if self._is_unfit else super()._rebuilt(state, borrowed, place)


def _place(function: ast.FunctionDef) -> tuple[int, int]:
    """Line and column of a function's only return, or of the function."""
    returns = [node for node in ast.walk(function) if isinstance(node, ast.Return)]
    node: ast.stmt = returns[0] if len(returns) == 1 else function
    return node.lineno, node.col_offset + 1


def _spread(size: int, start: float) -> Vector:
    """Numbers between -1/10 and 1/10, none of them 0 nor like its neighbours: multiples of the golden ratio."""
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    return ((np.arange(1, size + 1) * ratio + start) % 1.0 * 0.2 - 0.1).astype(np.float32)


def _cosine(one: Vector, other: Vector) -> float:
    product = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    return float(one @ other) / product if product else 0.0


def _leaves(state: object, path: str = "state", depth: int = 0) -> dict[str, Any]:
    """The tensors and numbers in a state, by path."""
    if isinstance(state, TensorBase) or type(state) is float:
        return {path: state}
    found: dict[str, Any] = {}
    if depth < MAX_DEPTH:
        for key, value in _items(state):
            found.update(_leaves(value, f"{path}[{key!r:.40}]", depth + 1))
    return found


def _unfit(state: object, path: str, depth: int = 0) -> Iterator[tuple[str, object]]:
    """The parts of a state that it may not hold, with their paths."""
    if type(state) in (dict, list, tuple):
        for key, value in _items(state) if depth < MAX_DEPTH else ():
            yield from _unfit(value, f"{path}[{key!r:.40}]", depth + 1)
            if type(state) is dict and type(key) is not str:
                yield f"a key of {path}", key
    elif type(state) not in states.KINDS:
        yield path, state


def _items(container: Any) -> list[tuple[object, object]]:
    if type(container) in (list, tuple):
        return list(enumerate(container))
    return list(container.items()) if hasattr(container, "items") else []


def _kind(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def _is_zero(value: Any) -> bool:
    return isinstance(value, TensorBase) and value._data.dtype == torch.float32 and not value._data.numpy().any()


def _has_nan(value: Any) -> bool:
    if isinstance(value, float):
        return math.isnan(value)
    return value._data.dtype == torch.float32 and bool(np.isnan(value._data.numpy()).any())
