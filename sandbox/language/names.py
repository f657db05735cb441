"""Rules about identifiers: which may be bound, and which are known at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from sandbox.language.builtins import BUILTIN_NAMES
from sandbox.language.findings import Findings
from sandbox.language.rules import MODULES, RAISABLE, binding
from sandbox.language.suggestions import Suggestions

# RestrictedPython gives these a meaning of its own.
_MAGIC: Final = frozenset({"print", "printed", "builtins", "breakpoint"})

_OTHER_ERRORS: Final = """
    ArithmeticError AssertionError BaseException FloatingPointError IndexError KeyError LookupError NotImplementedError
    OverflowError StopIteration ZeroDivisionError
"""

_HINTS: Final = {
    **dict.fromkeys(("torch", "math"), 'write "import {}" at the top of the module'),
    **dict.fromkeys(("getattr", "setattr", "hasattr", "delattr"), "write x.name"),
    **dict.fromkeys(("type", "issubclass"), "write isinstance(x, (int, float)), or compare with None"),
    "callable": "know which values are functions, or compare with None",
    **dict.fromkeys(("set", "frozenset"), "write a list, or a dict with the items as keys"),
    **dict.fromkeys(("eval", "exec", "compile", "globals", "locals", "vars", "dir"), "write the code out"),
    **dict.fromkeys(("open", "input", "os", "sys"), "the sandbox has no files"),
    **dict.fromkeys(("map", "filter"), "write a list comprehension"),
    **dict.fromkeys(("iter", "next"), "write a for loop"),
    **dict.fromkeys(("id", "hash"), "values have no address here"),
    **dict.fromkeys(("repr", "format"), 'write an f-string: f"{{x}}"'),
    **dict.fromkeys(("np", "numpy"), "use torch and math"),
    **dict.fromkeys(("random", "time"), "draw numbers from the rng of init_optimiser_state"),
    **dict.fromkeys(("nn", "optim", "F"), "write the rule out with the arithmetic of tensors"),
    **dict.fromkeys(("copy", "deepcopy"), "write x.copy() for a dict or list, x.clone() for a tensor"),
    **dict.fromkeys(("defaultdict", "OrderedDict", "Counter"), "write a dict, and d.setdefault(key, [])"),
    **dict.fromkeys(("Exception", *RAISABLE), 'only in raise ValueError("...")'),
    **dict.fromkeys(_OTHER_ERRORS.split(), 'write raise ValueError("...")'),
    "print": "remove it: nothing is shown",
    "printed": "choose another name",
    "slice": "write x[a:b]",
    "__name__": "remove it: no module is run as a script",
}


def check_names(tree: ast.Module, findings: Findings) -> None:
    """Report every reserved identifier that is bound, and every name that nothing binds."""
    nodes = list(_evaluated(tree))
    raised = {id(node.exc.func) for node in nodes if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)}
    known = set(BUILTIN_NAMES)
    annotating: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            annotating.update(alias.asname or alias.name for alias in set(node.names).difference(binding(node)))
        for place, name in _bound_by(node):
            known.add(name)
            _check_bound(place, name, isinstance(node, ast.Import), findings)
    suggestions = Suggestions(known)
    for node in nodes:
        if not isinstance(node, ast.Name) or node.id in known or (node.id in RAISABLE and id(node) in raised):
            continue
        hint = "it names a type: only annotations may use it" if node.id in annotating else _HINTS.get(node.id)
        hint = hint.format(node.id) if hint is not None else suggestions.hint(node.id)
        findings.add(node, "D151", f"unknown name {node.id!r}", hint)


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """Walk everything but annotations, which are dropped before the module runs."""
    yield node
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _evaluated(child)


def _bound_by(node: ast.AST) -> list[tuple[ast.AST, str]]:
    """The names that a node binds, with their places."""
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [(node, node.id)]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias, alias.asname or alias.name.partition(".")[0]) for alias in binding(node)]
    if isinstance(node, ast.alias):
        return []
    if isinstance(node, ast.Global | ast.Nonlocal):
        return [(node, name) for name in node.names]
    # Functions, and refused constructs: so that a refused one does not make its names unknown as well.
    candidates = [getattr(node, field, None) for field in ("name", "rest")]
    candidates.append(node.arg if isinstance(node, ast.arg) else None)
    return [(node, name) for name in candidates if isinstance(name, str)]


def _check_bound(place: ast.AST, name: str, imported: bool, findings: Findings) -> None:
    if imported and isinstance(place, ast.alias) and place.asname is None and name in MODULES:
        return
    private = (name.startswith("_") and name != "_") or name.endswith("__roles__")
    if private or name in MODULES or name in _MAGIC or not name.isascii():
        findings.add(place, "D150", f"the name {name!r} is reserved", "choose another name")
