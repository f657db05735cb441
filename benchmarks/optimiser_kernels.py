"""The kernels of optimisers and of digests, compiled for an H200 that need not be there."""

from __future__ import annotations

from typing import Any, Final

import torch

from arithmetic.device import blake3_kernel
from benchmarks.compiled_kernels import Code, compiled
from sandbox.lockstep import fused
from sandbox.lockstep.fused import Group

_NONCES: Final = 2
_BYTES: Final = 4096


def code_of_group(group: Group, *, fusion: bool = False) -> Code:
    """A group's kernel; with `fusion`, as it must not be."""
    kernel = fused.kernel(group.chain)
    dtypes = {read.root: torch.bool if read.item == 1 else torch.float32 for read in group.reads}
    dtypes |= dict.fromkeys(group.writes, torch.float32)
    arrays = {number: torch.empty((_NONCES, group.size), dtype=dtype) for number, dtype in dtypes.items()}
    scalars = [0] * (1 + max((read.offset // read.item for read in group.reads), default=0))
    given = [*group.arguments(arrays, scalars), fused.BLOCK]
    arguments = dict(zip(kernel.arg_names, given, strict=True))
    return compiled(kernel, arguments, {**fused.OPTIONS, "enable_fp_fusion": fusion})


def codes_of_digests() -> dict[str, Code]:
    """The kernels that hash rows of bytes."""
    values = torch.empty((_NONCES, 2, 8), dtype=torch.int32)
    of_chunks = {"words": values, "values": values, "words_apart": _BYTES, "bytes_of_row": _BYTES, "chunks": 16}
    of_pairs = {"values": values, "parents": values, "count": 16, "above": 16}
    blocks: dict[str, Any] = {"BLOCKS": 16, "LANES": blake3_kernel.LANES}
    options = dict(blake3_kernel.OPTIONS)
    return {
        "hash_chunks": compiled(blake3_kernel.hash_chunks, of_chunks | blocks, options),
        "hash_pairs": compiled(blake3_kernel.hash_pairs, of_pairs | {"LANES": blake3_kernel.LANES}, options),
    }
