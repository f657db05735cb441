"""Random optimiser modules in the allowed dialect, typed well enough that most of them do real work."""

from __future__ import annotations

from random import Random
from typing import Final

from tests.fuzzing.expressions import Expressions, Scope

Lines = list[str]

_NOISES: Final = (0.0, 0.0, 0.0, 0.001, 0.01, 0.05)
_STATE_KINDS: Final = (
    "float", "int", "bool", "text", "floats", "ints", "texts", "table", "t", "t4", "t3x4", "t4x4", "vector",
    "vmask", "m4", "p4",
    "parts", "any",
)  # fmt: skip
_LOCAL_KINDS: Final = (*_STATE_KINDS[:-1], "t3", "t12", "t4x3", "t3x3", "t2x3x4", "vector", "vector", "float", "t3x4")
_CHANGING: Final = {
    "floats": ("{}.append(<float>)", "{}.extend(<floats>)", "{}.insert(<small>, <float>)", "{}[<small>] = <float>",
               "{}[<small>] += <float>", "{}.reverse()", "{}[1:3] = [<float>, <float>]", "del {}[0]",
               "{} += <floats>"),
    "ints": ("{}.append(<int>)", "{}[0] *= <small>", "{}[-1] = <int>", "{}[0] <<= 1", "{} *= 2"),
    "table": ('{}["a"] = <float>', '{}["b"] += <float>', "{}.update(<table>)", '{}.pop("z", 0)',
    '{}.update(c=<float>)',
              '{}["a"] **= 2', "{}[<int> % 5] = <text>"),
    "texts": ("{}.append(<text>)", "{}[0] += <text>", "{} = {}[:8]"),
    "t4": ("{}.add_(<t4>)", "{}.mul_(<float>)", "{} *= <float>", "{} += <t4>", "{}.copy_(<t4>)"),
    "t3x4": ("{}.sub_(<t3x4>, alpha=2)", "{}.lerp_(<t3x4>, 0.1)", "{} -= <t3x4>", "{} /= <positive>", "{} @= <t4x4>"),
    "vector": ("{} += <vector>", "{}.mul_(0.9).add_(gradient)", "{} -= 0.1 * gradient",
               "{}.addcdiv_(<vector>, <vector>)"),
}  # fmt: skip
"""Statements that change a variable of a kind."""


class Programs:
    """Writes one module; what it draws depends on `random` alone."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._names = 0
        self._expressions = Expressions(random, random.choice(_NOISES))
        self._depth = random.choice((1, 1, 1, 2, 2, 3))
        self._wildness = random.choice((0.0, 0.0, 0.02, 0.1))
        self._shared: Scope = {}

    def module(self) -> str:
        """The source of a module."""
        lines = ["import torch", "import math", 'HYPERPARAMETERS = {"lr": 0.01, "k": 3, "name": "a", "on": True}']
        if self._random.random() < 0.2:
            lines.insert(2, "from math import sqrt, pi")
            self._shared["float"] = ["sqrt(<positive>)", "pi"]
        for _ in range(self._random.randrange(3)):
            lines.append(self._constant())
        for _ in range(self._random.randrange(3)):
            lines += self._function(self._shared, 0)
        entries = {key: self._random.choice(_STATE_KINDS) for key in "abcd"[: self._random.randrange(1, 5)]}
        lines += self._initial(entries)
        lines += self._query(entries)
        lines += self._step(entries)
        return "\n".join(lines) + "\n"

    # Pieces of a module

    def _constant(self) -> str:
        kind, value = self._random.choice(
            [
                ("float", "0.5 * 3"), ("floats", "[1.0, 2.0, -0.5, 4.0]"), ("int", "2 ** 5"),
                ("float", "math.sqrt(2.0)"),
                ("table", '{"a": 1.0, "b": -2.0}'), ("text", '"abc"'), ("any", "[[1], {'a': [2]}]"), ("ints", "(1, 2)"),
            ]
        )  # fmt: skip
        name = self._name().upper()
        self._shared.setdefault(kind, []).append(name)
        return f"{name} = {value}"

    def _initial(self, entries: dict[str, str]) -> Lines:
        scope = self._scope(
            {"float": ['hyperparameters["lr"]'], "int": ['hyperparameters["k"]', 'difficulty["n_hidden"]']}
        )
        scope["t3x4"] = ["rng.normal(3, 4)", "rng.uniform(3, 4)", "parameters[0]"]
        scope["t4"] = ["rng.normal(4)", "rng.rademacher(4)"]
        scope["ints"] = ["rng.permutation(<small> + 1)"]
        scope["vector"] = ["parameters", "torch.zeros_like(parameters)"]
        lines = [
            "def init_optimiser_state(difficulty, parameters, hyperparameters, rng):",
            *self._without_gradient(scope),
        ]
        items = ", ".join(f'"{key}": {self._without(kind, scope)}' for key, kind in entries.items())
        return [*lines, f"    return {{{items}}}"]

    def _without_gradient(self, scope: Scope) -> Lines:
        return [line.replace("gradient", "parameters") for line in self._block(scope, 1, self._random.randrange(3))]

    def _without(self, kind: str, scope: Scope) -> str:
        return self._draw(kind, scope).replace("gradient", "parameters")

    def _query(self, entries: dict[str, str]) -> Lines:
        head = "def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):"
        if self._random.random() < 0.5:
            return [head, "    return None"]
        scope = self._entry_scope(entries)
        return [head, *self._block(scope, 1, self._random.randrange(3)), f"    return {self._answer(scope)}"]

    def _step(self, entries: dict[str, str]) -> Lines:
        head = "def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):"
        scope = self._entry_scope(entries)
        lines = [head, *self._block(scope, 1, self._random.randrange(1, 5))]
        for key, kind in entries.items():
            if self._random.random() < 0.6:
                lines.append(f'    state["{key}"] = {self._draw(kind, scope)}')
        state = "state"
        if self._random.random() < 0.2:
            state = "{" + ", ".join(f'"{key}": {self._draw(kind, scope)}' for key, kind in entries.items()) + "}"
        return [*lines, f"    return {self._answer(scope)}, {state}"]

    def _answer(self, scope: Scope) -> str:
        if self._random.random() < 0.03:
            return self._draw("any", scope)
        return self._draw(self._random.choice(("vector", "vector", "parts")), scope)

    def _entry_scope(self, entries: dict[str, str]) -> Scope:
        scope = self._scope(
            {"float": ["train_loss", "validation_loss"], "int": ["epoch"], "plain": ["epoch", "train_loss"]}
        )
        scope["vector"] = ["gradient", "parameters"]
        for key, kind in entries.items():
            scope.setdefault(kind, []).append(f'state["{key}"]')
        return scope

    def _scope(self, own: Scope) -> Scope:
        return {kind: [*self._shared.get(kind, []), *own.get(kind, [])] for kind in {**self._shared, **own}}

    # Statements

    def _block(self, scope: Scope, indent: int, size: int) -> Lines:
        lines: Lines = []
        for _ in range(size):
            lines += self._statement(scope, indent)
        return lines or (["    " * indent + "pass"] if indent > 1 else [])

    def _statement(self, scope: Scope, indent: int) -> Lines:
        pad = "    " * indent
        if self._random.random() < self._wildness:
            name = self._name()
            line = f"{pad}{name} = {self._expressions.fill(self._expressions.wild(), scope, self._depth)}"
            scope.setdefault("any", []).append(name)
            return [line]
        writers = (self._assign, self._assign, self._assign, self._change, self._change, self._unpack, self._annotated)
        compound = (self._if, self._for, self._while, self._local_function, self._raise)
        if indent < 3 and self._random.random() < 0.3:
            return self._random.choice(compound)(scope, indent)
        return [pad + line for line in self._random.choice(writers)(scope)]

    def _assign(self, scope: Scope) -> Lines:
        kind = self._random.choice(_LOCAL_KINDS)
        return [f"{self._new(kind, scope, value := self._draw(kind, scope))} = {value}"]

    def _annotated(self, scope: Scope) -> Lines:
        value = self._draw("float", scope)
        return [f"{self._new('float', scope, value)}: float = {value}"]

    def _unpack(self, scope: Scope) -> Lines:
        values = self._draw("float", scope), self._draw("t4", scope)
        names = self._new("float", scope, values[0]), self._new("t4", scope, values[1])
        return [self._random.choice((f"{names[0]}, {names[1]} = {values[0]}, {values[1]}",
                                     f"({names[0]}, {names[1]}) = [{values[0]}, {values[1]}]"))]  # fmt: skip

    def _change(self, scope: Scope) -> Lines:
        kinds = [kind for kind in _CHANGING if any(text.isidentifier() for text in scope.get(kind, []))]
        if not kinds:
            return self._assign(scope)
        kind = self._random.choice(kinds)
        names = [text for text in scope[kind] if text.isidentifier() and text.islower()]
        own = [name for name in names if name not in ("gradient", "parameters")]
        if not own:
            return self._assign(scope)
        name = self._random.choice(own)
        template = self._random.choice(_CHANGING[kind]).replace("{}", name)
        return [self._expressions.fill(template, scope, self._depth)]

    def _if(self, scope: Scope, indent: int) -> Lines:
        pad = "    " * indent
        lines = [f"{pad}if {self._draw('bool', scope)}:", *self._inner(scope, indent)]
        if self._random.random() < 0.3:
            lines += [f"{pad}elif {self._draw('bool', scope)}:", *self._inner(scope, indent)]
        return lines + ([f"{pad}else:", *self._inner(scope, indent)] if self._random.random() < 0.5 else [])

    def _for(self, scope: Scope, indent: int) -> Lines:
        pad, name, other = "    " * indent, self._name(), self._name()
        head, own = self._random.choice([
            (f"for {name} in range(<small>):", {"small": [name]}),
            (f"for {name} in <floats>:", {"float": [name], "plain": [name]}),
            (f"for {name}, {other} in enumerate(<floats>):", {"int": [name], "float": [other]}),
            (f"for {name}, {other} in zip(<texts>, <floats>):", {"text": [name], "float": [other]}),
            (f"for {name}, {other} in <table>.items():", {"float": [other]}),
            (f"for {name} in <t3x4>:", {"t4": [name]}),
            (f"for {name} in <vector>:", {"any": [name]}),
            (f"for {name}, ({other}, {other}0) in enumerate([(1.0, <t4>)]):", {"t4": [other + "0"],
            "float": [other]}),
        ])  # fmt: skip
        lines = [
            pad + self._expressions.fill(head, scope, self._depth),
            *self._inner({**_copy(scope), **_merged(scope, own)}, indent),
        ]
        if self._random.random() < 0.3:
            word = self._random.choice(("break", "continue"))
            lines += [f"{pad}    if {self._draw('bool', scope)}:", f"{pad}        {word}"]
        return lines + ([f"{pad}else:", *self._inner(scope, indent)] if self._random.random() < 0.1 else [])

    def _while(self, scope: Scope, indent: int) -> Lines:
        pad, name = "    " * indent, self._name()
        lines = [f"{pad}{name} = {self._draw('small', scope)}", f"{pad}while {name} > 0:", f"{pad}    {name} -= 1"]
        if self._random.random() < 0.03:
            lines.pop()  # never ends
        return [*lines, *self._inner(_merged(scope, {"int": [name]}), indent)]

    def _local_function(self, scope: Scope, indent: int) -> Lines:
        return self._function(scope, indent)

    def _raise(self, scope: Scope, indent: int) -> Lines:
        if self._random.random() < 0.7:
            return self._if(scope, indent)
        pad = "    " * indent
        error = self._random.choice(("ValueError", "TypeError", "RuntimeError"))
        text = self._random.choice(('"stop"', f'f"at {{{self._draw("plain", scope)}}}"'))
        if self._random.random() < 0.3:
            return [f"{pad}assert {self._draw('bool', scope)} or True, {text}"]
        return [f"{pad}if {self._draw('int', scope)} > 1000:", f"{pad}    raise {error}({text})"]

    def _function(self, scope: Scope, indent: int) -> Lines:
        """A function, nested or not; the scope then offers its call."""
        pad, name = "    " * indent, self._name()
        if self._random.random() < 0.1:
            times = self._random.choice(("<small>", "<small>", "<int>"))
            scope.setdefault("float", []).append(f"{name}({times}, <float>)")
            return [f"{pad}def {name}(p, q):", f"{pad}    return q if p <= 0 else {name}(p - 1, q * 0.5) + 1.0"]
        kind, first = (self._random.choice(("float", "t4", "t3x4", "floats", "int", "text")) for _ in range(2))
        inner = _merged(_merged(_copy(scope) if indent else {}, {first: ["p"]}), {"float": ["q"], "vector": ["w"]})
        body = [*self._inner(inner, indent), f"{pad}    return {self._draw(kind, inner)}"]
        if indent == 0:
            body = [line.replace("gradient", "w").replace("parameters", "w") for line in body]
        rest = self._random.choice(("", ", <float>", ", q=<float>"))
        scope.setdefault(kind, []).append(f"{name}(<{first}>, <vector>{rest})")
        return [f"{pad}def {name}(p, w, q=0.5):", *body]

    def _inner(self, scope: Scope, indent: int) -> Lines:
        return self._block(_copy(scope), indent + 1, self._random.randrange(1, 3))

    # Names and values

    def _draw(self, kind: str, scope: Scope) -> str:
        return self._expressions.draw(kind, scope, self._depth)

    def _name(self) -> str:
        self._names += 1
        return f"x{self._names}"

    def _new(self, kind: str, scope: Scope, value: str) -> str:
        name = self._name()
        scope.setdefault(kind, []).append(name)
        if kind in ("float", "int"):
            scope.setdefault("plain", []).append(name)
        return name


def _copy(scope: Scope) -> Scope:
    return {kind: list(texts) for kind, texts in scope.items()}


def _merged(scope: Scope, own: Scope) -> Scope:
    return {**_copy(scope), **{kind: [*scope.get(kind, []), *texts] for kind, texts in own.items()}}
