"""Rules about a module's top level: three entry points, constants, and nothing that could hold state."""

from __future__ import annotations

import ast
from typing import Final

from sandbox.declaration import Declaration
from sandbox.language.constructs import refusal_of
from sandbox.language.findings import Findings
from sandbox.language.rules import binding, is_scalar

ENTRY_POINTS: Final = {
    "init_optimiser_state": ("difficulty", "parameters", "hyperparameters", "rng"),
    "query_location_parameters": (
        "parameters",
        "state",
        "gradient",
        "epoch",
        "train_loss",
        "validation_loss",
    ),
    "optimiser_step_updates": ("state", "gradient", "parameters", "epoch", "train_loss", "validation_loss"),
}
"""The functions of the papers' Algorithm 1, with their parameters."""

HYPERPARAMETERS: Final = "HYPERPARAMETERS"
_LOSSES: Final = ("train_loss", "validation_loss")
_QUERY: Final = "query_location_parameters"
_LONGEST: Final = 80
"""Characters of what is told of an annotation that is no text."""


def check_interface(tree: ast.Module, findings: Findings) -> None:
    """Report what does not belong at the top level, and entry points that are missing or malformed."""
    defined: set[str] = set()
    constants: set[str] = set()
    functions: set[str] = set()
    for position, statement in enumerate(tree.body):
        for name in _defines(statement):
            if name in defined:
                findings.add(statement, "D162", f"{name!r} is defined twice", "choose another name")
            defined.add(name)
            if name == HYPERPARAMETERS and not isinstance(statement, ast.Assign | ast.AnnAssign):
                _refuse_hyperparameters(statement, findings)
        if isinstance(statement, ast.FunctionDef):
            functions.add(statement.name)
            _check_entry_point(statement, findings)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            _check_constant(statement, constants, findings)
            constants.update(_defines(statement))
        elif isinstance(statement, ast.ImportFrom) and statement.module == "math":
            constants.update(_defines(statement))
        elif not _is_known(statement) and not _is_docstring(statement, position):
            message = "this statement is not allowed at the top level"
            findings.add(statement, "D160", message, "only imports, constants and functions; move it into one")
    for name in ENTRY_POINTS.keys() - functions:
        findings.add(tree, "D163", f"the function {name!r} is missing", f"define {_signature(name)}")


def asks_location(tree: ast.Module) -> bool:
    """Whether `query_location_parameters` is more than `return None`: only then is it ever called."""
    query = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == _QUERY)
    first, *rest = query.body[1:] if _is_docstring(query.body[0], 0) and len(query.body) > 1 else query.body
    trivial = isinstance(first, ast.Return) and (
        first.value is None or (isinstance(first.value, ast.Constant) and first.value.value is None)
    )
    return bool(rest) or not trivial


def reads_losses(tree: ast.Module) -> bool:
    """Whether a function of a module that keeps the rules does anything with one of the losses that it is given.

    A new value for its name counts too: `train_loss **= 100` may fail, which depends on the old one.
    """
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in ENTRY_POINTS)
    names = (node for function in functions for node in ast.walk(function) if isinstance(node, ast.Name))
    return any(name.id in _LOSSES for name in names)


def declaration_of(tree: ast.Module) -> Declaration:
    """What a module that keeps the rules declares about its hyperparameters; nothing, if it has none."""
    for statement in tree.body:
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or HYPERPARAMETERS not in _defines(statement):
            continue
        values = {_text(key): _scalar(value) for key, value in _entries(statement.value)}
        annotation = statement.annotation if isinstance(statement, ast.AnnAssign) else None
        return Declaration(values, {_text(key): _text(value) for key, value in _entries(_display(annotation))})
    return Declaration()


def _entries(display: ast.expr | None) -> list[tuple[ast.expr | None, ast.expr]]:
    return list(zip(display.keys, display.values, strict=True)) if isinstance(display, ast.Dict) else []


def _display(annotation: ast.expr | None) -> ast.expr | None:
    """The display that an annotation is, or that is in the brackets of Annotated."""
    inside = annotation.slice if isinstance(annotation, ast.Subscript) else None
    displays = [each for each in inside.elts if isinstance(each, ast.Dict)] if isinstance(inside, ast.Tuple) else []
    return displays[0] if displays else annotation


def _scalar(node: ast.expr) -> bool | int | float | str | None:
    """The value of a constant; None for one that has none, with which no module is loaded."""
    negative = isinstance(node, ast.UnaryOp)
    value = node.operand if isinstance(node, ast.UnaryOp) else node
    found = value.value if isinstance(value, ast.Constant) else None
    if isinstance(found, int | float):
        return -found if negative else found
    return found if isinstance(found, str) and not negative else None


def _text(node: ast.expr | None) -> str:
    """A text, or what is written in its place."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return "**" if node is None else ast.unparse(node)[:_LONGEST]


def _defines(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [name.asname or name.name for name in binding(statement)]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _is_known(statement: ast.stmt) -> bool:
    """Whether it is an import, or refused wherever it stands."""
    return isinstance(statement, ast.Import | ast.ImportFrom) or refusal_of(statement) is not None


def _is_docstring(statement: ast.stmt, position: int) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return position == 0 and isinstance(value, ast.Constant) and isinstance(value.value, str)


def _signature(name: str) -> str:
    return f"{name}({', '.join(ENTRY_POINTS[name])})"


def _check_entry_point(function: ast.FunctionDef, findings: Findings) -> None:
    expected = ENTRY_POINTS.get(function.name)
    if expected is None:
        return
    given = function.args
    plain = not (given.posonlyargs or given.kwonlyargs or given.vararg or given.kwarg or given.defaults)
    if not plain or tuple(argument.arg for argument in given.args) != expected:
        message = f"{function.name!r} does not have its parameters"
        findings.add(function, "D164", message, f"write def {_signature(function.name)}:")


def _check_constant(statement: ast.Assign | ast.AnnAssign, constants: set[str], findings: Findings) -> None:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    if len(targets) != 1 or not isinstance(targets[0], ast.Name):
        findings.add(statement, "D160", "a constant is assigned to something else than one name", "one name each")
    elif targets[0].id == HYPERPARAMETERS:
        _check_hyperparameters(statement, findings)
        return
    if statement.value is None:
        findings.add(statement, "D160", "a constant has no value", "give it one")
    else:
        _check_value(statement.value, constants, findings)


def _check_hyperparameters(statement: ast.Assign | ast.AnnAssign, findings: Findings) -> None:
    value = statement.value
    keys = value.keys if isinstance(value, ast.Dict) else [None]
    values = value.values if isinstance(value, ast.Dict) else []
    texts = all(isinstance(key, ast.Constant) and isinstance(key.value, str) for key in keys)
    if not texts or not all(map(is_scalar, values)):
        _refuse_hyperparameters(statement, findings)


def _refuse_hyperparameters(statement: ast.stmt, findings: Findings) -> None:
    message = f"{HYPERPARAMETERS} is not a dict of constants"
    example = f'{HYPERPARAMETERS} = {{"learning_rate": 0.001}}'
    findings.add(statement, "D165", message, f"write numbers, strings, True, False or None: {example}")


def _check_value(node: ast.expr, constants: set[str], findings: Findings) -> None:
    """Allow literals, containers and arithmetic of them, earlier constants, and `math`."""
    if isinstance(node, ast.Name):
        allowed = node.id in constants
    elif isinstance(node, ast.Attribute):
        allowed = _is_math(node)
    elif isinstance(node, ast.Call):
        named = isinstance(node.func, ast.Name) and node.func.id in constants
        allowed = (_is_math(node.func) or named) and not node.keywords
    else:
        allowed = isinstance(node, ast.Constant | ast.List | ast.Tuple | ast.Dict | ast.UnaryOp | ast.BinOp)
    if not allowed:
        message = "a value at the top level is not a constant"
        findings.add(node, "D161", message, "only literals, arithmetic, earlier constants and math functions")
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr) and not _is_math(child) and not isinstance(node, ast.Attribute):
            _check_value(child, constants, findings)


def _is_math(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "math"
