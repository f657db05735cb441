from __future__ import annotations

import ast

from sandbox.language.constructs import ALLOWED, NEVER_MET, REFUSED, refusal_of


def all_node_classes(root: type[ast.AST] = ast.AST) -> set[str]:
    return {name for child in root.__subclasses__() for name in {child.__name__, *all_node_classes(child)}}


def test_every_node_class_of_this_python_is_classified() -> None:
    """H03: a new class of syntax fails here before it can reach an optimiser."""
    known = ALLOWED | REFUSED.keys() | NEVER_MET
    assert {name for name in all_node_classes() if not name.startswith("_")} - known == set()


def test_the_classes_are_disjoint() -> None:
    assert not ALLOWED & REFUSED.keys()
    assert not NEVER_MET & (ALLOWED | REFUSED.keys())


def test_an_unknown_class_is_refused() -> None:
    novelty = type("Novelty", (ast.stmt,), {})
    refusal = refusal_of(novelty())
    assert refusal is not None
    assert refusal.code == "D191"
