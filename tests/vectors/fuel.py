"""Vectors of fuel (specification, section 7): fixtures/vectors/fuel.json."""

from __future__ import annotations

import ast
import re
from typing import Any, Final

from sandbox.isolation import InProcess
from sandbox.language.constructs import parts
from sandbox.layout import Layout, Part
from sandbox.optimiser import Assignment
from tests.vectors.texts import Vector

LAYOUT: Final = Layout((Part("layers.0.weight", "weight", (4, 2)), Part("layers.0.bias", "bias", (4,))))
"""Of the parameter vector p."""
MODULE: Final = """import math
import torch

TABLE = {{"one": 1, "two": 2}}


def sum_of(i, j):
    return i + j


def probe(i, j, x, s, a, d, t, u, m, k, p, rng):
{statements}


def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    t = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    u = torch.tensor([3.0, 1.0, 2.0])
    probe(5, 3, 1.5, "word", [3, 1, 2], {{"k": 1}}, t, u, t > 2.0, u.argsort(), parameters, rng)
    return None


def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    return None


def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    return gradient, state
"""
STATEMENTS: Final[dict[str, str]] = {
    "free": """
pass
y = i
y = z = i
y = not i
y = -1
y = -1.5
y = i and j
y = i or j
y = i if s else j
y = i is None
y = x is not None
y = (i, j)
y = [i, j]
y = {}
y = {"a": i, s: j}
y: int = i
y: int
y = lambda v: v
def inner(v=1): return v
if i: y = i
if not i: y = i
else: y = j
assert i, "never"
return i
"a text"
y = TABLE
y = sum_of
y = True
y = 1e30
""",
    "operators and comparisons": """
y = -x
y = +x
y = ~i
y = -True
y = i + j
y = x * x
y = i + j * x
y = i // j
y = i << j
y = i & j
i += j
y = i < j
y = 1 < i < 9
y = i == j
y = i != x
y = s == s
y = a == a
y = a == [3, 1, 2]
y = {"k": 1} == d
y = i in a
y = 7 in a
y = "k" in d
y = "or" in s
y = i in range(9)
y = i ** j
y = x ** j
y = i ** -1
y = x ** 0.5
y = i % j
y = (1 << 2000) * (1 << 1000) % 7
y = s < "world"
y = a + a
y = s + s
y = a * i
y = [0] * 100
a += [1]
a *= 2
""",
    "subscripts, attributes and unpacking": """
y = a[0]
y = a[0:2]
y = a[::-1]
y = d["k"]
y = TABLE["one"]
a[0] = 7
d["n"] = 7
d["k"] += 1
a[0:2] = [7, 8, 9]
del a[0]
del d["k"]
y = math.pi
y, z = i, j
y, z = (i, j)
y, z, w = a
(y, z), w = (i, j), x
a[0], a[1] = a[1], a[0]
y = {**d, s: 1}
y = max(*a)
""",
    "calls, loops and comprehensions": """
y = sum_of(i, j)
y = sum_of(j=i, i=j)
y = sum_of(*[1, 2])
y = (lambda v: v)(i)
for v in a: pass
for v in range(4): y = v + i
while i > 0: i -= 1
for v in a:
    if v == 1: break
for k, v in d.items(): pass
for v, w in zip(a, a): pass
y = [v for v in a]
y = [v for v in a if v > 1]
y = [v * w for v in a for w in a]
y = {str(v): v for v in a}
y = sum(v * v for v in a)
y = [v + w for v, w in zip(a, a)]
""",
    "builtins": """
y = abs(i)
y = float(i)
y = float("1.5")
y = int(x)
y = bool(a)
y = len(a)
y = range(9)
y = isinstance(i, int)
y = isinstance(i, (int, float))
y = max(i, j)
y = max(a)
y = min(a, key=abs)
y = sum(a)
y = sum(a, 1.5)
y = any(a)
y = all([1, 0, 1])
y = list(a)
y = tuple(range(9))
y = reversed(a)
y = enumerate(a)
y = zip(a, a)
y = zip(a, [1])
y = sorted(a)
y = sorted(a, key=abs, reverse=True)
y = sorted(["b", "aa"])
y = round(x)
y = round(x, 3)
y = pow(i, j)
y = divmod(i, j)
y = dict(d)
y = dict(one=1, two=2)
y = dict([(s, 1)])
y = str(i)
y = f"{i} of {x:.3f}"
y = f"plain"
""",
    "methods": """
a.append(1)
y = a.copy()
a.extend([1, 2])
a.insert(0, 1)
y = a.pop()
y = a.pop(0)
a.reverse()
y = a.index(2)
y = a.count(1)
y = d.items()
y = d.keys()
y = d.get("k")
y = d.pop("k")
y = d.setdefault("n", 1)
y = d.copy()
d.update({"n": 2})
d.update(n=2)
y = ",".join([s, s])
y = s.split("r")
y = s.upper()
y = s.startswith("wo")
y = i.bit_length()
y = x.is_integer()
""",
    "numbers of math": """
y = math.sqrt(x)
y = math.pow(x, i)
y = math.floor(x)
y = math.isnan(x)
""",
    "tensors": """
y = t + t
y = t + i
y = i - t
y = -t
y = +t
y = t.neg()
y = torch.neg(t)
t += 1.0
t.add_(1.0)
y = t.add(t, alpha=2)
y = t.add(t, alpha=1)
y = t.lerp(t, 0.5)
y = t.addcmul(t, t, value=0.5)
y = t.clamp(0.0, 1.0)
y = t * u
y = t.sqrt()
y = t ** 2
y = t ** 3
y = t.exp()
y = t > 2.0
y = t.sign()
y = torch.where(m, t, 0.0)
y = m & m
y = ~m
y = m.any()
y = t.sum()
y = t.sum(dim=1)
y = t.mean()
y = t.norm()
y = t.var()
y = t.std(dim=0)
y = u.dot(u)
y = t.max()
y = t.max(dim=0)
y = t.argmax()
y = u.sort()
y = u.topk(2)
y = u.cumsum(0)
y = u[k]
y = u.take(k)
u[k] = 0.0
t[m] = 0.0
t[0] = 1.0
y = t[0]
y = t.T
y = t.reshape(6)
y = t.flatten()
y = t.unsqueeze(0)
y = u.expand(2, 3)
y = t @ t.T
y = t @ u
y = torch.addmm(t @ t.T, t, t.T, beta=0.5)
y = torch.outer(u, u)
y = torch.zeros(2, 3)
y = torch.zeros_like(t)
y = torch.tensor([1.0, 2.0])
y = torch.stack([u, u])
y = torch.cat([u, u])
y = torch.eye(3)
y = torch.arange(6)
y = u[0].item()
y = float(u[0])
y = int(k[0])
y = t.tolist()
if u[0] > 0: pass
y = t.shape
y = t.numel()
y = t.dtype
y = t.clone()
t.copy_(t + t)
y = t.detach()
y = t.zero_()
y = len(t)
for row in t: pass
y = torch.linalg.matrix_power(t @ t.T, 3)
""",
    "parameter vectors": """
y = p * 2.0
y = p[0]
y = len(p)
for v in p: pass
y = p.names
y = p.norm()
y = torch.zeros_like(p)
""",
    "random numbers": """
y = rng.uniform(2, 3)
y = rng.normal(4)
y = rng.rademacher(4)
y = rng.permutation(4)
""",
}
"""One on a line; a line that is indented, or begins with else, goes on with the one before."""


def size(tree: ast.AST) -> int:
    """The size of a piece of syntax (7.2)."""
    own = {"List": 100, "Tuple": 100, "ListComp": 100, "GeneratorExp": 100, "Dict": 250, "DictComp": 250}
    own |= {"Lambda": 500, "FunctionDef": 500, "Call": 500}
    items = tree.keys if isinstance(tree, ast.Dict) else tree.kwonlyargs if isinstance(tree, ast.arguments) else []
    return 10 + own.get(type(tree).__name__, 0) + 20 * len(items) + sum(map(size, parts(tree)))


def fuel(statements: str) -> int:
    """Units until the state of a module that runs statements is made."""
    source = MODULE.format(statements="\n".join("    " + line for line in statements.split("\n")))
    assignment = Assignment(source.encode(), "probe.py", LAYOUT, {"n_hidden": 1}, {}, bytes(32), 10**10)
    with InProcess().start(assignment) as optimiser:
        optimiser.initialise()
        return optimiser.fuel_used


def vector(statements: str) -> Vector:
    """What statements cost, beside the size by which they make the function larger."""
    added = sum(map(size, ast.parse(statements).body))
    more = added - size(ast.Pass())
    return {"statements": statements, "size": added, "units": fuel(statements) - fuel("pass") - more}


def vectors() -> dict[str, Any]:
    """The file's content."""
    functions = [f for f in ast.parse(MODULE.format(statements="    pass")).body if isinstance(f, ast.FunctionDef)]
    statements = {kind: re.split(r"\n(?! |else)", text.strip("\n")) for kind, text in STATEMENTS.items()}
    return {
        "module": MODULE.format(statements="    pass"),
        "layout": [[part.name, list(part.shape)] for part in LAYOUT.parts],
        "sizes": {function.name: size(function) for function in functions},
        "units": fuel("pass"),
        "statements": {kind: [vector(text) for text in texts] for kind, texts in statements.items()},
    }
