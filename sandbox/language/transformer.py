"""Rewrites a checked module so that everything it does goes through the hooks of `guards`.

RestrictedPython's transformer supplies the frame (it refuses private names once more, and node classes that
it does not know); the rewrites below replace or extend its own:

    def f(a): BODY       def f(a):                  a + b       _binop_('+', a, b)
                             _enter_(units)         a < b < c   _compare_('<', a, b) and _compare_('<', b, c)
                             try: BODY              x[i] = v    _setitem_(v, x, i)
                             finally: _leave_()     x[i] += v   _augment_item_(_locate_(x, i), '+', v)
    lambda a: E          lambda a: _leave_(         del x[i]    _delitem_(x, i)
                             _enter_(units) or E)   {k: v}      {_key_(k): v}
    while T: BODY        while T:                   f'a{x:.1f}' _format_('a', (x, '.1f'))
                             _tick_(units); BODY    [E for x in y]
    for x in y: BODY     for x in _getiter_(y):          [E for x in _getiter_(y) if not _tick_(units)]
                             _tick_(units); BODY

Arguments keep the order in which Python evaluates the original, and every expression is evaluated once.
RestrictedPython's visitors change their node in place.
"""

# ruff: noqa: N802 (node visitors are named after the classes of ast)

from __future__ import annotations

import ast
from typing import Any, Final, TypeVar

from RestrictedPython.transformer import IOPERATOR_TO_STR, RestrictingNodeTransformer, copy_locations

from sandbox.language.constructs import parts, refusal_of
from sandbox.language.prices import CALL, LOOP, NODE
from sandbox.language.rules import spec_of

_COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}

_Placed = TypeVar("_Placed", ast.expr, ast.stmt)


def transform(tree: ast.Module) -> tuple[ast.Module, tuple[str, ...]]:
    """Rewrite a checked tree in place; return it with RestrictedPython's objections, which should be none."""
    sizes: dict[ast.AST, int] = {}
    _measure(tree, sizes)
    transformer = Transformer(sizes)
    return transformer.visit(tree), tuple(transformer.errors)


class Transformer(RestrictingNodeTransformer):  # type: ignore[misc, unused-ignore]
    """RestrictedPython's policy with the hooks of this sandbox; `sizes` are those of the nodes as written."""

    def __init__(self, sizes: dict[ast.AST, int]) -> None:
        super().__init__()
        self._sizes = sizes

    def visit(self, node: ast.AST) -> Any:
        """Refuse what the table of constructs refuses, should the dialect have let it pass."""
        if refusal_of(node) is not None:
            self.not_allowed(node)
        return super().visit(node)

    def _units(self, node: ast.AST, base: int = 0) -> ast.Constant:
        # A flat price would make a turn of a long loop as cheap as one of a short loop.
        return ast.Constant(base + NODE * self._sizes[node])

    # Functions

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Drop the annotations, and put the body between `_enter_` and `_leave_`."""
        node.returns = None
        super().visit_FunctionDef(node)
        enter = _placed(ast.Expr(_call("_enter_", self._units(node, CALL))), node)
        leave = _placed(ast.Expr(_call("_leave_")), node)
        body = ast.Try(body=node.body, handlers=[], orelse=[], finalbody=[leave])
        node.body = [enter, _placed(body, node)]
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """Put the value between `_enter_`, which returns None, and `_leave_`, which returns its argument."""
        super().visit_Lambda(node)
        body = ast.BoolOp(ast.Or(), [_call("_enter_", self._units(node, CALL)), node.body])
        node.body = _placed(_call("_leave_", body), node.body)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Drop the annotation unevaluated."""
        node.annotation = None
        return node

    # Statements

    def visit_Import(self, node: ast.Import) -> ast.AST:
        """Drop the import: the loader has put the namespaces in place."""
        return _placed(ast.Pass(), node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        """Drop the only one allowed, `from __future__ import annotations`."""
        return _placed(ast.Pass(), node)

    def visit_While(self, node: ast.While) -> ast.AST:
        """Meter every turn."""
        super().visit_While(node)
        node.body.insert(0, _placed(ast.Expr(_call("_tick_", self._units(node, LOOP))), node))
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        """Meter every turn, as `_getiter_` meters every element."""
        super().visit_For(node)
        node.body.insert(0, _placed(ast.Expr(_call("_tick_", self._units(node))), node))
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        """Store an item by a call; leave unpacking to RestrictedPython."""
        target = node.targets[0]
        if not isinstance(target, ast.Subscript):
            return super().visit_Assign(node)
        value, container, index = map(self.visit, (node.value, target.value, target.slice))
        return _placed(ast.Expr(_call("_setitem_", value, container, index)), node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        """Make it a plain assignment, or nothing when it has no value."""
        if node.value is None:
            return _placed(ast.Pass(), node)
        return self.visit(_placed(ast.Assign([node.target], node.value), node))

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """Read an item, evaluate the right side, and store the result: each once and in this order."""
        target = node.target
        if not isinstance(target, ast.Subscript):
            return super().visit_AugAssign(node)
        located = _call("_locate_", self.visit(target.value), self.visit(target.slice))
        augmented = _call("_augment_item_", located, _symbol(node.op), self.visit(node.value))
        return _placed(ast.Expr(augmented), node)

    def visit_Delete(self, node: ast.Delete) -> Any:
        """Delete items by calls; the dialect allows nothing else."""
        deletions = []
        for target in node.targets:
            if not isinstance(target, ast.Subscript):
                self.not_allowed(node)
                continue
            call = _call("_delitem_", self.visit(target.value), self.visit(target.slice))
            deletions.append(_placed(ast.Expr(call), target))
        return deletions

    # Expressions

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Send every operator through `_binop_`."""
        operation = _call("_binop_", _symbol(node.op), self.visit(node.left), self.visit(node.right))
        return _placed(operation, node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Take a chain apart into pairs; the operands in its middle are names or constants."""
        operands: list[ast.expr] = [self.visit(operand) for operand in (node.left, *node.comparators)]
        pairs: list[ast.expr] = []
        for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
            symbol = _COMPARISONS.get(type(operator))
            if symbol is None:  # `is`, which runs no code
                pairs.append(ast.Compare(left, [operator], [right]))
            else:
                pairs.append(_call("_compare_", ast.Constant(symbol), left, right))
        return _placed(pairs[0] if len(pairs) == 1 else ast.BoolOp(ast.And(), pairs), node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> Any:
        """Make it a list: its consumer takes every element anyway, and no frame outlives the call."""
        made = _placed(ast.ListComp(node.elt, node.generators), node)
        self._sizes[made] = self._sizes[node]
        return self.visit(made)

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        """Meter every turn."""
        super().visit_ListComp(node)
        self._meter_turns(node)
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        """Check the keys that are not constants."""
        super().visit_Dict(node)
        node.keys = [key if isinstance(key, ast.Constant) else _key(key) for key in node.keys]
        return node

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        """Check the keys."""
        super().visit_DictComp(node)
        node.key = _key(node.key)
        self._meter_turns(node)
        return node

    def _meter_turns(self, node: ast.ListComp | ast.DictComp) -> None:
        for generator in node.generators:
            tick = ast.UnaryOp(ast.Not(), _call("_tick_", self._units(node)))
            generator.ifs.insert(0, _placed(tick, node))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Format by a call, with one size for the whole text."""
        parts: list[ast.expr] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                spec = ast.Constant(spec_of(part) or "")
                parts.append(ast.Tuple([self.visit(part.value), spec], ast.Load()))
            else:
                parts.append(part)
        return _placed(_call("_format_", *parts), node)


def _measure(node: ast.AST, sizes: dict[ast.AST, int]) -> int:
    sizes[node] = 1 + sum(_measure(part, sizes) for part in parts(node))
    return sizes[node]


def _call(hook: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(hook, ast.Load()), list(arguments), [])


def _key(key: ast.expr | None) -> ast.expr:
    if key is None:  # `**x`: the dialect refuses it before
        raise ValueError("a dict display with ** reached the transformer")
    return _placed(_call("_key_", key), key)


def _symbol(operator: ast.operator) -> ast.Constant:
    return ast.Constant(IOPERATOR_TO_STR[type(operator)].removesuffix("="))


def _placed(new: _Placed, old: ast.expr | ast.stmt) -> _Placed:
    """Give a generated node, and what it holds, the place of the author's."""
    copy_locations(new, old)
    return new
