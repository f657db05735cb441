"""A plan: the parts in which a program is executed, whatever its scalars and the elements of its inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from sandbox.execution.planner import needed
from sandbox.lockstep.kernels import KERNELS, Context
from sandbox.program.program import Instruction
from sandbox.program.value import Value

Tensors = dict[int, Tensor]
"""Tensors [c, ...] by the numbers of their values."""


class Work(Protocol):
    """A part of a plan: one instruction, or some that are executed together."""

    @property
    def reads(self) -> Sequence[int]:
        """The numbers of the values that must be there."""

    def run(self, tensors: Tensors, scalars: Sequence[float], context: Context) -> None:
        """Add the tensors of the values that it makes."""


Grouping = Callable[[Sequence[Instruction], frozenset[int]], Sequence[Work]]
"""From instructions, all of them needed, and the numbers of the values that must be there in the end, to works."""


@dataclass(frozen=True, slots=True)
class Single:
    """One instruction, by its kernel."""

    instruction: Instruction

    @property
    def reads(self) -> Sequence[int]:
        """The values among its operands."""
        return [one.number for one in self.instruction.operands if isinstance(one, Value)]

    def run(self, tensors: Tensors, scalars: Sequence[float], context: Context) -> None:
        """Add its results."""
        each = self.instruction
        operands = [tensors[one.number] if isinstance(one, Value) else float(scalars[one]) for one in each.operands]
        given = [float(scalars[place]) for place in each.scalars]
        made = KERNELS[each.operation.code](context, operands, each.parameters, given)
        tensors.update((value.number, tensor) for value, tensor in zip(each.results, made, strict=True))


def one_by_one(instructions: Sequence[Instruction], _: frozenset[int]) -> Sequence[Work]:
    """The `Grouping` that groups nothing."""
    return [Single(each) for each in instructions]


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a plan, and the values that nothing needs after it."""

    work: Work
    done_with: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it."""

    stages: tuple[Stage, ...]
    wanted: frozenset[int]


def plan(instructions: Sequence[Instruction], wanted: frozenset[int] | None, grouping: Grouping) -> Plan:
    """The plan by which valid instructions are executed for the values `wanted`; None for all that they make."""
    if wanted is None:
        wanted = frozenset(value.number for each in instructions for value in each.results)
    else:
        instructions = needed(instructions, wanted)
    works = grouping(instructions, wanted)
    last = {number: place for place, work in enumerate(works) for number in work.reads if number not in wanted}
    done_with: list[list[int]] = [[] for _ in works]
    for number, place in last.items():
        done_with[place].append(number)
    return Plan(tuple(Stage(work, tuple(done)) for work, done in zip(works, done_with, strict=True)), wanted)
