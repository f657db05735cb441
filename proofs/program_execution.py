"""Executes many random programs twice and compares the bits; results/program_execution.json has the counts.

    python -m proofs.program_execution --inputs 100000 --seed 0 --jobs 2

A program is a random call over the whole table of operations (tests/fuzzing/recordings.py), for one to three runs. It
is executed run by run on arrays, some of them in compiled loops, and for all runs at once on torch's tensors, one
operation after the other. The exit code is 1 if one value of one program differs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Final

from proofs.rounds import ROOT, Fuzzing, run
from tests.fuzzing.codec_round import Round
from tests.fuzzing.execution_round import fuzz

ROUND: Final = 1000
"""Programs of one round, which is the same for the same seed and number."""
FILES: Final = (
    *sorted((ROOT / "arithmetic").rglob("*.py")),
    *sorted((ROOT / "sandbox" / "execution").rglob("*.py")),
    *sorted((ROOT / "sandbox" / "lockstep").rglob("*.py")),
    *sorted((ROOT / "sandbox" / "program").rglob("*.py")),
    *(ROOT / "tests" / "fuzzing" / f"{name}.py" for name in ("executing", "execution_round", "recordings")),
)


@contextmanager
def opened() -> Iterator[Callable[[str], Round]]:
    """Does rounds by their seeds."""
    yield partial(fuzz, size=ROUND)


def main() -> int:
    """Run, record and keep what differs; 1 if anything does."""
    libraries = ("numpy", "torch", "llvmlite")
    fuzzing = Fuzzing("program_execution", "programs", ("programs",), opened, ROUND, FILES, libraries)
    return run(fuzzing, str(__doc__), 100_000)


if __name__ == "__main__":
    sys.exit(import_module("proofs.program_execution").main())  # by its name, for other processes
