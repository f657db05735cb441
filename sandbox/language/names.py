"""Rules about identifiers: which may be bound, and which are known at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from sandbox.language.builtins import BUILTIN_NAMES
from sandbox.language.findings import Findings
from sandbox.language.rules import MODULES, RAISABLE

# RestrictedPython gives these a meaning of its own.
_MAGIC: Final = frozenset({"print", "printed", "builtins", "breakpoint"})

_HINTS: Final = {
    **dict.fromkeys(("torch", "math"), 'write "import {}" at the top of the module'),
    **dict.fromkeys(("getattr", "setattr", "hasattr", "delattr"), "write x.name"),
    **dict.fromkeys(("isinstance", "type", "issubclass", "callable"), "know the type, or compare with None"),
    **dict.fromkeys(("set", "frozenset"), "write a list, or a dict with the items as keys"),
    **dict.fromkeys(("eval", "exec", "compile", "globals", "locals", "vars"), "write the code out"),
    **dict.fromkeys(("open", "input"), "the sandbox has no files"),
    **dict.fromkeys(("map", "filter"), "write a list comprehension"),
    **dict.fromkeys(("iter", "next"), "write a for loop"),
    **dict.fromkeys(("id", "hash"), "values have no address here"),
    **dict.fromkeys(("repr", "format"), 'write an f-string: f"{{x}}"'),
    **dict.fromkeys(("np", "numpy", "random", "time"), "use torch, math and the rng handed to the optimiser"),
    **dict.fromkeys(("Exception", *RAISABLE), 'only in raise ValueError("...")'),
    "print": "remove it: nothing is shown",
    "printed": "choose another name",
    "pow": "write a ** b",
    "divmod": "write a // b and a % b",
    "slice": "write x[a:b]",
}


def check_names(tree: ast.Module, findings: Findings) -> None:
    """Report every reserved identifier that is bound, and every name that nothing binds."""
    nodes = list(_evaluated(tree))
    raised = {id(node.exc.func) for node in nodes if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)}
    known = set(BUILTIN_NAMES)
    for node in nodes:
        for name in _bound_by(node):
            known.add(name)
            _check_bound(node, name, findings)
    for node in nodes:
        if not isinstance(node, ast.Name) or node.id in known or (node.id in RAISABLE and id(node) in raised):
            continue
        hint = _HINTS.get(node.id, "").format(node.id)
        findings.add(node, "D151", f"unknown name {node.id!r}", hint)


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """Walk everything but annotations, which are dropped before the module runs."""
    yield node
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _evaluated(child)


def _bound_by(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [node.id]
    if isinstance(node, ast.alias):
        return [node.asname or node.name.partition(".")[0]]
    if isinstance(node, ast.Global | ast.Nonlocal):
        return node.names
    # Functions, and refused constructs: so that a refused one does not make its names unknown as well.
    candidates = [getattr(node, field, None) for field in ("name", "rest")]
    candidates.append(node.arg if isinstance(node, ast.arg) else None)
    return [name for name in candidates if isinstance(name, str)]


def _check_bound(node: ast.AST, name: str, findings: Findings) -> None:
    if isinstance(node, ast.alias) and node.asname is None and name in MODULES:
        return
    private = (name.startswith("_") and name != "_") or name.endswith("__roles__")
    if private or name in MODULES or name in _MAGIC or not name.isascii():
        findings.add(node, "D150", f"the name {name!r} is reserved", "choose another name")
