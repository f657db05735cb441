"""What each kernel makes of arrays and numbers, written out; that it changes no operand, and whose memory it gives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

from arithmetic import random
from arithmetic.random import Source
from sandbox.execution.kernels import KERNELS, VIEWS, Array, Context
from sandbox.program.operations import LIST, OPERATIONS, TO_NUMBERS

SOURCE = Source("numbers of a test", b"key")
CONTEXT = Context(SOURCE)
WORDS = SOURCE.words(3, 4)
INF, NAN = math.inf, math.nan


def of(values: Any) -> Array:
    """Binary32 numbers."""
    return np.array(values, np.float32)


def indices(values: Any) -> Array:
    return np.array(values, np.int64)


def mask(values: Any) -> Array:
    return np.array(values, bool)


class Case(NamedTuple):
    """A call of a kernel, and what it gives: one array, or a tuple of two."""

    code: int
    operands: Sequence[Any]
    parameters: tuple[Any, ...]
    result: Any
    scalars: Sequence[float] = ()


A = of([[1.0, -2.0, 3.0], [0.5, 8.0, -1.5]])
V = of([2.0, -0.5, NAN])
M = mask([True, False, True])
P = indices([2, 0, 2])
ROW = of([4.0, 0.25, 1.0])

CASES = [
    Case(1, [V], (), of([-2.0, 0.5, NAN])),
    Case(2, [V], (), of([2.0, 0.5, NAN])),
    Case(3, [V], (), of([4.0, 0.25, NAN])),
    Case(4, [V], (), of([0.5, -2.0, NAN])),
    Case(5, [V], (), of([2.0, -1.0, NAN])),
    Case(6, [V], (), of([2.0, -0.0, NAN])),
    Case(7, [of([2.5, -0.5, 3.5])], (), of([2.0, -0.0, 4.0])),
    Case(8, [ROW], (), of([2.0, 0.5, 1.0])),
    Case(9, [V], (), of([1.0, -1.0, 0.0])),
    Case(10, [V], (), mask([True, True, False])),
    Case(11, [V], (), mask([False, False, True])),
    Case(12, [M], (), mask([False, True, False])),
    Case(13, [M], (), of([1.0, 0.0, 1.0])),
    Case(13, [V], (), V),
    Case(13, [indices([16777217])], (), of([16777216.0])),
    Case(14, [P, 0.1], (), of([0.1, 0.1, 0.1])),
    Case(20, [of([0.0, -INF])], (), of([1.0, 0.0])),
    Case(21, [of([-0.0, -INF])], (), of([-0.0, -1.0])),
    Case(22, [of([1.0, -1.0])], (), of([0.0, NAN])),
    Case(23, [of([-0.0, -1.0])], (), of([-0.0, -INF])),
    Case(24, [of([-0.0, INF])], (), of([-0.0, NAN])),
    Case(25, [of([0.0, INF])], (), of([1.0, NAN])),
    Case(26, [of([INF, -0.0])], (), of([1.0, -0.0])),
    Case(27, [of([0.0, INF])], (), of([0.5, 1.0])),
    Case(28, [of([INF, -0.0])], (), of([1.0, -0.0])),
    Case(29, [ROW], (), of([0.5, 2.0, 1.0])),
    Case(32, [A, ROW], (), of([[5.0, -1.75, 4.0], [4.5, 8.25, -0.5]])),
    Case(32, [V, 0.1], (), of([2.0 + float(np.float32(0.1)), float(np.float32(0.1)) - 0.5, NAN])),
    Case(33, [V, 3.0], (), of([-1.0, -3.5, NAN])),
    Case(34, [V, 3.0], (), of([1.0, 3.5, NAN])),
    Case(35, [V, ROW], (), of([2.0, 0.75, NAN])),
    Case(36, [V, ROW], (), of([8.0, -0.125, NAN])),
    Case(37, [V, ROW], (), of([0.5, -2.0, NAN])),
    Case(38, [V, 1.0], (), of([0.5, -2.0, NAN])),
    Case(39, [V, ROW], (), of([4.0, 0.25, NAN])),
    Case(39, [of([-0.0]), -0.0], (), of([0.0])),
    Case(40, [V, 0.0], (), of([0.0, -0.5, NAN])),
    Case(41, [V, 1.0], (), of([1.0, 2.25, NAN])),
    Case(42, [ROW], (0,), of([2.0, 0.5, 1.0])),
    Case(42, [ROW], (1,), ROW),
    Case(42, [ROW], (2,), of([16.0, 0.0625, 1.0])),
    Case(42, [ROW], (3,), of([0.25, 4.0, 1.0])),
    Case(43, [V, 3.0], (), of([8.0, -0.125, NAN])),
    Case(43, [ROW, V], (), of([16.0, 2.0, 1.0])),
    Case(44, [V, 4.0], (), of([16.0, 0.5, NAN])),
    Case(45, [V, ROW], (), mask([True, True, False])),
    Case(46, [P, 2.0], (), mask([True, True, True])),
    Case(47, [P, 1.0], (), mask([True, False, True])),
    Case(48, [V, 2.0], (), mask([True, False, False])),
    Case(49, [P, indices([2, 2, 2])], (), mask([True, False, True])),
    Case(50, [V, 2.0], (), mask([False, True, True])),
    Case(51, [M, mask([True, True, False])], (), mask([True, False, False])),
    Case(52, [M, mask([True, True, False])], (), mask([True, True, True])),
    Case(53, [M, V, ROW], (), of([2.0, 0.25, NAN])),
    Case(53, [M, -0.0, V], (), of([-0.0, -0.5, -0.0])),
    Case(53, [M, 1.0, 2.0], (), of([1.0, 2.0, 1.0])),
    Case(64, [A], (None, False), of(9.0)),
    Case(64, [A], (0, False), of([1.5, 6.0, 1.5])),
    Case(64, [A], (-1, True), of([[2.0], [7.0]])),
    Case(64, [A[None]], ((0, 2), False), of([2.0, 7.0])),
    Case(64, [A[None]], ((0, 1, 2), True), of([[[9.0]]])),
    Case(65, [A], (0, False), of([0.75, 3.0, 0.75])),
    Case(66, [A], (1, True), of([[1.0], [3.5]])),
    Case(67, [of([3.0, -4.0])], (None, False), of(5.0)),
    Case(68, [A], (1, False), of([6.0, 10.0])),
    Case(69, [A], (1, False), of([3.0, 8.0])),
    Case(70, [A], ((0,), True), of([[1.0, 8.0, 3.0]])),
    Case(71, [of([0.0, -0.0])], (None, False), of(0.0)),
    Case(72, [A, A], (), of(80.5)),
    Case(73, [M], (), mask(False)),
    Case(74, [M], (), mask(True)),
    Case(80, [A], (None, False), indices(4)),
    Case(80, [A], (None, True), indices([[4]])),
    Case(81, [A], (1, True), indices([[1], [2]])),
    Case(82, [A], (1, False), (of([3.0, 8.0]), indices([2, 1]))),
    Case(82, [A], (None, True), (of([[8.0]]), indices([[4]]))),
    Case(83, [of([1.0, -0.0, 0.0])], (0, True), (of([0.0]), indices([1]))),
    Case(84, [V], (0, False), (of([-0.5, 2.0, NAN]), indices([1, 0, 2]))),
    Case(84, [A], (1, True), (of([[3.0, 1.0, -2.0], [8.0, 0.5, -1.5]]), indices([[2, 0, 1], [1, 0, 2]]))),
    Case(85, [A], (2, -1, False), (of([[-2.0, 1.0], [-1.5, 0.5]]), indices([[1, 0], [2, 0]]))),
    Case(86, [A], (1,), of([[1.0, -1.0, 2.0], [0.5, 8.5, 7.0]])),
    Case(87, [A, P], (), of([3.0, 1.0, 3.0])),
    Case(88, [A, indices([[1, 0, 1]])], (0,), of([[0.5, -2.0, -1.5]])),
    Case(89, [A, indices(1)], (), A[1]),
    Case(89, [V, P[:, None]], (), of([[NAN], [2.0], [NAN]])),
    Case(90, [V, P, 7.0], (), of([7.0, -0.5, 7.0])),
    Case(91, [P], (), indices(2)),
    Case(96, [A], ((1,),), A[1]),
    Case(96, [A], ((-1, 0),), of(0.5)),
    Case(96, [A], ((slice(0, 2), None, 2),), of([[3.0], [-1.5]])),
    Case(97, [A, 0.1], ((0, slice(0, 2)),), of([[0.1, 0.1, 3.0], [0.5, 8.0, -1.5]])),
    Case(97, [A, ROW], ((1,),), of([[1.0, -2.0, 3.0], [4.0, 0.25, 1.0]])),
    Case(98, [of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])], (0, (2, 2)), of([[1.0, 2.0], [3.0, 4.0]])),
    Case(98, [of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])], (4, (2,)), of([5.0, 6.0])),
    Case(99, [A], (), of([[1.0, 0.5], [-2.0, 8.0], [3.0, -1.5]])),
    Case(100, [A[None]], (0, -1), of([[[1.0], [0.5]], [[-2.0], [8.0]], [[3.0], [-1.5]]])),
    Case(101, [A], ((1, 0),), of([[1.0, 0.5], [-2.0, 8.0], [3.0, -1.5]])),
    Case(102, [V], (-1,), V[:, None]),
    Case(103, [A[None, :, None]], (None,), A),
    Case(103, [A[None, :, None]], (0,), A[:, None]),
    Case(103, [A], (0,), A),
    Case(104, [A.T], ((3, 2),), of([[1.0, 0.5], [-2.0, 8.0], [3.0, -1.5]])),
    Case(104, [A.T], ((-1,),), of([1.0, 0.5, -2.0, 8.0, 3.0, -1.5])),
    Case(105, [V], ((2, -1),), np.stack([V, V])),
    Case(106, [V, ROW], (1,), np.stack([V, ROW], 1)),
    Case(107, [A, ROW[None]], (0,), np.vstack([A, ROW])),
    Case(112, [A, A.T], (), of([[14.0, -20.0], [-20.0, 66.5]])),
    Case(112, [A, ROW], (), of([6.5, 2.5])),
    Case(112, [of([1.0, 2.0]), A], (), of([2.0, 14.0, 0.0])),
    Case(112, [ROW, ROW], (), of(17.0625)),
    Case(112, [A[None], A.T], (), of([[[14.0, -20.0], [-20.0, 66.5]]])),
    Case(113, [of([1.0, 2.0]), ROW], (), of([[4.0, 0.25, 1.0], [8.0, 0.5, 2.0]])),
    Case(114, [of([1.0, 2.0])], (), of([[1.0, 0.0], [0.0, 2.0]])),
    Case(114, [A], (), of([1.0, 8.0])),
    Case(115, [A], (1,), of([[0.0, -2.0, 3.0], [0.0, 0.0, -1.5]])),
    Case(116, [A], (0,), of([[1.0, 0.0, 0.0], [0.5, 8.0, 0.0]])),
    Case(120, [of([[3.0]])], (), of(3.0)),
    Case(121, [P], (), P),
    Case(122, [], ((2, 1),), of([[0.1], [INF]]), [0.1, 1e39]),
    Case(122, [], ((),), of(2.0), [2.0]),
    Case(123, [], ((2,),), of([0.1, 0.1]), [0.1]),
    Case(124, [], ((2, 3),), of([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])),
    Case(125, [], ((3,),), of([1.0, 1.0 + 0.1, 1.0 + 0.2]), [1.0, 0.1]),
    Case(126, [], (7, -2, (3,)), indices([7, 5, 3])),
    Case(127, [], (3, (2, 2)), of([[int(word) >> 40 for word in pair] for pair in WORDS.reshape(2, 2)]) / 2**24),
    Case(128, [], (3, (2,)), random.normals(WORDS.reshape(2, 2)).astype(np.float32)),
    Case(129, [], (3, (4,)), of([-1.0 if int(word) >> 63 else 1.0 for word in WORDS])),
    Case(130, [], (3, (4,)), np.argsort(WORDS)),
]


def results(case: Case) -> tuple[Array, ...]:
    with np.errstate(all="ignore"):
        return KERNELS[case.code](CONTEXT, case.operands, case.parameters, case.scalars)


def arrays_of(case: Case) -> list[Array]:
    return [operand for operand in case.operands if isinstance(operand, np.ndarray)]


def test_every_kernel_has_a_case() -> None:
    assert {case.code for case in CASES} == KERNELS.keys()


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.code))
def test_what_a_kernel_gives(case: Case) -> None:
    before = [operand.copy() for operand in arrays_of(case)]
    found = results(case)
    expected = case.result if isinstance(case.result, tuple) else (case.result,)
    for one, wanted in zip(found, expected, strict=True):
        assert type(one) is np.ndarray
        assert (one.dtype, one.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_array_equal(one, wanted)
        numbers = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.copysign(1, one)[numbers], np.copysign(1, wanted)[numbers])
    for operand, was in zip(arrays_of(case), before, strict=True):
        np.testing.assert_array_equal(operand, was)


@pytest.mark.parametrize("case", [case for case in CASES if case.operands], ids=lambda case: str(case.code))
def test_only_what_is_said_to_share_memory_does(case: Case) -> None:
    shared = any(np.shares_memory(one, operand) for one in results(case) for operand in arrays_of(case))
    assert OPERATIONS[case.code] in {*VIEWS, TO_NUMBERS, LIST} or not shared


@pytest.mark.parametrize("code", range(45, 51))
@pytest.mark.parametrize("number", [NAN, INF, -1e300, 1.5])
def test_indices_are_compared_with_any_number(code: int, number: float) -> None:
    compare = {45: "__lt__", 46: "__le__", 47: "__gt__", 48: "__ge__", 49: "__eq__", 50: "__ne__"}[code]
    expected = [getattr(float(index), compare)(number) for index in (2, 0, 2)]
    assert results(Case(code, [P, number], (), None))[0].tolist() == expected


@pytest.mark.parametrize(
    "case",
    [
        Case(87, [A, indices([6])], (), None),
        Case(88, [A, indices([[3], [0]])], (1,), None),
        Case(88, [A, indices([[2, 0, 0]])], (0,), None),
        Case(89, [A, indices([2])], (), None),
        Case(90, [A, indices([2]), 1.0], (), None),
    ],
    ids=lambda case: str(case.code),
)
def test_indices_beyond_the_end_are_refused(case: Case) -> None:
    """An honest recording asks before it picks; another's program is a fault."""
    with pytest.raises(IndexError):
        results(case)
