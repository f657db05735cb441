"""Reads many random and damaged programs and records how they end; results/program_fuzzing.json has the counts.

    python -m proofs.program_fuzzing --inputs 10000000 --seed 0 --jobs 2

An input is a segment of a valid program over the whole table of operations, changed in its records, its tables, its
header or its bytes (tests/fuzzing/segment_mutations.py). For every thousand there are two runs of modules in which one
message was changed (tests/fuzzing/trusted_round.py). The exit code is 1 if one breaks the contract of
tests/fuzzing/validating.py and trusted_round.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Final

from proofs.rounds import ROOT, Fuzzing, run
from tests.fuzzing import segment_round, trusted_round
from tests.fuzzing.codec_round import Round

ROUND: Final = 20_000
"""Segments of one round, which is the same for the same seed and number."""
RUNS: Final = 40
"""Runs of one."""
FILES: Final = (
    *sorted((ROOT / "sandbox" / "program").rglob("*.py")),
    *(ROOT / "sandbox" / f"{name}.py" for name in ("executed_optimiser", "state_codec", "stored_state")),
    *(
        ROOT / "tests" / "fuzzing" / f"{name}.py"
        for name in (
            "byte_mutations", "recordings", "segment_mutations", "segment_round", "tapes", "trusted_round",
            "validating",
        )
    ),
    *(ROOT / "tests" / "reference" / f"{name}.py" for name in ("executor", "recorder")),
)  # fmt: skip


def fuzz(seed: str) -> Round:
    """The round of a seed."""
    segments, runs = segment_round.fuzz(seed, ROUND), trusted_round.fuzz(seed, RUNS)
    return Round(
        segments.inputs + runs.inputs,
        segments.endings + runs.endings,
        segments.findings + runs.findings,
        max(segments.peak_mib, runs.peak_mib),
    )


@contextmanager
def opened() -> Iterator[Callable[[str], Round]]:
    """Does rounds by their seeds."""
    yield fuzz


def main() -> int:
    """Run, record and keep what breaks the contract; 1 if anything does."""
    fuzzing = Fuzzing("program_fuzzing", "segments", ("segments",), opened, ROUND, FILES, ("numpy",))
    return run(fuzzing, str(__doc__), 10_000_000)


if __name__ == "__main__":
    sys.exit(import_module("proofs.program_fuzzing").main())  # by its name, for other processes
