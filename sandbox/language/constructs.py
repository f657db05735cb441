"""Every class of Python's syntax tree (3.11 to 3.14), sorted into allowed, refused and never met.

A class that is in none of the three is refused, and fails the tests: a newer Python has to be read first.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Refusal:
    """Why a construct is refused: rule `code`, what it is, and what to write instead."""

    code: str
    message: str
    hint: str


_ALLOWED: Final = """
    Module FunctionDef Lambda arguments arg Return Expr Pass
    Assign AugAssign AnnAssign Delete For While If Break Continue Raise Assert Import ImportFrom alias
    BoolOp BinOp UnaryOp IfExp Dict List Tuple ListComp DictComp GeneratorExp comprehension
    Compare Call keyword FormattedValue JoinedStr Constant Attribute Subscript Slice Starred Name Load Store Del
    And Or Add Sub Mult MatMult Div Mod Pow LShift RShift BitOr BitXor BitAnd FloorDiv Invert Not UAdd USub
    Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn
"""
ALLOWED: Final = frozenset(_ALLOWED.split())

_SCOPE: Final = ("D112", "a function cannot rebind names outside itself", "pass values in and return them")
_YIELD: Final = ("D113", "generators are not allowed", "collect the values in a list and return it")
_ASYNC: Final = ("D114", "asynchronous code is not allowed", "write a plain function or loop")
_WITH: Final = (
    "D116",
    "with is not allowed",
    "write the statements without it; nothing tracks gradients here",
)
_TRY: Final = ("D117", "try is not allowed", "test for the problem with if before it happens")
_SET: Final = ("D122", "sets have no defined order", "write a list, or a dict with the items as keys")
_TYPE: Final = ("D124", "type parameters and aliases are not allowed", "write a plain function without them")
_TEMPLATE: Final = ("D123", "template strings are not allowed", "write an f-string")

REFUSED: Final[dict[str, Refusal]] = {
    name: Refusal(*reason)
    for name, reason in {
        "ClassDef": ("D110", "classes are not allowed", "keep the state in a dict"),
        "Global": _SCOPE,
        "Nonlocal": _SCOPE,
        "Yield": _YIELD,
        "YieldFrom": _YIELD,
        "AsyncFunctionDef": _ASYNC,
        "AsyncFor": _ASYNC,
        "AsyncWith": _ASYNC,
        "Await": _ASYNC,
        "Match": ("D115", "match is not allowed", "write if and elif"),
        "With": _WITH,
        "Try": _TRY,
        "TryStar": _TRY,
        "NamedExpr": ("D121", "the := operator is not allowed", "assign on a line of its own"),
        "Set": _SET,
        "SetComp": _SET,
        "TemplateStr": _TEMPLATE,
        "TypeAlias": _TYPE,
        "TypeVar": _TYPE,
        "ParamSpec": _TYPE,
        "TypeVarTuple": _TYPE,
    }.items()
}

# Parts of a refused construct (its parent is reported), abstract bases, and what no parsed module contains.
_NEVER_MET: Final = """
    ExceptHandler withitem Interpolation match_case
    MatchValue MatchSingleton MatchSequence MatchMapping MatchClass MatchStar MatchAs MatchOr
    mod stmt expr expr_context boolop operator unaryop cmpop excepthandler pattern type_ignore type_param
    Interactive Expression FunctionType TypeIgnore
    slice Num Str Bytes NameConstant Ellipsis Index ExtSlice Suite AugLoad AugStore Param
"""
NEVER_MET: Final = frozenset(_NEVER_MET.split())

_UNKNOWN: Final = Refusal("D191", "this construct is newer than the sandbox", "write it in the Python of 3.11")


def parts(node: ast.AST) -> Iterator[ast.AST]:
    """Iterate over the nodes inside `node`; of an f-string the fields (Pythons split strings differently)."""
    if not isinstance(node, ast.JoinedStr):
        yield from ast.iter_child_nodes(node)
        return
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            yield part.value
            if part.format_spec is not None:
                yield from parts(part.format_spec)


def refusal_of(node: ast.AST) -> Refusal | None:
    """Say why the class of `node` is refused, or None when it is allowed or part of something refused."""
    name = type(node).__name__
    if name in ALLOWED or name in NEVER_MET:
        return None
    return REFUSED.get(name, _UNKNOWN)
