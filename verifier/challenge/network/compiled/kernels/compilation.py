"""The program that compiles the kernels: its arguments are the processor's name and features, and the file to write.

`kernel_cache` runs it in a process of its own, so that nobody else has to import numba. It imports what takes long once
it is sure to end with the process that waits for it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.jail import kernel

if TYPE_CHECKING:
    from verifier.challenge.network.compiled.machine_code import MachineCode


def compile_kernels(name: str, features: str) -> MachineCode:
    """Compile everything that Python calls; for one processor in a process."""
    from verifier.challenge.network.compiled.kernels.compiler import compile_for, entry_points
    from verifier.challenge.network.compiled.machine_code import MachineCode
    from verifier.challenge.network.compiled.processor import Processor

    processor = Processor(name, features)
    compile_for(processor)
    from verifier.challenge.network.compiled.kernels.packing import pack_weight
    from verifier.challenge.network.compiled.kernels.pair_product import COLUMNS, ROWS, product, transposed_product
    from verifier.challenge.network.compiled.kernels.steps import mean_square, outputs, pack_points, training_step

    entries: list[Callable[..., object]] = [
        training_step, outputs, mean_square, pack_points, pack_weight, product, transposed_product
    ]  # fmt: skip
    module, forms = entry_points(entries)
    return MachineCode(ROWS, COLUMNS, forms, processor.machine().emit_object(module))


def main(arguments: list[str]) -> None:
    """Compile and write the file, whole or not at all; the arguments are as above."""
    name, features, file = arguments
    if sys.platform == "linux":
        kernel.control_process(kernel.SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    path = Path(file)
    unfinished = path.with_suffix(f".{os.getpid()}")
    try:
        unfinished.write_bytes(compile_kernels(name, features).to_bytes())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
