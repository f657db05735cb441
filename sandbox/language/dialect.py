"""The dialect: parse a module and report everything in it that is not allowed, as a linter would.

Rule codes: D10x syntax and size; D11x, D12x refused constructs (`constructs`); D13x, D14x refused forms of
allowed constructs (`rules`); D15x identifiers (`names`) and attributes (`attributes`); D16x the shape of a module
(`interface`); D19x what only a second look finds.
"""

from __future__ import annotations

import ast
import unicodedata  # noqa: F401 - Python's parser imports it at a name beyond ASCII, which a jail forbids
from typing import Final

from sandbox.diagnostics import Diagnostic
from sandbox.language.attributes import check_attributes
from sandbox.language.constructs import parts
from sandbox.language.findings import Findings
from sandbox.language.interface import check_interface
from sandbox.language.names import check_names
from sandbox.language.rules import check_rules
from sandbox.language.vocabulary import Vocabulary

MAX_NODES: Final = 20_000
MAX_DEPTH: Final = 100
_FORMS: Final = "D130"
"""The first code of what the compiler may be given: from Python 3.12 on it crashes on blocks nested in many ways."""
_SPARE_BYTES: Final = 2**26
"""More than it takes to parse 64 KiB of source."""

# To quote the line of a syntax error, Python opens the file that the source is said to be from, which a jailed worker
# must not even try. A name that no file system can encode is given up before that.
_NO_FILE: Final = "\ud800"


def check(source: str, vocabulary: Vocabulary) -> tuple[ast.Module, tuple[Diagnostic, ...]]:
    """Parse `source` and return its tree with every problem found; the tree is sound when there is none."""
    findings = Findings(source)
    tree = _parse(source, findings)
    if tree is not None and _within_size(tree, findings):
        check_rules(tree, findings)
        check_names(tree, findings)
        check_attributes(tree, vocabulary, findings)
        check_interface(tree, findings)
        if not any(problem.code < _FORMS for problem in findings.all()):
            _compile(tree, findings)
    return tree or ast.Module([], []), findings.all()


def _parse(source: str, findings: Findings) -> ast.Module | None:
    try:
        return ast.parse(source, _NO_FILE, feature_version=(3, 11))
    except SyntaxError as error:
        findings.add_syntax(error)
    except (RecursionError, MemoryError, ValueError, OverflowError):
        # By MemoryError the parser says that its own stack is full, or that the machine has no memory: then this raises
        # it too.
        bytes(_SPARE_BYTES)
        findings.add(ast.Module([], []), "D102", "the source is too deeply nested to parse", "write it in steps")
    return None


def _compile(tree: ast.Module, findings: Findings) -> None:
    """Find the errors that only Python's compiler sees, such as `break` outside a loop: one in each function."""
    # The compiler repeats what is known, such as `yield` outside a function; so only on other lines. A function that
    # is missing has no line.
    known = {problem.line for problem in findings.all() if problem.code != "D163"}
    for part in (tree, *(ast.Module([statement], []) for statement in tree.body)):
        try:
            compile(part, _NO_FILE, "exec", dont_inherit=True, optimize=0)
        except SyntaxError as error:
            if error.lineno not in known:
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
