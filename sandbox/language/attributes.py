"""Rules about attributes and keywords: only those that something in the sandbox has."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from sandbox.language.findings import Findings
from sandbox.language.methods import METHOD_NAMES
from sandbox.language.rules import MODULES, binding
from sandbox.language.suggestions import Suggestions
from sandbox.language.vocabulary import Vocabulary

# Methods of Python's own types that authors may miss; the caller's vocabulary knows the rest.
_HINTS: Final = {
    "capitalize": "write the string as it shall be",
    "clear": "make a new list or dict",
    "format": 'write an f-string: f"{x}"',
    "fromkeys": "write a dict comprehension",
    "lstrip": "write x.strip()",
    "popitem": "write d.pop(key)",
    "remove": "write x.pop(position)",
    "replace": "write x.split(a) and b.join(...)",
    "rstrip": "write x.strip()",
}


def check_attributes(tree: ast.Module, vocabulary: Vocabulary, findings: Findings) -> None:
    """Report every attribute that no value here has, and every keyword that no function of its name takes."""
    _Attributes(vocabulary, findings).visit(tree)


class _Attributes(ast.NodeVisitor):
    """Visits what is evaluated: annotations are dropped, and the heads of refused constructs are reported as such."""

    def __init__(self, vocabulary: Vocabulary, findings: Findings) -> None:
        self._vocabulary = vocabulary
        self._known = vocabulary.attributes | METHOD_NAMES
        self._findings = findings
        self._suggestions = {path: Suggestions(known) for path, known in vocabulary.namespaces.items()}
        self._suggestions[""] = Suggestions(self._known)
        self._classes = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_all([*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._visit_all([node.target, *filter(None, [node.value])])

    def visit_With(self, node: ast.With) -> None:
        self._visit_all(node.body)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._classes += 1
        self._visit_all(node.body)
        self._classes -= 1

    def _visit_all(self, nodes: Sequence[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module in MODULES and node.level == 0:
            for alias in binding(node):
                if alias.name not in self._vocabulary.namespaces[node.module] | {"*"}:
                    self._findings.add(alias, "D154", *self._unknown(node.module, alias.name))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._is_known(node)

    def _is_known(self, node: ast.expr) -> bool:
        """Check an attribute, and before it what it is read from: a chain has one problem at most."""
        if not isinstance(node, ast.Attribute):
            self.visit(node)
            # What a class keeps in itself is no problem of its own: the class is refused.
            return not (self._classes and isinstance(node, ast.Name) and node.id == "self")
        if not self._is_known(node.value):
            return False
        path = _path(node.value)
        known = self._vocabulary.namespaces.get(path, self._known)
        if not isinstance(node.ctx, ast.Load) or node.attr.startswith("_") or node.attr in known:
            return True
        self._findings.add_attribute(node, "D154", *self._unknown(path, node.attr))
        return False

    def _unknown(self, path: str, name: str) -> tuple[str, str]:
        """The message about an unknown attribute of a namespace, or of any other value."""
        owner = path if path in self._vocabulary.namespaces else ""
        message = f"{owner!r} has no {name!r} here" if owner else f"nothing here has an attribute {name!r}"
        hint = self._vocabulary.hints.get(name) or _HINTS.get(name)
        return message, hint or self._suggestions[owner].hint(name)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name not in self._vocabulary.keywords or name in METHOD_NAMES:
            return
        for keyword in node.keywords:
            word = keyword.arg or "_"
            if word not in self._vocabulary.keywords[name] and not word.startswith("_"):
                hint = self._vocabulary.hints.get(f"{word}=") or "leave it out"
                self._findings.add(keyword, "D155", f"{name!r} takes no keyword {word!r} here", hint)


def _path(node: ast.expr) -> str:
    """The dotted name of a namespace or of something in it; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id if node.id in MODULES else ""
    outer = _path(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{outer}.{node.attr}" if outer and isinstance(node, ast.Attribute) else ""
