"""Decodes many random and damaged encodings and records how they end; results/codec_fuzzing.json has the counts.

    python -m proofs.codec_fuzzing --inputs 10000000 --seed 0 --jobs 2

An input is a value or a record, badly written or changed (tests/fuzzing/codec_inputs.py). The exit code is 1 if one
breaks the contract of tests/fuzzing/decoding.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Final

from proofs.rounds import ROOT, Fuzzing, run
from tests.fuzzing.codec_round import Round, fuzz

ROUND: Final = 20_000
"""Encodings of one round, which is the same for the same seed and number."""
CODEC: Final = (
    "codec", "Claim", "Solution", "Verdict", "Precommit", "Benchmark", "Proof", "Transcript", "AuditRequest",
    "AuditResponse", "EpochState", "Examination", "Tuning", "Envelope",
)  # fmt: skip
"""Targets that read canonical MessagePack; the wanted number of inputs is of these."""
FILES: Final = (
    *sorted((ROOT / "protocol").rglob("*.py")),
    *(
        ROOT / "tests" / "fuzzing" / f"{name}.py"
        for name in ("byte_mutations", "codec_inputs", "codec_round", "decoding", "key_files")
    ),
    ROOT / "tests" / "support" / "sample_records.py",
)


@contextmanager
def opened() -> Iterator[Callable[[str], Round]]:
    """Does rounds by their seeds."""
    yield partial(fuzz, size=ROUND)


def main() -> int:
    """Run, record and keep what breaks the contract; 1 if anything does."""
    libraries = ("msgpack", "blake3", "cryptography")
    fuzzing = Fuzzing("codec_fuzzing", "encodings", CODEC, opened, ROUND, FILES, libraries)
    return run(fuzzing, str(__doc__), 10_000_000)


if __name__ == "__main__":
    sys.exit(import_module("proofs.codec_fuzzing").main())  # by its name, for other processes
