"""An instruction takes little memory beside its operands and results (specification 13.9)."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from arithmetic.random import Source
from sandbox.execution.kernels import KERNELS, Context
from sandbox.program.operations import OPERATIONS

SIDE = 512
MOST = 24
"""Bytes for each element of operands and results."""
CONTEXT = Context(Source("tests", bytes(32)))
X = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
ROWS = np.random.default_rng(1).integers(0, SIDE, (SIDE, SIDE))
DIMS = (None, 0, 1, (0, 1))
CASES: list[tuple[int, list[Any], tuple[Any, ...]]] = [
    *((code, [X], ()) for code in [*range(1, 12), *range(20, 30)]),
    *((code, [X, X], ()) for code in [*range(32, 42), *range(43, 51), 72, 112]),
    *((code, [X], (dim, keep)) for code in range(64, 72) for dim in DIMS for keep in (False, True)),
    *((code, [X], (dim, False)) for code in range(80, 84) for dim in DIMS[:3]),
    *((code, [X], (dim, True)) for code in (84,) for dim in (0, 1)),
    *((85, [X], (SIDE // 2, dim, True)) for dim in (0, 1)),
    *((86, [X], (dim,)) for dim in (0, 1)),
    *((88, [X, ROWS], (dim,)) for dim in (0, 1)),
    (87, [X, ROWS], ()),
    (89, [X, ROWS[0]], ()),
    (90, [X, ROWS[0], 1.0], ()),
    (91, [ROWS], ()),
    (53, [X > 0, X, X], ()),
    (97, [X, 1.0], ((slice(0, 5, 1),),)),
    (104, [X], ((SIDE * SIDE,),)),
    (105, [X[:1]], ((SIDE, SIDE),)),
    (106, [X, X], (1,)),
    (107, [X, X], (1,)),
    (113, [X[0], X[1]], ()),
    (115, [X], (0,)),
    *((code, [], (0, (SIDE, SIDE))) for code in (127, 128, 129)),
    (130, [], (0, (SIDE * SIDE,))),
]


@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize(("code", "operands", "parameters"), CASES, ids=lambda value: str(value)[:20])
def test_memory_of_an_instruction(code: int, operands: list[Any], parameters: tuple[Any, ...], strided: bool) -> None:
    given = [one.T if strided and one is X else one for one in operands]
    with np.errstate(all="ignore"):
        KERNELS[code](CONTEXT, given, parameters, ())
        tracemalloc.start()
        try:
            made = KERNELS[code](CONTEXT, given, parameters, ())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    elements = sum(one.size for one in (*given, *made) if isinstance(one, np.ndarray))
    assert peak <= MOST * elements + 2**22, OPERATIONS[code].name  # the rest is what goes piece by piece
