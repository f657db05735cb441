"""Tensors behave as an optimiser's author expects of torch, and nothing else can be reached through them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from arithmetic import random
from arithmetic.device.transcendental import powers
from sandbox.errors import FuelExhausted
from sandbox.layout import Layout, Part
from sandbox.meter import Meter
from sandbox.optimiser import NUMBERS_CONTEXT
from sandbox.program import prices
from sandbox.program.shape_checks import MAX_ELEMENTS
from sandbox.tensors.attributes import ATTRIBUTES
from sandbox.tensors.base import TensorBase
from sandbox.tensors.generator import Generator
from sandbox.tensors.namespaces import MathNamespace, TorchNamespace
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor
from tests.support.laboratory import Laboratory
from tests.support.sample_numbers import SPECIALS, bits, tensor32

LAYOUT = Layout((Part("w", "weight", (2, 3)), Part("b", "bias", (3,)), Part("g", "norm.weight", (1,))))
LAB = Laboratory()
TORCH, MATH = LAB.torch, LAB.math

A = tensor32([[1.5, -2.25, 0.1], [3.0, -0.0, 1e-3]])
B = tensor32([[0.5, 7.0, -0.1], [3.0, 2.0, 1e3]])
FLAT = tensor32([0.5, -1.0, 2.5, 3.5, -4.5, 1e-3, 0.25, -0.75, 9.0, 0.1])


def own(data: object = A, lab: Laboratory = LAB) -> Any:
    """A tensor that may be changed; untyped, since authors are not told of mistakes by a type checker."""
    return lab.tensor(data.clone() if isinstance(data, torch.Tensor) else tensor32(data))


def vector(data: torch.Tensor = FLAT, lab: Laboratory = LAB, *, owned: bool = True) -> Any:
    return lab.vector(data.clone(), LAYOUT, own=owned)


def data_of(tensor: Any, lab: Laboratory = LAB) -> torch.Tensor:
    return lab.data(tensor)


def same(result: object, expected: object, lab: Laboratory = LAB) -> None:
    """Equal to the bit; tensors by bits and shape."""
    if isinstance(result, tuple) and isinstance(expected, tuple) and isinstance(expected[0], torch.Tensor):
        for one, other in zip(result, expected, strict=True):
            same(one, other, lab)
        return
    if isinstance(result, TensorBase):
        result = data_of(result, lab)
    if isinstance(expected, torch.Tensor) and isinstance(result, torch.Tensor):
        assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
        assert bits(result) == bits(expected) if result.dtype == torch.float32 else torch.equal(result, expected)
    else:
        assert result == expected


def root(x: torch.Tensor) -> torch.Tensor:
    return x.double().sqrt().float()


def positive(x: torch.Tensor) -> torch.Tensor:
    return x + 0.0  # a selected zero is +0


# One line for each public name: what the facade gives for `x` (and another `y`), and what torch does.
ELEMENTWISE: dict[str, tuple[Callable[[Any, Any], Any], Callable[[torch.Tensor, torch.Tensor], Any]]] = {
    "add": (lambda x, y: x.add(y, alpha=0.5), lambda a, b: a + b * 0.5),
    "sub": (lambda x, y: x.sub(y, alpha=3), lambda a, b: a - b * 3),
    "mul": (lambda x, y: x.mul(y), lambda a, b: a * b),
    "div": (lambda x, y: x.div(y), lambda a, b: a / b),
    "pow": (lambda x, y: x.pow(3), lambda a, b: (a.double() * a.double() * a.double()).float()),
    "exp": (lambda x, y: x.exp(), lambda a, b: a.double().exp().float()),
    "expm1": (lambda x, y: x.expm1(), lambda a, b: a.double().expm1().float()),
    "log": (lambda x, y: x.log(), lambda a, b: a.double().log().float()),
    "log1p": (lambda x, y: x.log1p(), lambda a, b: a.double().log1p().float()),
    "sin": (lambda x, y: x.sin(), lambda a, b: a.double().sin().float()),
    "cos": (lambda x, y: x.cos(), lambda a, b: a.double().cos().float()),
    "tanh": (lambda x, y: x.tanh(), lambda a, b: a.double().tanh().float()),
    "sigmoid": (lambda x, y: x.sigmoid(), lambda a, b: a.double().sigmoid().float()),
    "erf": (lambda x, y: x.erf(), lambda a, b: a.double().erf().float()),
    "rsqrt": (lambda x, y: x.rsqrt(), lambda a, b: a.double().rsqrt().float()),
    "neg": (lambda x, y: x.neg(), lambda a, b: -a),
    "abs": (lambda x, y: x.abs(), lambda a, b: a.abs()),
    "sqrt": (lambda x, y: x.sqrt(), lambda a, b: root(a)),
    "square": (lambda x, y: x.square(), lambda a, b: a * a),
    "reciprocal": (lambda x, y: x.reciprocal(), lambda a, b: 1.0 / a),
    "sign": (lambda x, y: x.sign(), lambda a, b: positive(a.sign())),
    "floor": (lambda x, y: x.floor(), lambda a, b: a.floor()),
    "ceil": (lambda x, y: x.ceil(), lambda a, b: a.ceil()),
    "round": (lambda x, y: x.round(), lambda a, b: a.round()),
    "maximum": (lambda x, y: x.maximum(y), lambda a, b: positive(torch.maximum(a, b))),
    "minimum": (lambda x, y: x.minimum(y), lambda a, b: positive(torch.minimum(a, b))),
    "clamp": (lambda x, y: x.clamp(-0.5, max=2.0), lambda a, b: positive(a.clamp(-0.5, 2.0))),
    "lerp": (lambda x, y: x.lerp(y, 0.25), lambda a, b: a + (b - a) * 0.25),
    "addcmul": (lambda x, y: x.addcmul(x, y, value=0.3), lambda a, b: a + (a * 0.3) * b),
    "addcdiv": (lambda x, y: x.addcdiv(x, y, value=-2), lambda a, b: a + (a * -2) / b),
    "clamp_min": (lambda x, y: x.clamp_min(y), lambda a, b: positive(a.clamp_min(b))),
    "clamp_max": (lambda x, y: x.clamp_max(0.5), lambda a, b: positive(a.clamp_max(0.5))),
    "clip": (lambda x, y: x.clip(-0.5, 2), lambda a, b: positive(a.clip(-0.5, 2.0))),
    "masked_fill": (lambda x, y: x.masked_fill(x > y, 0.1), lambda a, b: a.masked_fill(a > b, 0.1)),
    "lt": (lambda x, y: x.lt(y), lambda a, b: a < b),
    "le": (lambda x, y: x.le(1.5), lambda a, b: a <= 1.5),
    "gt": (lambda x, y: x.gt(y), lambda a, b: a > b),
    "ge": (lambda x, y: x.ge(y), lambda a, b: a >= b),
    "eq": (lambda x, y: x.eq(x), lambda a, b: torch.ones_like(a).bool()),
    "ne": (lambda x, y: x.ne(y), lambda a, b: a != b),
}
IN_PLACE: dict[str, tuple[Callable[[Any, Any], Any], Callable[[torch.Tensor, torch.Tensor], Any]]] = {
    "add_": (lambda x, y: x.add_(y, alpha=0.5), ELEMENTWISE["add"][1]),
    "sub_": (lambda x, y: x.sub_(1), lambda a, b: a - 1),
    "mul_": (lambda x, y: x.mul_(0.9), lambda a, b: a * 0.9),
    "div_": (lambda x, y: x.div_(y), lambda a, b: a / b),
    "pow_": (lambda x, y: x.pow_(2), lambda a, b: a * a),
    "neg_": (lambda x, y: x.neg_(), lambda a, b: -a),
    "abs_": (lambda x, y: x.abs_(), lambda a, b: a.abs()),
    "sqrt_": (lambda x, y: x.sqrt_(), lambda a, b: root(a)),
    "square_": (lambda x, y: x.square_(), lambda a, b: a * a),
    "reciprocal_": (lambda x, y: x.reciprocal_(), lambda a, b: 1.0 / a),
    "sign_": (lambda x, y: x.sign_(), lambda a, b: positive(a.sign())),
    "floor_": (lambda x, y: x.floor_(), lambda a, b: a.floor()),
    "ceil_": (lambda x, y: x.ceil_(), lambda a, b: a.ceil()),
    "round_": (lambda x, y: x.round_(), lambda a, b: a.round()),
    "clamp_": (lambda x, y: x.clamp_(min=0), lambda a, b: positive(a.clamp(min=0))),
    "lerp_": (lambda x, y: x.lerp_(y, 0.25), ELEMENTWISE["lerp"][1]),
    "addcmul_": (lambda x, y: x.addcmul_(y, y), lambda a, b: a + b * b),
    "addcdiv_": (lambda x, y: x.addcdiv_(y, x, value=2), lambda a, b: a + (b * 2) / a),
    "exp_": (lambda x, y: x.exp_(), ELEMENTWISE["exp"][1]),
    "expm1_": (lambda x, y: x.expm1_(), ELEMENTWISE["expm1"][1]),
    "log_": (lambda x, y: x.log_(), ELEMENTWISE["log"][1]),
    "log1p_": (lambda x, y: x.log1p_(), ELEMENTWISE["log1p"][1]),
    "sin_": (lambda x, y: x.sin_(), ELEMENTWISE["sin"][1]),
    "cos_": (lambda x, y: x.cos_(), ELEMENTWISE["cos"][1]),
    "tanh_": (lambda x, y: x.tanh_(), ELEMENTWISE["tanh"][1]),
    "sigmoid_": (lambda x, y: x.sigmoid_(), ELEMENTWISE["sigmoid"][1]),
    "erf_": (lambda x, y: x.erf_(), ELEMENTWISE["erf"][1]),
    "rsqrt_": (lambda x, y: x.rsqrt_(), ELEMENTWISE["rsqrt"][1]),
    "zero_": (lambda x, y: x.zero_(), lambda a, b: torch.zeros_like(a)),
    "fill_": (lambda x, y: x.fill_(0.1), lambda a, b: torch.full_like(a, 0.1)),
    "copy_": (lambda x, y: x.copy_(y), lambda a, b: b),
    "clamp_min_": (lambda x, y: x.clamp_min_(0), lambda a, b: positive(a.clamp_min(0))),
    "clamp_max_": (lambda x, y: x.clamp_max_(y), lambda a, b: positive(a.clamp_max(b))),
    "clip_": (lambda x, y: x.clip_(max=0), lambda a, b: positive(a.clip(max=0))),
    "masked_fill_": (lambda x, y: x.masked_fill_(x > 0, -1), lambda a, b: a.masked_fill(a > 0, -1)),
}
WHOLE: dict[str, tuple[Callable[[Any, Any], Any], Callable[[torch.Tensor, torch.Tensor], Any]]] = {
    "clone": (lambda x, y: x.clone(), lambda a, b: a),
    "dtype": (lambda x, y: (x.dtype, (x > y).dtype), lambda a, b: ("float32", "bool")),
    "device": (lambda x, y: x.device, lambda a, b: "any"),
    "data": (lambda x, y: x.data, lambda a, b: a),
    "detach": (lambda x, y: x.detach(), lambda a, b: a),
    "contiguous": (lambda x, y: x.contiguous(), lambda a, b: a),
    "to": (lambda x, y: (x > y).to(x), lambda a, b: (a > b).float()),
    "amax": (lambda x, y: x.amax(), lambda a, b: a.amax()),
    "amin": (lambda x, y: x.amin(), lambda a, b: a.amin()),
    "var": (lambda x, y: x.var(unbiased=False), lambda a, b: variance(a, a.numel())),
    "std": (lambda x, y: x.std(), lambda a, b: root(variance(a, a.numel() - 1))),
    "float": (lambda x, y: (x > y).float(), lambda a, b: (a > b).float()),
    "isfinite": (lambda x, y: (1 / (x - 0.5)).isfinite(), lambda a, b: a != 0.5),
    "isnan": (lambda x, y: (x * 1e39 / y * 0).isnan(), lambda a, b: torch.ones_like(a).bool()),
    "numel": (lambda x, y: x.numel(), lambda a, b: a.numel()),
    "all": (lambda x, y: (x > -9).all(), lambda a, b: True),
    "any": (lambda x, y: (x > 99).any(), lambda a, b: False),
    "max": (lambda x, y: x.max(), lambda a, b: a.max()),
    "min": (lambda x, y: x.min(), lambda a, b: a.min()),
    "sum": (lambda x, y: x.sum(), lambda a, b: a.double().sum().float()),
    "mean": (lambda x, y: x.mean(), lambda a, b: a.double().sum().float() / a.numel()),
    "norm": (lambda x, y: x.norm(), lambda a, b: root((a * a).double().sum().float())),
    "dot": (lambda x, y: x.dot(y), lambda a, b: (a * b).double().sum().float()),
}


def variance(a: torch.Tensor, count: int) -> torch.Tensor:
    d = a - a.double().sum().float() / a.numel()
    return (d * d).double().sum().float() / count


TENSOR_ONLY: dict[str, tuple[Callable[[Any, Any], Any], Callable[[torch.Tensor, torch.Tensor], Any]]] = {
    "shape": (lambda x, y: x.shape, lambda a, b: (2, 3)),
    "ndim": (lambda x, y: x.ndim, lambda a, b: 2),
    "dim": (lambda x, y: x.dim(), lambda a, b: 2),
    "size": (lambda x, y: (x.size(0), x.size(-1)), lambda a, b: (2, 3)),
    "T": (lambda x, y: x.T, lambda a, b: a.t()),
    "transpose": (lambda x, y: x.reshape(1, 3, 2).transpose(0, -1), lambda a, b: a.reshape(1, 3, 2).transpose(0, 2)),
    "outer": (lambda x, y: x[0].outer(y[1]), lambda a, b: a[0].unsqueeze(1) * b[1]),
    "diag": (lambda x, y: x.diag(), lambda a, b: torch.stack([a[0, 0], a[1, 1]])),
    "sort": (lambda x, y: x.sort(), lambda a, b: tuple(a.sort(stable=True))),
    "argsort": (lambda x, y: x.argsort(0, descending=True), lambda a, b: a.sort(0, descending=True)[1]),
    "topk": (lambda x, y: x.topk(2, largest=False), lambda a, b: tuple(a.topk(2, largest=False))),
    "argmax": (lambda x, y: x.argmax(), lambda a, b: a.argmax()),
    "argmin": (lambda x, y: x.argmin(1, keepdim=True), lambda a, b: a.argmin(1, keepdim=True)),
    "cumsum": (lambda x, y: x.cumsum(1), lambda a, b: a.double().cumsum(1).float()),
    "take": (lambda x, y: x.take(y.argmax(1)), lambda a, b: a.take(b.argmax(1))),
    "gather": (lambda x, y: x.gather(1, y.argsort(1)), lambda a, b: a.gather(1, b.argsort(1))),
    "reshape": (lambda x, y: x.reshape(3, -1), lambda a, b: a.reshape(3, 2)),
    "matmul": (lambda x, y: x.sign().matmul(y.floor().T), lambda a, b: a.sign() @ b.floor().t()),
    "item": (lambda x, y: x[0, 0].item(), lambda a, b: a[0, 0].item()),
    "tolist": (lambda x, y: [x.tolist(), x[0, 0].tolist()], lambda a, b: [a.tolist(), a[0, 0].item()]),
    "mT": (lambda x, y: x[None].mT, lambda a, b: a[None].transpose(1, 2)),
    "t": (lambda x, y: x.t(), lambda a, b: a.t()),
    "permute": (lambda x, y: x[None].permute(2, 0, 1), lambda a, b: a[None].permute(2, 0, 1)),
    "unsqueeze": (lambda x, y: x.unsqueeze(-1), lambda a, b: a.unsqueeze(-1)),
    "squeeze": (lambda x, y: x[:1].squeeze(), lambda a, b: a[0]),
    "view": (lambda x, y: x.view(-1), lambda a, b: a.reshape(6)),
    "flatten": (lambda x, y: x[None].flatten(1), lambda a, b: a.reshape(1, 6)),
    "expand": (lambda x, y: x.expand(2, -1, 3), lambda a, b: a.expand(2, 2, 3)),
    "mm": (lambda x, y: x.sign().mm(y.floor().T), lambda a, b: a.sign() @ b.floor().t()),
    "bmm": (lambda x, y: x.sign()[None].bmm(y.floor().T[None]), lambda a, b: (a.sign() @ b.floor().t())[None]),
    "mv": (lambda x, y: x.sign().mv(y[0].floor()), lambda a, b: a.sign() @ b[0].floor()),
    "addmm": (
        lambda x, y: x[:, :2].addmm(x.sign(), y.floor().T, beta=3, alpha=0.5),
        lambda a, b: a[:, :2] * 3 + (a.sign() @ b.floor().t()) * 0.5,
    ),
    "trace": (lambda x, y: x.trace(), lambda a, b: a.double().trace().float()),
    "triu": (lambda x, y: x.triu(1), lambda a, b: a.triu(1)),
    "tril": (lambda x, y: x.tril(), lambda a, b: a.tril()),
}
VECTOR_ONLY: dict[str, tuple[Callable[[Any, Any], Any], Callable[[torch.Tensor, torch.Tensor], Any]]] = {
    "names": (lambda x, y: x.names, lambda a, b: ("w", "b", "g")),
    "roles": (lambda x, y: x.roles, lambda a, b: ("weight", "bias", "norm.weight")),
}
FOR_TENSORS = ELEMENTWISE | IN_PLACE | WHOLE | TENSOR_ONLY
FOR_VECTORS = ELEMENTWISE | IN_PLACE | WHOLE | VECTOR_ONLY


def test_the_tables_of_this_file_cover_what_is_public() -> None:
    assert set(FOR_TENSORS) == ATTRIBUTES[Tensor]
    assert set(FOR_VECTORS) == ATTRIBUTES[ParameterVector]


@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_public_names_exist_and_no_private_one_is_public(kind: type) -> None:
    for name in ATTRIBUTES[kind]:
        assert not name.startswith("_")
        assert hasattr(kind, name), name


@pytest.mark.parametrize("name", FOR_TENSORS)
def test_every_public_name_of_a_tensor(name: str) -> None:
    ours, theirs = FOR_TENSORS[name]
    x, y = own(A), own(B)
    same(ours(x, y), theirs(A, B))
    same(y, B)
    same(x, theirs(A, B) if name in IN_PLACE else A)


@pytest.mark.parametrize("name", FOR_VECTORS)
def test_every_public_name_of_a_parameter_vector(name: str) -> None:
    ours, theirs = FOR_VECTORS[name]
    x, y, other = vector(), vector(FLAT.flip(0)), FLAT.flip(0)
    result = ours(x, y)
    same(result, theirs(FLAT, other))
    same(x, theirs(FLAT, other) if name in IN_PLACE else FLAT)
    if name in ELEMENTWISE or name in IN_PLACE:
        assert type(result) is ParameterVector
        assert result.names == x.names


BINARY = set("add sub mul div pow maximum minimum clamp_min clamp_max lt le gt ge eq ne".split())


@pytest.mark.parametrize(
    "name", sorted(set(ELEMENTWISE) - {"clamp", "clip", "lerp", "addcmul", "addcdiv", "masked_fill"})
)
def test_functions_of_torch_are_the_methods(name: str) -> None:
    x, y = own(SPECIALS), own(SPECIALS[::-1])
    arguments: list[Any] = [y] if name in BINARY else []
    same(getattr(TORCH, name)(x, *arguments), data_of(getattr(x, name)(*arguments)))


OPERATORS: list[tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = [
    (lambda x, y: x + y, lambda a, b: a + b),
    (lambda x, y: x - y, lambda a, b: a - b),
    (lambda x, y: x * y, lambda a, b: a * b),
    (lambda x, y: x / y, lambda a, b: a / b),
    (lambda x, y: x + 0.1, lambda a, b: a + torch.tensor(0.1)),
    (lambda x, y: 2 - x, lambda a, b: torch.tensor(2.0) - a),
    (lambda x, y: 0.1 * x, lambda a, b: a * torch.tensor(0.1)),
    (lambda x, y: x / 3, lambda a, b: a / torch.tensor(3.0)),
    (lambda x, y: 1 / x, lambda a, b: torch.tensor(1.0) / a),
    (lambda x, y: -x, lambda a, b: -a),
    (lambda x, y: abs(x), lambda a, b: abs(a)),
    (lambda x, y: x**2, lambda a, b: a * a),
    (lambda x, y: x**-1, lambda a, b: 1.0 / a),
    (lambda x, y: x**y, powers.power),
    (lambda x, y: x**0.3, lambda a, b: powers.power(a, 0.3)),
    (lambda x, y: 0.1**x, lambda a, b: powers.power(torch.full_like(a, 0.1), a)),
    (lambda x, y: x**2.0, lambda a, b: a * a),
    (lambda x, y: x**0, lambda a, b: torch.ones_like(a)),
    (lambda x, y: x < y, lambda a, b: a < b),
    (lambda x, y: x <= 1.5, lambda a, b: a <= 1.5),
    (lambda x, y: x < 1, lambda a, b: a < 1),
    (lambda x, y: x >= y, lambda a, b: a >= b),
    (lambda x, y: x == y, lambda a, b: a == b),
    (lambda x, y: x != 3, lambda a, b: a != 3),
    (lambda x, y: (x > 0) & (y > 0), lambda a, b: (a > 0) & (b > 0)),
    (lambda x, y: (x > 0) | ~(y > 0), lambda a, b: (a > 0) | ~(b > 0)),
    (lambda x, y: x + y * x / (x - y), lambda a, b: a + b * a / (a - b)),
]


@pytest.mark.parametrize("number", range(len(OPERATORS)))
def test_operators(number: int) -> None:
    ours, theirs = OPERATORS[number]
    same(ours(own(A), own(B)), theirs(A, B))
    same(ours(own(SPECIALS), own(SPECIALS[::-1])), theirs(tensor32(SPECIALS), tensor32(SPECIALS[::-1])))
    result = ours(vector(), vector(FLAT.flip(0)))
    same(result, theirs(FLAT, FLAT.flip(0)))
    assert type(result) is ParameterVector


def test_comparisons_round_a_number_as_arithmetic_does() -> None:
    x = own([0.1, 0.2])
    assert data_of(x == 0.1).tolist() == [True, False]
    assert (x < 1e39).all()
    assert not (x < -1e39).any()
    assert not x.__eq__(MATH.nan).any()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([(2, 3), (3,), (1, 3), (2, 1), (1,), ()]), st.sampled_from([(2, 3), (3,), (1, 3), (2, 1), ()]))
def test_broadcasting(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    a, b = torch.full(left, 1.5), torch.full(right, 0.25)
    same(own(a) * own(b), a * b)
    same(own(a).maximum(own(b)), torch.maximum(a, b))


def test_broadcasting_of_a_vector_is_with_single_numbers_only() -> None:
    same(vector() * own(2.0), FLAT * 2.0)
    same(own(2.0) - vector(), torch.tensor(2.0) - FLAT)
    assert type(own(2.0) - vector()) is ParameterVector
    for other in (own([1.0]), own(FLAT), vector()[0]):
        with pytest.raises(ValueError, match=r"write vector\[i\]"):
            vector() + other
        with pytest.raises(ValueError, match=r"write vector\[i\]"):
            other * vector()


@pytest.mark.parametrize("dim", [None, 0, 1, -1, -2])
def test_sums_and_means_along_dimensions(dim: int | None) -> None:
    x = own(A)
    expected = (A.double().sum() if dim is None else A.double().sum(dim)).float()
    count = 6 if dim is None else A.shape[dim]
    same(x.sum(dim), expected)
    same(x.mean(dim), expected / torch.tensor(float(count)))
    if dim is not None:
        same(x.sum(dim, keepdim=True), expected.unsqueeze(dim))
        same(x.mean(dim=dim, keepdim=True), (expected / torch.tensor(float(count))).unsqueeze(dim))


def test_reductions_of_what_is_not_finite() -> None:
    x = own([1.0, math.inf, 2.0])
    assert math.isnan(float(x.sum()))
    assert math.isnan(float(x.norm()))
    assert math.isnan(float(own([1.0, math.nan]).max()))
    assert float(x.max()) == math.inf
    same(own([-0.0, -0.0]).max(), torch.tensor(0.0))


def test_matrices() -> None:
    a, b = torch.randn(7, 5, generator=torch.Generator().manual_seed(1)), torch.arange(15.0).reshape(5, 3)
    same(own(b).T.T, b)
    product = own(a) @ own(b)
    assert torch.allclose(data_of(product), a @ b, rtol=1e-5, atol=1e-5)
    same(TORCH.mm(own(a), own(b)), data_of(product))
    same(TORCH.matmul(own(a), own(b)), data_of(product))
    same((own(b).T @ own(a).T).T, data_of(product))


INDICES: list[Any] = [0, -1, (1, 2), slice(None), slice(0, 1), (slice(None), slice(0, None, 2)), (0, slice(1, 99)),
                      (slice(-1, None), 0), slice(None, None, 10**30), (slice(-(10**30), 10**30), -3)]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indexing(index: Any) -> None:
    same(own(A)[index], torch.from_numpy(A.numpy()[index].copy()) if index != (1, 2) else A[1, 2])


def test_iteration_and_length() -> None:
    assert [data_of(row).tolist() for row in own(A)] == A.tolist()
    assert len(own(A)) == 2
    weight, bias, gain = vector()
    same(weight, FLAT[:6].reshape(2, 3))
    same(bias, FLAT[6:9])
    same(vector()[-1], data_of(gain))
    assert len(vector()) == 3
    assert vector().numel() == 10


def test_truth_and_numbers() -> None:
    assert float(own([2.5])) == 2.5
    assert own(0.5).item() == 0.5
    assert bool(own(0.0)) is False
    assert bool(own(1.0) > own(0.5)) is True
    assert own([1.0, 2.0]).__eq__("text") is NotImplemented


def test_in_place_methods_bind_their_own_handle_only() -> None:
    x = own([1.0, 2.0])
    alias, clone, doubled = x, x.clone(), x.mul(1)
    assert x.mul_(2).add_(1) is x
    assert data_of(alias).tolist() == [3.0, 5.0]
    assert data_of(clone).tolist() == data_of(doubled).tolist() == [1.0, 2.0]
    y = x
    y += 1.0  # the dialect calls the operator, which makes a new tensor
    assert (data_of(x).tolist(), data_of(y).tolist()) == ([3.0, 5.0], [4.0, 6.0])


def test_in_place_methods_never_reach_the_trainers_memory() -> None:
    data = FLAT.clone()
    gradient: Any = LAB.vector(data, LAYOUT, own=False)
    gradient.clone().mul_(3.0).zero_()
    gradient[0].clone().add_(1.0)
    m = TORCH.zeros_like(gradient).copy_(gradient)
    m.mul_(0.5)
    assert bits(data) == bits(FLAT)
    same(m, FLAT * 0.5)


@pytest.mark.parametrize("name", IN_PLACE)
def test_inputs_and_views_cannot_be_changed(name: str) -> None:
    x = own(A)
    instead = {"zero_": r"torch\.zeros_like", "fill_": r"torch\.full_like", "copy_": r"y\.clone"}.get(
        name, rf"x\.{name[:-1]}"
    )
    views: list[Any] = [vector(owned=False), vector()[0], x[0], x.T, x.reshape(6), x[:, 1:], next(iter(x))]
    for view in views:
        before = data_of(view).clone()
        with pytest.raises(TypeError, match=rf"{name} would change an input or a view .* write x = {instead}\("):
            IN_PLACE[name][0](view, view)
        same(view, before)
    same(x, A)


def test_in_place_methods_take_their_arguments_by_name() -> None:
    same(own(A).fill_(value=0.5), torch.full_like(A, 0.5))
    same(own(A).copy_(source=own(B)), B)
    same(own(A).pow_(power=2), A * A)
    same(own(A).add_(other=own(B), alpha=1), A + B)


def test_in_place_methods_keep_the_shape() -> None:
    row = own([1.0, 2.0, 3.0])
    changes: list[Callable[[], object]] = [
        lambda: row.add_(own(A)), lambda: own(1.0).mul_(vector()), lambda: row.copy_(own(A))
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(ValueError, match=r"shape"):
            change()
    same(row, tensor32([1.0, 2.0, 3.0]))
    same(own(A).add_(row), A + tensor32([1.0, 2.0, 3.0]))


def test_masks() -> None:
    mask = own(A) > 0
    same(mask.float(), (A > 0).float())
    same(TORCH.where(mask, own(A), 0.0), torch.where(A > 0, A, torch.tensor(0.0)))
    same(TORCH.where(mask, 1, own(2.0)), torch.where(A > 0, 1.0, 2.0))
    same(TORCH.where(vector() > 0, vector(), -1.0), torch.where(FLAT > 0, FLAT, torch.tensor(-1.0)))
    same(mask[0], (A > 0)[0])
    same(mask.reshape(-1), (A > 0).reshape(-1))
    for misuse in (lambda: mask + 1, lambda: own(A) * mask, lambda: -mask, mask.sum, mask.max, lambda: mask > 0):
        with pytest.raises(TypeError, match=r"not a mask or indices; write x\.float\(\)"):
            misuse()
    for misuse in (lambda: own(A) & mask, lambda: ~own(A), own(A).all, own(A).any):
        with pytest.raises(TypeError, match="need masks such as x > 0"):
            misuse()


POSITIONS = own([0.5, -1.0, 7.0]).argsort()


def test_positions_pick_compare_and_become_numbers() -> None:
    order = own([0.5, -1.0, 7.0, 7.0]).argsort(descending=True)
    same(order, torch.tensor([2, 3, 0, 1]))
    assert [type(p.item()) for p in order] == [int] * 4
    assert (int(order[1]), float(order[1]), bool(order[3])) == (3, 3.0, True)
    assert int(own(-2.75)) == -2
    same(order.float(), tensor32([2.0, 3.0, 0.0, 1.0]))
    for mask, expected in (
        (order == 3, [False, True, False, False]), (order != order[0], [False, True, True, True]),
        (order < 2, [False, False, True, True]), (order >= order.reshape(4)[2], [True, True, True, True]),
        (order > 1, [True, True, False, False]), (order < 10**30, [True] * 4), (order <= -(10**30), [False] * 4),
        (order == -1, [False] * 4), (order > 2**26, [False] * 4),
    ):  # fmt: skip
        same(mask, torch.tensor(expected))
    x = own([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [-0.0, 8.0]])
    same(x[order], data_of(x)[[2, 3, 0, 1]])
    same(x[order.reshape(2, 2)], data_of(x)[[2, 3, 0, 1]].reshape(2, 2, 2))
    same(x[order[1]], data_of(x)[3])
    same((x > 3)[order], (data_of(x) > 3)[[2, 3, 0, 1]])
    same(order[order], torch.tensor([0, 1, 2, 3]))
    same(x.take(order), tensor32([3.0, 4.0, 1.0, 2.0]))
    same(order.take(x.argmax(1)), torch.tensor([3, 3, 3, 3]))
    same(TORCH.cat([order, order[:1]]), torch.tensor([2, 3, 0, 1, 2]))
    same(TORCH.zeros_like(order), torch.zeros(4))
    same(x[order].mul_(2.0), data_of(x)[[2, 3, 0, 1]] * 2)  # what was picked is one's own


def test_extremes_along_a_dimension() -> None:
    x = own([[-0.0, 0.0, -1.0], [2.0, math.nan, math.nan]])
    values, positions = x.max(1)
    same(values, tensor32([0.0, math.nan]))
    same(positions, torch.tensor([0, 1]))
    values, positions = TORCH.min(x, 0, keepdim=True)
    same(values, tensor32([[0.0, math.nan, math.nan]]))
    same(positions, torch.tensor([[0, 1, 1]]))
    same(x.argmax(), torch.tensor(4))
    same(x.argmin(0), torch.tensor([0, 1, 1]))
    same(own(3.0).argmin(), torch.tensor(0))
    same(own(3.0).take(own(3.0).argmax()), torch.tensor(3.0))


@pytest.mark.parametrize(
    ("left", "right"), [((4, 2, 3), (4, 3, 5)), ((4, 2, 3), (3, 5)), ((2, 3), (4, 3, 5)), ((1, 2, 3), (1, 3, 1))]
)
def test_batched_products_are_products_of_each(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    numbers = torch.Generator().manual_seed(5)
    a, b = (torch.randn(shape, generator=numbers).exp() for shape in (left, right))
    product = TORCH.bmm(own(a), own(b))
    assert product.shape == ((left if len(left) == 3 else right)[0], left[-2], right[-1])
    for i, matrix in enumerate(product):
        same(matrix, data_of(own(a[i] if a.ndim == 3 else a) @ own(b[i] if b.ndim == 3 else b)))


MISTAKES: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "shapes": (lambda: own(A) + own([1.0, 2.0]), ValueError, r"shapes \(2, 3\) and \(2,\) do not go together"),
    "masks": (lambda: (own(A) > 0) & (own([1.0, 2.0]) > 0), ValueError, "do not go together"),
    "maximum": (lambda: own(A).maximum(own([1.0, 2.0])), ValueError, "do not go together"),
    "product": (lambda: own(A) @ own(A), ValueError, r"\[m, k\] and \[k, n\], .* not \(2, 3\) and \(2, 3\)"),
    "vector product": (lambda: own([1.0]) @ own([1.0, 2.0]), ValueError, r"takes matrices"),
    "number product": (lambda: own(1.0) @ own([1.0]), ValueError, r"takes matrices"),
    "product kind": (lambda: own(A) @ 2.0, TypeError, "unsupported operand"),
    "product of vector": (lambda: own(A).matmul(vector()), TypeError, "unsupported operand"),
    "dot": (lambda: own(A).dot(own([1.0])), ValueError, "same shape"),
    "dot number": (lambda: own(A).dot(1.0), ValueError, "same shape"),
    "transposed": (lambda: own(A)[None].T, ValueError, r"T is for matrices; for shape \(1, 2, 3\) write mT"),
    "transposed line": (lambda: own([1.0]).mT, ValueError, "names a dimension"),
    "permute": (lambda: own(A).permute(0), ValueError, "permute takes all 2 dimensions"),
    "permute twice": (lambda: own(A).permute(0, -2), ValueError, "a list of different ones"),
    "unsqueeze": (lambda: own(A).unsqueeze(3), ValueError, "from -3 to 2, not 3"),
    "unsqueeze dimensions": (lambda: TORCH.ones([1] * 8).unsqueeze(0), ValueError, "at most 8 dimensions, not 9"),
    "squeeze": (lambda: own(A).squeeze(2), ValueError, "names a dimension"),
    "flatten": (lambda: own(A).flatten(1, 0), ValueError, "a dimension and a later one"),
    "expand": (lambda: own(A).expand(2, 6), ValueError, r"shape \(2, 3\) cannot be expanded to \(2, 6\)"),
    "expand fewer": (lambda: own(A).expand(3), ValueError, "cannot be expanded"),
    "triu": (lambda: own([1.0]).triu(), ValueError, "takes a matrix"),
    "triu diagonal": (lambda: own(A).triu(10**30), ValueError, "one of its diagonals"),
    "trace": (lambda: own([1.0]).trace(), ValueError, "takes a matrix"),
    "norm": (lambda: own(A).norm(3), ValueError, "p = 2, 1 or inf"),
    "norm list": (lambda: own(A).norm([2]), ValueError, "p = 2, 1 or inf"),
    "norm nan": (lambda: own(A).norm(math.nan), ValueError, "p = 2, 1 or inf"),
    "spectral norm": (lambda: TORCH.linalg.norm(own(A), 2), ValueError, "leave ord out"),
    "matrix power": (lambda: TORCH.linalg.matrix_power(own(A), 0), ValueError, "an integer above 0"),
    "sums": (lambda: own(A).sum((0, -2)), ValueError, "a list of different ones"),
    "sums of nothing": (lambda: own(A).sum(()), ValueError, "a list of different ones"),
    "dtype": (lambda: TORCH.zeros(2, dtype="float64"), TypeError, "leave dtype and device out"),
    "device": (lambda: TORCH.zeros(2, device="cuda"), TypeError, "leave dtype and device out"),
    "memory format": (lambda: TORCH.zeros_like(own(A), memory_format="x"), TypeError, "leave memory_format out"),
    "to": (lambda: own(A).to("int64"), TypeError, "becomes numbers only"),
    "masked_fill": (lambda: own(A).masked_fill(own(A), 0.0), TypeError, "masks such as x > 0"),
    "masked_fill number": (lambda: own(A).masked_fill(True, 0.0), TypeError, "a mask such as x > 0"),
    "compared method": (lambda: own(A).eq(None), TypeError, "eq takes tensors and numbers"),
    "eye": (lambda: TORCH.eye(-1), ValueError, "positive integers"),
    "arange": (lambda: TORCH.arange(0), ValueError, "this range is empty"),
    "arange step": (lambda: TORCH.arange(0, 5, 0), ValueError, "a step other than 0"),
    "arange text": (lambda: TORCH.arange("5"), ValueError, "arange takes numbers"),
    "arange inf": (lambda: TORCH.arange(0.0, math.inf), ValueError, "arange takes numbers"),
    "arange below": (lambda: TORCH.arange(-3, 3), ValueError, "indices are integers from 0"),
    "arange far": (lambda: TORCH.arange(2**30, 2**30 + 2), ValueError, "indices are integers from 0"),
    "linspace": (lambda: TORCH.linspace(0, 1, 0), ValueError, "positive integers"),
    "reshape": (lambda: own(A).reshape(4), ValueError, r"6 elements do not fit shape \(4,\)"),
    "reshape guess": (lambda: own(A).reshape(-1, 4), ValueError, "do not fit"),
    "reshape guesses": (lambda: own(A).reshape(-1, -1), ValueError, "do not fit"),
    "reshape zero": (lambda: own(A).reshape(0, -1), ValueError, "positive integers"),
    "reshape huge": (lambda: own(A).reshape(10**30), ValueError, "do not fit"),
    "reshape text": (lambda: own(A).reshape("6"), ValueError, "positive integers"),
    "sum": (lambda: own(A).sum(2), ValueError, r"dim is an integer .* shape \(2, 3\), not 2"),
    "sum below": (lambda: own(A).mean(-3), ValueError, "dim is an integer"),
    "sum bool": (lambda: own(A).sum(True), ValueError, "dim is an integer"),
    "sum text": (lambda: own(A).sum("0"), ValueError, "dim is an integer"),
    "size": (lambda: own(A).size(5), ValueError, "dim is an integer"),
    "index": (lambda: own(A)[2], IndexError, "index 2 is out of range for a dimension of size 2"),
    "index below": (lambda: own(A)[0, -4], IndexError, "out of range"),
    "index huge": (lambda: own(A)[10**30], IndexError, "out of range"),
    "indices": (lambda: own(A)[0, 0, 0], IndexError, "3 indices are too many"),
    "empty": (lambda: own(A)[1:1], IndexError, "slice is empty"),
    "backwards": (lambda: own(A)[::-1], TypeError, "slices with a positive step"),
    "index mask": (lambda: own(A)[own(A) > 0], TypeError, "expected indices"),
    "index dimensions": (lambda: own(A)[(None,) * 7], ValueError, "at most 8 dimensions, not 9"),
    "index dots": (lambda: own(A)[..., ...], TypeError, "indexed by integers, slices"),
    "index beyond dots": (lambda: own(A)[..., 0, 0, 0], IndexError, "3 indices are too many"),
    "index bool": (lambda: own(A)[True], TypeError, "indexed by integers, slices"),
    "vector index": (lambda: vector()[3], IndexError, "an integer below 3"),
    "vector slice": (lambda: vector()[0:1], IndexError, "an integer below 3"),
    "item": (lambda: own(A).item(), ValueError, "one element"),
    "float": (lambda: float(own(A)), ValueError, "one element"),
    "truth": (lambda: bool(own(A) > 0), ValueError, "one element"),
    "length": (lambda: len(own(1.0)), TypeError, "no length"),
    "power": (lambda: own(A) ** "2", TypeError, "unsupported operand"),
    "power bool": (lambda: own(A) ** True, TypeError, "unsupported operand"),
    "power vector": (lambda: own(A) ** vector(), ValueError, r"write vector\[i\]"),
    "power huge": (lambda: own(A) ** 10**400, OverflowError, "too large"),
    "base": (lambda: "2" ** own(A), TypeError, "unsupported operand"),
    "add text": (lambda: own(A) + "1", TypeError, "unsupported operand"),
    "add bool": (lambda: own(A) + True, TypeError, "unsupported operand"),
    "add none": (lambda: own(A).add(None), TypeError, "unsupported operand"),
    "alpha text": (lambda: own(A).add(10**12, alpha="a"), TypeError, "number"),
    "value list": (lambda: own(A).addcmul(2, own(B), value=[1]), TypeError, "number"),
    "weight": (lambda: own(A).lerp(1.0, "a"), TypeError, "number"),
    "lerp": (lambda: own(A).lerp("a", 0.5), TypeError, "lerp takes tensors and numbers"),
    "clamp": (lambda: own(A).clamp(), ValueError, "a min, a max or both"),
    "clamp text": (lambda: own(A).clamp("0"), TypeError, "maximum takes tensors and numbers"),
    "fill": (lambda: own(A).fill_("3"), TypeError, "expected a number"),
    "copy": (lambda: own(A).copy_([1.0]), ValueError, "same shape"),
    "zeros": (lambda: TORCH.zeros(-1), ValueError, "positive integers"),
    "zeros text": (lambda: TORCH.zeros("3"), ValueError, "positive integers"),
    "dimensions": (lambda: TORCH.zeros([1] * 9), ValueError, "at most 8"),
    "full": (lambda: TORCH.full((2,), "3"), TypeError, "expected a number"),
    "zeros_like": (lambda: TORCH.zeros_like(3), TypeError, "takes a tensor"),
    "sqrt": (lambda: TORCH.sqrt(2.0), TypeError, r"for numbers write math\.sqrt"),
    "tensor": (lambda: TORCH.tensor([[1.0], [2.0, 3.0]]), TypeError, "lists of the same length"),
    "tensor mixed": (lambda: TORCH.tensor([[1.0], 2.0]), TypeError, "lists of the same length"),
    "tensor deeper": (lambda: TORCH.tensor([1.0, [2.0]]), TypeError, "lists of the same length"),
    "tensor deep": (lambda: TORCH.tensor([[[[[[[[[1.0]]]]]]]]]), TypeError, "lists of the same length"),
    "tensor text": (lambda: TORCH.tensor("12"), TypeError, "takes a number"),
    "tensor long": (lambda: TORCH.tensor([[[0.5] * 2**10] * 2**6] * 2**5), ValueError, "at most 1048576 numbers"),
    "tensor none": (lambda: TORCH.tensor([]), TypeError, "takes a number"),
    "where": (lambda: TORCH.where(own(A), 1.0, 0.0), TypeError, "masks such as x > 0"),
    "where masks": (lambda: TORCH.where(own(A) > 0, own(A) > 0, 0.0), TypeError, "not a mask or indices"),
    "where shape": (lambda: TORCH.where(own(A) > 0, own([1.0, 2.0]), 0.0), ValueError, "do not go together"),
    "where vector": (lambda: TORCH.where(vector() > 0, own(FLAT), 0.0), ValueError, r"write vector\[i\]"),
    "where text": (lambda: TORCH.where(own(A) > 0, "1", 0.0), TypeError, "tensors or numbers"),
    "stack": (lambda: TORCH.stack([own(A), own([1.0])]), ValueError, "tensors of one shape"),
    "stack dimensions": (lambda: TORCH.stack([TORCH.ones([1] * 8)]), ValueError, "at most 8 dimensions, not 9"),
    "rows dimensions": (
        lambda: TORCH.ones([1] * 5)[TORCH.ones([1] * 5).argsort(0)],
        ValueError,
        "at most 8 dimensions, not 9",
    ),
    "rows of a number": (lambda: own(1.0)[POSITIONS], ValueError, "names a dimension"),
    "rows beyond": (lambda: own(A)[POSITIONS], IndexError, "an index is out of range for 2 elements"),
    "take": (lambda: own([1.0, 2.0]).take(POSITIONS), IndexError, "out of range for 2 elements"),
    "take numbers": (lambda: own(A).take(own([0.0])), TypeError, "expected indices"),
    "take integer": (lambda: own(A).take(0), TypeError, "expected indices"),
    "gather": (lambda: own(A).T.gather(1, own(A).T.argsort(0)), IndexError, "out of range for 2"),
    "gather shape": (lambda: own(A).gather(1, POSITIONS), ValueError, "whose shape is the tensor's"),
    "gather rows": (lambda: own(A).gather(1, own(A)[:1].argsort()), ValueError, "whose shape is the tensor's"),
    "gather dim": (lambda: own(A).gather(2, POSITIONS), ValueError, "dim is an integer"),
    "positions compute": (lambda: POSITIONS + 1, TypeError, "not a mask or indices"),
    "positions sum": (POSITIONS.sum, TypeError, "not a mask or indices"),
    "positions sort": (POSITIONS.sort, TypeError, "not a mask or indices"),
    "positions argmax": (POSITIONS.argmax, TypeError, "not a mask or indices"),
    "positions power": (lambda: own([1.0, 2.0, 3.0]) ** POSITIONS, TypeError, "not a mask or indices"),
    "positions compared": (lambda: POSITIONS < 2.0, TypeError, "expected an integer or indices"),
    "positions and numbers": (lambda: own([1.0, 2.0, 3.0]) == POSITIONS, TypeError, "not a mask or indices"),
    "positions broadcast": (lambda: own([1.0, 2.0]).argsort() == POSITIONS, ValueError, "do not go together"),
    "positions where": (lambda: TORCH.where(own(A) > 0, 0.0, own(A).argsort()), TypeError, "mask or indices"),
    "sort number": (lambda: own(1.0).sort(), ValueError, "dim is an integer"),
    "sort dim": (lambda: own(A).sort(2), ValueError, "dim is an integer"),
    "sort mask": ((own(A) > 0).sort, TypeError, "not a mask or indices"),
    "topk": (lambda: own(A).topk(4), ValueError, "a number from 1 to 3"),
    "topk none": (lambda: own(A).topk(0, 0), ValueError, "a number from 1 to 2"),
    "topk float": (lambda: own(A).topk(1.0), ValueError, "a number from 1 to 3"),
    "argmax": (lambda: own(A).argmax(True), ValueError, "dim is an integer"),
    "cumsum": (lambda: own(A).cumsum(2), ValueError, "dim is an integer"),
    "order of a vector": (lambda: TORCH.sort(vector()), AttributeError, "no attribute 'sort'"),
    "exp": ((own(A) > 0).exp, TypeError, "not a mask or indices"),
    "isnan": ((own(A) > 0).isnan, TypeError, "not a mask or indices"),
    "outer": (lambda: own(A).outer(own(A)), ValueError, "two tensors of one dimension"),
    "outer number": (lambda: own([1.0]).outer(2.0), ValueError, "two tensors of one dimension"),
    "diag": (lambda: own(1.0).diag(), ValueError, "a matrix or a vector"),
    "transpose": (lambda: own(A).transpose(0, 2), ValueError, "dim is an integer"),
    "batches": (lambda: TORCH.ones(2, 1, 1) @ TORCH.ones(3, 1, 1), ValueError, "batches of as many"),
    "batched": (lambda: TORCH.ones(2, 2, 3) @ TORCH.ones(2, 2, 3), ValueError, "batches of as many"),
    "four dimensions": (lambda: TORCH.ones(1, 1, 1, 1) @ TORCH.ones(1, 1), ValueError, "batches of as many"),
    "stack masks": (lambda: TORCH.stack([own(A), own(A) > 0]), ValueError, "tensors of one dtype"),
    "stack nothing": (lambda: TORCH.stack([]), TypeError, "at least one tensor"),
    "cat": (lambda: TORCH.cat([own(A), own([1.0])]), ValueError, "the size of that dimension only"),
    "cat numbers": (lambda: TORCH.cat([own(1.0), own(2.0)]), ValueError, "names a dimension"),
    "cat a number": (lambda: TORCH.cat([own([1.0]), own(2.0)]), ValueError, "the size of that dimension only"),
    "cat rows": (lambda: TORCH.cat([own(A), own(A).T], -1), ValueError, "the size of that dimension only"),
    "stack dim": (lambda: TORCH.stack([own(A)], 3), ValueError, "from -3 to 2, not 3"),
    "cat kinds": (lambda: TORCH.cat([1.0]), TypeError, "at least one tensor"),
    "draws": (lambda: LAB.generator().normal(-2), ValueError, "positive integers"),
    "math": (lambda: MATH.exp(vector()), TypeError, r"for tensors write torch\.sqrt"),
    "math text": (lambda: MATH.sqrt("2"), TypeError, "math takes numbers"),
    "math tensor": (lambda: MATH.log(own(A)), ValueError, "one element"),
}


def test_messages_do_not_write_out_what_they_are_given() -> None:
    doubled: list[Any] = [1]
    for _ in range(60):
        doubled = [doubled, doubled]  # its text would have 2^60 parts
    calls: list[Callable[[Any], object]] = [
        TORCH.zeros, TORCH.eye, TORCH.tensor, own(A).sum, own(A).reshape, own(A).expand, own(A).topk, own(A).norm,
        own(A).unsqueeze, own(A).permute, own(A).size, own(A).__getitem__, vector().__getitem__, vector().sum,
        lambda value: own(A).sum([value]), lambda value: TORCH.stack([own(A)], value), lambda value: own(A).to(value),
        lambda value: TORCH.zeros(2, dtype=value), lambda value: TORCH.linalg.norm(own(A), value),
    ]  # fmt: skip
    for call in calls:
        for value in (doubled, 10**4000, lambda: None):
            with pytest.raises((TypeError, ValueError, IndexError, OverflowError)) as caught:
                call(value)
            assert len(str(caught.value)) < 200
            assert " at 0x" not in str(caught.value)


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_explained(name: str) -> None:
    action, kind, message = MISTAKES[name]
    with pytest.raises(kind, match=message) as caught:
        action()
    assert type(caught.value) is kind  # RuntimeError would be torch's own


HUGE: dict[str, Callable[[TorchNamespace, Generator], object]] = {
    "zeros": lambda t, r: t.zeros(10**12),
    "ones": lambda t, r: t.ones(2**20, 2**20),
    "full": lambda t, r: t.full([10**30], 1.0),
    "uniform": lambda t, r: r.uniform(10**12),
    "normal": lambda t, r: r.normal(2**14, 2**14),
    "broadcast": lambda t, r: t.zeros(2**14, 1) + t.zeros(1, 2**14),
    "compare": lambda t, r: t.zeros(2**14, 1) < t.zeros(1, 2**14),
    "masks": lambda t, r: (t.zeros(2**14, 1) > 0) & (t.zeros(1, 2**14) > 0),
    "maximum": lambda t, r: t.zeros(2**14, 1).maximum(t.zeros(1, 2**14)),
    "outer product": lambda t, r: t.zeros(2**14, 1) @ t.zeros(1, 2**14),
    "outer": lambda t, r: t.zeros(2**14).outer(t.zeros(2**14)),
    "diag": lambda t, r: t.zeros(2**14).diag(),
    "power": lambda t, r: t.zeros(2**14, 1) ** t.zeros(1, 2**14),
    "batched product": lambda t, r: t.zeros(2**7, 2**9, 1) @ t.zeros(1, 2**11),
    "stack": lambda t, r: t.stack([t.zeros(2**14)] * 2**13),
    "cat": lambda t, r: t.cat([t.zeros(2**14)] * 2**13),
    "eye": lambda t, r: t.eye(2**13),
    "arange": lambda t, r: t.arange(10**10),
    "linspace": lambda t, r: t.linspace(0, 1, 2**30),
    "expand": lambda t, r: t.zeros(2**14).expand(2**14, -1),
    "where": lambda t, r: t.where(t.zeros(2**14, 1) > 0, t.zeros(1, 2**14), 0.0),
    "masked_fill": lambda t, r: t.zeros(2**14, 1).masked_fill(t.zeros(1, 2**14) > 0, 0.0),
}


@pytest.mark.parametrize("name", HUGE)
def test_tensors_of_too_many_elements_are_refused_before_they_are_made(name: str) -> None:
    lab = Laboratory(Meter(10**40))
    with pytest.raises(ValueError, match=f"at most {MAX_ELEMENTS} elements, not"):
        HUGE[name](lab.torch, lab.generator())
    assert lab.meter.used < 3 * 10**6  # nothing was done, so nothing but the operands is paid


@pytest.mark.parametrize("n", [0, -1, 2**20 + 1, 10**12, 2.0])
def test_a_permutation_is_a_list_and_no_longer_than_one(n: int) -> None:
    lab = Laboratory(Meter(10**40))
    with pytest.raises(ValueError, match="permutation takes a number from 1 to 2\\^20"):
        lab.generator().permutation(n)
    assert lab.meter.used == 0


SIMPLE, RESHAPED, MASK, VIEW = 20_006, 20_030, 30_030, 20_000


def assign_by_positions(x: Any, y: Any) -> None:
    x.clone()[y.argsort(0)[:, 0][:1]] = 1.0


PRICED: list[tuple[str, int, Callable[[Any, Any], object]]] = [
    ("add", SIMPLE, lambda x, y: x + y),
    ("number", SIMPLE, lambda x, y: 2.0 * x),
    ("broadcast", SIMPLE + VIEW, lambda x, y: x * y[0]),
    ("compare", MASK, lambda x, y: x > y),
    ("masks", 3 * MASK, lambda x, y: (x > y) & (x < y)),
    ("not", 2 * MASK, lambda x, y: ~(x > y)),
    ("any", 2 * MASK, lambda x, y: (x > y).any()),
    ("where", 2 * MASK, lambda x, y: TORCH.where(x > y, x, y)),
    ("isnan", MASK, lambda x, y: x.isnan()),
    ("sign", MASK, lambda x, y: x.sign()),
    ("compare positions", 301_800 + MASK, lambda x, y: x.argsort() == 1),
    ("sqrt", 20_018, lambda x, y: x.sqrt()),
    ("exp", 300_900, lambda x, y: x.exp()),
    ("easy power", 200_120, lambda x, y: x**2),
    ("power", 6_006_000, lambda x, y: x**10),
    ("power of tensors", 6_006_000, lambda x, y: x**y),
    ("power of a number", 6_006_000, lambda x, y: 2**x),
    ("sum", 400_260, lambda x, y: x.sum()),
    ("sum of rows", 400_460, lambda x, y: x.sum(1)),
    ("norm", 400_260, lambda x, y: x.norm()),
    ("max", 400_260, lambda x, y: x.max()),
    ("dot", 800_520, lambda x, y: x.dot(y)),
    ("argmax", 400_560, lambda x, y: x.argmax()),
    ("argmin of rows", 400_760, lambda x, y: x.argmin(1)),
    ("max of rows", 400_760, lambda x, y: x.max(1)),
    ("cumsum", 400_360, lambda x, y: x.cumsum(1)),
    ("sort", 301_800, lambda x, y: x.sort()),
    ("argsort", 301_800, lambda x, y: x.argsort(0)),
    ("topk", 301_800, lambda x, y: x.topk(1)),
    ("take", 400_760 + 30_100, lambda x, y: x.take(x.max(1)[1])),
    ("gather", 301_800 + 30_180, lambda x, y: x.gather(1, x.argsort(1))),
    ("rows", 400_960 + 30_270, lambda x, y: x[x.min(0)[1]]),
    ("product", RESHAPED + 800_000 + 20 * (6 + 6 + 4) + 2 * 3 * 2 // 8, lambda x, y: x @ y.reshape(3, 2)),
    (
        "batched product",
        2 * RESHAPED + 800_000 + 20 * (6 + 6 + 18) + 2 * 3 * 1 * 3 // 8,
        lambda x, y: x.reshape(2, 3, 1) @ y.reshape(2, 1, 3),
    ),
    ("outer", 2 * VIEW + 20_009, lambda x, y: x[0].outer(y[0])),
    ("diag", VIEW + 20_009, lambda x, y: x[0].diag()),
    ("diagonal", 20_002, lambda x, y: x.diag()),
    ("reshape", RESHAPED, lambda x, y: x.reshape(6)),
    ("view", VIEW, lambda x, y: x.T),
    ("index", VIEW, lambda x, y: x[0, 1]),
    ("fill", SIMPLE, lambda x, y: x.clone().fill_(1.0)),
    ("in place", SIMPLE, lambda x, y: x.clone().mul_(y)),
    ("addcmul", 2 * SIMPLE, lambda x, y: x.addcmul(x, y)),
    ("masked_fill", 2 * MASK, lambda x, y: x.masked_fill(x > y, 0.0)),
    ("norm of rows", 400_460, lambda x, y: x.norm(dim=1)),
    ("sums of all dimensions", 400_260, lambda x, y: x.sum((0, 1))),
    ("var", 2 * 400_260 + SIMPLE, lambda x, y: x.var()),
    ("amax", 400_660, lambda x, y: x.amax(0)),
    ("trace", 20_002 + 400_220, lambda x, y: x.trace()),
    ("triu", SIMPLE, lambda x, y: x.triu()),
    ("eye", 20_012, lambda x, y: TorchNamespace(x._recorder).eye(3, 4)),
    ("arange", 20_012, lambda x, y: TorchNamespace(x._recorder).arange(12)),
    ("expand", 20_012, lambda x, y: x.expand(2, 2, 3)),
    ("flatten", RESHAPED, lambda x, y: x.flatten()),
    ("unsqueeze", VIEW, lambda x, y: x.unsqueeze(0)),
    ("tolist", 23_600, lambda x, y: x.tolist()),
    ("assignment", SIMPLE, lambda x, y: x.clone().__setitem__(0, 1.0)),
    ("assignment by positions", 301_800 + 2 * VIEW + 30_390, assign_by_positions),
    ("stack", 20_012 + 2 * 5_000, lambda x, y: TorchNamespace(x._recorder).stack([x, y])),
    ("cat", 20_018 + 3 * 5_000, lambda x, y: TorchNamespace(x._recorder).cat([x, y, x])),
    ("vector product", 800_000 + 20 * (6 + 3 + 2) + VIEW, lambda x, y: x @ y[0]),
]


@pytest.mark.parametrize(("name", "expected", "action"), PRICED, ids=[line[0] for line in PRICED])
def test_prices(name: str, expected: int, action: Callable[[Tensor, Tensor], object]) -> None:
    lab = Laboratory(Meter(10**9))
    action(own(A, lab), own(B, lab))
    assert lab.meter.used == expected
    exact = Laboratory(Meter(expected))
    action(own(A, exact), own(B, exact))
    short = Laboratory(Meter(expected - 1))
    x, y = own(A, short), own(B, short)
    with pytest.raises(FuelExhausted):
        action(x, y)
    assert short.meter.used == short.meter.budget
    same(x, A, short)


def test_work_that_cannot_be_paid_is_not_recorded() -> None:
    lab = Laboratory(Meter(SIMPLE - 1))
    x = own(A, lab)
    with pytest.raises(FuelExhausted):
        x.mul_(2.0)
    same(x, A, lab)
    assert lab.programs == []
    with pytest.raises(FuelExhausted):  # latched: even what would have fitted
        own(1.0, lab).item()


def test_fuel_is_the_same_on_two_runs_and_for_any_values() -> None:
    def run(fill: float) -> int:
        lab = Laboratory(Meter(10**9))
        space, numbers, rng = lab.torch, lab.math, lab.generator()
        v = vector(torch.full((10,), fill), lab)
        m = space.zeros_like(v).mul_(0.9).add_(v)
        scale = numbers.sqrt(m.norm())
        _ = m / (v.square().sqrt() + 1e-8) * scale
        _ = space.stack([v[1], rng.normal(3)]) @ rng.uniform(3, 2)
        space.where(v > 0, v, -v).clamp(-1, 1)
        return lab.meter.used

    assert run(1.0) == run(1.0) == run(-1e-30) == run(math.nan) > 500_000


def test_creation() -> None:
    same(TORCH.zeros(2, 3), torch.zeros(2, 3))
    same(TORCH.zeros((2, 3)), torch.zeros(2, 3))
    same(TORCH.zeros([4]), torch.zeros(4))
    same(TORCH.zeros(), torch.zeros(()))
    same(TORCH.ones(3), torch.ones(3))
    same(TORCH.full((2, 2), 0.1), torch.full((2, 2), 0.1))
    same(TORCH.full(3, 1e39), torch.full((3,), math.inf))
    same(TORCH.ones_like(own(A)), torch.ones(2, 3))
    same(TORCH.full_like(own(A), -1), torch.full((2, 3), -1.0))
    same(TORCH.tensor(0.1), torch.tensor(0.1))
    same(TORCH.tensor([1, 2.5, 1e39]), tensor32([1.0, 2.5, math.inf]))
    same(TORCH.tensor((3,)), tensor32([3.0]))
    zeros = TORCH.zeros_like(vector())
    same(zeros, torch.zeros(10))
    assert type(zeros) is ParameterVector
    same(TORCH.zeros_like(vector()).add_(1.0), torch.ones(10))


def test_creation_by_rules() -> None:
    same(TORCH.eye(2), torch.eye(2))
    same(TORCH.eye(2, 3).mul_(2), torch.eye(2, 3) * 2)
    same(TORCH.arange(3), torch.arange(3))
    same(TORCH.arange(7, 0, -3), torch.arange(7, 0, -3))
    same(TORCH.arange(-1, 2, dtype=TORCH.float32), tensor32([-1.0, 0.0, 1.0]))
    same(TORCH.arange(0.0, 1.0, 0.3), tensor32([0.0, 0.3, 0.6, 3 * 0.3]))
    same(TORCH.linspace(-1, 1, 5), torch.linspace(-1, 1, 5))
    same(TORCH.linspace(3, 9, 1), tensor32([3.0]))
    same(TORCH.tensor([[1, 2.5], (3, 4)]), tensor32([[1.0, 2.5], [3.0, 4.0]]))
    same(own(A)[TORCH.arange(1, 2)], A[1:])
    same(TORCH.zeros(2, dtype=own(A).dtype, device=own(A).device), torch.zeros(2))
    same(TORCH.ones_like(own(A), memory_format=TORCH.preserve_format), torch.ones(2, 3))


def test_joining_along_dimensions() -> None:
    for dim in (0, 1, -1, 2):
        same(TORCH.stack([own(A), own(B)], dim), torch.stack([A, B], dim))
    for dim in (1, -1, -2):
        same(TORCH.cat([own(A), own(B)], dim=dim), torch.cat([A, B], dim))
    same(TORCH.cat([own(A), own(A)[:, :1]], 1), torch.cat([A, A[:, :1]], 1))


def test_where_stretches_its_operands() -> None:
    row, column = own([1.0, 2.0, 3.0]), own([[5.0], [6.0]])
    same(TORCH.where(own(A) > 0, row, column), torch.where(A > 0, data_of(row), data_of(column)))
    same(TORCH.where(row > 1, column, -1.0), torch.where(data_of(row) > 1, data_of(column), torch.tensor(-1.0)))
    same(own(A).masked_fill(row > 1, 0.5), A.masked_fill(data_of(row) > 1, 0.5))


CUBE = torch.arange(24.0).reshape(2, 3, 4).sin()


@pytest.mark.parametrize("dim", [(0, 1), (2, 0), [-1, 1], (0, 1, 2), (1,)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_reductions_along_several_dimensions(dim: Any, keepdim: bool) -> None:
    x = own(CUBE)
    summed = CUBE.double().sum(dim, keepdim).float()
    same(x.sum(dim, keepdim), summed)
    count = math.prod(CUBE.shape[d] for d in dim)
    same(x.mean(dim, keepdim), summed / count)
    same(x.amax(dim, keepdim), CUBE.amax(dim, keepdim))
    same(x.norm(1, dim, keepdim), CUBE.abs().double().sum(dim, keepdim).float())
    same(x.norm(math.inf, dim, keepdim=keepdim), CUBE.abs().amax(dim, keepdim))
    same(x.norm(dim=dim, keepdim=keepdim), root((CUBE * CUBE).double().sum(dim, keepdim).float()))
    torch.testing.assert_close(data_of(x.var(dim, keepdim=keepdim)), CUBE.var(dim, keepdim=keepdim))
    torch.testing.assert_close(data_of(x.std(dim, False, keepdim)), CUBE.std(dim, correction=0, keepdim=keepdim))


def test_keeping_all_dimensions() -> None:
    assert own(A).sum(keepdim=True).shape == own(A).norm(keepdim=True).shape == own(A).argmax(keepdim=True).shape
    same(own(A).amin(keepdim=True), A.amin((0, 1), keepdim=True))


def test_norms_of_torch_linalg() -> None:
    expected = data_of(own(A).norm())
    same(TORCH.linalg.norm(own(A)), expected)
    same(TORCH.linalg.norm(own(A), "fro"), expected)
    same(TORCH.linalg.norm(own(A)[0], 1), data_of(own(A)[0].norm(1)))
    same(TORCH.linalg.norm(own(A), 2, dim=1), data_of(own(A).norm(2, 1)))
    same(TORCH.linalg.vector_norm(own(A), 1), data_of(own(A).norm(1)))


def test_powers_of_a_matrix_square_and_multiply() -> None:
    x = own([[1.1, 0.3], [-0.2, 0.9]])
    square = x @ x
    same(TORCH.linalg.matrix_power(x, 1), data_of(x))
    same(TORCH.linalg.matrix_power(x, 5), data_of(x @ (square @ square)))
    same(TORCH.linalg.matrix_power(x, 6), data_of(square @ (square @ square)))


@pytest.mark.parametrize(("left", "right"), [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((4, 2, 3), (3,))])
def test_products_with_vectors(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    a, b = torch.arange(1.0, math.prod(left) + 1).reshape(left), torch.arange(1.0, math.prod(right) + 1).reshape(right)
    same(own(a) @ own(b), a @ b)


def test_extremes_of_two_tensors() -> None:
    same(TORCH.max(own(A), own(B)), positive(torch.maximum(A, B)))
    same(own(A).min(own(2.0)), positive(torch.minimum(A, torch.tensor(2.0))))
    same(TORCH.max(vector(), -vector()), FLAT.abs())


@pytest.mark.parametrize("index", [None, ..., (..., 0), (0, ...), (slice(None), None), (..., None, 1), (..., None)])
def test_indexing_with_new_dimensions(index: Any) -> None:
    same(own(A)[index], A[index])


ASSIGNMENTS: list[tuple[Any, Any]] = [
    (0, 5.0), ((1, 2), -1), (slice(0, 1), 0.1), ((slice(None), 1), tensor32([7.0, 8.0])), (..., tensor32(2.5)),
    ((slice(None), slice(0, None, 2)), tensor32([[1.0], [2.0]])), (-1, tensor32([4.0, 5.0, 6.0])), ((None, 0), 1e39),
]  # fmt: skip


@pytest.mark.parametrize(("index", "value"), ASSIGNMENTS, ids=str)
def test_assigned_items(index: Any, value: Any) -> None:
    x = own(A)
    clone, view = x.clone(), x[0]
    expected = A.clone()
    expected[index] = value if isinstance(value, torch.Tensor) else torch.tensor(value, dtype=torch.float32)
    x[index] = own(value) if isinstance(value, torch.Tensor) else value
    same(x, expected)
    same(clone, A)
    same(view, A[0])


def test_items_assigned_by_masks_and_positions() -> None:
    x = own(A)
    x[x > 0] = -1
    same(x, A.masked_fill(A > 0, -1.0))
    y = own([1.0, 2.0, 3.0, 4.0])
    y[y.topk(2)[1]] = 0.5
    same(y, tensor32([1.0, 2.0, 0.5, 0.5]))
    z = own(A)
    z[own([3.0, 1.0]).argsort()[0]] = 9  # one position, not a list of them
    same(z, torch.stack([A[0], torch.full((3,), 9.0)]))


def test_assignments_that_are_refused() -> None:
    x, mask = own(A), own(A) > 0
    mistakes: list[tuple[Any, Any, Any, type[Exception], str]] = [
        (vector(owned=False)[0], 0, 1.0, TypeError, "would change an input or a view"),
        (x[0], 0, 1.0, TypeError, "would change an input or a view"),
        (x, 2, 1.0, IndexError, "out of range"),
        (x, 0, own([1.0, 2.0]), ValueError, "do not go together"),
        (x, (0, 0), own(A), ValueError, r"shape \(2, 3\) does not fit into shape \(\)"),
        (x, 0, "1", TypeError, "are assigned numbers"),
        (x, 0, vector(), TypeError, "are assigned numbers"),
        (x, 0, mask[0], TypeError, "not a mask or indices"),
        (mask, 0, 1.0, TypeError, "not a mask or indices"),
        (x, mask[0], 1.0, ValueError, "has the shape of the tensor"),
        (x, mask, own(B), TypeError, "are assigned numbers"),
        (x, POSITIONS, 1.0, IndexError, "an index is out of range"),
        (x, own(B), 1.0, TypeError, "expected indices"),
    ]
    for target, index, value, kind, message in mistakes:
        with pytest.raises(kind, match=message):
            target[index] = value
    same(x, A)


def test_what_torch_shares_is_one_tensor_here() -> None:
    x = own(A)
    for same_tensor in (x.detach(), x.data, x.contiguous(), x.to(x), x.to(x.device)):
        assert same_tensor is x
    same(own(A).T.contiguous(), A.T)


def test_joining() -> None:
    same(TORCH.stack([own(A), own(B)]), torch.stack([A, B]))
    same(TORCH.cat([own(A), own(B)[:1]]), torch.cat([A, B[:1]]))
    same(TORCH.cat((own(A) > 0, own(B) > 0)), torch.cat([A > 0, B > 0]))
    joined = TORCH.cat([own(A)])
    same(joined.add_(1.0), A + 1.0)


def test_the_names_of_torch() -> None:
    whole = set(WHOLE) - set("float dtype device data contiguous to".split())
    shaped = set(TENSOR_ONLY) - set("shape ndim dim size T mT view expand item tolist".split())
    covered = set(ELEMENTWISE) | whole | shaped
    made = set("zeros ones full zeros_like ones_like full_like eye arange linspace tensor where stack cat".split())
    made |= {"float32", "int64", "preserve_format", "linalg"}
    assert ATTRIBUTES[TorchNamespace] == covered | made
    x, y = own(A), own(B)
    same(TORCH.clamp(x, min=0.0), data_of(x.clamp(0.0)))
    same(TORCH.lerp(x, y, 0.5), data_of(x.lerp(y, 0.5)))
    same(TORCH.addcdiv(x, x, y, value=0.5), data_of(x.addcdiv(x, y, value=0.5)))
    same(TORCH.sum(x, 0), data_of(x.sum(0)))
    same(TORCH.reshape(x, (3, 2)), data_of(x.reshape(3, 2)))
    assert TORCH.numel(x) == 6


MATH_CALLS: dict[str, tuple[tuple[Any, ...], Any]] = {
    "sqrt": ((2,), math.sqrt(2)), "exp": ((0.5,), math.exp(0.5)), "log": ((10,), math.log(10)),
    "cos": ((1.0,), math.cos(1)), "sin": ((1.0,), math.sin(1)), "pow": ((0.9, 3), 0.9 * (0.9 * 0.9)),
    "floor": ((-1.5,), -2), "ceil": ((-1.5,), -1), "fabs": ((-2.5,), 2.5), "copysign": ((3, -0.0), -3.0),
    "expm1": ((1e-9,), math.expm1(1e-9)), "log1p": ((1e-9,), math.log1p(1e-9)), "tanh": ((0.5,), math.tanh(0.5)),
    "erf": ((0.5,), math.erf(0.5)),
    "isnan": ((math.nan,), True), "isinf": ((-math.inf,), True), "isfinite": ((1e308,), True),
}  # fmt: skip
CONSTANTS = {"pi": math.pi, "tau": math.tau, "e": math.e, "inf": math.inf}


def test_math() -> None:
    assert set(MATH_CALLS) | set(CONSTANTS) | {"nan"} == ATTRIBUTES[MathNamespace]
    for name, value in CONSTANTS.items():
        assert getattr(MATH, name) == value
    assert math.isnan(MATH.nan)
    for name, (arguments, expected) in MATH_CALLS.items():
        meter = Meter(10**6)
        result = getattr(MathNamespace(meter), name)(*arguments)
        assert result == pytest.approx(expected, rel=1e-15), name
        assert type(result) is type(expected)
        assert meter.used == prices.SCALAR * len(arguments)
    assert MATH.sqrt(own([4.0])) == 2.0


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (lambda: MATH.sqrt(-1.0), ValueError), (lambda: MATH.log(0.0), ValueError), (lambda: MATH.cos(1e7), ValueError),
        (lambda: MATH.exp(1000.0), OverflowError), (lambda: MATH.pow(0.0, -1.0), ZeroDivisionError),
        (lambda: MATH.floor(math.inf), OverflowError), (lambda: MATH.ceil(math.nan), ValueError),
    ],
)  # fmt: skip
def test_math_outside_its_domain(action: Callable[[], object], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        action()


KEY = bytes(range(32))
KEYED = Laboratory(key=KEY)


def test_draws_are_addressed_by_the_order_of_the_calls() -> None:
    rng, words = KEYED.generator(), random.Source(NUMBERS_CONTEXT, KEY).words(0, 40)
    uniform, normal, signs, order = rng.uniform(2, 3), rng.normal(4), rng.rademacher(8), rng.permutation(5)
    high = [float(w >> 40) * 2.0**-24 for w in words[:6].tolist()]
    assert data_of(uniform, KEYED).reshape(-1).tolist() == high
    normals = random.normals(words[6:14].reshape(4, 2)).astype(np.float32)
    same(normal, torch.from_numpy(normals), KEYED)
    assert data_of(signs, KEYED).tolist() == [-1.0 if w >> 63 else 1.0 for w in words[14:22].tolist()]
    assert order == sorted(range(5), key=lambda i: int(words[22 + i]))
    same(rng.uniform(), torch.tensor(float(words[27] >> np.uint64(40)) * 2.0**-24), KEYED)


def test_equal_keys_draw_equal_numbers_and_other_keys_do_not() -> None:
    laboratories = [KEYED, Laboratory(key=KEY), Laboratory(key=bytes(32))]
    generators = [lab.generator() for lab in laboratories]
    for _ in range(2):
        draws = [lab.data(rng.normal(3, 2)) for lab, rng in zip(laboratories, generators, strict=True)]
        same(draws[0], draws[1])
        assert bits(draws[0]) != bits(draws[2])


def test_draws_may_be_changed_in_place() -> None:
    x = KEYED.generator().uniform(3)
    same(x.mul_(0.0), torch.zeros(3), KEYED)


def hexadecimal(x: Tensor) -> list[str]:
    return [value.hex() for value in data_of(x, KEYED).tolist()]


def test_golden_draws() -> None:
    rng = KEYED.generator()
    assert hexadecimal(rng.uniform(3)) == ["0x1.7890e20000000p-1", "0x1.f5c6100000000p-1", "0x1.8555660000000p-1"]
    assert hexadecimal(rng.normal(3)) == ["0x1.5efe000000000p+0", "0x1.3da4560000000p+0", "-0x1.1765580000000p-2"]
    assert data_of(rng.rademacher(8), KEYED).tolist() == [1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 1.0]
    assert rng.permutation(8) == [6, 0, 2, 7, 5, 4, 3, 1]
    assert hexadecimal(rng.normal(1)) == ["0x1.21dbbe0000000p+0"]


DRAWS: list[tuple[int, Callable[[Generator], object]]] = [
    (100_300, lambda rng: rng.uniform(2, 3)),
    (100_300, lambda rng: rng.rademacher(6)),
    (22_800, lambda rng: rng.permutation(6)),
    (501_800, lambda rng: rng.normal(6)),
]


@pytest.mark.parametrize(("price", "draw"), DRAWS)
def test_the_price_of_draws(price: int, draw: Callable[[Generator], object]) -> None:
    lab = Laboratory(Meter(10**6))
    draw(lab.generator())
    assert lab.meter.used == price
    short = Laboratory(Meter(price - 1)).generator()
    with pytest.raises(FuelExhausted):
        draw(short)
