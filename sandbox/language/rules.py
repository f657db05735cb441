"""Rules about single constructs: which classes of syntax are allowed, and in which form."""

from __future__ import annotations

import ast
import re
from typing import Final

from sandbox.language.constructs import refusal_of
from sandbox.language.findings import Findings
from sandbox.language.prices import MAX_BITS

RAISABLE: Final = frozenset({"ValueError", "TypeError", "RuntimeError"})
MODULES: Final = frozenset({"torch", "math"})
MAX_TEXT: Final = 4096
# In Python 3.11 a comprehension is a call, and a chain of comparisons becomes some; with bounded calls this bounds the
# stack (prices.MAX_CALL_DEPTH).
MAX_COMPREHENSIONS: Final = 4
MAX_COMPARISONS: Final = 8
ANNOTATING: Final = frozenset({"typing", "collections.abc", "__future__"})
"""Modules of names for annotations; importing from them is dropped, as annotations are."""

_CONSUMERS: Final = frozenset({"all", "any", "dict", "list", "max", "min", "sorted", "sum", "tuple"})
# No fill, no locale ("n"), no nested fields; widths of at most three digits.
_FORMAT: Final = re.compile(r"[<>=^]?[-+ ]?0?[0-9]{0,3}[,_]?(\.[0-9]{1,2})?[bdeEfFgGosxX%]?")


def check_rules(tree: ast.Module, findings: Findings) -> None:
    """Report every refused construct and every allowed one in a refused form."""
    _Rules(findings).visit(tree)


def is_scalar(node: ast.expr) -> bool:
    """Tell whether `node` is a literal number, string, bool or None, possibly with a minus sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant)


def is_repeatable(node: ast.expr) -> bool:
    """Tell whether evaluating `node` twice is as good as once."""
    return isinstance(node, ast.Name) or is_scalar(node)


def binding(node: ast.Import | ast.ImportFrom) -> list[ast.alias]:
    """List the names that an import binds: not those that only annotations can use."""
    module = node.module if isinstance(node, ast.ImportFrom) and node.level == 0 else None
    if module in ANNOTATING:
        return []
    return [name for name in node.names if (module, name.name) != ("torch", "Tensor")]


def spec_of(field: ast.FormattedValue) -> str | None:
    """Return the format of an f-string's field, or None when it is not a constant."""
    parts = field.format_spec.values if isinstance(field.format_spec, ast.JoinedStr) else []
    texts = [p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)]
    return "".join(texts) if len(texts) == len(parts) else None


class _Rules(ast.NodeVisitor):
    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._add = findings.add
        self._lines = findings.source.split("\n")
        self._comprehensions = 0
        self._functions = 0
        self._consumed: set[ast.expr] = set()
        self._spread: set[ast.expr] = set()

    def visit(self, node: ast.AST) -> None:
        """Classify a node, then apply the rule of its own class, if it has one."""
        refusal = refusal_of(node)
        if refusal is not None:
            self._add(node, refusal.code, refusal.message, refusal.hint)
        super().visit(node)

    # Functions

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for decorator in node.decorator_list:
            self._add(decorator, "D111", "decorators are not allowed", "call the function where it is needed")
        # Annotations are dropped without being looked at.
        self._function(node.args, [*getattr(node, "type_params", []), *node.body])

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node.args, [node.body])

    def _function(self, arguments: ast.arguments, body: list[ast.AST]) -> None:
        for star in (arguments.vararg, arguments.kwarg):
            if star is not None:
                self._add(star, "D140", f"parameter {star.arg!r} gathers arguments", "name each parameter")
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None and not _is_constant(default):
                self._add(default, "D139", "a default is not a constant", "use None and set the value inside")
        outer, self._comprehensions = self._comprehensions, 0
        self._functions += 1
        for child in (*arguments.defaults, *filter(None, arguments.kw_defaults), *body):
            self.visit(child)
        self._functions -= 1
        self._comprehensions = outer

    # Statements

    def visit_Import(self, node: ast.Import) -> None:
        for name in node.names:
            if name.name not in MODULES or name.asname is not None:
                hint = 'only "import torch" and "import math", under their own names'
                self._add(name, "D130", f"import of {name.name!r} is not allowed", hint)
        self._top_level(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        names = [name.name for name in node.names]
        future = module != "__future__" or names == ["annotations"]
        if module not in MODULES | ANNOTATING or "*" in names or not future:
            self._add(node, "D130", f"this import from {module!r} is not allowed", _import_hint(module))
        self._top_level(node)

    def _top_level(self, node: ast.stmt) -> None:
        if self._functions:
            self._add(node, "D131", "an import inside a function", "write it at the top of the module")

    def visit_Assert(self, node: ast.Assert) -> None:
        if node.msg is not None and not _is_message(node.msg):
            self._add(node.msg, "D118", "the message of an assert is not a string", 'write assert x > 0, "..."')
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        error = node.exc
        plain = (
            isinstance(error, ast.Call)
            and isinstance(error.func, ast.Name)
            and error.func.id in RAISABLE
            and not error.keywords
            and len(error.args) == 1
            and _is_message(error.args[0])
        )
        if not plain or node.cause is not None:
            self._add(node, "D132", "this form of raise is not allowed", 'write raise ValueError("...")')
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if len(node.targets) > 1 and not all(isinstance(t, ast.Name) for t in node.targets):
            self._add(node, "D134", "one value is assigned to several targets", "write one assignment for each")
        for target in node.targets:
            self._target(target, items=True)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._target(node.target, items=True)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._target(node.target, items=True)
        for child in filter(None, (node.target, node.value)):
            self.visit(child)

    def visit_For(self, node: ast.For) -> None:
        self._target(node.target)
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if not isinstance(target, ast.Subscript):
                self._add(target, "D119", "del of anything but an item is not allowed", "assign None instead")
        self.generic_visit(node)

    def _target(self, node: ast.expr, items: bool = False) -> None:
        if isinstance(node, ast.Attribute):
            message = f"the attribute {node.attr!r} is assigned"
            self._add(node, "D133", message, "attributes cannot be changed: make a new value")
        elif isinstance(node, ast.Tuple):
            for element in node.elts:
                self._target(element, items)
        elif isinstance(node, ast.List):
            self._add(node, "D134", "a list is the target of an assignment", "write a, b = ... without brackets")
        elif isinstance(node, ast.Subscript) and not items:
            self._add(node, "D134", "an item is the target of a loop", "loop over a name, then assign the item")

    # Expressions

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr.startswith("_") or node.attr.endswith("__roles__"):
            hint = "use a documented attribute"
            self._findings.add_attribute(node, "D153", f"the attribute {node.attr!r} is private", hint)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        consumer = node.func.id if isinstance(node.func, ast.Name) else ""
        joins = isinstance(node.func, ast.Attribute) and node.func.attr == "join"
        if len(node.args) == 1 and (consumer in _CONSUMERS or joins):
            self._consumed.add(node.args[0])
        self._spread.update(argument for argument in node.args if isinstance(argument, ast.Starred))
        self.generic_visit(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        if node not in self._spread:
            hint = "join lists with +" if isinstance(node.ctx, ast.Load) else "write a[0] and a[1:]"
            self._add(node, "D120", "this star is not allowed", hint)
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg is None:
            self._add(node, "D120", "** of arguments is not allowed", "name each value")
        elif node.arg.startswith("_"):
            self._add(node, "D153", f"the keyword {node.arg!r} is private", "use a documented keyword")
        self.generic_visit(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        if node not in self._consumed:
            self._add(node, "D135", "a generator stands alone", "write a list comprehension: [... for ...]")
        self._comprehension(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self._target(node.target)
        if node.is_async:
            self._add(node.target, "D114", "asynchronous code is not allowed", "write a plain function or loop")
        self.generic_visit(node)

    def _comprehension(self, node: ast.AST, levels: int = 1) -> None:
        self._comprehensions += levels
        if levels and self._comprehensions > MAX_COMPREHENSIONS:
            message = f"comprehensions and chains of comparisons are nested deeper than {MAX_COMPREHENSIONS}"
            self._add(node, "D103", message, "write a for loop, or a function")
        self.generic_visit(node)
        self._comprehensions -= levels

    def visit_Compare(self, node: ast.Compare) -> None:
        if len(node.ops) > MAX_COMPARISONS:  # each is nested in the one before when the chain is taken apart
            message = f"more than {MAX_COMPARISONS} comparisons in one chain"
            self._add(node, "D136", message, "join shorter ones with 'and'")
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
            if isinstance(operator, ast.Is | ast.IsNot) and not (_is_singleton(left) or _is_singleton(right)):
                self._add(left, "D137", "'is' compares with something else than None", "write == or !=")
        self._comprehension(node, sum(not is_repeatable(middle) for middle in node.comparators[:-1]))

    def visit_Dict(self, node: ast.Dict) -> None:
        for key in node.keys:
            if isinstance(key, ast.Constant) and type(key.value) is not str:
                self._add(key, "D143", "a dict key is not a string", "write a string, or use a list")
        self.generic_visit(node)

    # Literals

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        # Before Python 3.12 a field can hold neither its string's quotes nor a line break; so it is here.
        first_line = self._lines[node.lineno - 1].encode()[node.col_offset : node.end_col_offset]
        if node.lineno != node.end_lineno or not first_line.isascii():
            self._add(node, "D138", "an f-string spans lines or is not ASCII", "join short f-strings with +")
        fields = [part for part in node.values if isinstance(part, ast.FormattedValue)]
        if b"\\" in first_line and any(field.format_spec is not None for field in fields):
            # In a raw string the format's escapes are read by some versions of Python, and not by others.
            self._add(node, "D138", "an f-string has a format and a backslash", "put the backslash into another string")
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self._field(node, part)
                self.visit(part.value)

    def _field(self, place: ast.AST, field: ast.FormattedValue) -> None:
        refused = (ast.Attribute, ast.JoinedStr, ast.Lambda)
        if any(isinstance(n, refused) or _is_text(n) for n in ast.walk(field.value)):
            message = "a field of an f-string holds an attribute, a string or a function"
            self._add(place, "D138", message, "give the value a name first")
        spec = spec_of(field)
        if field.conversion != -1 or spec is None or not _FORMAT.fullmatch(spec):
            self._add(place, "D138", "this format is not allowed", "write a plain one such as {x} or {x:.3f}")

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bytes | complex):
            self._add(node, "D141", f"literals of type {type(value).__name__} are not allowed", "write numbers")
        elif isinstance(value, str) and (len(value) > MAX_TEXT or any("\ud800" <= c <= "\udfff" for c in value)):
            message = f"a string has more than {MAX_TEXT} characters, or half a surrogate pair"
            self._add(node, "D142", message, "write a shorter string")
        elif isinstance(value, int) and value.bit_length() > MAX_BITS:
            self._add(node, "D142", f"an integer has more than {MAX_BITS} bits", "write a smaller number")


def _import_hint(module: str) -> str:
    if module.partition(".")[0] in MODULES:
        return 'only "import torch", "import math", and names from these two'
    return "write the code here"


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_message(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or _is_text(node)


def _is_constant(node: ast.expr) -> bool:
    return is_scalar(node) or (isinstance(node, ast.Tuple) and all(map(_is_constant, node.elts)))


def _is_singleton(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))
