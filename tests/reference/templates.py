"""Templates of the second implementation (specification 13.7): states without the elements of their tensors."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from tests.reference.executor import Table
from tests.reference.recorder import Template
from tests.reference.tensors import Layout, Tensor, Values
from tests.reference.transcript import encode


def template(state: object, number: Callable[[Any], int]) -> Template:
    """13.7; `number` gives that of the value of a tensor."""
    match state:
        case bool() | str() | None:
            return Template(encode(state))
        case float():
            return Template(b"D", scalars=(state,))
        case int():
            return Template(b"I", integers=(state,)) if abs(state) < 2**63 else Template(encode(state))
        case list() | tuple():
            return joined((b"l" if isinstance(state, list) else b"t") + struct.pack("<I", len(state)), state, number)
        case dict():
            parts = [part for item in state.items() for part in item]
            return joined(b"m" + struct.pack("<I", len(state)), parts, number)
    tag = b"v" if getattr(state, "layout", None) else b"x"
    return Template(tag + struct.pack("<I", number(state)))


def joined(head: bytes, parts: Sequence[object], number: Callable[[Any], int]) -> Template:
    """A container's head and what is in it."""
    every = [template(part, number) for part in parts]
    return Template(
        head + b"".join(each.text for each in every),
        tuple(chain.from_iterable(each.scalars for each in every)),
        tuple(chain.from_iterable(each.integers for each in every)),
    )


class Builder:
    """The state of a template (13.7) and of values."""

    def __init__(self, template: Template, values: Sequence[Values], layout: Layout) -> None:
        self.table, self.values, self.layout = Table(template.text), values, layout
        self.scalars, self.integers = iter(template.scalars), iter(template.integers)

    def count(self) -> int:
        return int(self.table.take("I", 1)[0])

    def part(self) -> Any:  # noqa: PLR0911  # one case for each kind
        match bytes(self.table.take("B", 1)):
            case b"N" | b"T" | b"F" as tag:
                return {b"N": None, b"T": True, b"F": False}[tag]
            case b"I":
                return next(self.integers)
            case b"D":
                return next(self.scalars)
            case b"i":
                return int.from_bytes(bytes(self.table.take("B", self.count())), "little", signed=True)
            case b"s":
                return bytes(self.table.take("B", self.count())).decode()
            case b"l":
                return [self.part() for _ in range(self.count())]
            case b"t":
                return tuple(self.part() for _ in range(self.count()))
            case b"m":
                return {self.part(): self.part() for _ in range(self.count())}
            case b"x":
                return Tensor(self.values[self.count()])
        return Tensor(self.values[self.count()], self.layout)
