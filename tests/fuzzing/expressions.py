"""Random expressions of the dialect, from templates whose holes name the kind of value that goes there.

Kinds: float, positive (above zero), int, small (0 to 3), bool, text, plain (what an f-string shows), floats, ints,
texts, table (a dict of floats), vector, vmask, parts (the tensors of a vector), any; and for shapes such as 3x4:
t3x4 (a tensor), m3x4 (a mask); p4 are four positions below 4; t is a tensor without dimensions.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from random import Random
from typing import Final

from sandbox.tensors.attributes import ATTRIBUTES
from sandbox.tensors.namespaces import LinalgNamespace, MathNamespace, TorchNamespace
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor

SHAPES: Final = ("", "3", "4", "12", "3x3", "3x4", "4x3", "4x4", "2x3x4")
HOLE: Final = re.compile(r"<([a-z][a-z0-9]*)>")

Scope = dict[str, list[str]]
"""For each kind the templates that a place offers beside the general ones: variables, items, functions."""

_TEMPLATES: Final = {
    "float": """
        <float> + <float>;<float> - <float>;<float> * <float>;<float> / <positive>;-<float>;+<float>;<int> * <float>
        <float> ** 2;<positive> ** 0.5;0.9 ** <small>;<float> % <positive>;<float> // <positive>;abs(<float>)
        max(<float>, <float>);min(<floats>);max(<floats>, default=0.0);sum(<floats>);sum(<floats>, <float>)
        float(<int>)
        float(<t>);<t>.item();math.sqrt(<positive>);math.exp(-<positive>);math.log(<positive>);math.log1p(<positive>)
        math.expm1(-<positive>);math.tanh(<float>);math.erf(<float>);math.sin(<float>);math.cos(<float>);math.pi
        math.e
        math.fabs(<float>);math.copysign(<float>, <float>);math.pow(<positive>, 0.5);<float> if <bool> else <float>
        round(<float>, <small>);<floats>[<small>];<floats>[-1];<table>["a"];<table>.get("b", <float>);float("0.25")
        (lambda x: x * <float>)(<float>);(lambda x, y=2.0: x - y)(<float>);<table>.setdefault("c", <float>)
        sum(v for v in <floats>);max([abs(v) for v in <floats>]);<floats>.pop();{"a": <float>, 1: <float>}["a"]
        sum(v * w for v, w in zip(<floats>, <floats>));[<float>, <float>][<bool>];<bool> * <float>
    """,
    "positive": "1.0;0.5;abs(<float>) + 0.5;<t>.abs().item() + 1.0;max(1.0, <float>);2 ** <small>;math.exp(<small>)",
    "int": """
        <int> + <int>;<int> - <int>;<int> * <small>;<int> // 3;<int> % 7;-<int>;~<int>;<int> & <int>;<int> | <int>
        <int> ^ <int>;<int> << <small>;<int> >> <small>;<small> ** 2;len(<floats>);len(<text>);len(<table>)
        round(<float>)
        int(<small>);sum(<ints>);max(<ints>);<ints>[0];<int> if <bool> else <int>;int(<bool>);abs(<int>)
        <t3x4>.numel()
        <t3x4>.ndim;<t4x3>.size(0);<t3x4>.shape[1];(<int>).bit_length();math.floor(<float>);math.ceil(<float>)
        len(<t4>)
        len(<vector>);<floats>.count(<float>);sum(1 for v in <floats> if v > <float>);int("7");<t4>.argmax().item()
        <ints>.index(<ints>[0]);divmod(<int>, 7)[1];pow(<small>, 2)
    """,
    "small": "0;1;2;3;<int> % 4;min(3, len(<texts>));int(<bool>)",
    "bool": """
        True;False;<float> < <float>;<float> >= <float>;<int> == <int>;<int> != <small>;<text> == <text>
        <text> < <text>
        not <bool>;<bool> and <bool>;<bool> or <bool>;<small> in <ints>;<text> not in <texts>;"a" in <table>
        <m4>.all();<m3x4>.any();bool(<int>);all(v == v for v in <floats>);any([v > <float> for v in <floats>])
        0 < <int>;-1 < 2 <= <int>;<t> > 0.0;bool(<t> < <t>);<text>.startswith("a");<text>.endswith(<text>)
        math.isfinite(<float>);math.isnan(<float>);<float> is None;<table> is not None;<floats> == <floats>
        <table> == <table>;(<float>).is_integer();(<int>, <float>) == (<int>, <float>);<text> in <text>
        <vmask>.all();isinstance(<float>, float);isinstance(<any>, (int, str))
    """,
    "text": """
        "a";"beta";'x y';<text> + <text>;str(<float>);str(<int>);<text>.upper();<text>.lower();<text>.strip()
        "ab" * <small>
        ", ".join(<texts>);<text>[<small>:];<texts>[0];f"{<plain>}";f"v={<plain>:.3f}";f"{<plain>:>10.2e}{<plain>:+g}"
        f"{{<plain>}}";"a,b,c".split(",")[<small> % 3];<text>[::-1];str(<bool>);str(None);<text> if <bool> else <text>
    """,
    "plain": "1.5;7;-2.25",
    "floats": """
        [<float>, <float>, <float>, <float>];[x * <float> for x in <floats>];[float(i) for i in range(4)]
        <floats> + <floats>
        sorted(<floats>);list(<floats>);reversed(<floats>);<floats>[::-1];[<float>] * 4;<floats>.copy()
        list((<float>,) * 4)
        [v for v in <floats> if v == v] + [<float>] * 4;[t.item() for t in <t4>]
        [a + b for a, b in zip(<floats>, <floats>)]
        [i * v for i, v in enumerate(<floats>)];[p.norm().item() for p in <parts>] * 2;sorted(<floats>, reverse=True)
        [v for row in [<floats>, <floats>] for v in row];list(<table>.values()) * 4;[<t>.item() for _ in range(4)]
        list(tuple(<floats>));[x - y for x in <floats>[:2] for y in <floats>[:2]]
    """,
    "ints": """
        [<int>, <int>];list(range(<small>, 8));[i * <int> for i in range(<small> + 1)];<ints> + [<small>]
        sorted(<ints>)
        list(<t3x4>.shape);[len(t) for t in <texts>] + [1];<ints>[::2];list(range(10, <small>, -2))
    """,
    "texts": """
        ["a", "b"];[<text>, <text>];list(<table>);<text>.split() + ["c"];list(<table>.keys());<texts> + <texts>
        list(<vector>.names);list(<vector>.roles);[f"{i}" for i in range(<small> + 1)];sorted(<texts>)
        [k for k in <table>]
    """,
    "table": """
        {"a": <float>, "b": <float>};{k: <float> for k in ["a", "b"]};dict(a=<float>, b=<float>)
        <table>.copy();dict(<table>)
        {k: v * <float> for k, v in <table>.items()};dict([("a", <float>), ("b", <float>)])
    """,
    "t": """
        <t3x4>.sum();<t4>.norm();<t4x3>.mean();<t3x3>.max();<t4>.min();<t4>.dot(<t4>);<t4>[<small>];<t3x4>[2, 1]
        torch.tensor(<float>);<vector>.norm();<vector>.dot(<vector>);<vector>.sum();torch.full((), <float>)
        torch.norm(<t12>)
    """,
    "t3": "<t4>[1:];<t4>.topk(3)[0];torch.stack([<t>, <t>, <t>]);<t3x4>[:, <small>]",
    "t4": "<vector>[1];torch.tensor(<floats>[:4]);torch.cat([<t3>, <t3>[:1]]);<t12>[::3];<t4>[<p4>];<t4>.take(<p4>)",
    "t12": "<t3x4>.reshape(-1);torch.cat([<t4>, <t4>, <t4>]);<vector>[0].reshape(12);torch.cat([<t3>, <t3>] * 2)",
    "t3x4": "<vector>[0];torch.stack([<t4>, <t4>, <t4>]);<t4x4>[1:];<t4x4>[<p3>];torch.outer(<t3>, <t4>);<t2x3x4>[0]",
    "t2x3x4": "torch.stack([<t3x4>, <t3x4>]);torch.reshape(torch.cat([<t12>, <t12>]), 2, 3, 4);<t2x3x4> @ <t2x4x4>",
    "t2x4x4": "torch.stack([<t4x4>, <t4x4>])",
    "vector": """
        parameters;gradient;torch.zeros_like(<vector>);<vector> * <t>;<vmask>.float()
        <vector> / (<vector>.norm() + 1.0)
    """,
    "parts": """
        [<t3x4>, <t4>];[p for p in <vector>];[<float> * p for p in <vector>];[p + p for p in <parts>]
        [-p for p in <vector>]
    """,
}  # fmt: skip

_SAME: Final = """
    S + S;S - S;S * S;S / S;S * <float>;<float> - S;S / <positive>;<float> / S;-S;+S;abs(S);S ** 2;S ** 0.5
    S ** <float>;S + <int>
    S.lerp(S, <float>);S.addcmul(S, S, value=<float>);S.addcdiv(S, S);S.clamp(-1.0, 1.0);S.clamp(min=<float>)
    torch.where(M, S, S);torch.where(M, S, <float>);torch.maximum(S, S);S.minimum(<float>)
    S.clone().mul_(<float>).add_(S)
    M.float();torch.zeros_like(S);torch.ones_like(S);torch.full_like(S, <float>);S if <bool> else S
    S.add(S, alpha=<float>)
    S.clone().copy_(S).zero_();S.float();<positive> ** S;S.mul(<float>).sub(S, alpha=2);(lambda x: x * x)(S)
    S + <t>;torch.add(S, S)
"""
"""Templates of a tensor or vector from others of its shape S and masks M."""

_MASKS: Final = "S > S;S <= <float>;S == S;S != <float>;M & M;M | M;~M;S.isfinite();torch.isnan(S);S >= S * 2.0"
_UNARY: Final = (
    "abs ceil cos erf exp expm1 floor log log1p neg reciprocal round rsqrt sigmoid sign sin sqrt square tanh"
).split()
_KINDS: Final = [*_TEMPLATES, *(f"t{s}" for s in SHAPES), *(f"m{s}" for s in SHAPES), "vmask", "p4", "p3"]

_LEAVES: Final = {
    "float": ("0.5", "-1.5", "1e-3", "0.0", "3.0"),
    "int": ("0", "1", "2", "-3", "5"),
    "small": ("0", "1", "2", "3"),
    "positive": ("1.0", "0.25"),
    "bool": ("True", "False"),
    "text": ('"a"', '""', '"b,c"'),
    "plain": ("1.5", "7"),
    "floats": ("[0.5, 1.0, -2.0, 4.0]",),
    "ints": ("[1, 2]",),
    "texts": ('["a", "b"]',),
    "table": ('{"a": 1.0, "b": 0.5}',),
    "vector": ("parameters", "gradient"),
    "vmask": ("(parameters > 0.0)",),
    "parts": ("[torch.zeros(3, 4), torch.ones(4)]",),
}
_ODD: Final = (
    "None", "float('nan')", "math.inf", "-math.inf", "10 ** 30", "-1", "2 ** 60", "[]", "()", "{}", '""', "[[]]",
    "(1, 2.5)",
    "1e308", "-0.0", "True", "[None]", "{1: 2}", '"\\ud7ff"', "range(3)", "slice", "lambda: 0", "torch", "math",
    "torch.sqrt",
    "parameters", "[parameters]", "{\"a\": [1, (2, {})]}", "torch.zeros(2, 0)", "torch.ones(2) > 1", "len",
    "2 ** 4000", "1e-320",
    "[0] * 1000", '"x" * 5000', "torch.zeros(1, 1, 1, 1, 1, 1, 1, 1)", "parameters.names", "[].append", "-7",
    "0.1", "(lambda x: x)",
)  # fmt: skip
"""Values that go nowhere well."""

_ARGUMENTS: Final = {
    "dim": "0;-1;1;0;None;2",
    "dim0": "0;1;-1",
    "dim1": "1;0;-2",
    "keepdim": "True;False",
    "descending": "True;False",
    "largest": "True;False",
    "k": "1;2;3",
    "other": "S;S;<float>;<t>",
    "alpha": "<float>;2",
    "value": "<float>;<t>",
    "fill_value": "<float>",
    "weight": "<float>;0.5",
    "end": "S",
    "min": "<float>;None;S",
    "max": "<float>;S",
    "a": "S;<float>",
    "b": "S;<float>",
    "source": "S",
    "positions": "<p4>;<p3>;S.argsort(-1)",
    "condition": "M",
    "power": "2;0.5;<float>;S",
    "shape": "2, 3;-1;(3, 4);12;4, 3;1, -1",
    "size": "<small>",
    "n": "<small>;4",
    "x": "S",
    "tensors": "[S, S];<parts>;<vector>",
    "values": "<floats>;<float>;S",
}
"""Arguments by the name of the parameter."""


class Expressions:
    """Draws expressions; `noise` is the chance that a hole is filled by something of another kind."""

    def __init__(self, random: Random, noise: float) -> None:
        self._random = random
        self._noise = noise

    def draw(self, kind: str, scope: Scope, depth: int) -> str:
        """An expression of a kind, of at most `depth` templates inside templates."""
        if self._random.random() < self._noise:
            kind = "any"
        if kind == "any":
            return self._anything(scope, depth)
        offered = scope.get(kind, [])
        if depth <= 0:
            atoms = [text for text in offered if "<" not in text]
            return self._random.choice(atoms or _leaves(kind))
        if offered and self._random.random() < 0.4:
            return self.fill(self._random.choice(offered), scope, depth)
        text = self.fill(self._random.choice(_templates(kind)), scope, depth)
        return text if kind == "plain" else f"({text})"

    def fill(self, template: str, scope: Scope, depth: int) -> str:
        """A template with its holes filled."""
        return HOLE.sub(lambda hole: self.draw(hole[1], scope, depth - 1), template)

    def kind(self) -> str:
        """Some kind."""
        return self._random.choice(_KINDS)

    def wild(self) -> str:
        """A template that calls any method or function of the facade, with arguments that its parameters suggest."""
        choose = self._random.choice
        shape = choose(SHAPES)
        same, mask = choose([(f"<t{shape}>", f"<m{shape}>"), ("<vector>", "<vmask>")])
        owner, signatures = choose(_CALLABLES)
        name = choose(list(signatures))
        arguments = [self._argument(p) for p in list(signatures[name].parameters.values())[1:] if self._wanted(p)]
        owner = f"{owner}.clone()" if name.endswith("_") else owner
        return _for_shape(f"{owner}.{name}({', '.join(arguments)})", same, mask)

    def _wanted(self, parameter: inspect.Parameter) -> bool:
        return parameter.default is parameter.empty or self._random.random() < 0.3

    def _argument(self, parameter: inspect.Parameter) -> str:
        value = self._random.choice(_ARGUMENTS.get(parameter.name, "<any>;S;0;<float>").split(";"))
        return value if parameter.kind is not parameter.KEYWORD_ONLY else f"{parameter.name}={value}"

    def _anything(self, scope: Scope, depth: int) -> str:
        pick = self._random.random()
        if pick < 0.4 or depth <= 0:
            return self._random.choice(_ODD)
        if pick < 0.7:
            return self.fill(self.wild(), scope, depth)
        return self.fill(f"<{self.kind()}>", scope, depth)


def _leaves(kind: str) -> list[str]:
    if kind in _LEAVES:
        return list(_LEAVES[kind])
    sizes = kind[1:].replace("x", ", ")
    made = f"torch.zeros({sizes})" if sizes else "torch.tensor(0.5)"
    if kind[0] == "t":
        return [made, made.replace("zeros", "ones")]
    return [f"({made} > 0.0)" if kind[0] == "m" else f"{made}.argsort(0)"]


@cache
def _templates(kind: str) -> list[str]:
    """The templates of a kind, the special ones twice as often as those that every shape has."""
    special = _split(_TEMPLATES.get(kind, ""))
    if kind[0] == "p" and kind[1:].isdigit():
        return [f"<t{kind[1:]}>.argsort()", f"<t{kind[1:]}>.sort(descending=True)[1]", f"<t{kind[1:]}x4>.argmax(1)"]
    if kind not in ("vector", "vmask") and not re.fullmatch(r"[tm](\d+(x\d+)*)?", kind):
        return special
    same, mask = ("<vector>", "<vmask>") if kind[0] == "v" else (f"<t{kind[1:]}>", f"<m{kind[1:]}>")
    if f"<{kind}>" == mask:
        return [_for_shape(template, same, mask) for template in _split(_MASKS)]
    general = [*_split(_SAME), *(f"torch.{name}(S)" for name in _UNARY), *(f"S.{name}()" for name in _UNARY)]
    if kind[0] == "t" and len(kind) > 1:
        special += _shaped(kind[1:].split("x"))
    return [_for_shape(template, same, mask) for template in general] + 2 * special


def _for_shape(template: str, same: str, mask: str) -> str:
    return re.sub(r"\b[SM]\b", lambda found: same if found[0] == "S" else mask, template)


def _shaped(sizes: list[str]) -> list[str]:
    """Templates of a tensor of a shape from tensors of others."""
    own, listed = "x".join(sizes), ", ".join(sizes)
    made = [f"torch.zeros({listed})", f"torch.ones({listed})", f"torch.full(({listed},), <float>)"]
    made += [
        f"<t{own}>.sort(0)[0]",
        f"<t{own}>.cumsum(-1)",
        f"<t{own}>.reshape({listed})",
        f"torch.reshape(<t{own}>, ({listed},))",
    ]
    if len(sizes) == 1:
        made += [f"<t3x{own}>.sum(0)", f"<t{own}x{own}>.diag()", f"<t{own}x{own}>[0]", f"<t4x{own}>.mean(0)"]
        made += [f"<t{own}x4>.max(1)[0]", f"<t3x{own}>[-1]", f"<t{own}x4>.sum(dim=1)"] if own != "12" else []
    if len(sizes) == 2:
        m, n = sizes
        made += [f"<t{m}x4> @ <t4x{n}>", f"<t{n}x{m}>.T", f"<t{n}x{m}>.transpose(0, 1)", f"<t{m}>.outer(<t{n}>)"]
        made += [
            f"torch.mm(<t{m}x3>, <t3x{n}>)",
            f"<t{own}> + <t{n}>",
            f"<t{own}> / (<t{own}>.sum(1, keepdim=True) + 9.0)",
        ]
        made += [
            f"<t{own}>.gather(1, <t{own}>.argsort(1))",
            f"<t{own}>[<t{m}>.argsort()]",
            f"<t{own}>.matmul(<t{n}x{n}>)",
        ]
        made += [f"torch.diag(<t{m}>)"] if m == n else []
    return made


def _split(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;\n]", text) if part.strip()]


def _signatures(owner: type, names: frozenset[str]) -> dict[str, inspect.Signature]:
    """The signature of each callable attribute; an in-place method has that of its plain one."""
    plain = {name: getattr(owner, name.removesuffix("_"), None) for name in sorted(names)}
    return {name: inspect.signature(function) for name, function in plain.items() if callable(function)}


_CALLABLES: Final = [
    (owner, _signatures(kind, ATTRIBUTES[kind]))
    for owner, kind in (
        ("S", Tensor),
        ("<vector>", ParameterVector),
        ("torch", TorchNamespace),
        ("torch.linalg", LinalgNamespace),
        ("math", MathNamespace),
    )
]
