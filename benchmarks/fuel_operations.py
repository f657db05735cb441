"""Single operations for `benchmarks.fuel`: a setup, and what is done in every turn of a loop.

Sizes are the extremes that a price has to span: next to nothing, where the call counts; and many elements, where they
do, also in shapes with many results or many matrices.
"""

from __future__ import annotations

Case = tuple[str, str]
"""The setup and the operation."""

_NUMBERS = "x = [(7919 * i % 10007) / 3.0 for i in range(1000)]"
_LONG = "x = 2 ** 4095 - 1; y = 2 ** 2047 - 1"

LANGUAGE: dict[str, Case] = {
    "pass": ("", "pass"),
    "x = x": ("x = 1", "x = x; x = x; x = x; x = x; x = x; x = x; x = x; x = x"),
    "[1, ..]": ("", "[" + ", ".join(["1"] * 100) + "]; [" + ", ".join(["rng"] * 100) + "]"),
    "not x and y": ("x = 1; y = 0.5", "not x and y; not x or y; not x and y; not x or y"),
    "is None": ("x = 1", "x is None; x is None; x is None; x is None"),
    "list()": ("", "list(); list(); list(); list()"),
    "dict()": ("", "dict(); dict(); dict(); dict()"),
    "zip()": ("", "zip(); zip(); zip(); zip()"),
    "any([])": ("", "any([]); any([]); any([]); any([])"),
    "x + 1": ("x = 1", "x + 1; x + 1; x + 1; x + 1"),
    "x < y, floats": ("x = 0.5; y = 0.7", "x < y; x < y; x < y; x < y"),
    "call": ("f = lambda a: a", "f(1); f(1); f(1); f(1)"),
    "attribute": ("x = [1]", "x.copy; x.copy; x.copy; x.copy"),
    "item of a list": ("x = [1]", "x[0]; x[0]; x[0]; x[0]"),
    "x[0] = 1": ("x = [1]", "x[0] = 1; x[0] = 1; x[0] = 1; x[0] = 1"),
    "x[0] += 1": ("x = [1]", "x[0] += 1; x[0] += 1; x[0] += 1; x[0] += 1"),
    "item of a dict": ("x = {'a': 1}", "x['a']; x['a']; x['a']; x['a']"),
    "dict.get": ("x = {'a': 1}", "x.get('a'); x.get('a'); x.get('a'); x.get('a')"),
    "list.append": ("", "x = []; x.append(1); x.append(1); x.append(1); x.append(1)"),
    "a, b = x": ("x = (1, 2)", "a, b = x; a, b = x; a, b = x; a, b = x"),
    "isinstance": ("x = 1", "isinstance(x, (int, float)); isinstance(x, (int, float)); isinstance(x, (int, float))"),
    "range(10) in": ("x = range(10)", "3 in x; 3 in x; 3 in x; 3 in x"),
    "len": ("x = [1]", "len(x); len(x); len(x); len(x)"),
    "comprehension": ("x = [1] * 1000", "[i for i in x]"),
    "zip": ("x = [1] * 1000", "zip(x, x, x)"),
    "enumerate": ("x = [1] * 1000", "enumerate(x)"),
    "sum": ("x = [1.0] * 1000", "sum(x)"),
    "max": ("x = [1.0] * 1000", "max(x)"),
    "all": ("x = [1.0] * 1000", "all(x)"),
    "sorted": (_NUMBERS, "sorted(x)"),
    "sorted with key": (_NUMBERS, "sorted(x, key=lambda a: -a)"),
    "x[:]": ("x = [0] * 100_000", "x[:]"),
    "x + x, lists": ("x = [0] * 100_000", "x + x"),
    "x * 1000, list": ("x = [0] * 100", "x * 1000"),
    "list.insert": ("x = [0] * 100_000", "x.insert(0, 1); x.pop(0)"),
    "x == y, lists": ("x = [0] * 1000; y = [0] * 1000", "x == y"),
    "x == y, nested": ("x = [[0]] * 1000; y = [[0]] * 1000", "x == y"),
    "1 in x": ("x = [0] * 1000", "1 in x"),
    "list.count": ("x = [0] * 1000", "x.count(1)"),
    "dict.update": ("x = {}; y = {str(i): i for i in range(1000)}", "x.update(y)"),
    "{**x}": ("y = {str(i): i for i in range(1000)}", "{**y}"),
    "dict.copy": ("y = {str(i): i for i in range(1000)}", "y.copy()"),
    "x * y, 2048 bits": (_LONG, "y * y; y * y; y * y; y * y"),
    "x * y, 64 bits": ("y = 2 ** 63", "y * y; y * y; y * y; y * y"),
    "x % y, 4096 bits": (_LONG, "x % y; x % y; x % y; x % y"),
    "x // 3, 4096 bits": (_LONG, "x // 3; x // 3; x // 3; x // 3"),
    "x ** y, 4096 bits": ("x = 3", "x ** 2580; x ** 2580; x ** 2580; x ** 2580"),
    "str(x), 2000 bits": ("x = 3 ** 1260", "str(x); str(x); str(x); str(x)"),
    "x / y, 4096 bits": (_LONG, "y / x; y / x; y / x; y / x"),
    "x << 1, 4096 bits": (_LONG, "y << 2000; y << 2000; y << 2000; y << 2000"),
    "x + y, 4096 bits": (_LONG, "y + x; y + x; y + x; y + x"),
    "x == y, 4096 bits": (_LONG + "; z = x + 0", "x == z; x == z; x == z; x == z"),
    "x ** y, floats": ("x = 1.7", "x ** 0.37; x ** 0.37; x ** 0.37; x ** 0.37"),
    "x ** y, floats, halfway": ("x = 1.0 + 2.0 ** -20", "x ** 2.0; x ** 2.0; x ** 3.0; x ** 3.0"),
    "round": ("x = 1.7", "round(x, 300); round(x, 300); round(x, 300); round(x, 300)"),
    "float of a text": ("x = '1.2345678901234567890123e-300'", "float(x); float(x); float(x); float(x)"),
    "str of a float": ("x = 1.7e-300 / 3", "str(x); str(x); str(x); str(x)"),
    "f-string": ("x = 1.7 / 3", "f'{x:.3f}{x:.3f}{x:.3f}{x:.3f}'"),
    "f-string, a large number": ("x = 1.7 / 3e-300", "f'{x:.3f}'; f'{x:.3f}'; f'{x:.3f}'; f'{x:.3f}'"),
    "join": ("x = ['a'] * 10_000", "''.join(x)"),
    "split": ("x = 'a ' * 10_000", "x.split()"),
    "lower": ("x = 'A' * 10_000", "x.lower()"),
    "x in y, texts": ("x = 'a' * 1000 + 'b'; y = 'a' * 30_000", "x in y"),
    "x < y, texts": ("x = 'a' * 30_000; y = 'a' * 29_999 + 'a'", "x < y"),
}

_VECTOR = "x = torch.ones({0}) * 0.7; y = torch.ones({0}) * 0.3; m = x > y; z = torch.zeros({0})"
_ONE, _MANY = _VECTOR.format(1), _VECTOR.format(1_000_000)
_RANDOM = "x = rng.normal({0}); p = x.argsort(0)"


def _on(kind: str, setup: str, *operations: str) -> dict[str, Case]:
    return {f"{operation}, {kind}": (setup, operation) for operation in operations}


_SIMPLE = (
    "x + y", "x * 0.7", "x / y", "1.0 / x", "x.maximum(y)", "x.clamp(0.1, 0.9)", "x > y", "x > 0.5", "-x", "x.sign()",
    "x.floor()", "x.sqrt()", "x ** 0.5", "x ** 2", "x.lerp(y, 0.1)", "x.addcdiv(y, x)", "z.mul_(0.9).add_(x)",
    "m.float()", "torch.zeros_like(x)", "torch.stack([x, y])", "torch.cat([x, y])", "torch.where(m, x, y)",
    "torch.where(m, 0.0, 1.0)", "x.masked_fill(m, 0.0)", "m & m", "~m", "m.all()", "x.isfinite()", "x.exp()", "x.log()",
    "x.sin()", "x.tanh()", "x.erf()", "x.rsqrt()", "x ** 0.37", "2.0 ** x", "x.sum()", "x.norm()", "x.dot(y)",
    "x.mean()", "x.std()", "x.max()", "x.argmax()", "x.max(0)", "x.cumsum(0)", "x.topk(1)", "x.sort()", "z[0:1] = 0.5",
    "z[m] = 0.5", "rng.uniform({0})", "rng.normal({0})", "rng.permutation({0})",
)  # fmt: skip
_HEAVY = ("x.sort()", "x ** 0.37", "2.0 ** x", "rng.permutation({0})")

FACADE: dict[str, Case] = {
    **_on("1", _ONE, *(operation.format(1) for operation in _SIMPLE)),
    **_on("10^6", _MANY, *(operation.format(1_000_000) for operation in _SIMPLE if operation not in _HEAVY)),
    **_on("10^5", _VECTOR.format(100_000), *(operation.format(100_000) for operation in _HEAVY)),
    **_on("1", _ONE, "x[0]", "x.reshape(1, 1)", "x.unsqueeze(0)", "x.item()", "x.tolist()", "torch.tensor([0.5])"),
    **_on("1", _ONE + "; x = x.reshape(1, 1)", "x.T", "x @ x", "x.diag()", "x.triu()", "x.trace()"),
    **_on(
        "1", "p = torch.arange(1); x = torch.ones(1)", "x[p]", "x.take(p)", "x.gather(0, p)", "torch.arange(1)",
        "p == p",
    ),
    **_on("10^5 random", _RANDOM.format(100_000), "x.sort()", "x.topk(1000)", "x[p]", "x.take(p)", "x ** 0.37"),
    **_on("10^6 random", _RANDOM.format(1_000_000), "x[p]", "x.gather(0, p)", "x.exp()", "x.sin()", "x.cumsum(0)"),
    **_on(
        "10^5 subnormal", "x = torch.ones(100_000) * 1e-42", "x * 0.5", "x / 3.0", "x.sqrt()", "x.exp()", "x.log()",
        "x ** 0.37",
    ),
    **_on("10^5 large", "x = torch.ones(100_000) * 3e38", "x.sin()", "x.exp()"),
    **_on("10^5 halfway", "x = torch.ones(100_000) * (1 + 2 ** -20)", "x ** 3.0", "x ** 1.5"),
    **_on(
        "sizes 1, 10^6", "x = torch.ones(1, 1_000_000)", "x.sum(0)", "x.norm(dim=0)", "x.amax(0)", "x.argmax(0)",
        "x.cumsum(0)", "x.max(0)", "x.sum(1)",
    ),
    **_on(
        "sizes 2, 500000", "x = torch.ones(2, 500_000)", "x.sum(0)", "x.sort(0)", "x.topk(1, 0)", "x.cumsum(0)",
        "x.max(0)",
    ),
    **_on(
        "sizes 500000, 2", "x = torch.ones(500_000, 2)", "x.sum(1)", "x.sum(0)", "x.sort(1)", "x.cumsum(1)",
        "x.cumsum(0)", "x.max(1)", "x.T + 1", "x.T.reshape(-1)", "x.T.exp()", "x.T.sum(0)",
    ),
    **_on(
        "sizes 256, 256", "x = torch.ones(256, 256)", "x @ x", "x.T @ x", "x.sum(0)", "x.sum(1)", "x.T.reshape(-1)",
        "x.norm(dim=0)",
    ),
    **_on("sizes 1000, 1000", "x = torch.ones(1000, 1000)", "x @ x", "x.T.reshape(-1)", "x.T + x"),
    **_on("a row times a column of 10^6", "x = torch.ones(1_000_000)", "x @ x"),
    **_on(
        "a column times a row of 1000", "x = torch.ones(1000, 1); y = torch.ones(1, 1000)", "x @ y", "x + y",
        "x.expand(1000, 1000)",
    ),
    **_on("100000 matrices of 1 by 1", "x = torch.ones(100_000, 1, 1)", "x @ x"),
    **_on("100000 matrices of 2 by 2", "x = torch.ones(100_000, 2, 2)", "x @ x"),
    **_on("10000 matrices of 8 by 8", "x = torch.ones(10_000, 8, 8)", "x @ x"),
    **_on("10 and 10", "x = torch.ones(10); y = torch.ones(10)", "x.outer(y)", "x @ y"),
    **_on("1000 of 1", "x = [torch.ones(1)] * 1000", "torch.stack(x)", "torch.cat(x)"),
    **_on("1000", "x = torch.ones(1000)", "[row for row in x]", "x.tolist()"),
    **_on("10^5", "x = torch.ones(100_000); y = x.tolist()", "x.tolist()", "torch.tensor(y)"),
    **_on("the parameters", "", "[p for p in parameters]", "parameters[0]", "parameters + 1.0", "parameters.sum()"),
    **_on(
        "a float", "x = 1.7", "math.exp(x); math.exp(x); math.exp(x); math.exp(x)",
        "math.sqrt(x); math.sqrt(x); math.sqrt(x)", "math.sin(x); math.sin(x); math.sin(x); math.sin(x)",
        "math.erf(x); math.erf(x); math.erf(x); math.erf(x)", "math.log(x); math.log(x); math.log(x); math.log(x)",
        "math.pow(x, 0.37); math.pow(x, 0.37); math.pow(x, 0.37)",
    ),
    **_on("a large float", "x = 1.6e6", "math.sin(x); math.sin(x); math.sin(x); math.sin(x)"),
}  # fmt: skip
