"""What Python calls of the network's kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from verifier.challenge.network.compiled.kernels.packing import pack_weight
from verifier.challenge.network.compiled.kernels.pair_product import COLUMNS, ROWS, product, transposed_product
from verifier.challenge.network.compiled.kernels.steps import mean_square, outputs, pack_points, training_step

ENTRIES: Final[list[Callable[..., object]]] = [
    training_step, outputs, mean_square, pack_points, pack_weight, product, transposed_product
]  # fmt: skip
CONSTANTS: Final = {"rows": ROWS, "columns": COLUMNS}
