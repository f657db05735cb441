"""An operation: one entry of the table `operations`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.program.kind_rules import KindRule
from sandbox.program.parameters import Parameter
from sandbox.program.prices import Price
from sandbox.program.value import Shape


def no_scalars(_: Shape) -> int:
    """None, beside the operands that are numbers."""
    return 0


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation: what goes with what, what comes out of it, and what it costs; how, `execution.kernels` says."""

    code: int
    """Its number in a program."""
    name: str
    kinds: KindRule
    """The kinds of the results; raises what is wrong with those of the operands."""
    shape: Callable[..., Shape]
    """The shape of each result, from those of the operands that are tensors and from the parameters by name; raises
    what is wrong with them."""
    price: Price
    parameters: tuple[Parameter, ...] = ()
    operands: int | None = 1
    """How many operands it has; None for one or more."""
    scalars: Callable[[Shape], int] = no_scalars
    """How many numbers it has beside its operands, by the shape of its result."""

    def encode(self, parameters: dict[str, Any]) -> list[int]:
        """The integers of its parameters."""
        return [number for one in self.parameters for number in one.encode(parameters[one.name])]

    def decode(self, given: Sequence[int]) -> tuple[Any, ...]:
        """The parameters of some integers. Raises ValueError."""
        found = []
        for one in self.parameters:
            try:
                value, given = one.decode(given)
            except IndexError:
                raise ValueError("fewer parameters than it has") from None
            found.append(value)
        if given:
            raise ValueError("more parameters than it has")
        return tuple(found)

    def named(self, parameters: Sequence[Any]) -> dict[str, Any]:
        """The parameters by name."""
        return {one.name: value for one, value in zip(self.parameters, parameters, strict=True)}
