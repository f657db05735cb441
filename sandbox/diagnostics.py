"""One problem in an optimiser module, at the author's own line and column."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Diagnostic:
    """A problem at `line` (from 1) and `column` (from 1): a stable rule `code`, what is wrong, what to write."""

    line: int
    column: int
    code: str
    message: str
    hint: str = ""

    @property
    def severity(self) -> str:
        """`error`; `warning` for a trap, which refuses nothing; `note` where nothing is wrong."""
        return {"W": "warning", "N": "note"}.get(self.code[:1], "error")

    def format(self, name: str) -> str:
        """Render as `name:line:column: code message (hint)`."""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{name}:{self.line}:{self.column}: {self.code} {self.message}{hint}"
