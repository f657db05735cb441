"""Observations: the lines of a module that may ask for the elements of a tensor (specification, 13.4).

Everything else is recorded while the trainer computes; there the module waits for it. What the text leaves open may be
a tensor, so a line that is not named asks for nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from sandbox.diagnostics import Diagnostic
from sandbox.language.bindings import CHANGING, method_call, parameters
from sandbox.language.findings import Findings
from sandbox.language.interface import ENTRY_POINTS, HYPERPARAMETERS

_PASSES: Final = 10
"""How often what is known of names and functions is gone over: each time it reaches one call further."""
_TENSORS: Final = frozenset({"parameters", "gradient", "state"})
"""The arguments of the three functions that are tensors or hold some."""
_NUMBERS: Final = frozenset({"bool", "float", "int", "isinstance", "len", "range", "str"})
"""Builtins whose results are no tensors."""
_ASKING: Final = frozenset({"bool", "float", "int", "max", "min", "sorted", "all", "any", "round"})
"""Builtins that ask for the elements of tensors among their arguments."""
_READING: Final = frozenset({"item", "tolist", "all", "any", "permutation"})
"""Methods that ask."""
_PICKING: Final = frozenset({"take", "gather"})
_PLAIN: Final = frozenset({"numel", "size", "dim", "keys", *_READING})
"""Methods whose results are no tensors."""
_ABOUT: Final = frozenset({"shape", "ndim", "dtype", "device", "names", "roles"})
"""Attributes of a tensor that are none."""
_FILLING: Final = {"full": 1, "full_like": 1, "fill_": 0, "masked_fill": 1, "masked_fill_": 1}
"""Functions that take a number, by the place of it: a tensor without dimensions is asked for its element."""
_NONE: Final = (ast.Lambda, ast.JoinedStr, ast.Constant)
"""Expressions that are no tensors."""
_FACTORS: Final = frozenset({"alpha", "beta", "fill_value", "value", "weight"})


def find_observations(tree: ast.Module, source: str) -> tuple[Diagnostic, ...]:
    """What may ask for elements in a module that keeps the rules of the dialect, in the order of the source."""
    findings = Findings(source)
    knowledge = _Knowledge(tree)
    for function in knowledge.functions.values():
        for node in ast.walk(function):
            if said := knowledge.asks(node, function.name):
                code, message = ("N102", said) if "index" in said else ("N101", said)
                place = node.ifs[0] if isinstance(node, ast.comprehension) else node
                findings.add(place, code, message, "the trainer and the module wait for each other here")
    return findings.all()


class _Knowledge:
    """What may be a tensor: names of functions, their results, and parts of containers by their keys."""

    def __init__(self, tree: ast.Module) -> None:
        self.functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self._names: set[tuple[str, str]] = {
            (entry, name)
            for entry in ENTRY_POINTS
            for name in (parameters(self.functions[entry]) if entry in self.functions else ())
            if name in _TENSORS
        }
        self._keys: set[str] = set()
        self._known_keys = {text for node in ast.walk(tree) for text in _texts(node)}
        self._others = self._known_keys - _hyperparameters(tree)
        """Keys of what may be a tensor where a key is computed."""
        self._returning: set[str] = set()
        for _ in range(_PASSES):
            before = (len(self._names), len(self._keys), len(self._returning))
            for function in self.functions.values():
                self._learn(function)
            if before == (len(self._names), len(self._keys), len(self._returning)):
                break

    def asks(self, node: ast.AST, where: str) -> str:
        """How a node may ask for elements; nothing if it does not."""
        if isinstance(node, ast.Call):
            return self._call_asks(node, where)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name | ast.Call | ast.Subscript):
            picks = self.may_be(node.slice, where) and self.may_be(node.value, where)
            return "picking by indices asks for the largest index, unless all are known to be in range" if picks else ""
        tests = [node.test] if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert) else []
        if isinstance(node, ast.BoolOp):
            tests = node.values[:-1]
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            tests = [node.operand]
        elif isinstance(node, ast.comprehension):
            tests = node.ifs
        elif isinstance(node, ast.Compare) and len(node.ops) > 1:
            tests = [node]
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            tests = [node.left]
        return "a decision asks for a number of a tensor" if any(self.may_be(t, where) for t in tests) else ""

    def may_be(self, node: ast.AST | None, where: str) -> bool:
        """Whether an expression in a function may be a tensor, or hold one."""
        if node is None or isinstance(node, _NONE) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
            return False
        if isinstance(node, ast.Name):
            return (where, node.id) in self._names
        if isinstance(node, ast.Call):
            return self._gives(node, where)
        if isinstance(node, ast.Attribute) and node.attr in _ABOUT:
            return False
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot | ast.In | ast.NotIn):
            return False
        return any(self.may_be(one, where) for one in self._inside(node))

    def _inside(self, node: ast.AST) -> list[ast.AST]:
        """The parts of an expression that it may have a tensor of."""
        if isinstance(node, ast.Subscript):
            key = node.slice.value if isinstance(node.slice, ast.Constant) else None
            is_number = isinstance(key, str) and key in self._known_keys and key not in self._keys
            return [] if is_number else [node.value]
        return [node.elt] if isinstance(node, ast.ListComp | ast.GeneratorExp) else list(ast.iter_child_nodes(node))

    def _call_asks(self, node: ast.Call, where: str) -> str:
        called = method_call(node)
        if called is None:
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            asks = name in _ASKING and any(self.may_be(one, where) for one in node.args)
            return f"{name}() asks for numbers of a tensor" if asks else ""
        value, name = called
        if name in _READING and (name == "permutation" or self.may_be(value, where) or _is_name(value, "torch")):
            return f"{name}() asks for numbers of a tensor" if name != "permutation" else f"{name}() asks for numbers"
        if _is_name(value, "math"):
            asks = any(self.may_be(one, where) for one in node.args)
            return f"math.{name}() asks for a number of a tensor" if asks else ""
        if name in _PICKING:
            return f"{name}() asks for the largest index, unless all are known to be in range"
        numbers = [one.value for one in node.keywords if one.arg in _FACTORS]
        place = _FILLING.get(name, len(node.args))
        numbers += node.args[place + _is_name(value, "torch") * (name == "masked_fill") :][:1]
        return f"{name}() asks for a number of a tensor" if any(self.may_be(one, where) for one in numbers) else ""

    def _gives(self, node: ast.Call, where: str) -> bool:
        """Whether a call may give a tensor."""
        called = method_call(node)
        if called is not None:
            value, name = called
            if name in _PLAIN or _is_name(value, "math"):
                return False
            return self.may_be(value, where) or _makes_tensors(value)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in self.functions:
            return name in self._returning
        return name not in _NUMBERS and any(self.may_be(one, where) for one in node.args)

    # What is learnt

    def _learn(self, function: ast.FunctionDef) -> None:
        where = function.name
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._bind(target, node.value, where)
            elif isinstance(node, ast.AnnAssign | ast.AugAssign):
                self._bind(node.target, node.value, where)
            elif isinstance(node, ast.For | ast.comprehension):
                self._loop(node.target, node.iter, where)
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    self._hold(key, value, where)
            elif isinstance(node, ast.DictComp):
                self._keys |= self._others if self.may_be(node.value, where) else set()
            elif isinstance(node, ast.Return) and self.may_be(node.value, where):
                self._returning.add(where)
            elif isinstance(node, ast.Call):
                self._pass(node, where)

    def _bind(self, target: ast.expr, value: ast.expr | None, where: str) -> None:
        if isinstance(target, ast.Tuple):
            pairs = value.elts if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts) else None
            for place, each in enumerate(target.elts):
                self._bind(each, pairs[place] if pairs else value, where)
        elif isinstance(target, ast.Name):
            if self.may_be(value, where):
                self._names.add((where, target.id))
        elif isinstance(target, ast.Subscript):
            self._hold(target.slice, value, where)
            if self.may_be(value, where) and isinstance(target.value, ast.Name):
                self._names.add((where, target.value.id))

    def _loop(self, target: ast.expr, over: ast.expr, where: str) -> None:
        names = target.elts if isinstance(target, ast.Tuple) else []
        function = over.func.id if isinstance(over, ast.Call) and isinstance(over.func, ast.Name) else ""
        called = method_call(over)
        if isinstance(over, ast.Call) and function == "zip" and len(names) == len(over.args):
            for name, each in zip(names, over.args, strict=True):
                self._bind(name, each, where)
        elif isinstance(over, ast.Call) and function == "enumerate" and len(names) == 2 and over.args:
            self._loop(names[1], over.args[0], where)
        elif called and called[1] == "items" and len(names) == 2:
            self._bind(names[1], called[0], where)
        elif function != "range":
            self._bind(target, over, where)

    def _hold(self, key: ast.expr | None, value: ast.expr | None, where: str) -> None:
        if self.may_be(value, where):
            text = key.value if isinstance(key, ast.Constant) else None
            self._keys |= {text} if isinstance(text, str) else self._others

    def _pass(self, node: ast.Call, where: str) -> None:
        """What a call of the module's own function gives to its parameters."""
        helper = self.functions.get(node.func.id) if isinstance(node.func, ast.Name) else None
        called = method_call(node)
        is_kept = called is not None and called[1] in CHANGING and any(self.may_be(one, where) for one in node.args)
        if called is not None and is_kept and isinstance(called[0], ast.Name):
            self._names.add((where, called[0].id))
        if helper is not None:
            named = [(each.arg or "", each.value) for each in node.keywords]
            given = [*zip(parameters(helper), node.args, strict=False), *named]
            self._names |= {(helper.name, name) for name, value in given if self.may_be(value, where)}


def _texts(node: ast.AST) -> Iterator[str]:
    """The texts that are keys of parts of a container."""
    keys = node.keys if isinstance(node, ast.Dict) else [node.slice] if isinstance(node, ast.Subscript) else []
    for key in keys:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value


def _hyperparameters(tree: ast.Module) -> set[str]:
    """The names of hyperparameters, which are numbers and texts."""
    assigned = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    targets = [node.targets[0] if isinstance(node, ast.Assign) else node.target for node in assigned]
    declared = [node for node, target in zip(assigned, targets, strict=True) if _is_name(target, HYPERPARAMETERS)]
    return {text for node in declared for each in ast.walk(node) for text in _texts(each)}


def _makes_tensors(value: ast.expr) -> bool:
    """Whether methods of a value make tensors of nothing."""
    module = value.value if isinstance(value, ast.Attribute) else value
    return _is_name(module, "torch") or _is_name(value, "rng")


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
