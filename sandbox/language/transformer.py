"""Rewrites a checked module so that everything it does goes through the hooks of `guards`.

RestrictedPython's transformer supplies the frame (it refuses private names once more, and node classes that
it does not know); the rewrites below replace or extend its own:

    def f(a): BODY       def f(a):                  a + b, -a   _binop_('+', a, b), _unop_('-', a)
                             _enter_(units)         a < b < c   _compare_('<', a, b) and _compare_('<', b, c)
                             try: BODY              x[i] = v    _setitem_(v, x, i)
                             finally: _leave_()     x[i] += v   _augment_item_(_locate_(x, i), '+', v)
    lambda a: E          lambda a: _leave_(         del x[i]    _delitem_(x, i)
                             _enter_(units) or E)   {k: v}      {_key_(k): v}
    while T: BODY        while T:                   {**a, k: v} _merge_(a, {_key_(k): v})
                             _tick_(units); BODY    f(a, *b)    f(a, *_spread_(b))
    for x in y: BODY     for x in _getiter_(y):     f'a{x:.1f}' _format_('a', (x, '.1f'))
                             _tick_(units); BODY    [E for x in y]
    x[i], y = E          t, u = E                        [E for x in _getiter_(y) if not _tick_(units)]
                         x[i] = t; y = u            a < E < c   (lambda s, t: s < t and t < c)(a, E)

Arguments keep the order in which Python evaluates the original, and every expression is evaluated once.
RestrictedPython's visitors change their node in place.
"""

# ruff: noqa: N802 (node visitors are named after the classes of ast)

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, Final, TypeVar

from RestrictedPython.transformer import IOPERATOR_TO_STR, RestrictingNodeTransformer, copy_locations

from sandbox.language.constructs import parts, refusal_of
from sandbox.language.prices import CALL, CALLING, CONTAINER, DICT, FUNCTION, ITEM, LOOP, NODE
from sandbox.language.rules import MODULES, binding, is_repeatable, is_scalar, spec_of

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

_SIGNS: Final[dict[type[ast.unaryop], str]] = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}
_MADE: Final[dict[type[ast.AST], int]] = {
    ast.List: CONTAINER,
    ast.Tuple: CONTAINER,
    ast.ListComp: CONTAINER,
    ast.DictComp: DICT,
    ast.GeneratorExp: CONTAINER,
    ast.Dict: DICT,
    ast.Lambda: FUNCTION,
    ast.FunctionDef: FUNCTION,
    ast.Call: CALLING,
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
        self._sizes = sizes  # in units

    def visit(self, node: ast.AST) -> Any:
        """Refuse what the table of constructs refuses, should the dialect have let it pass."""
        if refusal_of(node) is not None:
            self.not_allowed(node)
        return super().visit(node)

    def _units(self, node: ast.AST, base: int = 0) -> ast.Constant:
        # A flat price would make a turn of a long loop as cheap as one of a short loop.
        return ast.Constant(base + self._sizes[node])

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

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        """Read the names from the namespace; drop those that only annotations use."""
        if node.module not in MODULES or node.module is None:
            return _placed(ast.Pass(), node)
        return [self._imported(node, node.module, alias) for alias in binding(node)]

    def _imported(self, node: ast.ImportFrom, module: str, alias: ast.alias) -> ast.stmt:
        name = self.visit(_placed(ast.Name(alias.asname or alias.name, ast.Store()), node))
        attribute = _call("_getattr_", ast.Name(module, ast.Load()), ast.Constant(alias.name))
        return _placed(ast.Assign([name], attribute), node)

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
        leaves = _leaves(target)
        if not any(isinstance(leaf, ast.Subscript) for leaf in leaves):
            return super().visit_Assign(node)
        if not isinstance(target, ast.Tuple):
            return self._store(target, self.visit(node.value))
        # Python stores from left to right, and evaluates the place of each item only then.
        names = [f"_item{position}_" for position in range(len(leaves))]
        unpacked = _renamed(target, iter(names))
        unpack = ast.Assign([unpacked], self.protect_unpack_sequence(unpacked, self.visit(node.value)))
        stores = [self._store(leaf, ast.Name(name, ast.Load())) for leaf, name in zip(leaves, names, strict=True)]
        return [_placed(unpack, node), *stores]

    def _store(self, target: ast.expr, value: ast.expr) -> ast.stmt:
        if not isinstance(target, ast.Subscript):
            return _placed(ast.Assign([self.visit(target)], value), target)
        stored = _call("_setitem_", value, self.visit(target.value), self.visit(target.slice))
        return _placed(ast.Expr(stored), target)

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

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        """Send every sign through `_unop_`, but those of literals; `not` runs no code that is not metered."""
        if isinstance(node.op, ast.Not) or is_scalar(node):
            return super().visit_UnaryOp(node)
        return _placed(_call("_unop_", ast.Constant(_SIGNS[type(node.op)]), self.visit(node.operand)), node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Take a chain apart into pairs."""
        left, *others = [self.visit(operand) for operand in (node.left, *node.comparators)]
        return _placed(_chain(left, list(zip(node.ops, others, strict=True))), node)

    def visit_Call(self, node: ast.Call) -> Any:
        """Copy what a star spreads over the arguments."""
        if not any(isinstance(argument, ast.Starred) for argument in node.args):
            return super().visit_Call(node)
        node.func = self.visit(node.func)
        node.args = [self._argument(argument) for argument in node.args]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        return node

    def _argument(self, node: ast.expr) -> ast.expr:
        if not isinstance(node, ast.Starred):
            argument: ast.expr = self.visit(node)
            return argument
        return _placed(ast.Starred(_call("_spread_", self.visit(node.value)), ast.Load()), node)

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        """Refuse every other star."""
        self.not_allowed(node)
        return node

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
        """Check the keys that are no literals, and merge what `**` adds by a call."""
        displays = [ast.Dict([], [])]
        parts: list[ast.expr] = [displays[0]]
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                displays.append(ast.Dict([], []))
                parts += [self.visit(value), displays[-1]]
            else:
                displays[-1].keys.append(key if isinstance(key, ast.Constant) else _key(self.visit(key)))
                displays[-1].values.append(self.visit(value))
        if len(parts) == 1:
            return _placed(parts[0], node)
        return _placed(_call("_merge_", *(part for part in parts if not isinstance(part, ast.Dict) or part.keys)), node)

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
        """Format by a call, with one size for the whole string."""
        parts: list[ast.expr] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                spec = ast.Constant(spec_of(part) or "")
                parts.append(ast.Tuple([self.visit(part.value), spec], ast.Load()))
            else:
                parts.append(part)
        return _placed(_call("_format_", *parts), node)


def _measure(node: ast.AST, sizes: dict[ast.AST, int]) -> int:
    own = NODE + _MADE.get(type(node), 0)
    if isinstance(node, ast.Dict):
        own += ITEM * len(node.keys)
    elif isinstance(node, ast.arguments):
        own += ITEM * len(node.kwonlyargs)
    sizes[node] = own + sum(_measure(part, sizes) for part in parts(node))
    return sizes[node]


def _call(hook: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(hook, ast.Load()), list(arguments), [])


def _leaves(target: ast.expr) -> list[ast.expr]:
    """The targets of an assignment, from left to right."""
    return [leaf for part in target.elts for leaf in _leaves(part)] if isinstance(target, ast.Tuple) else [target]


def _renamed(target: ast.Tuple, names: Iterator[str]) -> ast.Tuple:
    """The same target with names in the places of what it stores to."""
    parts: list[ast.expr] = [
        _renamed(part, names) if isinstance(part, ast.Tuple) else ast.Name(next(names), ast.Store())
        for part in target.elts
    ]
    return ast.Tuple(parts, ast.Store())


def _pair(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
    symbol = _COMPARISONS.get(type(operator))
    if symbol is None:  # `is`, which runs no code
        return ast.Compare(left, [operator], [right])
    return _call("_compare_", ast.Constant(symbol), left, right)


def _chain(left: ast.expr, others: list[tuple[ast.cmpop, ast.expr]]) -> ast.expr:
    """Compare in pairs; an operand in the middle that is no name or constant is bound first, to be evaluated once."""
    (operator, middle), *rest = others
    if not rest:
        return _pair(left, operator, middle)
    if is_repeatable(middle):
        return ast.BoolOp(ast.And(), [_pair(left, operator, middle), _chain(middle, rest)])
    names = ["_left_", "_middle_"]
    bound = [ast.Name(name, ast.Load()) for name in names]
    holds = ast.BoolOp(ast.And(), [_pair(bound[0], operator, bound[1]), _chain(bound[1], rest)])
    arguments = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
    return ast.Call(ast.Lambda(arguments, holds), [left, middle], [])


def _key(key: ast.expr) -> ast.expr:
    return _placed(_call("_key_", key), key)


def _symbol(operator: ast.operator) -> ast.Constant:
    return ast.Constant(IOPERATOR_TO_STR[type(operator)].removesuffix("="))


def _placed(new: _Placed, old: ast.expr | ast.stmt) -> _Placed:
    """Give a generated node, and what it holds, the place of the author's."""
    copy_locations(new, old)
    return new
