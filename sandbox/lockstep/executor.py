"""Executes programs on the tensors of many rows at once, one work of a plan after the other.

On a CUDA device a program that comes again and again, as that of a step does, gets kernels of its own after some turns.
Before, and where Triton is not to be had, all its operations go one by one, with the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Final

import torch
from torch import Tensor

from arithmetic.random import Source
from sandbox.lockstep.kernels import Context
from sandbox.lockstep.plan import Grouping, Plan, Tensors, one_by_one, plan
from sandbox.program.program import Instruction
from sandbox.program.value import GRADIENT, PARAMETERS

TURNS: Final = 8
"""Turns after which a program gets kernels: Triton takes about a second for each."""


def grouping_for(device: torch.device) -> Grouping:
    """How instructions go together on a device."""
    if device.type != "cuda" or find_spec("triton") is None:
        return one_by_one
    from sandbox.lockstep.fused import fused

    return fused


class Prepared:
    """A program for one executor, with the plan that it has for now."""

    def __init__(
        self, instructions: Sequence[Instruction], wanted: frozenset[int] | None, grouping: Grouping, turns: int
    ) -> None:
        self._arguments, self._grouping, self._turns = (instructions, wanted), grouping, turns
        self.plan = plan(*self._arguments, one_by_one)

    def turn(self) -> Plan:
        """The plan for one more turn."""
        if self._turns == 0 and self._grouping is not one_by_one:
            self.plan = plan(*self._arguments, self._grouping)
        self._turns -= 1
        return self.plan


class Executor:
    """Executes the programs of one cohort.

    `parameters` and `gradient` (float32 [c, size]) are read where they are, whenever a program is run; they may change
    between runs. `sources` are those of the random numbers of each row. After so many `turns` instructions of a program
    go together.
    """

    def __init__(
        self,
        parameters: Tensor,
        gradient: Tensor,
        sources: Sequence[Source],
        grouping: Grouping | None = None,
        turns: int = TURNS,
    ) -> None:
        self._fixed = {PARAMETERS: parameters, GRADIENT: gradient}
        self._grouping = grouping or grouping_for(parameters.device)
        self._turns = turns
        self.outside = torch.zeros(len(sources), dtype=torch.bool, device=parameters.device)
        """The rows (bool [c]) of which an index was outside: a program that a worker should not have sent."""
        self._context = Context(sources, self.outside)

    def keep(self, rows: Sequence[int], parameters: Tensor, gradient: Tensor) -> None:
        """Go on with some of the rows alone, in this order, and with other tensors for theirs."""
        self._fixed = {PARAMETERS: parameters, GRADIENT: gradient}
        self.outside = chosen(self.outside, rows)
        self._context = Context([self._context.sources[row] for row in rows], self.outside)

    def prepare(self, instructions: Sequence[Instruction], wanted: frozenset[int] | None) -> Prepared:
        """How to compute the values `wanted`, for any scalars and any elements of the inputs; None for all."""
        return Prepared(instructions, wanted, self._grouping, self._turns)

    def run(self, prepared: Prepared, inputs: Mapping[int, Tensor], scalars: Sequence[float]) -> Tensors:
        """The wanted values by number, each [c, ...], or [1, ...] where all rows have the same.

        `inputs` has the values that were there before, beside parameters and gradient. They are not changed. A result
        may share memory with any of them, and may repeat elements.
        """
        turn, tensors = prepared.turn(), {**self._fixed, **inputs}
        for stage in turn.stages:
            stage.work.run(tensors, scalars, self._context)
            for number in stage.done_with:
                del tensors[number]
        return {number: tensors[number] for number in turn.wanted}

    def kept(self, tensor: Tensor) -> Tensor:
        """A tensor in row order that lives on: a copy if its memory is another's, or more than it needs."""
        storage = tensor.untyped_storage()
        inputs = {each.untyped_storage().data_ptr() for each in self._fixed.values()}
        is_whole = storage.nbytes() == tensor.numel() * tensor.element_size() and tensor.is_contiguous()
        is_own = is_whole and storage.data_ptr() not in inputs
        return tensor if is_own else tensor.clone(memory_format=torch.contiguous_format)


def chosen(a: Tensor, rows: Sequence[int]) -> Tensor:
    """Some rows of [c, ...], in this order; what is the same in every row, as it is."""
    return a if len(a) == 1 else a[torch.tensor(rows, device=a.device)]
