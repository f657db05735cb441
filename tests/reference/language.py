"""The language of the second implementation, as far as fixtures/optimisers use it (specification 7.2 and 11)."""

from __future__ import annotations

import ast
import operator
from collections import ChainMap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from tests.reference import arithmetic
from tests.reference.builtins import Builtins, Namespace
from tests.reference.fuel import Meter
from tests.reference.recorder import Recorder
from tests.reference.tensors import Random, Tensor

OPERATORS: dict[type[ast.operator | ast.cmpop], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("add", operator.add),
    ast.Sub: ("sub", operator.sub),
    ast.Mult: ("mul", operator.mul),
    ast.Div: ("div", operator.truediv),
    ast.MatMult: ("matmul", operator.matmul),
    ast.Gt: ("gt", operator.gt),
    ast.Lt: ("", operator.lt),
    ast.LtE: ("", operator.le),
    ast.FloorDiv: ("", operator.floordiv),
    ast.Mod: ("", operator.mod),
    ast.Pow: ("", arithmetic.power),
    ast.GtE: ("ge", operator.ge),
    ast.Eq: ("", operator.eq),
}
"""What an operator means: torch's name of it, and the function of two numbers."""


@cache
def size(construct: ast.AST) -> int:
    """7.2: of the construct's own and of all in it."""
    return sum(map(size_of_node, ast.walk(construct)))


def size_of_node(node: ast.AST) -> int:
    """7.2: of the node, and of what it makes."""
    match node:
        case ast.List() | ast.Tuple() | ast.ListComp():
            return 110
        case ast.Dict():
            return 260 + 20 * len(node.keys)
        case ast.FunctionDef() | ast.Call():
            return 510
    return 10


class Return(Exception):
    """A function ends; the argument is its value."""


@dataclass(frozen=True)
class Function:
    """A function of the module."""

    node: ast.FunctionDef
    builtins: Builtins
    globals: ChainMap[str, Any]

    def __call__(self, *arguments: object) -> Any:
        self.builtins.meter.work(1_000 + size(self.node))
        names = dict(zip((each.arg for each in self.node.args.args), arguments, strict=True))
        try:
            Frame(self.builtins, self.globals.new_child(names)).execute(self.node.body)
        except Return as returned:
            return returned.args[0]
        return None

    @property
    def is_empty(self) -> bool:
        """6.4: it is just `return None`, after an optional docstring."""
        body = self.node.body[1:] if ast.get_docstring(self.node) is not None else self.node.body
        return [ast.unparse(each) for each in body] in (["return None"], ["return"])


def load(source: bytes, meter: Meter, recorder: Recorder) -> ChainMap[str, Any]:
    """The names of a module whose body has run."""
    builtins = Builtins(meter, recorder)
    names: ChainMap[str, Any] = ChainMap({}, builtins.names)
    Frame(builtins, names).execute(ast.parse(source).body)
    return names


class Frame(ast.NodeVisitor):
    """Runs the body of a module, function or comprehension; what is not charged here is free (7.2)."""

    def __init__(self, builtins: Builtins, names: ChainMap[str, Any]) -> None:
        self.builtins, self.names = builtins, names
        self.meter, self.tensors = builtins.meter, builtins.tensors

    def generic_visit(self, node: ast.AST) -> None:
        raise NotImplementedError(ast.dump(node))

    # Statements

    def execute(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self.visit(statement)

    def visit_Import(self, node: ast.Import) -> None:
        self.names.update({each.name: self.builtins.namespaces[each.name] for each in node.names})

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.names[node.name] = Function(node, self.builtins, self.names)

    def visit_Expr(self, node: ast.Expr) -> None:
        self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.assign(node.targets[0], self.visit(node.value))

    def assign(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name():
                self.names[target.id] = value
            case ast.Subscript():
                self.set_item(self.visit(target.value), self.visit(target.slice), value)
            case ast.Tuple():  # an iteration
                for each, element in zip(target.elts, list(self.builtins.iterate(value)), strict=True):
                    self.assign(each, element)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.names[node.target.id] = self.binary(node.op, self.names[node.target.id], self.visit(node.value))
        elif isinstance(node.target, ast.Subscript):  # two subscripts and an operator
            container, key = self.visit(node.target.value), self.visit(node.target.slice)
            old = self.item(container, key)
            self.set_item(container, key, self.binary(node.op, old, self.visit(node.value)))

    def visit_If(self, node: ast.If) -> None:
        self.execute(node.body if self.visit(node.test) else node.orelse)

    def visit_For(self, node: ast.For) -> None:
        for _ in self.turns(node, node.target, node.iter):
            self.execute(node.body)

    def turns(self, loop: ast.AST, target: ast.expr, values: ast.expr) -> Iterator[None]:
        """Assign one element after the other; each turn pays for the size of the loop."""
        for each in self.builtins.iterate(self.visit(values)):
            self.assign(target, each)
            self.meter.work(size(loop))
            yield

    def visit_Return(self, node: ast.Return) -> None:
        raise Return(self.visit(node.value) if node.value else None)

    # Expressions

    def visit_Constant(self, node: ast.Constant) -> Any:
        return node.value

    def visit_Name(self, node: ast.Name) -> Any:
        return self.names[node.id]

    def visit_Tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple(map(self.visit, node.elts))

    def visit_List(self, node: ast.List) -> list[Any]:
        return [self.visit(each) for each in node.elts]

    def visit_Dict(self, node: ast.Dict) -> dict[str, Any]:
        """A display is free; one with `**` copies every item."""
        result: dict[str, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            new = self.visit(value) if key is None else {self.visit(key): self.visit(value)}
            self.meter.work(50 * len(new) if None in node.keys else 0)
            result |= new
        return result

    def visit_ListComp(self, node: ast.ListComp) -> list[Any]:
        (generator,) = node.generators
        inner = Frame(self.builtins, self.names.new_child())
        return [inner.visit(node.elt) for _ in inner.turns(node, generator.target, generator.iter)]

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        """`and` and `or`; free."""
        found = None
        for each in node.values:
            found = self.visit(each)
            if bool(found) is isinstance(node.op, ast.Or):
                break
        return found

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        return self.visit(node.body if self.visit(node.test) else node.orelse)

    def visit_Call(self, node: ast.Call) -> Any:
        """The call itself is free."""
        function = self.visit(node.func)
        arguments = [each for argument in node.args for each in self.arguments(argument)]
        return function(*arguments, **{each.arg: self.visit(each.value) for each in node.keywords if each.arg})

    def arguments(self, node: ast.expr) -> list[Any]:
        """One, or with a star an iteration."""
        if isinstance(node, ast.Starred):
            return list(self.builtins.iterate(self.visit(node.value)))
        return [self.visit(node)]

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        value, name = self.visit(node.value), node.attr
        self.meter.work(1_000)
        match value:
            case Namespace():
                return value.names[name]
            case Random():
                return getattr(value, name)
            case list() if name == "append":
                return value.append
            case Tensor() if name in ("ndim", "shape"):
                return getattr(value.values, name)
            case Tensor():
                return self.tensors.transposed(value) if name == "T" else partial(self.tensors.operation(name), value)
        raise NotImplementedError(name)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        return self.item(self.visit(node.value), self.visit(node.slice))

    def visit_Slice(self, node: ast.Slice) -> slice:
        """From a place to the end."""
        assert node.lower is not None
        return slice(self.visit(node.lower), None)

    def item(self, container: Any, key: Any) -> Any:
        """The elements of a slice are copied."""
        self.meter.work(1_000)
        if isinstance(container, Tensor):
            return self.tensors.part(container, key)
        found = container[key]
        self.meter.work(50 * len(found) if isinstance(key, slice) else 0)
        return found

    def set_item(self, container: Any, key: Any, value: Any) -> None:
        self.meter.work(1_000)
        container[key] = value

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        """Minus, the only one here; of a literal it is free."""
        value = self.visit(node.operand)
        self.meter.work(0 if isinstance(node.operand, ast.Constant) else 1_000)
        return self.tensors.elementwise("neg", value) if isinstance(value, Tensor) else -value

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        return self.binary(node.op, self.visit(node.left), self.visit(node.right))

    def visit_Compare(self, node: ast.Compare) -> Any:
        comparison, left, right = node.ops[0], self.visit(node.left), self.visit(node.comparators[0])
        if isinstance(comparison, ast.Is | ast.IsNot):  # free
            return (left is right) is isinstance(comparison, ast.Is)
        return self.binary(comparison, left, right)

    def binary(self, node: ast.operator | ast.cmpop, left: Any, right: Any) -> Any:
        """An operator or a comparison of two values; tensors pay for their operation too."""
        self.meter.work(1_000)
        of_tensors, of_numbers = OPERATORS[type(node)]
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            return self.tensors.operation(of_tensors)(left, right)
        if isinstance(node, ast.Pow):  # of a float: no module has a power of integers, or integers of many bits
            self.meter.work(10_000)
        if isinstance(node, ast.Eq):
            self.meter.work(2_000)
        result = of_numbers(left, right)
        self.meter.work(50 * len(result) if isinstance(result, list) else 0)
        return result
