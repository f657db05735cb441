"""Problems as they are found in a syntax tree, with columns in characters."""

from __future__ import annotations

import ast
from typing import Final

from sandbox.diagnostics import Diagnostic

MAX_TEXT: Final = 200
"""Characters of a message and of a hint: a name that an author chose may be as long as a line."""


class Findings:
    """Collects the diagnostics of one source, each once, at the nodes that caused them."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._lines = source.split("\n")
        self._found: set[Diagnostic] = set()

    def add(self, node: ast.AST, code: str, message: str, hint: str = "") -> None:
        """Record a problem at `node`; a node without a place of its own counts for line 1."""
        self._add_at(getattr(node, "lineno", 1), getattr(node, "col_offset", 0), (code, message, hint))

    def add_attribute(self, node: ast.Attribute, code: str, message: str, hint: str) -> None:
        """Record a problem at the name that follows the point."""
        offset = (node.end_col_offset or 0) - len(node.attr.encode())
        self._add_at(node.end_lineno or node.lineno, max(offset, 0), (code, message, hint))

    def _add_at(self, line: int, offset: int, texts: tuple[str, str, str]) -> None:
        # Python counts bytes of UTF-8, people count characters.
        column = len(self._lines[line - 1].encode()[:offset].decode(errors="replace")) + 1
        self._found.add(Diagnostic(line, column, *(text[:MAX_TEXT] for text in texts)))

    def add_syntax(self, error: SyntaxError) -> None:
        """Record what Python's own parser or compiler objects to."""
        place = Diagnostic(max(error.lineno or 1, 1), max(error.offset or 1, 1), "D100", error.msg[:MAX_TEXT])
        self._found.add(place)

    def all(self) -> tuple[Diagnostic, ...]:
        """Every problem, in the order of the source."""
        return tuple(sorted(self._found))
