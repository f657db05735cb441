"""The product of the compiled network for another processor; run as a program of its own, by `test_assembly`.

    python -m tests.support.assemble_product 'AVX2'

Writes one line of JSON: how often each instruction is in the loop over pairs, in that processor's assembly; and
whether the same code, compiled for this machine, multiplies as int64 does.
"""

from __future__ import annotations

import ctypes
import json
import re
import sys
from collections import Counter
from typing import Any

import numpy as np
from llvmlite import binding, ir

from arithmetic.compiled import compiler
from tests.support.instruction_sets import PROCESSORS, Processor


def tile(processor: Processor) -> ir.Module:
    """The code of a tile as a function, with the processor's number of lanes."""
    compiler.features = lambda: frozenset(processor.features)  # type: ignore[assignment]
    from verifier.challenge.network.compiled.kernels import pair_product

    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [ir.IntType(64)] * 8), "tile")
    builder = ir.IRBuilder(function.append_basic_block())
    pair_product._build_tile(builder, *function.args)
    builder.ret_void()
    return module


def optimised(module: ir.Module, machine: binding.TargetMachine) -> Any:
    """A module for a machine, after the passes that numba has it go through."""
    module.triple = machine.triple
    parsed = binding.parse_assembly(str(module))
    passes = binding.create_pass_builder(machine, binding.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(parsed, passes)
    return parsed


def is_exact(module: ir.Module) -> bool:
    """Whether the code is right when this machine runs it."""
    from verifier.challenge.network.compiled.kernels.pair_product import COLUMNS, ROWS
    from verifier.challenge.network.compiled.self_test import MOST_TERMS, TOP, in_pairs

    machine = binding.Target.from_default_triple().create_target_machine()
    engine = binding.create_mcjit_compiler(optimised(module, machine), machine)
    run = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 8)(engine.get_function_address("tile"))
    random, terms = np.random.default_rng(0), MOST_TERMS - 1
    left, right = (random.integers(-TOP, TOP + 1, shape) for shape in ((ROWS, terms), (terms, COLUMNS)))
    rows, pairs, out = left.astype(np.int16), in_pairs(right), np.zeros((ROWS, COLUMNS), np.int32)
    addresses = [array.ctypes.data for array in (rows, pairs, out)]
    run(addresses[0], 2 * terms, 4, addresses[1], 4 * COLUMNS, terms // 2, addresses[2], 4 * COLUMNS)
    return np.array_equal(out, left @ right)


def loop(text: str) -> dict[str, int]:
    """The instructions between the loop's label and the jump back to it."""
    lines = [line.strip().removeprefix("{vex}").strip() for line in text.splitlines()]
    jumps = [(i, found[1]) for i, line in enumerate(lines) if (found := re.match(r"(?:j|b\.)\w+\s+(\.L\w+)", line))]
    backwards: list[Any] = [(lines.index(f"{label}:"), i) for i, label in jumps if lines.index(f"{label}:") < i]
    ((start, end),) = backwards
    return Counter(line.split()[0] for line in lines[start + 1 : end] if re.match(r"[a-z]", line))


def main(name: str) -> None:
    """Build, assemble and run."""
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    processor = PROCESSORS[name]
    module, target = tile(processor), binding.Target.from_triple(processor.triple)
    machine = target.create_target_machine(cpu=processor.name, opt=3)
    text = machine.emit_assembly(optimised(module, machine))
    print(json.dumps({"loop": loop(text), "is_exact": is_exact(module)}))


if __name__ == "__main__":
    main(sys.argv[1])
