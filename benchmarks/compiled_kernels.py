"""Kernels of Triton, compiled for an H200 (Hopper) on a machine that has none, and what their code needs of it."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.backends.nvidia.compiler import get_ptxas
from triton.compiler import ASTSource

_TARGET: Final = GPUTarget("cuda", 90, 32)
_POINTERS: Final = {
    torch.float32: "*fp32",
    torch.float64: "*fp64",
    torch.bool: "*i1",
    torch.uint8: "*u8",
    torch.int8: "*i8",
    torch.int16: "*i16",
    torch.int32: "*i32",
    torch.int64: "*i64",
}
_ALIGNED: Final = 16
"""Triton compiles a kernel anew for a tensor that does not begin at a multiple of so many bytes, or another number."""


@dataclass(frozen=True)
class Code:
    """A compiled kernel."""

    ptx: str
    registers: int
    """Of a thread."""
    spilled: int
    """Bytes of a thread that do not fit into its registers."""
    shared: int
    """Bytes of shared memory of a program."""
    warps: int

    @property
    def programs(self) -> int:
        """How many programs a multiprocessor holds at once, by its 65536 registers and 227 KB of shared memory."""
        of_program = self.warps * 32 * -(-self.registers // 8) * 8
        return min(65536 // of_program, 232448 // (self.shared + 1024), 64 // self.warps)


def compiled(kernel: Any, arguments: Mapping[str, object], options: Mapping[str, Any]) -> Code:
    """A kernel for such arguments by name: tensors, numbers that are told when it is launched, and constants."""
    constants = {p.name: arguments[p.name] for p in kernel.params if p.is_constexpr or arguments[p.name] is None}
    signature = {name: "constexpr" if name in constants else _type(arguments[name]) for name in kernel.arg_names}
    aligned = {
        (index,): [["tt.divisibility", _ALIGNED]]
        for index, (name, parameter) in enumerate(zip(kernel.arg_names, kernel.params, strict=True))
        if name not in constants and not parameter.do_not_specialize and _is_aligned(arguments[name])
    }
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=aligned)
    result = triton.compile(source, target=_TARGET, options=dict(options))
    registers, spilled = _assembled(result.asm["ptx"])
    return Code(result.asm["ptx"], registers, spilled, result.metadata.shared, result.metadata.num_warps)


def _type(argument: object) -> str:
    return _POINTERS[argument.dtype] if isinstance(argument, torch.Tensor) else "i32"


def _is_aligned(argument: object) -> bool:
    begins = argument.data_ptr() if isinstance(argument, torch.Tensor) else argument
    return isinstance(begins, int) and begins % _ALIGNED == 0


def _assembled(ptx: str) -> tuple[int, int]:
    """Registers of a thread, and spilled bytes, as the assembler reports them."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "kernel.ptx")
        source.write_text(ptx)
        options = ("-v", "--fmad=false", "--gpu-name=sm_90a", "-o", source.with_suffix(".cubin"))
        command: tuple[str | Path, ...] = (get_ptxas(_TARGET.arch).path, *options, source)
        report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    registers = re.search(r"Used (\d+) registers", report)
    spills = re.findall(r"(\d+) bytes spill", report)
    assert registers is not None, report
    return int(registers[1]), sum(map(int, spills))
