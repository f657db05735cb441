"""The table of operations: each is used, has a name of its own, and makes what its shape rule says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from sandbox.errors import WorkerFault
from sandbox.meter import Meter
from sandbox.tensors import base, operations
from sandbox.tensors.operation import Operation, apply, apply_binary, apply_unary, apply_view
from sandbox.tensors.vocabulary import VOCABULARY
from tests.sandbox.tensors.test_memory_of_operations import names
from tests.support.sample_operations import OTHERS, TENSORS

TABLE = {name: row for name, row in vars(operations).items() if isinstance(row, Operation)}
MORE = ["z.__setitem__(0, y[0])", "z.__setitem__(z < 0, 0.0)", "z.__setitem__(x.argmin(0)[:2], 1.5)", "+x", "~(x > y)"]
"""Lines with operations that the samples do in statements."""


def shape_of(result: Any) -> list[tuple[int, ...]]:
    """The shapes of the tensors, or of the list, that an operation made."""
    if isinstance(result, torch.Tensor):
        return [tuple(result.shape)]
    if isinstance(result, tuple):
        return [tuple(part.shape) for part in result]
    return [tuple(torch.tensor(result).shape)]


def checked(row: Operation, used: set[str]) -> Operation:
    """The operation with a kernel that compares the shape of what it makes with the rule's."""

    def kernel(*arguments: Any, **parameters: Any) -> Any:
        used.add(row.name)
        result = row.kernel(*arguments, **parameters)
        operands = [one.shape for one in arguments if isinstance(one, torch.Tensor)]
        others = [one for one in arguments if not isinstance(one, (torch.Tensor, float))]
        expected = tuple(row.shape(*operands, *others, **parameters))
        assert shape_of(result) == [expected] * len(shape_of(result)), row.name
        return result

    return replace(row, kernel=kernel)


def test_names_are_different() -> None:
    assert len({row.name for row in TABLE.values()}) == len(TABLE) > 80


def test_the_rules_say_what_shapes_the_kernels_make(monkeypatch: pytest.MonkeyPatch) -> None:
    used: set[str] = set()
    rows = {row: checked(row, used) for row in TABLE.values()}
    for name, row in TABLE.items():
        monkeypatch.setattr(operations, name, rows[row])
    monkeypatch.setattr(base, "_NORMS", {p: rows[row] for p, row in base._NORMS.items()})
    given = names(Meter(10**12))
    given["z"] = given["x"].clone()
    for line in [*TENSORS.values(), *OTHERS, *MORE]:
        eval(line, given)
    assert used == {row.name for row in TABLE.values()}


def test_a_method_in_place_may_be_given_the_keywords_of_the_function_of_math() -> None:
    """What the language refuses is consensus: these keywords fail when they run, and not before."""
    keywords = VOCABULARY.keywords
    assert keywords["exp_"] == frozenset("x")
    assert keywords["add_"] == keywords["add"] - {"x"}
    assert not {"zero_", "fill_", "copy_"} & keywords.keys()


@pytest.mark.parametrize(
    "error", [RuntimeError("DefaultCPUAllocator: can't allocate memory"), TypeError("x"), MemoryError()]
)
def test_an_error_of_a_kernel_is_a_fault(error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    meter, x = Meter(10**9), torch.ones(3)
    failing = replace(operations.ADD, kernel=fail)
    view = replace(operations.INDEX, kernel=fail)
    for run in (
        lambda: apply(failing, meter, (x, x)),
        lambda: apply_binary(failing, meter, x, x),
        lambda: apply_unary(replace(operations.EXP, kernel=fail), meter, x),
        lambda: apply_view(view, meter, x, 0),
    ):
        with pytest.raises(WorkerFault, match="failed on this machine"):
            run()
