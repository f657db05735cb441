# ruff: noqa: E501 (a row is a case)
"""What `benchmarks.stalls` repeats: a setup, and an operation with arguments or data that are dear for their price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Case(NamedTuple):
    """A setup and what is done in every turn of a loop, by a name."""

    name: str
    setup: str
    operation: str


def _on(kind: str, setup: str, *operations: str) -> Iterator[Case]:
    """Cases on one setup; each is done four times a turn, so that the turn itself counts for little."""
    return (Case(f"{operation}, {kind}", setup, "; ".join([operation] * 4)) for operation in operations)


def _once(kind: str, setup: str, *operations: str) -> Iterator[Case]:
    return (Case(f"{operation}, {kind}", setup, operation) for operation in operations)


def _times(kind: str, setup: str, operation: str) -> Case:
    """Hundred of an expression, held in one list."""
    return Case(f"100 of {operation} held, {kind}", setup, "[" + ", ".join([operation] * 100) + "]")


_HARD = "0.500000000000000166533453693773481063544750213623046875"
_LONG = "x = 2 ** 4095 - 1; y = 2 ** 2047 - 1"
_BIG = "x = torch.ones(4096, 4096); y = x + 1.0"
_DATA = {
    "ones": "x = torch.ones(2 ** 22)",
    "subnormal": "x = torch.ones(2 ** 22) * 1e-42",
    "infinite": "x = torch.ones(2 ** 22) / 0.0",
    "NaN": "x = torch.ones(2 ** 22) * math.nan",
    "random": "x = rng.normal(2 ** 22)",
    "wide": "x = (rng.normal(2 ** 22) * 20.0).exp() * rng.rademacher(2 ** 22)",
    "large": "x = torch.ones(2 ** 22) * 3e38",
}

_TEXT_CASES = [
    *_once(
        "equal keys of 2^16",
        "a = '\U0001f600' * 65535; s = a + 'b'; t = a + 'b'; d = {s: 1}; e = {t: 1}; g = d.get",
        "t in d",
        "d[t]",
        "g(t)",
        "{**d, **e}",
        "{s: 1, t: 2}",
        "d == e",
        "d.pop(t, 0); d[s] = 1",
    ),
    *_once("'a' * 2499", "y = 'a' * 2499; x = 'a' * 1250 + 'b' + 'aa'", "x in y", "y.split(x)"),
    *_once("'a' * 29999", "y = 'a' * 29999; x = 'a' * 96 + 'b' + 'aa'", "x in y", "y.split(x)"),
    *_once("2^16", "y = 'ab' * 32768; x = 'ab' * 8000 + 'b'", "x in y", "y.split(x)"),
    *_once("2^16, aba", "y = 'a' * 65536; x = 'a' * 32000 + 'b' + 'a' * 20", "x in y", "y.split(x)"),
    *_once("2^16, short", "y = 'a' * 65536; x = 'aabaa'", "x in y", "y.split(x)"),
    *_once(
        "a tuple of 1000",
        "a = 'a' * 32767; t = a + 'b' + a; x = a + 'c' + a; p = (t,) * 1000",
        "x.startswith(p)",
        "x.endswith(p)",
    ),
    *_once(
        "EUR * 2^16",
        "x = '\u20ac' * 65536",
        "list(x)",
        "tuple(x)",
        "reversed(x)",
        "enumerate(x)",
        "sorted(x)",
        "y = x + ''",
    ),
    *_once("2^20 words", "x = ('ab ' * 21845)", "x.split()", "x.split(' ')"),
]

_NUMBER_CASES = [
    *_on(
        "1.7e308",
        "x = 1.7e308 / 3",
        "round(x, 1)",
        "round(x, 15)",
        "round(x, 300)",
        "str(x)",
        "f'{x:.99f}'",
        "f'{x:.0f}'",
        "f'{x:.99g}'",
        "f'{x:.99e}'",
        "f'{x:f}'",
        "int(x)",
        "round(x)",
    ),
    *_on(
        "5e-324", "x = 5e-324", "round(x, 300)", "round(x, 323)", "str(x)", "f'{x:.99f}'", "f'{x:.99g}'", "f'{x:.99e}'"
    ),
    *_on(
        "2.2250738585072011e-308",
        "x = 2.2250738585072011e-308",
        "round(x, 323)",
        "str(x)",
        "f'{x:.17g}'",
        "f'{x:.99e}'",
    ),
    *_on(
        "a hard text",
        "a = '2.22507385850720113605740979670913197593481954635164564e-308'; b = '"
        + _HARD
        + "'; c = '9' * 60 + 'e99'; e = '4.9406564584124654417656879286822137236505980e-324'",
        "float(a)",
        "float(b)",
        "float(c)",
        "float(e)",
    ),
    *_on("64 digits", "a = '9' * 64", "int(a)"),
    *_on(
        "4096 bits",
        _LONG,
        "1 ** x",
        "(-1) ** x",
        "x // y",
        "x % y",
        "x * y",
        "x // 3",
        "str(x)",
        "f'{x:,}'",
        "f'{x:b}'",
        "round(x, -1)",
        "round(x, -400)",
        "x / y",
        "y / x",
        "x + y",
        "x & y",
        "x >> 1",
        "x >> y",
        "x < y",
        "x == y",
        "y << 2000",
        "float(y // 2 ** 1100)",
        "divmod(x, y)",
        "x < 1.5",
        "x * 1",
        "abs(-x)",
        "0 << x",
    ),
    *_on("floats", "x = 1.7e308; y = 5e-324", "x % y", "x // y", "divmod(x, y)"),
    *_on("floats 3", "x = 1.7e308; y = 3e-308", "x % y", "x // y"),
    *_on(
        "a power",
        "x = 1.0 + 2.0 ** -40; y = 1e-300; n = 2.0 ** 53 - 1.0; k = -(2.0 ** 53) + 1.0",
        "x ** n",
        "x ** k",
        "math.pow(x, n)",
        "math.pow(x, k)",
        "math.pow(x, 0.37)",
    ),
    *_on("a reciprocal power", "x = 1.0 + 2.0 ** -43; k = -(2.0 ** 53) + 1.0", "x ** k", "math.pow(x, k)"),
    *_on(
        "functions",
        "x = 1.6e6; y = 1e-310; z = 5.9; w = -700.5",
        "math.sin(x)",
        "math.cos(x)",
        "math.log(y)",
        "math.erf(z)",
        "math.exp(w)",
        "math.tanh(z)",
        "math.expm1(z)",
        "math.log1p(y)",
        "math.floor(1.7e308)",
        "math.sqrt(y)",
    ),
]

_METHOD_CASES = [
    *_on(
        "bound",
        "d = {'a': 1}; x = [1]; n = 5; r = 1.5; t = torch.ones(1); i = d.items; g = d.get; sd = d.setdefault; a = x.append; p = x.pop; b = n.bit_length; q = r.is_integer; c = t.clone; m = t.numel; h = t.size; cp = d.copy; s = ''.split; lo = ''.lower; to = t.to; dt = t.detach; le = {}.copy",
        "i()",
        "g('a')",
        "sd('a', 1)",
        "a(1); p()",
        "b()",
        "q()",
        "c()",
        "m()",
        "h()",
        "h(0)",
        "cp()",
        "s()",
        "lo()",
        "to(torch.float32)",
        "to('cpu')",
        "dt()",
        "le()",
    ),
    *(
        _times(
            "bound",
            "d = {}; t = torch.ones(1); c = t.clone; cp = d.copy; i = d.items; s = 'a b'.split; e = ''.split; h = t.size",
            op,
        )
        for op in (
            "c()",
            "cp()",
            "i()",
            "e(' ')",
            "e()",
            "s()",
            "h()",
            "d.items()",
            "range(5)",
            "rng.normal",
            "torch.linalg",
            "list()",
            "dict()",
            "t[0:1]",
        )
    ),
    *_on(
        "x.shape",
        "x = torch.ones(1, 1, 1, 1, 1, 1, 1, 1)",
        "x.shape",
        "x.size()",
        "x.dtype",
        "x[0]",
        "x[0, 0, 0, 0, 0, 0, 0, 0]",
        "x[0:1, 0:1, 0:1, 0:1, 0:1, 0:1, 0:1, 0:1]",
        "x[..., 0:1]",
        "x.permute(7, 6, 5, 4, 3, 2, 1, 0)",
        "x.squeeze()",
        "x.transpose(0, 7)",
        "x.reshape(-1)",
        "x.item()",
        "x.sum((0, 1, 2, 3, 4, 5, 6, 7))",
        "x.flatten()",
        "x.expand(1, 1, 1, 1, 1, 1, 1, 1)",
        "x + x",
        "x.clamp(0.0, 1.0)",
    ),
]

_CONTAINER_CASES = [
    *_once(
        "2^18 items",
        "d = {f'{i}': i for i in range(2 ** 18)}",
        "list(d.items())",
        "enumerate(d.items())",
        "list(d)",
        "d.copy()",
        "{**d}",
        "dict(d)",
        "{**d, **d}",
        "d == d.copy()",
        "reversed(d.items())",
        "sorted(d)",
    ),
    *_once(
        "2^20",
        "x = [0.5] * 2 ** 20",
        "x[:]",
        "x[::-1]",
        "x + x[:0]",
        "x.insert(0, 1.0); x.pop(0)",
        "x.copy()",
        "x.reverse()",
        "enumerate(x)",
        "list(range(2 ** 20))",
        "tuple(x)",
        "x[::2] = x[::2]",
        "del x[0]; x.append(0.5)",
        "sorted(x)",
        "[0] * 2 ** 20",
    ),
    *_once("2^18 random floats", "x = rng.normal(2 ** 18).tolist()", "sorted(x)", "max(x)"),
    *_once(
        "long and float",
        "y = [float(2 ** 1000), 2 ** 1000 - 1, 2 ** 1000 + 1, 2 ** 1001, float(2 ** 999)]; x = [y[int(i) % 5] for i in rng.permutation(2 ** 16)]",
        "sorted(x)",
    ),
    *_once(
        "long integers",
        "y = [2 ** 4095 + i for i in range(1000)]; x = [y[i % 1000] for i in rng.permutation(2 ** 16)]",
        "sorted(x)",
    ),
    *_once(
        "mixed", "x = [float(i) if i % 2 else i for i in rng.permutation(2 ** 16)]", "sorted(x)", "sum(x)", "max(x)"
    ),
    *_once("isinstance of 200", "k = (int, float) * 100", "isinstance('a', k)"),
    *_once(
        "nested tuples",
        "x = [0.5]; x = [x]; x = [x]; x = [x]; x = [x]; x = [x]; x = [x]; y = [x] * 2 ** 16",
        "torch.tensor(y)",
    ),
    *_once(
        "2^16 tensors",
        "y = [torch.ones(1, 1, 1, 1, 1, 1, 1)] * 2 ** 14",
        "torch.stack(y)",
        "torch.cat(y)",
        "torch.cat(y, 6)",
    ),
]

_ARITHMETIC = (
    "x.sum()",
    "x.norm()",
    "x.mean()",
    "x.std()",
    "x.max()",
    "x.argmax()",
    "x.argmin()",
    "x.max(0)",
    "x.cumsum(0)",
    "x.topk(1)",
    "x.sort()",
    "x.exp()",
    "x.log()",
    "x.sin()",
    "x.cos()",
    "x.tanh()",
    "x.erf()",
    "x.sigmoid()",
    "x.rsqrt()",
    "x.expm1()",
    "x.log1p()",
    "x + x",
    "x * 0.5",
    "x / 3.0",
    "x.sqrt()",
    "x.dot(x)",
    "x > 0.5",
    "x.isfinite().all()",
    "x.sign()",
)
_TENSOR_CASES = [case for kind, setup in _DATA.items() for case in _once(kind + " 2^22", setup, *_ARITHMETIC)]
_TENSOR_CASES += [
    *_once("2^18 ", "x = rng.normal(2 ** 18).abs() + 0.5", "x ** 0.37", "x ** 3.0", "2.0 ** x"),
    *_once(
        "midpoints", "x = torch.ones(2 ** 16) * (1 + 2 ** -12)", "x ** 2.0", "x ** 3.0", "x ** torch.full_like(x, 2.0)"
    ),
    *_once("1 from 2^24 indices", "x = torch.ones(1); p = torch.arange(1).expand(2 ** 24)", "x[p] = 0.5"),
    *_once(
        "a transposed tensor of 2^24",
        "x = torch.ones(4096, 4096).T; p = torch.arange(1)",
        "x.take(p)",
        "x[p]",
        "x[0:1]",
        "x.sum()",
        "x.sum(0)",
        "x.amax(1)",
        "x.argmax()",
        "x + 1.0",
        "x.exp()",
        "(x > 0.5).all()",
        "x.topk(1, 0)",
        "x.sort(0)",
        "x.diag()",
    ),
    *_once(
        "reduced, three dimensions",
        "x = torch.ones(256, 256, 256)",
        "x.sum((0, 2))",
        "x.sum((0, 1))",
        "x.sum(1)",
        "x.amax((0, 2))",
        "x.permute(2, 1, 0).sum((0, 2))",
    ),
    *_once(
        "sizes 1, 2^24",
        "x = torch.ones(1, 2 ** 24)",
        "x.sum(0)",
        "x.std(0, unbiased=False)",
        "x.max(0)",
        "x.cumsum(0)",
        "x.norm(dim=0)",
        "x.sort(0)",
    ),
    *_once(
        "2^24",
        "x = torch.ones(2 ** 24) * 0.7",
        "x.sum()",
        "x.std()",
        "x.max(0)",
        "x.cumsum(0)",
        "x.sort()",
        "x.exp()",
        "x + x",
        "x.topk(1)",
        "x.topk(2 ** 18)",
        "x.argsort()",
        "x.norm()",
    ),
    *_once(
        "2^24 rising",
        "x = torch.arange(2 ** 24).float()",
        "x.topk(2 ** 18)",
        "x.topk(2 ** 17, largest=False)",
        "x.topk(2 ** 24)",
        "x.sort(descending=True)",
    ),
    *_once(
        "2^22 random indices",
        "x = rng.normal(2 ** 22); p = x.argsort(); y = x.reshape(2048, 2048); q = y.argsort(0)",
        "x[p]",
        "x.take(p)",
        "x.gather(0, p)",
        "y.gather(0, q)",
        "x[p] = 0.5",
        "y.T.sort(1)",
    ),
    *_once(
        "random numbers",
        "",
        "rng.uniform(2 ** 24)",
        "rng.normal(2 ** 24)",
        "rng.rademacher(2 ** 24)",
        "rng.permutation(2 ** 20)",
    ),
    *_once(
        "products",
        "x = torch.ones(2 ** 20, 1, 1); y = torch.ones(2 ** 20, 1); z = torch.ones(1, 1); a = torch.ones(2048, 2048); b = torch.ones(256, 2048, 1); c = torch.ones(2 ** 18, 2, 2); e = torch.ones(1, 2 ** 20); v = torch.ones(2048); m = torch.ones(1024, 32, 32)",
        "x @ x",
        "y @ z",
        "e @ y",
        "a @ a",
        "a @ b",
        "c @ c",
        "a @ v",
        "z @ e",
        "m @ m",
        "x.permute(1, 0, 2) @ z",
        "a.T @ a",
        "y @ torch.ones(1, 16)",
        "b.mT @ a",
    ),
    *_once(
        "products of 2^24",
        "x = torch.ones(4096, 4096); y = torch.ones(2 ** 24, 1); z = torch.ones(1, 1); w = torch.ones(1, 2 ** 24)",
        "x @ x",
        "y @ z",
        "w @ y",
    ),
    *_once("batches of 2^24", "x = torch.ones(2 ** 24, 1, 1)", "x @ x"),
    *_once("lists", "x = torch.ones(2 ** 20)", "x.tolist()", "torch.tensor(x.tolist())"),
    *_once(
        "broadcast",
        "x = torch.ones(4096, 1); y = torch.ones(1, 4096)",
        "x + y",
        "x.maximum(y)",
        "torch.where(x > y, x, y)",
        "x.expand(4096, 4096)",
        "x == y",
    ),
]

CASES = [*_TEXT_CASES, *_NUMBER_CASES, *_METHOD_CASES, *_CONTAINER_CASES, *_TENSOR_CASES]
