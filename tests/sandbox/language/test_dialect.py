from __future__ import annotations

import sys
import time

import pytest

from sandbox.diagnostics import Diagnostic
from sandbox.language.dialect import check
from tests.support.sample_modules import ENTRY_POINTS, VOCABULARY, codes

LINES_BEFORE = ENTRY_POINTS.count("\n")


def problems_of(snippet: str) -> list[tuple[str, int, int]]:
    """Check `snippet` as if it were a module of its own; lines count from its first."""
    found = check(ENTRY_POINTS + snippet, VOCABULARY)[1]
    return [(problem.code, problem.line - LINES_BEFORE, problem.column) for problem in found]


def inside(statement: str) -> str:
    return "def f(a, b):\n" + "".join(f"    {line}\n" for line in statement.split("\n"))


@pytest.mark.parametrize(
    ("statement", "code", "line", "column"),
    [
        ("class A:\n    pass", "D110", 2, 5),
        ("@a\ndef g():\n    pass", "D111", 2, 6),
        ("global c\nc = 1", "D112", 2, 5),
        ("yield a", "D113", 2, 5),
        ("yield from a", "D113", 2, 5),
        ("async def g():\n    return 1", "D114", 2, 5),
        ("match a:\n    case 1:\n        pass", "D115", 2, 5),
        ("with a as c:\n    return c", "D116", 2, 5),
        ("try:\n    pass\nexcept ValueError as e:\n    return e", "D117", 2, 5),
        ("try:\n    pass\nexcept* a:\n    pass", "D117", 2, 5),
        ("assert a, b", "D118", 2, 15),
        ("assert a, (b, 'c')", "D118", 2, 15),
        ("del a", "D119", 2, 9),
        ("del a.b", "D119", 2, 9),
        ("return [*a]", "D120", 2, 13),
        ("return (*a, 1)", "D120", 2, 13),
        ("return a[*b]", "D120", 2, 14),
        ("return a(**b)", "D120", 2, 14),
        ("c, *d = a", "D120", 2, 8),
        ("return (c := a)", "D121", 2, 13),
        ("return {a, b}", "D122", 2, 12),
        ("return {c for c in a}", "D122", 2, 12),
        ("import os", "D130", 2, 12),
        ("import math", "D131", 2, 5),
        ("raise", "D132", 2, 5),
        ("raise ValueError('a') from a", "D132", 2, 5),
        ("raise ValueError(a)", "D132", 2, 5),
        ("raise a", "D132", 2, 5),
        ("a.b = 1", "D133", 2, 5),
        ("a.b += 1", "D133", 2, 5),
        ("for a.b in a:\n    pass", "D133", 2, 9),
        ("[c, d] = a", "D134", 2, 5),
        ("for [c, d] in a:\n    pass", "D134", 2, 9),
        ("c, d = e = a", "D134", 2, 5),
        ("for c, a[0] in b:\n    pass", "D134", 2, 12),
        ("return [c for a[0] in b]", "D134", 2, 19),
        ("for a[0] in b:\n    pass", "D134", 2, 9),
        ("c = (d for d in a)\nreturn c", "D135", 2, 9),
        ("return a < (b < (b < (b < (b < a() < 3) < a()) < a()) < a()) < 3", "D103", 2, 32),
        ("return a is b", "D137", 2, 12),
        ("return a is 5", "D137", 2, 12),
        ("return f'{a.b}'", "D138", 2, 12),
        ("return f'{a!r}'", "D138", 2, 12),
        ("return f'{a=}'", "D138", 2, 12),
        ("return f'{a:{b}}'", "D138", 2, 12),
        ("return f'{a:>9999}'", "D138", 2, 12),
        ("return f'{a:n}'", "D138", 2, 12),
        ("return f'é{a}'", "D138", 2, 12),
        ('return f"""{a}\n{b}"""', "D138", 2, 12),
        ("def g(c=[]):\n    return c", "D139", 2, 13),
        ("c = lambda d=a: d", "D139", 2, 18),
        ("def g(*c):\n    return c", "D140", 2, 12),
        ("def g(**c):\n    return c", "D140", 2, 13),
        ("return b'a'", "D141", 2, 12),
        ("return 1j", "D141", 2, 12),
        ("return '\\ud800'", "D142", 2, 12),
        ("return {1.5: a}", "D143", 2, 13),
        ("_c = 1", "D150", 2, 5),
        ("torch = 1", "D150", 2, 5),
        ("c = lambda math: 1", "D150", 2, 16),
        ("c__roles__ = 1", "D150", 2, 5),
        ("printed = 1", "D150", 2, 5),
        ("return open", "D151", 2, 12),
        ("return a.__class__", "D153", 2, 14),
        ("return a.pi.__class__", "D153", 2, 17),
        ("return a.cuda()", "D154", 2, 14),
        ("return torch.sqrt(a)", "D154", 2, 18),
        ("return math.number", "D154", 2, 17),
        ("return a(\n    b\n).cuda", "D154", 4, 7),
        ("return a.sqrt(dtype=1)", "D155", 2, 19),
        ("return a(_b=1)", "D153", 2, 14),
        ("return [[[[[1 for c in a] for c in a] for c in a] for c in a] for c in a]", "D103", 2, 16),
        ("break", "D100", 2, 5),
        ("return a a", "D100", 2, 14),
    ],
)
def test_each_rule_reports_its_place(statement: str, code: str, line: int, column: int) -> None:
    assert (code, line, column) in problems_of(inside(statement))


@pytest.mark.parametrize(
    ("snippet", "code", "line", "column"),
    [
        ("import torch as t", "D130", 1, 8),
        ("import torch.nn", "D130", 1, 8),
        ("from math import *", "D130", 1, 1),
        ("from typing import *", "D130", 1, 1),
        ("from torch.nn import number", "D130", 1, 1),
        ("from math import number", "D154", 1, 18),
        ("from math import sqrt as _sqrt", "D150", 1, 18),
        ("from math import sqrt as torch", "D150", 1, 18),
        ("from math import torch", "D150", 1, 18),
        ("from typing import Any\nx = Any", "D151", 2, 5),
        ("from torch import Tensor\nx = [Tensor]", "D151", 2, 6),
        ("from math import pi\npi = 3", "D162", 2, 1),
        ("from torch import number\nx = number(1)", "D161", 2, 5),
        ("from . import math", "D130", 1, 1),
        ("from __future__ import division", "D130", 1, 1),
        ("x = 'é' + b'a'", "D141", 1, 11),
        ("if 1:\n    x = 1", "D160", 1, 1),
        ("for x in []:\n    pass", "D160", 1, 1),
        ("x, y = 1, 2", "D160", 1, 1),
        ("x: int", "D160", 1, 1),
        ("x = [1]\nx[0] = 2", "D160", 2, 1),
        ("init_optimiser_state(1, 2, 3, 4)", "D160", 1, 1),
        ("x = lambda: 1", "D161", 1, 5),
        ("x = [y for y in (1, 2)]", "D161", 1, 5),
        ("x = dict()", "D161", 1, 5),
        ("x = [1, [init_optimiser_state]]", "D161", 1, 10),
        ("x = y\ny = 1", "D161", 1, 5),
        ("x = 1\nx = 2", "D162", 2, 1),
        ("def f():\n    pass\ndef f():\n    pass", "D162", 3, 1),
        ("HYPERPARAMETERS = 1", "D165", 1, 1),
        ("HYPERPARAMETERS = {1: 2}", "D165", 1, 1),
        ("def HYPERPARAMETERS():\n    return {}", "D165", 1, 1),
        ("from math import pi as HYPERPARAMETERS", "D165", 1, 1),
        ("HYPERPARAMETERS = {'a': [1]}", "D165", 1, 1),
        ("HYPERPARAMETERS = {'a': 1 + 1}", "D165", 1, 1),
    ],
)
def test_each_rule_of_the_top_level_reports_its_place(snippet: str, code: str, line: int, column: int) -> None:
    assert (code, line, column) in problems_of(snippet)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="syntax of Python 3.12")
@pytest.mark.parametrize("snippet", ["type X = int", "def f[T](a):\n    return a"])
def test_type_parameters_are_refused(snippet: str) -> None:
    """A42; in 3.11 they are syntax errors, which is the same verdict."""
    assert problems_of(snippet)[0][0] in ("D100", "D124")


@pytest.mark.parametrize(
    "field",
    [
        'f"{a["b"]}"',
        "f'{a[\"b\"]}'",
        "f'{\na}'",
        "f'{a # c\n}'",
        "f'{a\n}'",
        "f'{\"\\n\"}'",
        "f'{f\"{a}\"}'",
        "f'{a + 1!s}'",
    ],
)
def test_an_f_string_has_the_same_verdict_in_every_python(field: str) -> None:
    """A51: since 3.12 f-strings accept much that 3.11 does not."""
    assert problems_of(inside(f"return {field}"))


def test_every_problem_of_a_source_is_reported_in_order() -> None:
    source = "class A:\n    def f(self):\n        self.x = open('é'); del f\nimport os\n"
    assert [(p.code, p.line, p.column) for p in check(source, VOCABULARY)[1]] == [
        ("D110", 1, 1),
        ("D163", 1, 1),
        ("D163", 1, 1),
        ("D163", 1, 1),
        ("D133", 3, 9),
        ("D151", 3, 18),
        ("D119", 3, 33),
        ("D130", 4, 8),
    ]


def test_a_missing_entry_point_is_named_with_its_signature() -> None:
    source = ENTRY_POINTS.replace("query_location_parameters", "query")
    (problem,) = check(source, VOCABULARY)[1]
    signature = "query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss)"
    assert problem == Diagnostic(
        1, 1, "D163", "the function 'query_location_parameters' is missing", f"define {signature}"
    )


@pytest.mark.parametrize("rng", ["rng=None", "*rng", "random", "rng, more", "*, rng", "rng, /"])
def test_entry_points_have_exactly_their_parameters(rng: str) -> None:
    """A53."""
    assert "D164" in codes(ENTRY_POINTS.replace("rng", rng, 1))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("open", "the sandbox has no files"),
        ("torch", 'write "import torch" at the top of the module'),
        ("type", "write isinstance(x, (int, float)), or compare with None"),
        ("lenn", "did you mean 'len'?"),
        ("IndexError", 'write raise ValueError("...")'),
        ("repr", 'write an f-string: f"{x}"'),
        ("unheard_of", ""),
    ],
)
def test_unknown_names_come_with_advice(name: str, hint: str) -> None:
    (problem,) = check(ENTRY_POINTS + inside(f"return {name}"), VOCABULARY)[1]
    assert (problem.message, problem.hint) == (f"unknown name {name!r}", hint)


def test_names_of_annotations_are_not_looked_at() -> None:
    source = "def f(a: Tensor, b: 'x' = 1, *, c: [print] = None) -> Optional[Tensor]:\n    d: list[int] = []\n"
    assert problems_of(source) == []


@pytest.mark.parametrize(
    ("statement", "message", "hint"),
    [
        ("return a.cuda()", "nothing here has an attribute 'cuda'", "leave it out"),
        ("return a.ssqrt()", "nothing here has an attribute 'ssqrt'", "did you mean 'sqrt'?"),
        ("return math.sqtr(a)", "'math' has no 'sqtr' here", "did you mean 'sqrt'?"),
        ("return a.append_(b)", "nothing here has an attribute 'append_'", "did you mean 'append'?"),
        ("return '{}'.format(a)", "nothing here has an attribute 'format'", 'write an f-string: f"{x}"'),
        ("return a.unheard_of", "nothing here has an attribute 'unheard_of'", ""),
        ("return a.sqrt(dtype=b)", "'sqrt' takes no keyword 'dtype' here", "leave it out: all are equal"),
        ("return a.sqrt(out=b)", "'sqrt' takes no keyword 'out' here", "leave it out"),
    ],
)
def test_unknown_attributes_and_keywords_come_with_advice(statement: str, message: str, hint: str) -> None:
    (problem,) = check(ENTRY_POINTS + "import math\n" + inside(statement), VOCABULARY)[1]
    assert (problem.message, problem.hint) == (message, hint)


@pytest.mark.parametrize(
    "statement",
    [
        "return a.sqrt(value=1) + math.pi",
        "return [].append(a), {}.items(), 'a'.join(b), a.copy().update(b, key=1)",
        "t = torch\nreturn t.number",
        "c: a.device = 1",
        "def g(c: torch.Tensor) -> torch.optim.Optimizer:\n    return c",
    ],
)
def test_what_something_in_the_sandbox_has_is_no_problem(statement: str) -> None:
    assert problems_of("import torch\nimport math\n" + inside(statement)) == []


@pytest.mark.parametrize(
    ("snippet", "found"),
    [
        ("return torch.linalg.qr.cuda", ["D154"]),
        ("with torch.no_grad():\n    return a.cuda", ["D116", "D154"]),
        ("@torch.no_grad()\ndef g():\n    return 1", ["D111"]),
        ("class A(torch.optim.Optimizer):\n    def step(self):\n        return self.rate, self.rate.cpu()", ["D110"]),
        ("c.d.cuda = 1", ["D133", "D151", "D154"]),
        ("return yield_(a)\nyield a", ["D113", "D151"]),
    ],
)
def test_one_mistake_is_one_problem(snippet: str, found: list[str]) -> None:
    assert sorted(code for code, *_ in problems_of("import torch\n" + inside(snippet))) == found


@pytest.mark.parametrize(
    ("snippet", "code"),
    [
        ("class A:\n    pass", "D110"),
        ("try:\n    pass\nfinally:\n    pass", "D117"),
        ("with 1:\n    pass", "D116"),
        ("async def f():\n    pass", "D114"),
    ],
)
def test_what_is_refused_everywhere_is_not_refused_for_its_place_too(snippet: str, code: str) -> None:
    assert problems_of(snippet) == [(code, 1, 1)]


def test_a_problem_in_each_function_that_only_the_compiler_sees() -> None:
    functions = "def f(a):\n    break\ndef g(a):\n    return b\ndef h(a):\n    continue\n"
    assert problems_of(functions) == [("D100", 2, 5), ("D151", 4, 12), ("D100", 6, 5)]
    assert [problem.code for problem in check("def f(a, a):\n    return 1\n", VOCABULARY)[1]].count("D100") == 1


CRASHING = {
    "comprehensions": "a = " + "[" * 25 + "b" + " for b in [1]]" * 25,
    "sets": "a = " + "{" * 25 + "b" + " for b in [1]}" * 25,
    "dicts": "a = " + "{'a': " * 25 + "b" + " for b in [1]}" * 25,
    "in try": "\n".join(
        [" " * i + "try:" for i in range(12)]
        + [" " * 12 + "a = " + "{" * 12 + "b" + " for b in [1]}" * 12]
        + [" " * i + "finally: a" for i in reversed(range(12))]
    ),
}


@pytest.mark.parametrize("blocks", CRASHING)
def test_python_never_compiles_what_crashes_its_compiler(blocks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[object] = []
    monkeypatch.setattr("sandbox.language.dialect.compile", lambda *a, **_: compiled.append(a), raising=False)
    assert problems_of(CRASHING[blocks])
    assert not compiled


def test_looking_for_what_was_meant_takes_little_time() -> None:
    names = [f"name{i}abcdefgh" for i in range(3000)]
    source = ENTRY_POINTS + inside("\n".join(f"{name}.{name} = {name}x.{name}" for name in names[:1200]))
    start = time.process_time()
    assert len(check(source, VOCABULARY)[1]) > 1000
    assert time.process_time() - start < 5


ORDINARY = {
    "assert": "assert a > 0\nassert b, 'b is empty'\nassert a < b, f'{a} is too large'",
    "from": "return sqrt(a) + root(tau)",
    "chains": "return 0 < a[0] <= b.sqrt() < 3",
    "stars": "return max(*a, 1), b(*a, *b, key=1)",
    "merging": "return {**a, 'b': 1, **b}",
    "defaults": "def g(c=(0.9, 0.999), d=((1, -2), ('x', None))):\n    return c",
    "several items": "a['m'], (a['v'], c) = b\nreturn c",
    "names": "c = d = []\nfor i, (e, f) in enumerate(zip(a, b)):\n    c.append((i, e, f))\nreturn d",
    "keys": "return sorted(a, key=lambda i: b[i], reverse=True), min(a, key=abs, default=None)",
    "kinds": "return isinstance(a, (int, float)) and not isinstance(b, bool)",
    "lambdas": "return {'a': lambda x: x + 1, 'b': lambda x, y=2: x * y}",
    "powers": "return pow(a, 2), divmod(a, b), abs(a) ** 0.5, round(a, 3)",
}


@pytest.mark.parametrize("program", ORDINARY)
def test_what_authors_write_is_allowed(program: str) -> None:
    before = """from __future__ import annotations
from collections.abc import Callable
from typing import Any, Optional as Maybe
from math import pi as tau, sqrt
from torch import Tensor
from math import sqrt as root
HALF = sqrt(0.25) / tau
def with_types(a: Maybe[Tensor], b: Callable[..., Any]) -> Tensor:
    return a
"""
    source = before + ENTRY_POINTS + inside(ORDINARY[program])
    assert check(source, VOCABULARY)[1] == ()


ESCAPES = {
    "A01": "return ().__class__.__base__.__subclasses__()",
    "A02": "return 'a'.__class__",
    "A02 lambda": "return (lambda: 1).__globals__",
    "A03": "return f.__code__",
    "A04": "return a.sqrt.__self__",
    "A05": "return __builtins__",
    "A05 import": "return __import__",
    "A06": "return a._＿class__",
    "A06 name": "return ｅｖａｌ",
    "A08 positional": "def g(_getattr_, /):\n    return 1",
    "A08 vararg": "def g(*_getattr_):\n    return 1",
    "A08 kwonly": "def g(*, _getattr_):\n    return 1",
    "A08 lambda": "return lambda _getattr_: 1",
    "A08 comprehension": "return [1 for _getattr_ in a]",
    "A08 for": "for _getattr_ in a:\n    pass",
    "A08 function": "def _getattr_(a, b):\n    return a",
    "A08 import": "import math as _getattr_",
    "A08 walrus": "return (_getattr_ := 1)",
    "A08 with": "with a as _getattr_:\n    pass",
    "A08 except": "try:\n    pass\nexcept ValueError as _getattr_:\n    pass",
    "A08 match": "match a:\n    case _getattr_:\n        pass",
    "A09": "global _getattr_",
    "A10": "torch = 1",
    "A12": "return getattr(a, '__cl' + 'ass__')",
    "A15": "return f'{a!r:{b}}'",
    "A18": "return a.tb_frame",
    "A21": "try:\n    pass\nexcept* ValueError:\n    pass",
    "A22": "return a.gi_frame",
    "A23": "return (c for c in a)",
    "A24": "async def g():\n    await a",
    "A25": "@a\ndef g():\n    return 1",
    "A26": "class A(metaclass=a):\n    pass",
    "A27": "class A(a):\n    def __eq__(self, b):\n        return True",
    "A31": "return [(c := d) for d in a]",
    "A32": "return [__class__ for __class__ in a]",
    "A33": "return lambda a=_getattr_: a",
    "A34": "match a:\n    case object(__dict__=d):\n        return d",
    "A35": "match a:\n    case {'x': d}:\n        return d",
    "A36": "[c, d] = a",
    "A37": "return [*a]",
    "A38": "c, d = e, g = a()",
    "A39": "from math import *",
    "A40": "e = eval",
    "A43": "def g():\n    nonlocal a\n    a = 1",
    "A44": "print(a)",
    "A44 printed": "return printed",
    "A45": "del a",
    "A46": "assert a(), a",
    "A55": "global f\nf = a",
    "B06": "return iter(a, 1)",
    "B10": "return memoryview(a)",
    "B12": "return issubclass(a, b)",
    "B13": "return globals()",
    "B14": "setattr(a, 'b', 1)",
    "B17": "raise SystemExit('bye')",
    "C18": "while True:\n    try:\n        pass\n    finally:\n        continue",
    "E12 default": "def g(c={}):\n    return c",
    "E12 attribute": "f.memory = a",
}


@pytest.mark.parametrize("attack", ESCAPES)
def test_escapes_are_refused(attack: str) -> None:
    assert codes(ENTRY_POINTS + inside(ESCAPES[attack]))


@pytest.mark.parametrize(
    "name",
    [
        "id",
        "hash",
        "repr",
        "type",
        "object",
        "super",
        "vars",
        "dir",
        "locals",
        "input",
        "help",
        "exit",
        "quit",
    ],
)
def test_dangerous_builtins_are_unknown(name: str) -> None:
    """B01, B02, B13, B15."""
    assert problems_of(inside(f"return {name}")) == [("D151", 2, 12)]


@pytest.mark.parametrize("attack", ["def __getattr__(a):\n    return a", "__all__ = 1", "__dir__ = 1"])
def test_module_hooks_are_refused(attack: str) -> None:
    """A56."""
    assert codes(ENTRY_POINTS + attack)


@pytest.mark.parametrize(
    "attack", ["init_optimiser_state = 1", "if 1:\n    def init_optimiser_state(a):\n        pass"]
)
def test_entry_points_cannot_be_replaced(attack: str) -> None:
    """A54."""
    assert codes(ENTRY_POINTS + attack)
