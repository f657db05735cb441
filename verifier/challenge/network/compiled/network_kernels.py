"""The network's set of kernels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from arithmetic.compiled.kernel_cache import KernelSet, kernel_file, kernels
from arithmetic.compiled.machine_code import Kernel
from arithmetic.compiled.processor import Processor

NETWORK: Final = KernelSet(
    "network", "verifier.challenge.network.compiled.kernels.entry_points", Path(__file__).parents[1]
)


@dataclass(frozen=True)
class NetworkKernels:
    """All compiled functions (see those of the same names in `kernels`)."""

    rows: int
    columns: int
    """The sides of a tile, of which batches and layers are padded to multiples."""
    training_step: Kernel
    outputs: Kernel
    mean_square: Kernel
    pack_points: Kernel
    pack_weight: Kernel
    product: Kernel
    transposed_product: Kernel


def network_kernels() -> NetworkKernels:
    """The kernels for this processor, compiled if need be, which takes 15 s. Raises as `kernel_cache.kernels` does."""
    found = kernels(NETWORK, Processor.here())
    everything: dict[str, Any] = {**found.constants, **found.functions}
    return NetworkKernels(**everything)


def are_compiled() -> bool:
    """Whether they are there already. Raises NotCompiledError where they cannot be."""
    return kernel_file(NETWORK, Processor.here()).exists()
