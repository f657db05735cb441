"""What the names of a function are bound to, as far as its text tells: so that traps can follow a value."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

Bound = ast.expr | None
"""What a name is bound to; None for what the text does not tell."""

CHANGING: Final = frozenset({"append", "extend", "insert", "pop", "reverse", "setdefault", "update"})
"""The methods of lists and dicts that change them."""
_ITEM: Final = frozenset({"get", "pop", "setdefault"})
_PASSES: Final = 10
"""How far a value is followed from name to name."""


def is_in_place(name: str) -> bool:
    """Whether a method of this name changes the tensor that it is called on, and returns it."""
    return name.endswith("_") and not name.startswith("_")


def method_call(node: ast.AST) -> tuple[ast.expr, str] | None:
    """The value that a method is called on, and its name; None for any other node."""
    return (
        (node.func.value, node.func.attr)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        else None
    )


def bindings(function: ast.FunctionDef) -> dict[str, list[Bound]]:
    """What each name is bound to in a function; the parameters are not among them."""
    found: dict[str, list[Bound]] = {}
    for node in ast.walk(function):
        for name, value in _bound_by(node):
            found.setdefault(name, []).append(value)
    return found


def parameters(function: ast.FunctionDef) -> list[str]:
    """The names of a function's parameters."""
    return [argument.arg for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]


class Aliases:
    """The expressions of a function that stand for its parameter `root` or for something in it, never for a copy."""

    def __init__(self, function: ast.FunctionDef, root: str) -> None:
        bound = bindings(function)
        self.names: set[str] = set()
        if root in parameters(function) and root not in bound:
            self.names.add(root)
            others = {name: values for name, values in bound.items() if name not in parameters(function)}
            for _ in range(_PASSES):
                new = {name for name, values in others.items() if all(map(self.holds, values))} - self.names
                if not new:
                    break
                self.names |= new

    def holds(self, node: Bound) -> bool:
        """Whether an expression is one of them."""
        while node is not None:
            if isinstance(node, ast.Name):
                return node.id in self.names
            if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
                node = node.value
            elif (called := method_call(node)) and (called[1] in _ITEM or is_in_place(called[1])):
                node = called[0]
            else:
                return False
        return False


def _bound_by(node: ast.AST) -> Iterator[tuple[str, Bound]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _unpacked(target, node.value)
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield from _unpacked(node.target, node.value)
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id, None
    elif isinstance(node, ast.For | ast.comprehension):
        yield from _looped(node.target, node.iter)


def _unpacked(target: ast.expr, value: Bound) -> Iterator[tuple[str, Bound]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple):
        pairwise = isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts)
        values = value.elts if pairwise and isinstance(value, ast.Tuple) else [_item(value)] * len(target.elts)
        for each, its in zip(target.elts, values, strict=True):
            yield from _unpacked(each, its)


def _looped(target: ast.expr, source: ast.expr) -> Iterator[tuple[str, Bound]]:
    """A loop's names, of which each is an item of what it runs over."""
    names = target.elts if isinstance(target, ast.Tuple) else []
    function = source.func.id if isinstance(source, ast.Call) and isinstance(source.func, ast.Name) else ""
    arguments, called = source.args if isinstance(source, ast.Call) else [], method_call(source)
    if function == "zip" and len(names) == len(arguments):
        for name, argument in zip(names, arguments, strict=True):
            yield from _unpacked(name, _item(argument))
    elif function == "enumerate" and len(names) == 2 and arguments:
        yield from _unpacked(names[0], None)
        yield from _looped(names[1], arguments[0])
    elif called and called[1] == "items" and len(names) == 2:
        yield from _unpacked(names[0], None)
        yield from _unpacked(names[1], _item(called[0]))
    else:
        yield from _unpacked(target, _item(called[0] if called and called[1] == "values" else source))


def _item(value: Bound) -> Bound:
    """Some item of a value; that of a call is not known."""
    if value is None or isinstance(value, ast.Call):
        return None
    return ast.Subscript(value, ast.Constant(0), ast.Load())
