"""The module's side of a rehearsal: what a function returned wrongly is noted, and something takes its place.

A training ends at the first mistake. Here the next function is called, to say everything that is wrong at once.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from sandbox.diagnostics import Diagnostic
from sandbox.errors import OptimiserError
from sandbox.language.findings import MAX_TEXT
from sandbox.language.gate import read_source
from sandbox.optimiser import Assignment
from sandbox.program.call import Read
from sandbox.program.value import NUMBERS, Value
from sandbox.recording import Recording
from sandbox.remark import ENDED, RESULTS, SPENT, STATE, Remark
from sandbox.state import KINDS, Rebuilt
from sandbox.state_limits import MAX_DEPTH
from sandbox.tensors.tensor import Tensor

_MOST: Final = 50
"""Problems that are noted."""
_LINE: Final = re.compile(r"(?:, at )?\bline ([0-9]+)(?:: )?")
_FIT: Final = "use dict, list, tuple, tensors, numbers, strings and None"


class Notes:
    """What was wrong, each once, at the line where it shows."""

    def __init__(self, assignment: Assignment) -> None:
        """Raises ModuleRefused for what is no source."""
        source, _ = read_source(assignment.source, assignment.name)
        self._lines = {node.name: _place(node) for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
        self._found: set[Diagnostic] = set()

    def add(self, remarks: Iterable[Remark]) -> tuple[Diagnostic, ...]:
        """Note some more; all of them, by line."""
        for remark in remarks:
            line = _LINE.search(remark.message) if remark.code in (ENDED, SPENT) else None
            place, text = self._lines.get(remark.function, (1, 1)), remark.message
            if line is not None:
                place, text = (max(int(line[1]), 1), 1), text[: line.start()] + text[line.end() :]
            is_said = remark.code == ENDED and any(text == found.message for found in self._found)
            if len(self._found) < _MOST and not is_said:
                self._found.add(Diagnostic(*place, remark.code, text[:MAX_TEXT], remark.hint[:MAX_TEXT]))
        return tuple(sorted(self._found))


class RehearsedRecording(Recording):
    """A recording that notes what its module returned wrongly, and goes on."""

    def __init__(self, assignment: Assignment, read: Read, notes: Notes) -> None:
        self._notes = notes
        super().__init__(assignment, read)

    def _results(self, returned: object, function: str) -> list[Value]:
        """What a function returned; nothing for what it may not return."""
        try:
            return super()._results(returned, function)
        except OptimiserError as error:
            self._notes.add(Remark(function, RESULTS, said) for said in self._misfits(returned) or [error.said])
            return []

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
            elif item._value.kind != NUMBERS:
                messages.append(
                    f"item {number} of what is returned, for {part.name}, is a mask or indices, not numbers"
                )
        return messages

    def _kept(self, returned: object, function: str, results: list[Value] | None = None) -> bytes:
        unfit = [f"{path} is {_kind(part)}, which a state may not hold" for path, part in _unfit(returned, "state")]
        self._notes.add(Remark(function, STATE, said, _FIT) for said in unfit)
        try:
            return super()._kept(returned, function, results)
        except OptimiserError as error:  # it is too deep or too large, and nothing takes its place
            self._notes.add([Remark(function, STATE, error.said, _FIT)])
            raise

    def _rebuilt(self, returned: object, place: str) -> Rebuilt:
        """A copy of a state, in which what it may not hold is shared, and of which the template has None for that."""
        if not any(_unfit(returned, "state")):
            return super()._rebuilt(returned, place)
        rebuilt = super()._rebuilt(_fitting(returned), place)
        return replace(rebuilt, state=_merged(returned, rebuilt.state))


def _place(function: ast.FunctionDef) -> tuple[int, int]:
    """Line and column of a function's only return, or of the function."""
    returns = [node for node in ast.walk(function) if isinstance(node, ast.Return)]
    node: ast.stmt = returns[0] if len(returns) == 1 else function
    return node.lineno, node.col_offset + 1


def _unfit(state: object, path: str, depth: int = 0) -> Iterator[tuple[str, object]]:
    """The parts of a state that it may not hold, with their paths."""
    if type(state) in (dict, list, tuple):
        for key, value in _items(state) if depth < MAX_DEPTH else ():
            yield from _unfit(value, f"{path}[{key!r:.40}]", depth + 1)
            if type(state) is dict and type(key) is not str:
                yield f"a key of {path}", key
    elif type(state) not in KINDS:
        yield path, state


def _fitting(state: Any, depth: int = 0) -> object:
    """A state with lists for dicts of other keys, and None for what it may not hold."""
    if type(state) not in (dict, list, tuple) or depth >= MAX_DEPTH:
        return state if type(state) in KINDS else None
    values = [_fitting(value, depth + 1) for _, value in _items(state)]
    if type(state) is dict and all(type(key) is str for key in state):
        return dict(zip(state, values, strict=True))
    return values


def _merged(state: Any, fit: Any) -> object:
    """A state rebuilt: what fits as it was rebuilt, and what does not as it was."""
    kind = type(state)
    if kind not in (dict, list, tuple):
        return fit if kind in KINDS else state
    values = fit.values() if type(fit) is dict else fit
    merged = [_merged(old, new) for (_, old), new in zip(_items(state), values, strict=True)]
    if kind is dict:
        return dict(zip(state, merged, strict=True))
    return merged if kind is list else tuple(merged)


def _items(container: Any) -> list[tuple[object, object]]:
    return list(container.items()) if type(container) is dict else list(enumerate(container))


def _kind(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
