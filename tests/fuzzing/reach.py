"""What programs reach: classes of syntax, builtins, and the attributes of the sandbox's types."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any, Final

from sandbox.language.builtins import BUILTIN_NAMES
from sandbox.language.constructs import ALLOWED
from sandbox.language.guards import Guards
from sandbox.tensors.attributes import ATTRIBUTES
from tests.fuzzing.oracle import Outcome
from tests.fuzzing.samples import Program

_NOT_IN_TREES: Final = frozenset(("Module", "arguments", "Load", "Store", "Del", "alias", "arg"))
VOCABULARY: Final[dict[str, frozenset[str]]] = {
    "syntax": ALLOWED - _NOT_IN_TREES,
    "builtins": BUILTIN_NAMES,
    "facade": frozenset(f"{kind.__name__}.{name}" for kind, names in ATTRIBUTES.items() for name in names),
}
"""All there is to reach."""


class Reach:
    """Collects, for each part of the vocabulary, what programs that ran had in them, or for the facade asked for."""

    def __init__(self) -> None:
        self.reached: dict[str, set[str]] = {part: set() for part in VOCABULARY}

    def install(self) -> None:
        """Have the guards of modules loaded from now on tell which attributes they hand out."""
        read = Guards.get_attribute

        def get_attribute(guards: Guards, value: object, name: str) -> Any:
            found = read(guards, value, name)
            self.reached["facade"].add(f"{type(value).__name__}.{name}")
            return found

        setattr(Guards, "get_attribute", get_attribute)  # noqa: B010 - mypy takes no other method for one

    def note(self, program: Program, outcome: Outcome) -> None:
        """Add the syntax and the builtins of a program that was not refused."""
        if outcome.ending == "ModuleRefused":
            return
        for node in ast.walk(ast.parse(program.source)):
            self.reached["syntax"].add(type(node).__name__)
            if isinstance(node, ast.Name):
                self.reached["builtins"].add(node.id)


def summary(reached: dict[str, Iterable[str]]) -> dict[str, dict[str, Any]]:
    """For each part how much of the vocabulary was reached, and what was not."""
    missing = {part: sorted(names - set(reached[part])) for part, names in VOCABULARY.items()}
    return {
        part: {"reached": len(names) - len(missing[part]), "of": len(names), "not_reached": missing[part]}
        for part, names in VOCABULARY.items()
    }
