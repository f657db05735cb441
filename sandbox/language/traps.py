"""Traps: what the dialect allows and runs without a word, and what hardly ever does what its author means.

They are warnings, which refuse nothing. Each says what is certain, so whatever the text leaves open is passed over.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeGuard

from sandbox.diagnostics import Diagnostic
from sandbox.language.bindings import CHANGING, Aliases, Bound, bindings, is_in_place, method_call, parameters
from sandbox.language.findings import Findings
from sandbox.language.interface import ENTRY_POINTS, HYPERPARAMETERS
from sandbox.language.rules import MODULES

_INIT, _QUERY, _STEP = ENTRY_POINTS
_LOSSES: Final = frozenset({"train_loss", "validation_loss"})
_INPUTS: Final = ("parameters", "gradient")
_DEPTH: Final = 3
"""Calls through which a change of an argument is followed."""
_MOST: Final = 200_000
"""Nodes that are looked at for changes of arguments: a hostile module could ask for many more."""
_FAR: Final = 50
"""Statements between a view and its use."""
_CREATION: Final = frozenset({"zeros", "zeros_like", "ones", "ones_like", "full", "full_like", "eye", "clone"})
_VIEWS: Final = frozenset({"expand", "flatten", "permute", "reshape", "squeeze", "t", "transpose", "unsqueeze", "view"})
_PURE: Final = frozenset(
    {"abs", "all", "any", "bool", "dict", "divmod", "enumerate", "float", "int", "isinstance", "len", "list", "max"}
    | {"min", "pow", "range", "reversed", "round", "sorted", "str", "sum", "tuple", "zip"}
)


def find_traps(tree: ast.Module, source: str) -> tuple[Diagnostic, ...]:
    """The traps in a module that keeps the rules of the dialect, in the order of the source."""
    traps = _Traps(tree, Findings(source))
    for function in traps.functions.values():
        traps.check(function)
    traps.check_module()
    return traps.findings.all()


@dataclass(frozen=True)
class _Names:
    """What a statement does with names."""

    read: frozenset[str]
    bound: frozenset[str]
    changed: frozenset[str]
    """Those of tensors that change in place."""


class _Traps:
    def __init__(self, tree: ast.Module, findings: Findings) -> None:
        self.findings = findings
        self.functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self._tree = tree
        self._parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        self._changes: dict[tuple[str, str, int], list[ast.AST]] = {}
        self._nodes = {name: list(ast.walk(function)) for name, function in self.functions.items()}
        self._looked = 0
        self._initial = _initial_values(self.functions[_INIT])

    def check(self, function: ast.FunctionDef) -> None:
        """Look at one function."""
        if function.name == _QUERY:
            self._forgotten_changes(function)
        if function.name == _STEP:
            self._forgotten_names(function)
        if function.name in (_QUERY, _STEP):
            self._read_only_inputs(function)
            self._first_epoch(function)
        self._counted_steps(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Expr):
                self._dropped(node)
            for body in (getattr(node, field, None) for field in ("body", "orelse")):
                if isinstance(body, list):
                    self._stale_views(body)

    def check_module(self) -> None:
        """Look at what belongs to all functions together: the names of hyperparameters and of parts of the state."""
        keys = _keys_of(self._tree)
        self._unknown_hyperparameters({key.value for key in keys})
        if self._reads_by_computed_names():
            return
        read = self._texts_read()
        others = (statement for statement in self._tree.body if not _declares(statement))
        named = {node.value for each in others for node in ast.walk(each) if isinstance(node, ast.Constant)}
        for key in keys:
            if key.value not in named:
                message = f"nothing reads the hyperparameter {key.value!r}"
                self.findings.add(key, "W204", message, f"read hyperparameters[{key.value!r}], or leave it out")
        for node in ast.walk(self.functions[_INIT]):
            for part in filter(_is_text, node.keys if isinstance(node, ast.Dict) else []):
                if part.value not in read:
                    message = f"nothing reads the part {part.value!r} of the state"
                    self.findings.add(part, "W206", message, "use it, or leave it out: what is kept costs fuel")

    # The state

    def _forgotten_changes(self, query: ast.FunctionDef) -> None:
        for place in self._changed(query, "state", _DEPTH):
            message = f"what {_QUERY} does to the state is forgotten"
            self.findings.add(place, "W201", message, f"do it in {_STEP}, which returns the state")

    def _changed(self, function: ast.FunctionDef, root: str, depth: int) -> list[ast.AST]:
        """The places where a function changes its parameter `root`, or something in it."""
        key = (function.name, root, depth)
        if key not in self._changes:
            self._changes[key] = []  # for a function that calls itself
            nodes = self._nodes[function.name]
            self._looked += len(nodes)
            if self._looked <= _MOST:
                aliases = Aliases(function, root)
                self._changes[key] = [node for node in nodes if self._is_change(node, aliases, depth)]
        return self._changes[key]

    def _is_change(self, node: ast.AST, aliases: Aliases, depth: int) -> bool:
        if isinstance(node, ast.Subscript):
            return not isinstance(node.ctx, ast.Load) and aliases.holds(node.value)
        if called := method_call(node):
            return (called[1] in CHANGING or is_in_place(called[1])) and aliases.holds(called[0])
        helper = (
            self.functions.get(node.func.id) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None
        )
        if helper is None or depth == 0 or not isinstance(node, ast.Call):
            return False
        pairs = [
            *zip(parameters(helper), node.args, strict=False),
            *((each.arg or "", each.value) for each in node.keywords),
        ]
        return any(aliases.holds(value) and self._changed(helper, name, depth - 1) for name, value in pairs)

    def _forgotten_names(self, step: ast.FunctionDef) -> None:
        """A name that stands for a part of the state gets a new value, which no statement puts back."""
        rebound: dict[str, ast.AST] = {}
        for node in ast.walk(step):
            for name in _updates_itself(node):
                rebound.setdefault(name, node)
        bound, kept = bindings(step), self._kept(step)
        for name, place in rebound.items():
            parts = {part for part in map(_part, bound[name]) if part is not None}
            if len(parts) == 1 and self._accumulates(*parts) and name not in kept:
                message = f"{name!r} gets a new value here, and the state keeps the old one"
                hint = f"then write state[{parts.pop()[0]!r}] = {name}, or change it in place, as x.mul_(y) does"
                self.findings.add(place, "W202", message, hint)

    def _accumulates(self, part: tuple[str, bool]) -> bool:
        """Whether a part of the state, or an item of it, begins as a tensor or as 0: it is not a setting."""
        key, is_item = part
        values = self._initial.get(key, [])
        if len(values) != 1:
            return False
        value = values[0]
        if isinstance(value, ast.ListComp):
            return is_item and _is_accumulator(value.elt)  # += changes a list itself
        return _is_accumulator(value)

    def _kept(self, function: ast.FunctionDef) -> set[str]:
        """The names whose value goes somewhere from where it could get into the state."""
        names = (node for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
        return {name.id for name in names if self._keeps(name)}

    def _keeps(self, node: ast.AST) -> bool:
        parent = self._parents[node]
        if isinstance(parent, ast.Tuple) and isinstance(self._parents[parent], ast.Return):
            return len(parent.elts) != 2 or parent.elts[0] is not node  # else it is the updates
        if isinstance(parent, ast.Call):
            called = method_call(parent)
            if called is None:
                return isinstance(parent.func, ast.Name) and parent.func.id in self.functions
            return called[0] is not node and (called[1] in CHANGING or is_in_place(called[1]))
        kept = ast.Assign | ast.AnnAssign | ast.List | ast.Tuple | ast.Dict | ast.Return | ast.ListComp | ast.DictComp
        return isinstance(parent, kept | ast.GeneratorExp | ast.IfExp | ast.BoolOp | ast.keyword | ast.Starred)

    # Statements

    def _dropped(self, statement: ast.Expr) -> None:
        value = statement.value
        if isinstance(value, ast.Constant) or any(map(self._has_effect, ast.walk(value))):
            return
        called = method_call(value)
        if called is None:
            self.findings.add(
                statement, "W203", "the result of this expression is dropped", "assign it, or leave it out"
            )
            return
        base, name = called
        of_namespace = isinstance(base, ast.Name) and base.id in MODULES
        hint = (
            "assign the result"
            if of_namespace
            else f"assign the result, or write x.{name}_(...) for a tensor of your own"
        )
        self.findings.add(statement, "W203", f"{name!r} changes nothing, and its result is dropped", hint)

    def _has_effect(self, node: ast.AST) -> bool:
        if called := method_call(node):
            return called[1] in CHANGING or is_in_place(called[1])
        if not isinstance(node, ast.Call):
            return False
        return not isinstance(node.func, ast.Name) or node.func.id not in _PURE

    def _read_only_inputs(self, function: ast.FunctionDef) -> None:
        for name in _INPUTS:
            for place in self._changed(function, name, 0):
                message = f"{name!r} can only be read: this fails when it runs"
                self.findings.add(place, "W210", message, "make a new value, such as x = x + y")

    def _stale_views(self, body: list[ast.stmt]) -> None:
        """A view is taken, then what it is of changes in place, then the view is used."""
        views = {place: pair for place, statement in enumerate(body) if (pair := _view(statement))}
        names = [_names(statement) for statement in body] if views else []
        for place, (view, base) in views.items():
            changed = False
            for later in range(place + 1, min(place + _FAR, len(body))):
                if changed and view in names[later].read:
                    message = f"{view!r} was taken before {base!r} changed in place, and has the old values"
                    self.findings.add(body[later], "W209", message, "take the view after the change")
                    break
                if {view, base} & names[later].bound:
                    break
                changed = changed or base in names[later].changed

    # The first epoch

    def _first_epoch(self, function: ast.FunctionDef) -> None:
        bound = bindings(function)
        if any(map(_guards, ast.walk(function))):
            return
        for node in ast.walk(function):
            if isinstance(node, ast.BinOp) and "epoch" not in bound and _vanishes(node):
                hint = "count the steps in the state, or write epoch + 1"
                self.findings.add(node, "W207", "epoch is 0 in the first epoch: this divides by 0", hint)
            loss = _nan_operand(node)
            if loss is not None and loss not in bound and not self._is_compared(node):
                message = f"{loss!r} is NaN in the first epoch, and so is this"
                self.findings.add(node, "W208", message, f"ask before: if not math.isnan({loss}):")

    def _counted_steps(self, function: ast.FunctionDef) -> None:
        """What is counted where a loss has grown is counted in each step of an epoch, and the loss changes once."""
        if not _LOSSES & set(parameters(function)) or any(_is_name(node, ("epoch",)) for node in ast.walk(function)):
            return
        for branch in ast.walk(function):
            if not isinstance(branch, ast.If):
                continue
            losses = [name for name in ast.walk(branch.test) if _is_name(name, tuple(_LOSSES))]
            for node in (node for statement in (*branch.body, *branch.orelse) for node in ast.walk(statement)):
                if losses and isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
                    message = "this happens in every step, and the loss is the same in all steps of an epoch"
                    hint = 'ask first if the epoch is a new one: if epoch != state["epoch"]:'
                    self.findings.add(node, "W211", message, hint)

    def _is_compared(self, node: ast.AST) -> bool:
        while not isinstance(node, ast.stmt):
            if isinstance(node, ast.Compare):
                return True
            node = self._parents[node]
        return False

    # Names of hyperparameters and parts

    def _unknown_hyperparameters(self, known: set[object]) -> None:
        init = self.functions[_INIT]
        if "hyperparameters" in bindings(init):
            return
        for node in ast.walk(init):
            name = _read_by_name(node, "hyperparameters")
            if name is not None and name not in known:
                message = f"{HYPERPARAMETERS} has no {name!r}, so nobody can choose it"
                self.findings.add(node, "W205", message, f"add it to {HYPERPARAMETERS}")

    def _reads_by_computed_names(self) -> bool:
        """Whether something could be read whose name does not stand in the module."""
        for node in ast.walk(self._tree):
            called = method_call(node)
            if called and called[1] in ("items", "keys", "values"):
                return True
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.JoinedStr):
                return True
            if isinstance(node, ast.For | ast.comprehension) and _is_name(node.iter, ("state", "hyperparameters")):
                return True
        return False

    def _texts_read(self) -> set[object]:
        """The strings of the module that are neither keys of a dict, nor places of a store, nor hyperparameters."""
        texts: set[object] = set()
        for node in filter(_is_text, ast.walk(self._tree)):
            parent = self._parents[node]
            stored = isinstance(parent, ast.Subscript) and not isinstance(parent.ctx, ast.Load)
            key = isinstance(parent, ast.Dict) and any(node is each for each in parent.keys)
            if not stored and not key and _read_by_name(parent, "hyperparameters") is None:
                texts.add(node.value)
        return texts


def _keys_of(tree: ast.Module) -> list[ast.Constant]:
    """The names in HYPERPARAMETERS."""
    values = (getattr(statement, "value", None) for statement in tree.body if _declares(statement))
    keys = next((value.keys for value in values if isinstance(value, ast.Dict)), [])
    return [key for key in keys if isinstance(key, ast.Constant)]


def _declares(statement: ast.stmt) -> bool:
    """Whether a statement is that of HYPERPARAMETERS."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return any(_is_name(target, (HYPERPARAMETERS,)) for target in targets)


def _initial_values(init: ast.FunctionDef) -> dict[object, list[ast.expr]]:
    """What stands in the dicts of `init_optimiser_state`, by key."""
    found: dict[object, list[ast.expr]] = {}
    for node in ast.walk(init):
        for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
            if isinstance(key, ast.Constant):
                found.setdefault(key.value, []).append(value)
    return found


def _is_accumulator(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return type(value.value) in (int, float) and value.value == 0
    called = method_call(value)
    return called is not None and called[1] in _CREATION


def _updates_itself(node: ast.AST) -> Iterator[str]:
    """The names to which a statement gives a new value that depends on the old one."""
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        name, called = node.targets[0].id, method_call(node.value)
        in_place = called is not None and is_in_place(called[1])
        if not in_place and any(_is_name(each, (name,)) for each in ast.walk(node.value)):
            yield name


def _part(value: Bound) -> tuple[str, bool] | None:
    """The key of the part of the state that an expression stands for, as state["m"]; whether for an item of that."""
    is_item = False
    while isinstance(value, ast.Subscript) and not isinstance(value.slice, ast.Slice):
        if _is_name(value.value, ("state",)):
            return (str(value.slice.value), is_item) if _is_text(value.slice) else None
        value, is_item = value.value, True
    return None


def _view(statement: ast.stmt) -> tuple[str, str] | None:
    """The names of a view and of what it is of, if that is what the statement makes."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target, value = statement.targets[0], statement.value
    called = method_call(value)
    base = called[0] if called and called[1] in _VIEWS else None
    if isinstance(value, ast.Attribute) and value.attr in ("T", "mT"):
        base = value.value
    if isinstance(value, ast.Subscript) and not _is_text(value.slice):
        base = value.value
    return (target.id, base.id) if isinstance(target, ast.Name) and isinstance(base, ast.Name) else None


def _names(statement: ast.stmt) -> _Names:
    names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    calls = filter(None, map(method_call, ast.walk(statement)))
    return _Names(
        read=frozenset(name.id for name in names if isinstance(name.ctx, ast.Load)),
        bound=frozenset(name.id for name in names if not isinstance(name.ctx, ast.Load)),
        changed=frozenset(base.id for base, method in calls if isinstance(base, ast.Name) and is_in_place(method)),
    )


def _guards(node: ast.AST) -> bool:
    """Whether an expression asks if it is the first epoch, or if a loss is a number."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        itself = len({each.id for each in sides if isinstance(each, ast.Name) and each.id in _LOSSES}) < sum(
            _is_name(each, tuple(_LOSSES)) for each in sides
        )
        return itself or any(_is_name(each, ("epoch",)) for side in sides for each in ast.walk(side))
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        return any(_is_name(each, ("epoch",)) for each in ast.walk(node.test))
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in ("isnan", "isfinite")


def _vanishes(node: ast.BinOp) -> bool:
    """Whether it is a / epoch, or 1 - b ** epoch, which is there to be divided by."""
    if isinstance(node.op, ast.Div):
        return _is_name(node.right, ("epoch",)) or (
            isinstance(node.right, ast.BinOp) and _vanishes_as_power(node.right)
        )
    return False


def _vanishes_as_power(node: ast.BinOp) -> bool:
    power = node.right
    return (
        isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Constant) and node.left.value == 1
        and isinstance(power, ast.BinOp) and isinstance(power.op, ast.Pow) and _is_name(power.right, ("epoch",))
    )  # fmt: skip


def _nan_operand(node: ast.AST) -> str | None:
    """The loss that makes an expression NaN in the first epoch: an operand, or the first argument of min or max."""
    operands: list[ast.expr] = []
    if isinstance(node, ast.BinOp):
        operands = [node.left, node.right]
    elif isinstance(node, ast.Call) and _is_name(node.func, ("min", "max")) and len(node.args) > 1:
        operands = node.args[:1]
    return next((each.id for each in operands if isinstance(each, ast.Name) and each.id in _LOSSES), None)


def _read_by_name(node: ast.AST, owner: str) -> str | None:
    """The name that stands in owner["name"] or owner.get("name")."""
    key: ast.AST | None = None
    if isinstance(node, ast.Subscript) and _is_name(node.value, (owner,)):
        key = node.slice
    elif (
        (called := method_call(node))
        and called[1] == "get"
        and _is_name(called[0], (owner,))
        and isinstance(node, ast.Call)
    ):
        key = node.args[0] if node.args else None
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


def _is_name(node: ast.AST | None, names: tuple[str, ...]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _is_text(node: ast.AST | None) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
