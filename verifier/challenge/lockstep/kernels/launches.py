"""Launches of kernels: what is launched, on which tensors, with which constants and options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Constants = Mapping[str, int | float | bool]


@dataclass(frozen=True)
class Options:
    """How a kernel is compiled."""

    warps: int
    stages: int = 1
    """Of the pipelines of its loops."""
    registers: int | None = None
    """Of a thread, at most; None leaves it to the compiler."""

    def named(self) -> dict[str, Any]:
        """By Triton's names; nothing is contracted."""
        named = {"num_warps": self.warps, "num_stages": self.stages, "enable_fp_fusion": False}
        return named if self.registers is None else {**named, "maxnreg": self.registers}


@dataclass(frozen=True)
class Launch:
    """One kernel on a grid of programs: tensors, or None for one that it does not use, and then its constants."""

    kernel: Any
    grid: tuple[int, ...]
    tensors: tuple[Tensor | None, ...]
    constants: Constants
    options: Options

    @classmethod
    def of(
        cls,
        kernel: Any,
        grid: tuple[int, ...],
        tensors: Sequence[Tensor | None],
        constants: Constants,
        options: Options,
    ) -> Launch:
        """Of the constants, those that the kernel takes."""
        names = kernel.arg_names[len(tensors) :]
        return cls(kernel, grid, tuple(tensors), {name: constants[name] for name in names}, options)

    @property
    def name(self) -> str:
        """The kernel's name."""
        return str(self.kernel.fn.__name__)

    @property
    def variant(self) -> tuple[object, ...]:
        """What the kernel is compiled for: equal for launches that run the same code."""
        tensors = tuple(None if each is None else (each.dtype, each.data_ptr() % 16 == 0) for each in self.tensors)
        return self.name, tensors, tuple(sorted(self.constants.items())), self.options

    def __call__(self) -> None:
        """Launch it; nothing waits for it."""
        self.kernel[self.grid](*self.tensors, **self.constants, **self.options.named())


class Sequel:
    """Launches that are always made in one order, on the same memory; on a CUDA device one graph, once they have run.

    The first run compiles the kernels, which no graph can hold.
    """

    def __init__(self, launches: Iterable[Launch], device: torch.device) -> None:
        self.launches = tuple(launches)
        self._device = device
        self._has_run = False
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        """Launch all; nothing waits for them."""
        if self._has_run and self._device.type == "cuda":
            self._recorded().replay()
            return
        self._launch()
        self._has_run = True

    def _launch(self) -> None:
        for launch in self.launches:
            launch()

    def _recorded(self) -> torch.cuda.CUDAGraph:
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._launch()
        return self._graph
