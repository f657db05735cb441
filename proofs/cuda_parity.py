"""Whether a GPU gives the bits that CPUs recorded, and how fast: for a machine that has one, within eight minutes.

    python -m proofs.cuda_parity [--minutes 8] [--only PART ...] [--again] [--results FILE]
    python -m proofs.cuda_parity --dry-run [triton]

Each part ends with a line, and is written to results/cuda_parity.json at once: the same call goes on with the parts
that are left, or failed. What was found on another machine, or with other code, is not kept. With --dry-run torch's CPU
stands for the GPU, or Triton's interpreter, and small networks for large ones; nothing is written. Exit code 1 if a
part failed, 3 if it cannot begin, 4 if some are left for want of time.

The machine may be one without a network. It needs torch for CUDA, Triton, and what NEEDED names. Where these are
missing, fetch them elsewhere for its Python and carry the folder there with the repository:

    pip download --only-binary :all: --python-version 3.12 --platform manylinux_2_28_x86_64 -d wheels NAME ...
    pip install --no-index --find-links wheels NAME ...        (on that machine)
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

NEEDED: Final = ("torch", "numpy", "blake3", "hypothesis", "llvmlite", "msgpack", "pytest", "RestrictedPython")
"""What is imported; a GPU needs triton too."""


def missing(*, dry: bool) -> list[str]:
    """What is not installed."""
    return [name for name in (*NEEDED, *(() if dry else ("triton",))) if find_spec(name) is None]


def main(arguments: Sequence[str]) -> int:
    if lacking := missing(dry=not {"--dry-run", "--help", "-h"}.isdisjoint(arguments)):
        print(f"not installed: {', '.join(lacking)}; the top of {Path(__file__).name} says how", file=sys.stderr)
        return 3
    if "triton" in arguments:
        os.environ["TRITON_INTERPRET"] = "1"  # read when Triton is imported
    code: int = import_module("proofs.device_parity").main(arguments, (__doc__ or "").split("\n", maxsplit=1)[0])
    return code


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also where it is called by its path
    sys.exit(main(sys.argv[1:]))
