"""What a step takes of a GPU, counted without one: launches, bytes, products, registers and memory of each kernel.

    python -m benchmarks.gpu_counts [--edition december-2025] [--json]

docs/gpu.md has the tables, and what follows from them.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

import torch

from arithmetic.device.ptx_rule import forbidden
from benchmarks.compiled_kernels import Code, compiled
from verifier.challenge.editions import EDITIONS, Edition, Track
from verifier.challenge.lockstep.kernels.launches import Launch
from verifier.challenge.lockstep.kernels.memory import Memory
from verifier.challenge.lockstep.kernels.passes import Passes

DEPTHS: Final = (4, 10)
"""n_hidden of the tables."""
_PLACES: Final = 8
"""Enough to count; more only take memory here."""
_DIGITS: Final = 4
"""Products of digits for each product of operands."""
_PRODUCTS: Final = ("activate", "differentiate", "find_weight_gradient")


@dataclass(frozen=True)
class Pass:
    """What a pass of one nonce takes."""

    launches: int
    """For all nonces together."""
    megabytes: float
    """Read and written, if each kernel moves each of its tensors once; what its programs share comes from a cache."""
    gigaoperations: float
    """8-bit additions and multiplications of the tensor cores, padding included."""


@dataclass(frozen=True)
class Kernel:
    """What one kernel takes, for the worst of the constants that it is compiled for."""

    variants: int
    registers: int
    spilled: int
    shared: int
    programs: int
    """At once on a multiprocessor."""
    forbidden: dict[str, int]
    """Instructions that `arithmetic/device/ptx_rule.py` forbids."""


def passes(track: Track) -> dict[str, list[Launch]]:
    """The launches of a training step, and of an evaluation."""
    memory = Memory.empty(track, _PLACES, torch.device("cpu"))
    launches = Passes(memory, _PLACES)
    return {
        "step": list(launches.training(memory.parameters)),
        "evaluation": list(launches.evaluation(memory.parameters)),
    }


def counted(launches: Iterable[Launch]) -> Pass:
    """What a pass takes."""
    launches = list(launches)
    tensors = [tensor for launch in launches for tensor in launch.tensors if tensor is not None]
    moved = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    operations = sum(
        2 * _DIGITS * int(each.constants["B"] * each.constants["H"] ** 2) for each in launches if each.name in _PRODUCTS
    )
    return Pass(len(launches), moved / _PLACES / 1e6, operations / 1e9)


def code_of(launch: Launch, *, fusion: bool = False) -> Code:
    """A launch's kernel, compiled; with `fusion`, as it must not be."""
    arguments = {**dict(zip(launch.kernel.arg_names, launch.tensors, strict=False)), **launch.constants}
    return compiled(launch.kernel, arguments, launch.options.named() | {"enable_fp_fusion": fusion})


def kernels(edition: Edition) -> dict[str, Kernel]:
    """All kernels of an edition's networks by name; a track of three hidden layers has every one, in every variant."""
    codes: dict[str, dict[object, Code]] = {}
    for launches in passes(Track(edition, 3)).values():
        for launch in launches:
            of_kernel, key = codes.setdefault(launch.name, {}), launch.variant
            if key not in of_kernel:
                of_kernel[key] = code_of(launch)
    return {name: _worst(list(variants.values())) for name, variants in codes.items()}


def _worst(codes: list[Code]) -> Kernel:
    return Kernel(
        variants=len(codes),
        registers=max(code.registers for code in codes),
        spilled=max(code.spilled for code in codes),
        shared=max(code.shared for code in codes),
        programs=min(code.programs for code in codes),
        forbidden=dict(sum((forbidden(code.ptx) for code in codes), Counter[str]())),
    )


def main() -> None:
    """Print the tables, or one JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edition", choices=EDITIONS, default="december-2025")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    edition = EDITIONS[arguments.edition][0]
    of_kernels = kernels(edition)
    tracks = {f"n_hidden={depth}": passes(Track(edition, depth)) for depth in DEPTHS}
    if arguments.json:
        of_passes = {
            track: {name: asdict(counted(launches)) for name, launches in both.items()}
            for track, both in tracks.items()
        }
        print(json.dumps({"kernels": {n: asdict(k) for n, k in of_kernels.items()}, "passes": of_passes}, indent=1))
        return
    print("| pass | launches | MB a nonce | 8-bit operations a nonce, 10^9 |\n|---|---|---|---|")
    for track, both in tracks.items():
        for name, launches in both.items():
            of_pass = counted(launches)
            print(f"| {name}, {track} | {of_pass.launches} | {of_pass.megabytes:.2f} | {of_pass.gigaoperations:.3f} |")
    launched = {track: Counter(launch.name for launch in both["step"]) for track, both in tracks.items()}
    columns = [f"a step, {', '.join(tracks)}", "registers", "spilled", "shared KB", "at once"]
    print(f"\n| kernel | {' | '.join(columns)} |\n{'|---' * (len(columns) + 1)}|")
    for name, kernel in of_kernels.items():
        launches_of = ", ".join(str(counts[name]) for counts in launched.values())
        numbers = f"{kernel.registers} | {kernel.spilled} | {kernel.shared / 1024:.1f} | {kernel.programs}"
        print(f"| {name} | {launches_of} | {numbers} |")


if __name__ == "__main__":
    main()
