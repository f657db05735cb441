"""Problems as they are found in a syntax tree, with columns in characters."""

from __future__ import annotations

import ast

from sandbox.diagnostics import Diagnostic


class Findings:
    """Collects the diagnostics of one source, each once, at the nodes that caused them."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._lines = source.split("\n")
        self._found: set[Diagnostic] = set()

    def add(self, node: ast.AST, code: str, message: str, hint: str = "") -> None:
        """Record a problem at `node`; a node without a place of its own counts for line 1."""
        line: int = getattr(node, "lineno", 1)
        offset: int = getattr(node, "col_offset", 0)
        # Python counts bytes of UTF-8, people count characters.
        column = len(self._lines[line - 1].encode()[:offset].decode(errors="replace")) + 1
        self._found.add(Diagnostic(line, column, code, message, hint))

    def add_syntax(self, error: SyntaxError) -> None:
        """Record what Python's own parser or compiler objects to."""
        place = Diagnostic(max(error.lineno or 1, 1), max(error.offset or 1, 1), "D100", error.msg)
        self._found.add(place)

    def all(self) -> tuple[Diagnostic, ...]:
        """Every problem, in the order of the source."""
        return tuple(sorted(self._found))
