"""Cases for the search of what is dear for its price: operations on tensors of every size, layout, kind and content."""

from __future__ import annotations

from random import Random
from typing import Final

from tests.fuzzing.dear_cases import Case, Kinds, Operation

VALUES: Final[Kinds] = {
    "size": ("1", "1", "2", "3", "7", "15", "16", "17", "64", "100", "255", "256", "1000", "4096", "5000", "65536"),
    "large": ("2 ** 16", "2 ** 17", "2 ** 18", "100003", "2 ** 20", "2 ** 20 + 1"),
    "side": ("1", "2", "3", "8", "15", "16", "17", "33", "64", "128", "256", "500"),
    "vector": ("<content>(<size>)", "<content>(<large>)", "<part>(<content>(2 * <size>))"),
    "content": (
        "ones", "normal", "normal", "subnormal", "infinite", "not_numbers", "wide", "huge", "halves", "rising",
        "falling",
        "few", "zeros", "alternating", "spread",
    ),
    "part": ("twos", "later", "turned"),
    "matrix": (
        "matrix(<content>, <side>, <side>)", "matrix(<content>, <side>, <side>).T", "matrix(<content>, <size>, 1)",
        "matrix(<content>, 1, <size>)", "twos(matrix(<content>, <side>, <side>))", "matrix(<content>, 2, <size>).T",
        "matrix(<content>, <size>, 1).expand(-1, 16)", "matrix(<content>, 1, <side>).expand(64, -1)",
        "matrix(<content>, 1000, 1000)", "matrix(<content>, 1000, 1000).T", "columns(matrix(<content>, <side>, 64))",
        "matrix(<content>, 2, 300000)", "matrix(<content>, 300000, 2)", "matrix(<content>, 300000, 2).T",
        "matrix(<content>, 1024, 1024).T", "columns(matrix(<content>, 4096, 256))",
    ),
    "cube": (
        "matrix(<content>, <side>, 64).reshape(<side>, 8, -1)", "normal(64 * 64 * 64).reshape(64, 64, 64)[:, ::2]",
        "matrix(<content>, <side>, 64).reshape(-1, 4, 2)", "normal(2 ** 18).reshape(64, 64, 64).permute(2, 1, 0)",
        "normal(2 ** 18).reshape(64, 64, 64).permute(1, 0, 2)", "<content>(<large>).reshape(-1, 1, 1)",
        "normal(4096).reshape(4, 4, 4, 4, 4, 4)", "ones(1).reshape(1, 1, 1, 1, 1, 1, 1, 1)", "ones(1).reshape(1, 1, 1)",
        "normal(2 ** 18).reshape(8, 8, 8, 8, 8, 8).permute(5, 4, 3, 2, 1, 0)", "normal(2 ** 17 * 3).reshape(3, -1, 2)",
        "<content>(2 ** 18).reshape(-1, 2, 2)", "<content>(2 ** 18).reshape(-1, 8, 8)",
    ),
    "tensor": ("<vector>", "<vector>", "<matrix>", "<matrix>", "<cube>"),
    "simple": ("<tensor>",),
    "like": ("x", "x * 0.5", "x + 1.0", "x[..., 0:1]", "x[0:1]", "ones(1)", "ones(1).expand(x.shape)", "0.5"),
    "other": ("x", "x * 0.5", "x[..., 0:1]", "x[0:1]", "ones(1)", "zeros(1).expand(x.shape)"),
    "mask": (
        "<tensor> > 0.0", "<tensor> == 0.5", "(<matrix> > 0.0).T", "ones(<size>) > 0.0", "twos(<matrix> > 0.0)",
        "normal(<large>) > 0.0", "(ones(1) > 0.0).expand(<large>)",
    ),
    "exponent": ("0.37", "3.0", "1.5", "-2.0", "0.5", "2", "1", "-1", "1e30", "-0.001", "100.0", "math.nan", "0.0"),
    "dim": ("0", "-1", "x.dim() // 2"),
    "count": ("1", "2", "x.shape[0] // 2 + 1", "x.shape[0]", "min(x.shape[0], 100)"),
    "indices": (
        "torch.arange(x.shape[0])", "torch.arange(x.shape[0] - 1, -1, -1)", "rng.normal(x.shape[0]).argsort()",
        "torch.arange(1).expand(2 ** 16)", "torch.arange(1)", "torch.arange(1).expand(2 ** 20)",
        "torch.arange(x.shape[0]).reshape(-1, 1)", "torch.arange(min(x.shape[0], 3))",
        "normal(2 ** 16).argsort()", "torch.arange(1).expand(64)",
    ),
    "paired": ("x.argsort(-1)", "x.argsort(0)", "x[0:1].argsort(-1)", "x.argsort(0)[0:1]", "x.argsort(-1).T.T"),
    "left": (
        "matrix(<content>, <side>, <side>)", "matrix(<content>, <side>, <side>).T", "matrix(<content>, 500, 500)",
        "matrix(<content>, <large>, 1)", "matrix(<content>, 1, <large>)", "matrix(<content>, <size>, <side>)",
        "twos(matrix(<content>, <side>, <side>))", "normal(<size>)", "matrix(<content>, 700, 700).T",
        "<content>(2 ** 18).reshape(-1, 2, 2)", "<content>(2 ** 16).reshape(-1, 8, 8)",
        "<content>(2 ** 16).reshape(-1, 1, 1)",
        "<content>(2 ** 16).reshape(16, 64, 64)", "<content>(2 ** 16).reshape(64, 16, 64).permute(1, 2, 0)",
        "<content>(2 ** 16).reshape(-1, 16, 1)", "<content>(2 ** 16).reshape(-1, 1, 16)",
    ),
    "right": (
        "x.mT", "x", "matrix(<content>, x.shape[-1], <side>)", "matrix(<content>, <side>, x.shape[-1]).T",
        "normal(x.shape[-1])",
    ),
    "many": ("16", "300", "3000"),
    "shapes": (
        "ones(1)", "ones(1).reshape(1, 1, 1, 1, 1, 1, 1)", "ones(100)", "ones(1000)[::2]", "ones(1).expand(100)",
    ),
    "number": ("0.5", "1e-310", "2.0 ** 1023", "math.nan", "3"),
    "sizes": ("<size>", "<large>", "2 ** 22", "<size>, <side>", "1, 1, 1, 1, 1, 1, 1, 1"),
    "lone": (
        "ones(1)", "ones(100)[7]", "matrix(normal, 300, 300).T[3, 4]", "ones(1).reshape(1, 1, 1, 1, 1, 1, 1, 1)",
    ),
}  # fmt: skip
"""Kinds of tensors and of what operations on them take, as expressions of other kinds."""

FUNCTIONS: Final = """
def ones(n):
    return torch.ones(n)
def zeros(n):
    return torch.zeros(n)
def normal(n):
    return torch.sin(torch.arange(n).float() * 1.7)
def subnormal(n):
    return normal(n) * 1e-40
def infinite(n):
    return torch.ones(n) / 0.0
def not_numbers(n):
    return torch.ones(n) * math.nan
def wide(n):
    return (normal(n) * 80.0).exp() * normal(n)
def huge(n):
    return normal(n).abs() * 3e38
def halves(n):
    return torch.ones(n) * (1.0 + 2.0 ** -12)
def rising(n):
    return torch.arange(n).float() - 3.0
def falling(n):
    return torch.arange(n - 1, -1, -1).float()
def few(n):
    return normal(n).round()
def alternating(n):
    return normal(n).sign() * 1e-30
def spread(n):
    return normal(n) * 1e5
def twos(x):
    return x[::2]
def later(x):
    return x[x.shape[0] // 2:]
def turned(x):
    return x.reshape(1, -1).T[:, 0]
def columns(x):
    return x[:, ::2]
def matrix(content, m, n):
    m = min(m, max(1, 2 ** 21 // n))
    return content(m * n).reshape(m, n)
"""
"""The functions of the module that make them."""

_WRITTEN: Final = """
tensor | -x | x.abs() | x.square() | x.reciprocal() | x.floor() | x.ceil() | x.round() | x.sqrt() | x.sign()
tensor | x.isfinite() | x.isnan() | x.exp() | x.expm1() | x.log() | x.log1p() | x.sin() | x.cos() | x.tanh()
tensor | x.sigmoid() | x.erf() | x.rsqrt() | x + 0.5 | 0.5 - x | 0.5 / x | x ** 0.5 | x ** 2 | x ** 1 | x ** -1
tensor | x.clamp(0.1, 0.9) | torch.zeros_like(x) | x.float() | x.reshape(-1) | x.flatten() | x.tolist() | x.std()
tensor | x.sum() | x.mean() | x.norm() | x.norm(1) | x.norm(math.inf) | x.amax() | x.amin() | x.max() | x.min()
tensor | x.argmax() | x.argmin() | x.unsqueeze(0) | x.squeeze() | x[0] | x[..., 0] | x[::2]
tensor | x.T if x.dim() == 2 else x[0]
tensor | x.expand(2, *x.shape) | (x > 0.5).all() | (x > 0.5).any() | x.flatten().tolist() | [e for e in x[:100]]
tensor, like | x + y | x - y | x * y | x / y | x.maximum(y) | x.minimum(y) | x < y | x >= y | x == y | x != y
tensor, like | x.lerp(y, 0.3) | torch.where(x > 0.5, x, y)
tensor, other | torch.stack([x, x]) | torch.cat([x, x]) | torch.cat([x, x], -1) | x.addcmul(y, x) | x.addcdiv(y, x)
tensor, other | y - x | y / x | x ** y | x.dot(x) if x.dim() == 1 else x[0] | x.take(torch.arange(1))
tensor, exponent | x ** y | y ** x
tensor, dim | x.sum(y) | x.mean(y) | x.norm(dim=y) | x.amax(y) | x.amin(y, keepdim=True) | x.argmax(y) | x.argmin(y)
tensor, dim | x.max(y) | x.min(y) | x.sort(y) | x.sort(y, descending=True) | x.cumsum(y) | x.unsqueeze(y)
tensor, dim | x.squeeze(y) | x.transpose(0, y) | x.argsort(y) | x.std(y) | x.topk(1, y) | x.topk(x.shape[y], y)
tensor, dim | x.sum((0, y)) if x.dim() > 2 else x[0] | x.amax((0, y)) if x.dim() > 2 else x[0]
vector, count | x.topk(y) | x.topk(y, largest=False) | x[:y] | x[y - 1:]
mask | ~x | x.float() | x & x | x.all() | x.any() | bool(x.all()) | torch.where(x, 1.0, 0.0) | x.reshape(-1) | x[0]
mask | torch.stack([x, x]) | torch.cat([x, x]) | x.tolist() | torch.ones(x.shape).masked_fill(x, 0.5) | x == x
tensor, indices | x[y] | x.take(y) | x.gather(0, y) if x.dim() == y.dim() else x[0] | y == y | y.float() | y.tolist()
tensor, indices | z = torch.zeros(x.shape); z[y] = 0.5
matrix, paired | x.gather(0, y) | x.gather(1, y)
tensor, number | z = torch.zeros(x.shape); z[0] = y | z = torch.zeros(x.shape); z[..., 0:1] = y | torch.full_like(x, y)
tensor, other | z = torch.zeros(x.shape); z[0:1] = x[0:1] | z = torch.zeros(x.shape); z[x > 0.5] = 0.5
matrix | x.diag() | x.triu() | x.tril() | x.tril(-1) | x.trace() | x @ x.T | x.T @ x | x.T + 1.0 | x.T.reshape(-1)
matrix | x.mT.exp()
cube | x.permute(*range(x.dim() - 1, -1, -1)) | x.permute(*range(x.dim() - 1, -1, -1)).reshape(-1) | x.mT @ x
cube | x @ x.mT | x.sum((0, 1, 2)) | x.transpose(0, 1) + 1.0
vector | x.outer(x[:16]) | x[:2000].diag() | x @ x | x.dot(x) | x.outer(x[:1])
left, right | x @ y
shapes, many | torch.stack([x] * y) | torch.cat([x] * y)
many | torch.tensor([0.5] * x) | torch.tensor([[0.5]] * x) | torch.tensor([[0.5] * 30] * (x // 30 + 1)) | torch.eye(x)
sizes | torch.ones(x) | rng.uniform(x) | rng.normal(x) | rng.rademacher(x) | torch.zeros(x)
large | torch.arange(x) | torch.arange(x).float() | torch.linspace(0.0, 1.0, x) | rng.permutation(x) | rng.normal(x, 1)
size | rng.permutation(x) | torch.arange(x) | torch.linspace(0.0, 1.0, x + 1) | rng.normal(x) | rng.uniform(x)
lone | x.shape | x.size() | x.dim() | x.numel() | x.clone() | x.detach() | x.to(torch.float32) | x.clone | x.size
lone | torch.linalg | rng.normal | x[..., None] | x.permute(*range(x.dim())) | x.squeeze() | len(x) if x.dim() else 0
lone | x.item() | float(x) | bool(x > 0.5) | x.tolist() | x + 1.0 | float(x.sum()) | x.reshape(1) | x.exp().item()
"""


def _operations() -> tuple[Operation, ...]:
    found = []
    for line in _WRITTEN.strip().split("\n"):
        kinds, *texts = line.split(" | ")
        found += [Operation(text, tuple(kinds.split(", "))) for text in texts]
    return tuple(dict.fromkeys(found))


OPERATIONS: Final = _operations()

_LINKS: Final = (
    "+ {}", "* {}", "/ {}", "- {}", ".abs()", ".square()", ".sqrt()", ".sign()", ".maximum({})", ".floor()",
)  # fmt: skip


def chain(random: Random, links: int) -> str:
    """Statements that do elementwise operations on x one after the other, each a line of its own."""
    lines = []
    for _ in range(links):
        link = random.choice(_LINKS).format(random.choice(("0.5", "y", "x")))
        lines.append(f"x = x{link}" if link.startswith(".") else f"x = x {link}")
    return "\n    ".join(lines)


def constructs(random: Random) -> tuple[Case, ...]:
    """Programs that come again with each step, or never: what is done in a step, on x and y of its state."""
    apart = "\n    torch.ones(1).item()\n    x = y\n    "
    of = [
        *(chain(random, links) for links in (1, 4, 16, 64, 64)),
        *(apart.join(chain(random, links) for _ in range(60)) for links in (1, 1, 8, 16)),
        *("\n    ".join(f"z = x + {i}.0" for i in range(count)) for count in (10, 100)),
        "[x + float(i) for i in range(epoch * 5)]",
        "[torch.ones(1).item() for i in range(epoch)]",
        "for i in range(epoch): x = x + 1.0",
        "for i in range(epoch): x = x.unsqueeze(0).squeeze(0)",
        "kept = [x + 1.0 for _ in range(300)]",
        "kept = [x] * 1000",
        "kept = [x[0:1] for _ in range(1000)]",
        "kept = [0.5] * 30000",
        "kept = [i for i in range(10000)]",
        "kept = {f'{i}': i * 0.5 for i in range(1000)}",
        "kept = {f'{i}': x for i in range(1000)}",
        "kept = [[[[[0.5]]]]] * 3000",
        "kept = [[] for _ in range(10000)]",
        "kept = 'a' * 60000",
        "kept = [2 ** 4095 - 1] * 1000",
        "kept = [x + 1.0 for _ in range(epoch)]",
        "kept = [i * epoch for i in range(1000)]",
        "kept = [f'{i * epoch}' for i in range(1000)]",
    ]
    sizes = ("1", "65536")
    return tuple(
        Case(Operation(text, ("vector", "vector")), (f"ones({n})", f"normal({n})")) for text in of for n in sizes
    )


MANY: Final = tuple(
    Case(Operation(text, ("vector", "list")), (x, f"[x {made} for _ in range({count})]"))
    for text in ("x.item()", "z = x + 1.0; z.item()", "bool(x > 0.5)")
    for x in ("ones(1)",)
    for made in ("+ 1.0", "[0:1]")
    for count in (10, 5000)
) + tuple(
    Case(Operation(text, ("vector",)), (x,))
    for text in ("x = x + 1.0", "x = x[0:1]", "x = x.reshape(1, 1).reshape(1)", "x = x.unsqueeze(0).squeeze(0)")
    for x in ("ones(1)",)
) + tuple(
    Case(Operation(text, ()), ())
    for text in (
        "torch.tensor([0.5] * 2 ** 20)", "torch.ones(2 ** 20).tolist()", "torch.tensor([[0.5]] * 2 ** 17)",
        "torch.stack([torch.ones(1)] * 16000)", "torch.cat([torch.ones(1)] * 16000)", "torch.ones(2 ** 20, 1).tolist()",
        "torch.tensor([[[[[[[[0.5]]]]]]]] * 2 ** 15)",
    )
)  # fmt: skip
"""Reads after many values, long programs of small operations, and lists."""
LARGE: Final = tuple(
    Case(Operation(text, ("vector",)), (x,))
    for x, texts in {
        "ones(2 ** 22)": "x.sum() | x.std() | x.max(0) | x.exp() | x.topk(1) | x + x | x.tanh() | x.argmax()",
        "rising(2 ** 22)": "x.sort(descending=True) | x.topk(2 ** 17) | x.topk(2 ** 22) | x.cumsum(0) | x.sin()",
        "ones(2 ** 22).reshape(2048, 2048)": "x @ x | x.T + x | x.T.sum(0) | x.T.sort(0) | x.T.reshape(-1)",
        "ones(2 ** 22).reshape(1, -1)": "x.sum(0) | x.cumsum(0) | x.sort(0) | x.norm(dim=0) | x @ x.T | x.max(0)",
        "normal(2 ** 22).reshape(128, 256, 128)": "x.sum((0, 2)) | x.permute(2, 1, 0) + 1.0 | x.amax((0, 2))",
        "ones(2 ** 22).reshape(-1, 1, 1)": "x @ x | x.expand(-1, 1, 1) + x | x.permute(2, 1, 0).sum(2) | x.sort(1)",
        "ones(1)": "x[torch.arange(1).expand(2 ** 22)] | rng.normal(2 ** 22) | torch.arange(2 ** 22)",
    }.items()
    for text in texts.split(" | ")
)  # fmt: skip
"""Operations on millions of elements."""
