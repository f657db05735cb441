"""Cases for the search of what is dear for its price: operations of the language on values of every kind and size."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

VALUES: Final[dict[str, tuple[str, ...]]] = {
    "any": ("<number>", "<text>", "<list>", "<tuple>", "<dict>", "<range>", "None"),
    "scalar": ("<number>", "<text>", "None"),
    "number": ("<integer>", "<integer>", "<float>"),
    "integer": ("2 ** {b} - 1", "1 << {b} - 1", "-(3 ** ({b} * 5 // 8))", "True", "0", "-1", "{n}", "10 ** ({b} // 4)"),
    "float": (
        "0.5", "-0.0", "1e-310", "5e-324", "1.7e308", "1e16", "3.0", "-2.5", "0.1", "123456.789", "1e22", "math.inf",
        "2.2250738585072011e-308", "1.0 + 2.0 ** -40", "2.0 ** 53 - 1.0", "1.6e6", "-700.5", "1e-5", "2.0 ** 1023",
    ),
    "numeral": (
        "'9' * 64", "'1.5'", "'0.500000000000000166533453693773481063544750213623046875'", "'9' * 60 + 'e99'", "'nan'",
        "'4.9406564584124654417656879286822137236505980e-324'", "'1e-400'", "' 7 '", "'-' + '1' * 63", "'1_0' * 21",
        "'2.22507385850720113605740979670913197593481954635164564e-308'", "'1e308'",
    ),
    "digits": ("-400", "-300", "-100", "-20", "-1", "0", "1", "2", "15", "17", "100", "300", "323", "400"),
    "count": ("-1", "0", "1", "2", "3", "10", "100", "1000", "5000"),
    "small": ("7", "2 ** 59", "-(2 ** 59)", "100", "0"),
    "letter": ("'a'", "'ab'", "'a b '", "'9'", "'\\xe9'", "'\\u20ac'", "'\\U0001f600'", "' '", "'aA'"),
    "text": ("<letter> * min({n}, 16000)",) * 3 + (
        "<letter> * min({n}, 16000) + <letter>", "<letter> + <letter> * min({n}, 16000)", "''", "<letter>",
        "'a' * 29999", "'a' * 96 + 'b' + 'aa'", "'ab' * 8000 + 'b'", "'a' * 65536", "'a' * 32000 + 'b' + 'a' * 20",
    ),
    "texts": ("[<text>] * min({n}, 1000)", "[f'{i}' for i in range({m})]", "[<letter>, <letter>] * {m}"),
    "element": ("<number>", "<number>", "None", "'abc'", "'\\u20ac'", "[]", "()", "{}", "[1]", "(1, 2)", "[[[]]]"),
    "list": (
        "[<element>] * {n}", "[<element>, <element>] * ({n} // 2)", "[i for i in range({m})]", "[]",
        "[i * 0.5 for i in range({m})]", "[[] for i in range({m})]", "[f'{i}' for i in range({m})]",
    ),
    "tuple": ("(<element>,) * {n}", "()", "(1, <element>)"),
    "empty": ("[]",),
    "lists": ("[[1]] * min({n}, 300)", "[[i] for i in range(min({m}, 300))]", "[[]] * {n}"),
    "container": ("<list>", "<tuple>"),
    "sequence": ("<list>", "<list>", "<tuple>", "<text>", "<range>"),
    "iterable": ("<list>", "<tuple>", "<text>", "<range>", "<dict>"),
    "numbers": (
        "[<number>] * {n}", "[<number>, <number>] * ({n} // 2)", "range({m})", "[i * 7919 % 65537 for i in range({m})]",
        "[2.0 ** 1000, 2 ** 1000 + 1, 2 ** 1000 - 1] * ({n} // 3)",
    ),
    "sortable": (
        "<numbers>", "<numbers>", "<numbers>", "[f'{i * 7919 % 65537}' for i in range({m})]", "['\\u20ac'] * {n}",
        "['a' * 1000 + 'b', 'a' * 1000] * ({m} // 2)", "'ab' * min({n}, 30000)",
    ),
    "range": ("range({n})", "range({n})[::-1]", "range(2 ** 59, 2 ** 59 + {m})", "range(-(2 ** 59), 2 ** 59, 2 ** 45)"),
    "pair": ("(1, 2)", "[1, 2]", "'ab'", "range(2)", "{'a': 1, 'b': 2}"),
    "pairs": ("[(1, 2)] * {n}", "[[1, 2]] * {n}", "['ab'] * {n}", "zip(range({m}), range({m}))"),
    "items": ("[(f'{i}', i) for i in range({m})]", "['ab'] * {n}", "[['a', 1]] * {n}"),
    "dict": (
        "{f'{i}': i for i in range({m})}", "{f'{i}': [] for i in range({m})}", "{'a' * 5000: 1}", "{'a': 1}", "{}",
    ),
}  # fmt: skip
"""Kinds of values, as expressions: of values of other kinds, of a size {n}, a smaller one {m}, and of {b} bits."""

_SIZES: Final = (0, 1, 2, 3, 5, 7, 10, 30, 64, 100, 127, 256, 500, 1000, 1366, 3000, 10_000, 30_000, 65_536, 200_000)
_BITS: Final = (1, 8, 29, 31, 53, 60, 63, 64, 100, 512, 1000, 1024, 2040, 2047, 3000, 4000, 4095)
_FORMATS: Final = (
    "", ".99f", ".0f", ".99g", ".99e", ".17g", "999", ">999.9f", "g", "e", "f", "%", "+.3f", "<9", "012.4f", ",",
    ",.2f", "_.9f", "d", "b", "x", "o", "999d", "999b", ",d", "_b",
)  # fmt: skip

_WRITTEN: Final = """
number, number | x + y | x - y | x * y | x / y | x // y | x % y | x ** y | x << y | x >> y | x & y | x | y | x ^ y
number, number | x < y | x == y | x != y | divmod(x, y) | pow(x, y) | max(x, y) | min(x, y, x, y) | x < y < x
number, number | math.pow(x, y) | math.copysign(x, y)
number | -x | ~x | +x | abs(x) | int(x) | float(x) | round(x) | x += 1 | x.bit_length() | x.is_integer()
number, digits | round(x, y)
numeral | int(x) | float(x)
scalar | str(x) | f'{x}' | f'{x}{x}{x}{x}{x}{x}{x}{x}'
text | f'{x:999}' | f'{x:>999}' | f'{x:.9}' | x.split() | x.lower() | x.upper() | x.strip() | x.join
text, text | x + y | x == y | x < y | x in y | x.split(y) | x.startswith(y) | x.endswith(y)
text, count | x * y | x[y:] | x[:y]
text, texts | x.join(y)
any | bool(x) | not x | x is None | x | (x, x) | [x, x, x, x, x, x, x, x] | {'a': x, 'b': x, 'c': x} | ((), (), x)
any | isinstance(x, (int, float, str, list)) | isinstance(x, (dict,) * 500) | isinstance(x, dict) | dict(a=1, b=x)
any | (lambda a: a)(x) | (lambda a, *, b=1, c=2: a)(x, c=3) | f0(x) | f1(x, x, x, x) | f2(b=x) | lambda: x
any | 1 if x is None else 2 | a = b = x | a: int = x | lambda a=1, *, b=2: x
any, any | x if y else x | x and y and x and y | x or y or x or y or x | (x, y)
sequence | x[0] | x[-1:] | x[::-1] | x[::2] | x[0:0] | x[:]
sequence, count | x[y:y + 1]
sequence, any | y in x
iterable | list(x) | tuple(x) | reversed(x) | enumerate(x) | enumerate(x, 2 ** 59) | zip(x) | all(x) | any(x) | len(x)
iterable | sorted(x, key=lambda e: 0) | max(x, key=lambda e: 0) | [0 for e in x] | [e for e in x if 0] | [[] for e in x]
iterable | sum(1 for e in x) | [{'a': 1, 'b': 2} for e in x] | [lambda: e for e in x] | [(e, e) for e in x] | f5(x)
iterable | [[a for a in (1, 2)] for e in x] | any(e is None for e in x) | [e == 0 for e in x]
iterable, iterable | zip(x, y)
sortable | sorted(x) | sorted(x, reverse=True) | max(x) | min(x)
numbers | sum(x) | {f'{e}': 0 for e in x} | max(0, *x[:256]) | x[0] += 1
lists | sorted(x, key=len) | sum(x, []) | x[0][0]
list | x != x[:] | x == x | x.copy() | x.insert(0, 1); x.pop(0) | x.reverse() | x[::2] = x[::2] | x[1:1] = () | x.append
list, list | x + y
list, any | x.count(y) | x.append(y); x.pop() | x[0] = y | x.append(y); del x[0]
list, count | x * y
tuple, tuple | x + y
container, container | x == y
empty, iterable | x.extend(y); x[:] = [] | x[:] = y | x += y; x[:] = [] | x[0:0] = y; x[:] = []
empty, count | x[y:] = []
pair | a, b = x
pair, any | a, (b, c) = y, x
pairs | [a for a, b in x]
items | dict(x)
dict | x.copy() | {**x} | {**x, 'a': 1} | dict(x) | list(x.items()) | x.items() | x.keys() | x.values() | x.items
dict | enumerate(x.items()) | x.update(a=1) | x == x.copy() | [e for e in x.items()] | [v for k, v in x.items()]
dict | reversed(x.items()) | sorted(x) | zip(x.values(), x.keys()) | x.keys() == x.keys() | len(x.items())
dict, dict | {**x, **y} | x.update(y) | x == y
dict, text | x.get(y, 0) | y in x | x[y] = 0; x.pop(y) | x[y] = 0; del x[y] | x.setdefault(y, 0) | y in x.keys()
dict, text | x.pop(y, 0)
dict, any | y in x.values()
range | x[1:] | x[::3] | x[-1]
range, number | y in x
range, range | x == y
small, small | range(x, y, 3)
nothing | [] | {} | () | {'a': {'b': {'c': {}}}} | [[], [], [], [], [], [], [], []] | [[[[[[[[]]]]]]]]
nothing | 1 | pass | math.pi | f3(20) | f4() | f6(8)
"""
_MATH: Final = "ceil cos erf exp expm1 fabs floor isfinite isinf isnan log log1p sin sqrt tanh"

FUNCTIONS: Final = """
def f0(a):
    return a
def f1(a, b, c, d, e=1, f=2.5, g=None, *, h=3, i=4):
    return 0
def f2(*, a=1, b=2, c=3, d=4):
    return b
def f3(n):
    return f3(n - 1) if n else 0
def f4():
    a = b = c = d = e = f = g = h = i = 0
    return lambda: a
def f5(x):
    for e in x:
        if e is None:
            continue
    return 0
def f6(n):
    while n:
        n -= 1
    else:
        pass
"""
"""The functions of the module that operations call."""


@dataclass(frozen=True)
class Operation:
    """What is done, and the kinds of the values x and y that it is done to."""

    text: str
    kinds: tuple[str, ...]


def _operations() -> tuple[Operation, ...]:
    found = [
        *(Operation(f"math.{name}(x)", ("number",)) for name in _MATH.split()),
        *(Operation(f"f'{{x:{form}}}'", ("number",)) for form in _FORMATS),
    ]
    for line in _WRITTEN.strip().split("\n"):
        kinds, *texts = line.replace("x | y |", "x \\ y |").split(" | ")
        of = () if kinds == "nothing" else tuple(kinds.split(", "))
        found += [Operation(text.replace("\\", "|"), of) for text in texts]
    return tuple(found)


OPERATIONS: Final = _operations()


@dataclass(frozen=True)
class Case:
    """An operation, and an expression for each of its values."""

    operation: Operation
    values: tuple[str, ...]

    @property
    def setup(self) -> str:
        """The statements that make the values."""
        return "; ".join(f"{name} = {value}" for name, value in zip("xy", self.values, strict=False)) or "pass"

    def __str__(self) -> str:
        return f"{self.operation.text} where {self.setup}"


Kinds = Mapping[str, Sequence[str]]


def case(operation: Operation, random: Random, near: Case | None = None, kinds: Kinds = VALUES) -> Case:
    """Values for an operation: those of another case but one, or all anew; the second is often equal to the first."""
    values = [value(kind, random, kinds) for kind in operation.kinds]
    if near is not None and values:
        place = random.randrange(len(values))
        values = [new if i == place else old for i, (new, old) in enumerate(zip(values, near.values, strict=True))]
    if operation.kinds in _ALIKE and random.random() < 0.3:
        values[1] = _ALIKE[operation.kinds]
    return Case(operation, tuple(values))


_ALIKE: Final = {
    ("text", "text"): "x + ''", ("list", "list"): "x[:]", ("tuple", "tuple"): "x + ()", ("dict", "dict"): "x.copy()",
    ("container", "container"): "x + x[:0]", ("number", "number"): "x * 1",
}  # fmt: skip
"""The second of two values, equal to the first and another object."""


def value(kind: str, random: Random, kinds: Kinds = VALUES) -> str:
    """An expression of a kind."""
    size = random.choice(_SIZES)
    numbers = {"{n}": str(size), "{m}": str(min(size, 3000)), "{b}": str(random.choice(_BITS))}
    text = random.choice(kinds[kind])
    for hole, number in numbers.items():
        text = text.replace(hole, number)
    return re.sub("<([a-z]+)>", lambda found: value(found[1], random, kinds), text)
