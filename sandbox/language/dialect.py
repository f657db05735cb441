"""The dialect: parse a module and report everything in it that is not allowed, as a linter would.

Rule codes: D10x syntax and size; D11x, D12x refused constructs (`constructs`); D13x, D14x refused forms of
allowed constructs (`rules`); D15x identifiers (`names`); D16x the shape of a module (`interface`); D19x what
only a second look finds.
"""

from __future__ import annotations

import ast
import warnings
from typing import Final

from sandbox.diagnostics import Diagnostic
from sandbox.language.constructs import parts
from sandbox.language.findings import Findings
from sandbox.language.interface import check_interface
from sandbox.language.names import check_names
from sandbox.language.rules import check_rules

MAX_NODES: Final = 20_000
MAX_DEPTH: Final = 100


def check(source: str) -> tuple[ast.Module, tuple[Diagnostic, ...]]:
    """Parse `source` and return its tree with every problem found; the tree is sound when there is none."""
    findings = Findings(source)
    tree = _parse(source, findings)
    if tree is not None and _within_size(tree, findings):
        check_rules(tree, findings)
        check_names(tree, findings)
        check_interface(tree, findings)
        if not findings.all():
            _compile(source, findings)
    return tree or ast.Module([], []), findings.all()


def _parse(source: str, findings: Findings) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            # Warnings depend on the version of Python, and the host's filters may turn them into errors.
            warnings.simplefilter("ignore")
            return ast.parse(source, feature_version=(3, 11))
    except SyntaxError as error:
        findings.add_syntax(error)
    except (RecursionError, MemoryError, ValueError, OverflowError):
        findings.add(ast.Module([], []), "D102", "the source is too deeply nested to parse", "write it in steps")
    return None


def _compile(source: str, findings: Findings) -> None:
    """Find the errors that only Python's compiler sees, such as `break` outside a loop."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "<module>", "exec", dont_inherit=True, optimize=0)
    except SyntaxError as error:
        findings.add_syntax(error)


def _within_size(tree: ast.Module, findings: Findings) -> bool:
    # Not recursive: it decides whether recursion over the tree is safe.
    pending: list[tuple[ast.AST, int, ast.AST]] = [(tree, 1, tree)]
    count = 0
    while pending:
        node, depth, place = pending.pop()
        place = node if hasattr(node, "lineno") else place
        count += 1
        if depth > MAX_DEPTH:
            findings.add(place, "D102", f"the code is nested deeper than {MAX_DEPTH} levels", "write it in steps")
            return False
        pending.extend((child, depth + 1, place) for child in parts(node))
    if count > MAX_NODES:
        findings.add(tree, "D101", f"the module has {count} nodes of syntax; at most {MAX_NODES} are allowed")
    return count <= MAX_NODES
