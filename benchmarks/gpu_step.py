"""What a step of many nonces takes of an H200, counted without one, and the nonces a second that follow by estimate.

    python -m benchmarks.gpu_step [--optimisers adam sgd] [--hidden 4 10] [--json]

The network's launches are those of its kernels (`benchmarks.gpu_counts`), or torch's; the others are counted while an
epoch is trained here (`benchmarks.lockstep_counts`). docs/gpu.md has the tables, and says what is assumed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import torch

from benchmarks import gpu_counts, lockstep_counts
from benchmarks.compiled_kernels import Code
from benchmarks.lockstep_counts import PLACES, Counts
from benchmarks.optimiser_kernels import code_of_group, codes_of_digests
from sandbox.lockstep.fused import Group
from tests.support.folders import ROOT
from verifier.challenge.editions import DECEMBER_2025, Track

STEPS: Final = 672
"""Of a nonce: 84 epochs of 8 batches."""
NONCES: Final = 256
"""In lockstep, between which launches are shared."""
_BANDWIDTH: Final = 0.8 * 4.8e12
"""Bytes a second: of what the memory of an H200 is sold with, what large kernels reach."""
_LAUNCH: Final = 2e-6
"""Seconds between two kernels."""
_MULTIPROCESSORS, _CLOCK = 132, 1.755e9
_CYCLES: Final = 71_600
"""Of a multiprocessor for a hidden layer and nonce, forward and backward, at 11 bits: the sum of each kernel's longest
pipe, counted in the machine code of the design's prototypes."""
_ISSUE: Final = 0.5
"""Of those cycles that are used."""
_BINARY64: Final = 0.6 * 67e12
"""Operations a second of the binary64 tensor cores, that large products reach."""


@dataclass(frozen=True)
class Step:
    """A step of all nonces together; what comes once an epoch is shared out between its steps."""

    launches: float
    optimiser_launches: float
    megabytes: float
    """Of a nonce, all in all."""
    network_megabytes: float
    optimiser_megabytes: float
    digest_megabytes: float
    waits: int
    """For the device, between the first and the last launch of an epoch."""
    fastest: float
    """Nonces a second, if arithmetic and memory overlap wholly."""
    slowest: float
    """If they do not at all."""


def kernels_step(n_hidden: int, optimiser: str) -> tuple[Step, set[Group]]:
    """With Triton's kernels; and the groups of the optimiser."""
    track = Track(DECEMBER_2025, n_hidden)
    counts, passes = _epoch(track, optimiser, is_fused=True), gpu_counts.passes(track)
    batches = track.edition.batches
    step, evaluation = (gpu_counts.counted(passes[name]) for name in ("step", "evaluation"))
    layers = (n_hidden + 0.35) * 1.03 * 1.07  # of the layers the first is lighter; the last ones, and validation
    arithmetic = _CYCLES * layers / (_CLOCK * _MULTIPROCESSORS * _ISSUE)
    network = step.megabytes + evaluation.megabytes / batches
    launches = step.launches + evaluation.launches / batches
    return _step(counts, batches, network, launches, arithmetic), counts["optimiser"].groups


def torch_step(n_hidden: int, optimiser: str) -> Step:
    """With torch alone."""
    track = Track(DECEMBER_2025, n_hidden)
    counts, batches = _epoch(track, optimiser, is_fused=False), track.edition.batches
    parts = [counts["network"], counts["validation"]]
    network = sum(part.bytes for part in parts) / batches / PLACES / 1e6
    launches = sum(part.launches for part in parts) / batches
    arithmetic = sum(part.products for part in parts) / batches / PLACES / _BINARY64
    return _step(counts, batches, network, launches, arithmetic)


def _epoch(track: Track, optimiser: str, *, is_fused: bool) -> dict[str, Counts]:
    return lockstep_counts.epoch(track, ROOT / f"fixtures/optimisers/{optimiser}.py", is_fused=is_fused)


def _step(counts: dict[str, Counts], batches: int, network: float, launches: float, arithmetic: float) -> Step:
    own, optimiser, digests = (counts[name] for name in ("step", "optimiser", "digests"))
    of_step = {part: counts[part].bytes / batches / PLACES / 1e6 for part in ("step", "optimiser", "digests")}
    megabytes = network + sum(of_step.values())
    together = launches + (own.launches + optimiser.launches + digests.launches) / batches
    memory = megabytes * 1e6 / _BANDWIDTH
    between = together * _LAUNCH / NONCES
    return Step(
        launches=together,
        optimiser_launches=optimiser.launches / batches,
        megabytes=megabytes,
        network_megabytes=network,
        optimiser_megabytes=of_step["optimiser"],
        digest_megabytes=of_step["digests"],
        waits=own.waits + optimiser.waits + counts["network"].waits + counts["validation"].waits,
        fastest=1 / STEPS / (max(memory, arithmetic) + between),
        slowest=1 / STEPS / (memory + arithmetic + between),
    )


def main() -> None:
    """Print the tables, or one JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optimisers", nargs="+", default=["adam", "sgd"])
    parser.add_argument("--hidden", type=int, nargs="+", default=[4, 10])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    steps: dict[str, Step] = {}
    codes: dict[str, list[Code]] = {name: [code] for name, code in codes_of_digests().items()}
    for n_hidden in arguments.hidden:
        for optimiser in arguments.optimisers:
            name = f"n_hidden={n_hidden}, {optimiser}"
            steps[name], groups = kernels_step(n_hidden, optimiser)
            steps[f"{name}, torch alone"] = torch_step(n_hidden, optimiser)
            codes.setdefault(f"group of {optimiser}", [code_of_group(group) for group in groups])
    if arguments.json:
        print(json.dumps({name: asdict(step) for name, step in steps.items()}, indent=1))
        return
    _print_steps(steps)
    _print_codes(codes)


def _print_steps(steps: dict[str, Step]) -> None:
    columns = (
        "launches",
        "optimiser's",
        "waits",
        "MB a nonce",
        "network",
        "optimiser",
        "digests",
        "nonces/s by estimate",
    )
    _print_row("step", columns)
    _print_row("---", ["---"] * len(columns))
    for name, step in steps.items():
        megabytes = step.megabytes, step.network_megabytes, step.optimiser_megabytes, step.digest_megabytes
        numbers = [f"{step.launches:.0f}", f"{step.optimiser_launches:.0f}", str(step.waits)]
        numbers += [f"{each:.2f}" for each in megabytes]
        _print_row(name, [*numbers, f"{step.slowest:.0f} to {step.fastest:.0f}"])


def _print_codes(codes: dict[str, list[Code]]) -> None:
    print()
    _print_row("kernel", ["registers", "spilled", "at once"])
    _print_row("---", ["---"] * 3)
    for name, all_of in codes.items():
        worst = max(code.registers for code in all_of), max(code.spilled for code in all_of)
        _print_row(name, [*map(str, worst), str(min(code.programs for code in all_of))])


def _print_row(name: str, cells: Sequence[str]) -> None:
    print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
