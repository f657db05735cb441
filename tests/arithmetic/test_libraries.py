"""NumPy's arrays and torch's tensors have one arithmetic: the same bits for any shape, order in memory and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arithmetic import data_movement, ieee, prefix_sums, reductions, sorting
from arithmetic.device import ieee as device_ieee
from arithmetic.device import prefix_sums as device_prefix_sums
from arithmetic.device import reductions as device_reductions
from arithmetic.device import sorting as device_sorting
from arithmetic.device.transcendental import functions as device_functions
from arithmetic.device.transcendental import powers as device_powers
from arithmetic.transcendental import functions, powers
from tests.support.fresh_process import printed
from tests.support.libraries import OneRow
from tests.support.sample_numbers import SPECIALS

Array = NDArray[Any]
Both = tuple[Array, torch.Tensor]
"""The same elements at the same strides, for each library."""

OF_ONE_ROW = OneRow()
MODULES = {
    "ieee": (ieee, device_ieee),
    "functions": (functions, device_functions),
    "reductions": (reductions, device_reductions),
    "sorting": (sorting, device_sorting),
    "data_movement": (data_movement, OF_ONE_ROW),
    "prefix_sums": (prefix_sums, device_prefix_sums),
    "powers": (powers, device_powers),
}

UNARY = [
    *(f"ieee.{n}" for n in "square_root negate absolute sign floor ceil round_half_even finite not_a_number".split()),
    *(f"functions.{n}" for n in "exp expm1 log log1p sin cos tanh sigmoid erf rsqrt".split()),
    "data_movement.numbers",
    "data_movement.compact",
]
BINARY = [
    *(f"ieee.{n}" for n in "add subtract multiply divide maximum minimum".split()),
    *(f"ieee.{n}" for n in "less less_equal greater greater_equal equal unequal".split()),
    "powers.power",
]
ALONG = [
    "reductions.sums", "sorting.argmax", "sorting.argmin", "sorting.largest", "sorting.smallest",
    "prefix_sums.prefix_sums",
]  # fmt: skip
SCALARS = [*SPECIALS, 2.0, -1.0, 1 + 1e-12, 1e-46, 1e39, -1e300, 3.4028235677973366e38, 3.40282356e38]

patterns = st.integers(0, 2**32 - 1) | st.sampled_from(np.array(SPECIALS, np.float32).view(np.uint32).tolist())
scalars = st.floats(width=64) | st.sampled_from(SCALARS)


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """What an executor sets once."""
    with np.errstate(all="ignore"):
        yield


def named(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    module, function = name.split(".")
    ours, theirs = MODULES[module]
    return getattr(ours, function), getattr(theirs, function)


def as_tensor(array: Array) -> torch.Tensor:
    """A tensor of the same elements at the same strides."""
    if array.dtype != np.float32:
        return torch.from_numpy(array.copy())
    last = sum((n - 1) * stride for n, stride in zip(array.shape, array.strides, strict=True)) // array.itemsize
    memory = np.lib.stride_tricks.as_strided(array, (last + 1,), (array.itemsize,)).copy()
    return torch.as_strided(torch.from_numpy(memory), array.shape, [s // array.itemsize for s in array.strides])


@st.composite
def arrays(draw: st.DrawFn, min_dims: int = 0, max_dims: int = 4, long: int = 6) -> Array:
    """Numbers of any kind in any order: transposed, with gaps, repeated."""
    shape = draw(st.lists(st.integers(1, long), min_size=min_dims, max_size=max_dims))
    gaps = [draw(st.sampled_from([1, 1, 1, 2, 3])) for _ in shape]
    repeated = [draw(st.sampled_from([False, False, False, True])) for _ in shape]
    memory = [1 if r else n * g for n, g, r in zip(shape, gaps, repeated, strict=True)]
    count = math.prod(memory)
    drawn = draw(st.lists(patterns, min_size=1, max_size=min(count, 12)))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    some = np.ldexp(generator.standard_normal(count), generator.integers(-30, 30, count)).astype(np.float32)
    places = generator.permutation(count)[: len(drawn)]
    some.view(np.uint32)[places] = drawn[: len(places)]
    order = draw(st.permutations(range(len(shape))))
    laid = some.reshape([memory[d] for d in order]).transpose(np.argsort(order))
    parts = tuple(slice(0, 1) if r else slice(None, n * g, g) for n, g, r in zip(shape, gaps, repeated, strict=True))
    return np.broadcast_to(laid[parts], shape)


def assert_same(ours: Any, theirs: Any) -> None:
    """The same shape, kind and bits, but for what a NaN carries."""
    if isinstance(ours, tuple):
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
        return
    assert type(ours) is np.ndarray
    expected = theirs.numpy() if isinstance(theirs, torch.Tensor) else np.asarray(theirs)
    assert (ours.dtype, ours.shape) == (expected.dtype, expected.shape)
    assert canonical(ours).tolist() == canonical(expected).tolist()


def canonical(values: Array) -> Array:
    if values.dtype != np.float32:
        return values
    return np.where(np.isnan(values), np.float32(np.nan), values).view(np.int32)


@pytest.mark.parametrize("name", UNARY)
@settings(max_examples=60, deadline=None)
@given(arrays())
def test_of_one_array(name: str, a: Array) -> None:
    ours, theirs = named(name)
    assert_same(ours(a), theirs(as_tensor(a)))


@pytest.mark.parametrize("name", BINARY)
@settings(max_examples=60, deadline=None)
@given(arrays(), st.data())
def test_of_two_arrays(name: str, a: Array, data: st.DataObject) -> None:
    ours, theirs = named(name)
    b = data.draw(arrays(min_dims=a.ndim, max_dims=a.ndim, long=1))
    others = (b, a, np.roll(a, 1), np.broadcast_to(b, a.shape), a[:1], a.T.copy().T) if a.ndim else (b, a)
    b = data.draw(st.sampled_from(others))
    assert_same(ours(a, b), theirs(as_tensor(a), as_tensor(b)))


@pytest.mark.parametrize("name", BINARY)
@settings(max_examples=60, deadline=None)
@given(arrays(), scalars)
def test_of_an_array_and_a_number(name: str, a: Array, number: float) -> None:
    ours, theirs = named(name)
    assert_same(ours(a, number), theirs(as_tensor(a), number))


@settings(max_examples=60, deadline=None)
@given(arrays(), scalars)
def test_of_a_number_and_an_array(a: Array, number: float) -> None:
    tensor = as_tensor(a)
    assert_same(ieee.subtract(number, a), device_ieee.subtract_from(number, tensor))
    assert_same(ieee.divide(number, a), device_ieee.reciprocal_times(number, tensor))


@settings(max_examples=60, deadline=None)
@given(arrays(), scalars, scalars)
def test_masks(a: Array, x: float, y: float) -> None:
    mask, other = ieee.greater(a, 0.5), ieee.less(a, 2.0)
    masks = torch.from_numpy(mask.copy()), torch.from_numpy(other.copy())
    for name in ("both", "either"):
        assert_same(getattr(ieee, name)(mask, other), getattr(device_ieee, name)(*masks))
    assert_same(ieee.opposite(mask), device_ieee.opposite(masks[0]))
    assert_same(data_movement.numbers(mask), OF_ONE_ROW.numbers(masks[0]))
    for one in (mask, other):
        assert_same(ieee.everywhere(one), device_ieee.everywhere(torch.from_numpy(one.copy())))
        assert_same(ieee.anywhere(one), device_ieee.anywhere(torch.from_numpy(one.copy())))
    tensor = as_tensor(a)
    assert_same(ieee.where(mask, a, x), device_ieee.where(masks[0], tensor, x))
    assert_same(ieee.where(mask, x, a), device_ieee.where(masks[0], x, tensor))
    assert_same(ieee.where(mask, x, y), device_ieee.where(masks[0], x, y))
    assert_same(ieee.where(mask, a, a), device_ieee.where(masks[0], tensor, tensor))


@pytest.mark.parametrize("name", ALONG)
@settings(max_examples=100, deadline=None)
@given(arrays(min_dims=1, long=40), st.data())
def test_along_a_dimension(name: str, a: Array, data: st.DataObject) -> None:
    ours, theirs = named(name)
    dim = data.draw(st.integers(-a.ndim, a.ndim - 1))
    assert_same(ours(a, dim), theirs(as_tensor(a), dim))


LARGE = [(70_000,), (1, 70_000), (70_000, 1), (300, 300), (20_000, 4), (4, 20_000), (3, 20_000, 2), (40, 3, 900)]
"""Beyond the chunks; short lines, few lines, and neither."""


@pytest.mark.parametrize("shape", LARGE)
@pytest.mark.parametrize("name", ALONG)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("broken", [False, True])
def test_along_a_dimension_of_many(name: str, shape: tuple[int, ...], transposed: bool, broken: bool) -> None:
    ours, theirs = named(name)
    generator = np.random.default_rng(len(shape))
    a = np.ldexp(generator.standard_normal(shape), generator.integers(-20, 20, shape)).astype(np.float32)
    if broken:
        a.reshape(-1)[generator.integers(0, a.size, 3)] = [np.inf, -np.inf, np.nan]
    a = a.T if transposed else a
    for dim in range(a.ndim):
        assert_same(ours(a, dim), theirs(as_tensor(a), dim))


@settings(max_examples=150, deadline=None)
@given(arrays(min_dims=1, long=40), st.booleans(), st.data())
def test_orders(a: Array, flag: bool, data: st.DataObject) -> None:
    dim = data.draw(st.integers(-a.ndim, a.ndim - 1))
    k = data.draw(st.integers(1, a.shape[dim]))
    assert_same(sorting.sort(a, dim, flag), device_sorting.sort(as_tensor(a), dim, flag))
    assert_same(sorting.topk(a, k, dim, flag), device_sorting.topk(as_tensor(a), k, dim, flag))
    indices = sorting.sort(a, dim, flag)[1]
    assert_same(sorting.last(indices), device_sorting.last(torch.from_numpy(indices.copy())))


@pytest.mark.parametrize("flag", [False, True])
def test_orders_of_many(flag: bool) -> None:
    a = np.random.default_rng(1).integers(-500, 500, (100, 600)).astype(np.float32)
    a[::7, ::5] = np.nan
    for view in (a, a.T, a.reshape(-1)):
        tensor = as_tensor(view)
        assert_same(sorting.sort(view, 0, flag), device_sorting.sort(tensor, 0, flag))
        assert_same(sorting.topk(view, 30, 0, flag), device_sorting.topk(tensor, 30, 0, flag))


@pytest.mark.parametrize(
    "shapes",
    [
        ((1, 1), (1, 1)), ((3, 5), (5, 4)), ((1, 300), (300, 1)), ((300, 1), (1, 300)), ((2, 3, 5), (5, 4)),
        ((3, 5), (2, 5, 4)), ((2, 3, 5), (2, 5, 4)), ((1, 3, 5), (2, 5, 4)), ((2, 70_000), (70_000, 3)),
        ((70_000, 2), (2, 3)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("broken", [False, True])
def test_products(shapes: tuple[tuple[int, ...], tuple[int, ...]], order: str, broken: bool) -> None:
    generator = np.random.default_rng(5)
    a, b = (
        np.ldexp(generator.standard_normal(s), generator.integers(-20, 20, s)).astype(np.float32, order=order)  # type: ignore[call-overload]
        for s in shapes
    )
    if broken:
        a[..., 0, 0], b[..., -1, -1], b[..., 0, 0] = np.inf, np.nan, -np.inf
    assert_same(reductions.matmul(a, b), device_reductions.matmul(as_tensor(a), as_tensor(b)))


@settings(max_examples=60, deadline=None)
@given(arrays(min_dims=2, max_dims=3, long=20))
def test_products_with_the_transpose(a: Array) -> None:
    tensor = as_tensor(a)
    assert_same(reductions.matmul(a, a.mT), device_reductions.matmul(tensor, tensor.mT))
    assert_same(reductions.matmul(a.mT, a), device_reductions.matmul(tensor.mT, tensor))
    assert_same(reductions.matmul(a, a.mT.copy()), device_reductions.matmul(tensor, tensor.mT))


@settings(max_examples=100, deadline=None)
@given(arrays(min_dims=1, long=8), scalars, st.data())
def test_movement(a: Array, number: float, data: st.DataObject) -> None:
    tensor = as_tensor(a)
    positions = st.lists(st.integers(0, a.shape[0] - 1), min_size=1, max_size=6).map(lambda p: np.array(p, np.int64))
    index = data.draw(positions | positions.map(lambda p: p[:, None]) | positions.map(lambda p: np.asarray(p[0])))
    named_index = torch.from_numpy(index.copy())
    assert_same(data_movement.rows(a, index), OF_ONE_ROW.rows(tensor, named_index))
    assert_same(data_movement.take(a, index), OF_ONE_ROW.take(tensor, named_index))
    assert_same(data_movement.replaced_rows(a, index, number), OF_ONE_ROW.replaced_rows(tensor, named_index, number))
    assert_same(data_movement.replaced(a, (0,), number), OF_ONE_ROW.replaced(tensor, (0,), number))
    assert_same(data_movement.replaced(a, (), a[:1]), OF_ONE_ROW.replaced(tensor, (), tensor[:1]))
    dim = data.draw(st.integers(-a.ndim, a.ndim - 1))
    places = sorting.sort(a, dim, False)[1]
    expected = OF_ONE_ROW.gather(tensor, dim, torch.from_numpy(places.copy()))
    assert_same(data_movement.gather(a, dim, places), expected)
    order = data.draw(st.permutations(range(a.ndim)))
    assert_same(data_movement.permute(a, order), OF_ONE_ROW.permute(tensor, order))
    assert_same(data_movement.expand(a, (3, *a.shape)), OF_ONE_ROW.expand(tensor, (3, *a.shape)))
    assert_same(data_movement.stack([a, a], dim), OF_ONE_ROW.stack([tensor, tensor], dim))
    assert_same(data_movement.cat([a, a], dim), OF_ONE_ROW.cat([tensor, tensor], dim))
    assert_same(data_movement.full_like(a, number), OF_ONE_ROW.full_like(tensor, number))


@settings(max_examples=60, deadline=None)
@given(arrays(min_dims=2, max_dims=2), st.integers(-40, 40))
def test_triangles_and_diagonals(a: Array, diagonal: int) -> None:
    tensor = as_tensor(a)
    assert_same(data_movement.upper(a, diagonal), OF_ONE_ROW.upper(tensor, diagonal))
    assert_same(data_movement.lower(a, diagonal), OF_ONE_ROW.lower(tensor, diagonal))
    assert_same(data_movement.diagonal(a), OF_ONE_ROW.diagonal(tensor))
    assert_same(data_movement.diagonal(a[0]), OF_ONE_ROW.diagonal(tensor[0]))
    assert_same(data_movement.identity(*a.shape), OF_ONE_ROW.identity(*a.shape))


@given(st.lists(scalars, min_size=1), scalars)
def test_numbers(values: list[float], number: float) -> None:
    assert_same(data_movement.rounded(values), OF_ONE_ROW.rounded(values))
    assert_same(data_movement.full([2, 1], number), OF_ONE_ROW.full([2, 1], number))
    assert_same(data_movement.full([], number), OF_ONE_ROW.full([], number))
    assert_same(data_movement.numbers(np.array([7])), OF_ONE_ROW.numbers(torch.tensor([7])))


def test_a_result_is_never_an_operand_that_changes() -> None:
    a = np.random.default_rng(2).standard_normal((5, 7)).astype(np.float32)
    a.flags.writeable = False
    before = a.copy()
    for name in [*UNARY, *ALONG]:
        named(name)[0](*((a,) if name in UNARY else (a, 0)))
    for name in BINARY:
        named(name)[0](a, a)
        for number in (0.5, 1.0, 2.0, -1.0):
            named(name)[0](a, number)
    assert np.array_equal(a, before)


@pytest.mark.slow
def test_arrays_need_no_torch() -> None:
    modules = (
        "reductions, sorting, prefix_sums, data_movement, self_test, transcendental.functions, transcendental.powers"
    )
    imports = ", ".join(f"arithmetic.{name}" for name in modules.split(", "))
    assert printed(f"import sys, {imports}\nprint('torch' in sys.modules)").strip() == "False"


@pytest.mark.parametrize("name", [n for n in UNARY if n.startswith("functions.")] + ["powers.power"])
def test_a_tensor_without_dimensions_leaves_the_tables_as_they_are(name: str) -> None:
    """Indexed by a single number, torch gives a view of a table, which the approximation then writes into."""
    module, function = name.split(".")
    single = torch.tensor(0.7)
    operands = (single, single) if function == "power" else (single,)
    first, second = (getattr(MODULES[module][1], function)(*operands) for _ in range(2))
    assert first.numpy().tobytes() == second.numpy().tobytes()


@given(st.lists(st.integers(0, 2**24 - 1), min_size=1), scalars | st.floats(0, 2**24))
def test_indices_and_a_number_are_compared_in_binary64(values: list[int], number: float) -> None:
    for other in (number, float(values[0]), values[0] + 2.0**-28):
        for name in "less less_equal greater greater_equal equal unequal".split():
            expected = getattr(ieee, name)(np.array(values), other)
            assert_same(expected, getattr(device_ieee, name)(torch.tensor(values), other))
