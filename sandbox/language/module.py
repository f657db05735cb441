"""From the bytes of an optimiser to its three functions, ready to be called."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any, Final

from sandbox.declaration import Declaration
from sandbox.diagnostics import Diagnostic
from sandbox.errors import ModuleRefused
from sandbox.language.dialect import check
from sandbox.language.gate import ECHOED, read_source
from sandbox.language.guards import Guards
from sandbox.language.interface import ENTRY_POINTS, HYPERPARAMETERS, asks_location, declaration_of
from sandbox.language.operations import FloatPower, FrozenDict
from sandbox.language.transformer import transform
from sandbox.language.vocabulary import Vocabulary
from sandbox.meter import Meter

_REFUSALS: Final = frozenset(
    {AssertionError, AttributeError, IndexError, KeyError, NameError, OverflowError, TypeError, UnboundLocalError}
    | {ValueError, ZeroDivisionError}
)
"""What Python and the sandbox raise where a program is wrong: exactly these types, on every supported Python."""
_LANGUAGE: Final = os.path.dirname(__file__) + os.sep

MAX_DESCRIPTION: Final = 200
_MAX_NAME: Final = 50
MAX_PROBLEMS: Final = 200
"""Problems shown of one module; they must fit the channel."""


@dataclass(frozen=True)
class CompiledModule:
    """An optimiser that keeps the rules of the dialect, rewritten to run under the guards."""

    name: str
    code: CodeType
    asks_location: bool
    """Whether `query_location_parameters` is more than `return None`."""
    declaration: Declaration


@dataclass(frozen=True)
class LoadedModule:
    """The three functions of an optimiser, and its `HYPERPARAMETERS` (empty if it has none)."""

    init_optimiser_state: Callable[..., Any]
    query_location_parameters: Callable[..., Any]
    optimiser_step_updates: Callable[..., Any]
    hyperparameters: Mapping[str, float | int | bool | str | None]


def compile_module(source: bytes, name: str, vocabulary: Vocabulary) -> CompiledModule:
    """Check and rewrite an optimiser's source; raise `ModuleRefused` with every problem found."""
    text, unreadable = read_source(source, name)
    tree, found = check(text, vocabulary)
    if problems := _together(unreadable, found):
        raise ModuleRefused(name, problems[:MAX_PROBLEMS])
    asks, declaration = asks_location(tree), declaration_of(tree)  # the rewriting changes the tree in place
    rewritten, objections = transform(tree)
    if objections:
        raise ModuleRefused(name, tuple(_objection(text) for text in objections))
    code = compile(rewritten, name, "exec", dont_inherit=True, optimize=0)
    return CompiledModule(name, code, asks, declaration)


def load_module(
    compiled: CompiledModule,
    meter: Meter,
    namespaces: Mapping[str, object],
    attributes: Mapping[type, frozenset[str]],
    float_power: FloatPower,
) -> LoadedModule:
    """Run the body of a module, paying from `meter`, and return its functions.

    `namespaces` are what `import torch` and `import math` stand for; `attributes` lists, for every type of
    the caller that the module may meet, the attributes it may read. Errors of the module's code pass through.
    """
    guards = Guards(meter, attributes, float_power)
    given = {"__builtins__": guards.builtins(), **guards.hooks(), **namespaces}
    scope: dict[str, Any] = dict(given)
    exec(compiled.code, scope)
    frozen: dict[int, tuple[object, object]] = {}
    for name in [name for name in scope if name not in given]:
        scope[name] = _freeze(scope[name], frozen)
    entries = {name: scope[name] for name in ENTRY_POINTS}
    return LoadedModule(**entries, hyperparameters=scope.get(HYPERPARAMETERS, FrozenDict({})))


def author_line(exception: BaseException, name: str) -> int | None:
    """Return the line of the module `name` where `exception` arose, or None if it did not pass through it."""
    lines = [line for frame, line in traceback.walk_tb(exception.__traceback__) if frame.f_code.co_filename == name]
    return lines[-1] if lines else None


def place_of(exception: BaseException, name: str) -> str:
    """Say where in the module `name` an exception arose, as `at line 7 in f, called by g`; nothing if not in it.

    `g` is the outermost function. Those without a name are passed over: whether a comprehension is a function depends
    on the version of Python.
    """
    line = author_line(exception, name)
    if line is None:
        return ""
    codes = [frame.f_code for frame, _ in traceback.walk_tb(exception.__traceback__)]
    named = [code.co_name[:_MAX_NAME] for code in codes if code.co_filename == name and code.co_name[0] != "<"]
    within = f" in {named[-1]}" if named else ""
    return f"at line {line}{within}{f', called by {named[0]}' if len(named) > 1 else ''}"


def is_authors(exception: Exception, name: str) -> bool:
    """Whether an exception says what the module `name` did wrong, and would on every machine.

    That is what its own `raise` and `assert` say, and what the language refuses; all else is the machine's, such as a
    want of memory or of stack. Python says by a RuntimeError that a dict changed while it was iterated over, torch
    almost anything.
    """
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(exception.__traceback__)]
    if name not in files:
        return False
    return type(exception) in _REFUSALS or (
        type(exception) is RuntimeError and (files[-1] == name or files[-1].startswith(_LANGUAGE))
    )


def describe(exception: BaseException, name: str) -> str:
    """Say in one short line of ASCII what went wrong and where, calling nothing of the exception's own."""
    line = author_line(exception, name)
    place = "" if line is None else f"line {line}: "
    arguments = exception.args
    detail = arguments[0] if len(arguments) == 1 and type(arguments[0]) is str else ""
    text = detail[:MAX_DESCRIPTION].encode("unicode_escape").decode("ascii")
    return f"{place}{type(exception).__name__}{': ' if text else ''}{text}"[:MAX_DESCRIPTION]


def _together(unreadable: tuple[Diagnostic, ...], found: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """The problems of the bytes and of the tree, without those of the tree that a lexeme at the same place explains."""
    lexemes = [problem for problem in unreadable if problem.code in ECHOED]
    places = {(problem.line, problem.column) for problem in lexemes}
    lines = {problem.line for problem in lexemes}
    new = [
        problem
        for problem in found
        if (problem.line, problem.column) not in places and not (problem.code == "D100" and problem.line in lines)
    ]
    return tuple(sorted([*unreadable, *new]))


def _objection(text: str) -> Diagnostic:
    # RestrictedPython writes "Line 3: what is wrong".
    line, _, message = text.removeprefix("Line ").partition(": ")
    return Diagnostic(int(line) if line.isdecimal() else 1, 1, "D190", message)


def _freeze(value: Any, frozen: dict[int, tuple[object, object]]) -> Any:
    """Make the containers of a constant read-only, each once; `frozen` keeps originals, so ids stay theirs.

    Names are frozen in the order of their definition, so the recursion is only as deep as one display.
    """
    if id(value) in frozen:
        return frozen[id(value)][1]
    if type(value) is dict:
        result: Any = FrozenDict({key: _freeze(element, frozen) for key, element in value.items()})
    elif type(value) in (list, tuple):
        result = tuple(_freeze(element, frozen) for element in value)
    else:
        return value
    frozen[id(value)] = (value, result)
    return result
