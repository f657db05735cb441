"""No operation of the facade makes a tensor, or a list of its elements, without counting it as memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from sandbox.errors import MemoryExhausted
from sandbox.meter import CALL_BYTES, ELEMENT_BYTES, Meter
from sandbox.tensors.base import TensorBase
from tests.support.laboratory import Laboratory
from tests.support.sample_operations import OTHERS, TENSORS
from tests.support.sample_optimisers import LAYOUT


class Counting(Meter):
    """A meter that adds up the elements."""

    def __init__(self) -> None:
        super().__init__(10**12)
        self.elements = 0

    def work(self, units: int, elements: int = 0) -> None:
        self.elements += elements
        super().work(units, elements)


def names(lab: Laboratory) -> dict[str, Any]:
    """What the lines of the samples use."""
    numbers = torch.arange(1.0, 13.0).reshape(3, 4)
    x, y = lab.tensor(numbers.sin()), lab.tensor(numbers.cos() ** 2 + 0.5)
    v = lab.vector(torch.linspace(-1, 1, LAYOUT.size), LAYOUT)
    spaces = {"torch": lab.torch, "math": lab.math, "rng": lab.generator()}
    return {"x": x, "y": y, "row": y[0], "v": v, "third": 1 / 3, **spaces}


def storages(lab: Laboratory, value: object) -> Iterator[tuple[int, int]]:
    """Addresses and bytes of what a result keeps alive."""
    if isinstance(value, TensorBase):
        array: Any = lab.array(value)
        while isinstance(array.base, np.ndarray):
            array = array.base
        yield array.ctypes.data, array.nbytes
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from storages(lab, item)


def made(text: str) -> tuple[int, int]:
    """Bytes that a line's result keeps alive beyond its operands', and elements that it was charged."""
    meter = Counting()
    lab = Laboratory(meter)
    given = names(lab)
    before = {address for value in given.values() for address, _ in storages(lab, value)}
    meter.elements = 0
    result = eval(text, given)
    return sum({a: n for a, n in storages(lab, result) if a not in before}.values()), meter.elements


@pytest.mark.parametrize("text", [*TENSORS.values(), *OTHERS])
def test_what_an_operation_makes_is_counted(text: str) -> None:
    kept, counted = made(text)
    assert kept <= ELEMENT_BYTES * counted


SINGLE = {
    "x + y": 12, "x * row": 12, "2.0 * x": 12, "x > y": 12, "x.exp()": 12, "x.sum(0)": 4, "x.sum()": 1, "x.dot(y)": 2,
    "x.norm(dim=1)": 3, "x.sort()": 24, "x.topk(2)": 12, "x.argmax(1)": 3, "x.max(0)": 8, "x.cumsum(0)": 12,
    "x @ y.T": 9, "x @ row": 3, "row.outer(row)": 16, "row.diag()": 16, "x.diag()": 3, "x.reshape(12)": 12,
    "x.expand(5, 3, 4)": 60, "x.T": 0, "x[0]": 0, "x.clone()": 0, "x.clone().add_(1)": 12, "x[0, 0].item()": 0,
    "(x > y).any()": 12, "v[0]": 0, "v + v": 16, "torch.zeros(3, 5)": 15, "torch.eye(3)": 9, "torch.arange(7)": 7,
    "torch.tensor([1.0, 2])": 2, "torch.stack([x, y])": 24, "torch.where(x > y, row, 0.0)": 24, "rng.normal(3)": 3,
    "rng.permutation(3)": 0, "x.tolist()": 0, "x.clone().__setitem__(0, 1.0)": 12,
    "math.exp(1.0)": 0, "x.unsqueeze(0)": 0, "x.take(x.argmax(1))": 6, "x.triu()": 12,
}  # fmt: skip


@pytest.mark.parametrize("text", SINGLE)
def test_elements_of_an_operation(text: str) -> None:
    assert made(text)[1] == SINGLE[text]


@pytest.mark.parametrize(("text", "counted"), [("rng.permutation(3)", 3 * 40 + 96), ("x.tolist()", 12 * 40 + 4 * 96)])
def test_lists_are_objects_of_the_language(text: str, counted: int) -> None:
    meter = Meter(10**12)
    eval(text, names(Laboratory(meter)))
    assert (meter.tensor_bytes, meter.object_bytes) == (0, counted)


def test_tensors_fill_the_memory_of_a_call() -> None:
    x = Laboratory().tensor(torch.zeros(2**20))
    for _ in range(CALL_BYTES // (ELEMENT_BYTES * 2**20)):
        _ = x + 1.0
    with pytest.raises(MemoryExhausted):
        _ = x + 1.0
