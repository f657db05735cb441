"""Decodes many random and damaged encodings and records how they end; results/codec_fuzzing.json has the counts.

    python -m proofs.codec_fuzzing --inputs 10000000 --seed 0 --jobs 2

An input is a value or a record, badly written or changed (tests/fuzzing/codec_inputs.py). The exit code is 1 if one
breaks the contract of tests/fuzzing/decoding.py.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from tests.fuzzing.codec_round import Round, fuzz
from verifier.runs.pool import ProcessPool, TaskLost

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "proofs" / "results" / "codec_fuzzing.json"
ROUND: Final = 20_000
"""Encodings of one round, which is the same for the same seed and number."""
CODEC: Final = (
    "codec", "Claim", "Solution", "Verdict", "Precommit", "Benchmark", "Proof", "Transcript", "AuditRequest",
    "AuditResponse", "EpochState", "Examination", "Tuning", "Envelope",
)  # fmt: skip
"""Targets that read canonical MessagePack; the wanted number of inputs is of these."""


def code() -> str:
    """The hash of the protocol, the fuzzer and what it mutates."""
    names = ("byte_mutations", "codec_inputs", "codec_round", "decoding", "key_files")
    files = [
        *sorted((ROOT / "protocol").rglob("*.py")),
        *(ROOT / "tests" / "fuzzing" / f"{name}.py" for name in names),
        ROOT / "tests" / "support" / "sample_records.py",
    ]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


@contextmanager
def opened() -> Iterator[Callable[[str], Round]]:
    """Does rounds by their seeds."""
    yield partial(fuzz, size=ROUND)


def begin(seed: int, path: Path) -> dict[str, Any]:
    """The progress so far of the same run of the same code, or that of none."""
    about = {"code": code(), "seed": seed}
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_text())
        if {key: found[key] for key in about} == about:
            return found
    return {**about, "rounds": 0, "seconds": 0.0, "inputs": {}, "endings": {}, "findings": [], "peak_mib": 0}


def add(progress: dict[str, Any], done: Round, seconds: float) -> None:
    """Count one more round."""
    progress["rounds"] += 1
    progress["seconds"] += seconds
    for name in ("inputs", "endings"):
        progress[name] = dict(Counter(progress[name]) + getattr(done, name))
    progress["findings"] += done.findings
    progress["peak_mib"] = max(progress["peak_mib"], done.peak_mib)


def save(progress: dict[str, Any], path: Path) -> None:
    """Replace the file with the progress."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(progress))
    partial.replace(path)


def record(progress: dict[str, Any], jobs: int) -> dict[str, Any]:
    """What goes into the results."""
    endings = {}
    for target in progress["inputs"]:
        mine = {name.removeprefix(f"{target}: "): count for name, count in progress["endings"].items()
                if name.startswith(f"{target}: ")}  # fmt: skip
        endings[target] = dict(Counter(mine).most_common())
    libraries = {name: version(name) for name in ("msgpack", "blake3", "cryptography")}
    return {
        "date": f"{datetime.date.today()}", "machine": platform.machine(),
        "versions": {"python": platform.python_version(), **libraries}, "sha256_of_the_code": progress["code"],
        "seed": progress["seed"], "encodings": sum(progress["inputs"][target] for target in CODEC),
        "inputs": progress["inputs"], "jobs": jobs, "seconds": round(progress["seconds"]),
        "peak_mib": progress["peak_mib"], "findings": progress["findings"], "endings": endings,
    }  # fmt: skip


def main() -> int:
    """Run, record and keep what breaks the contract; 1 if anything does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--progress", type=Path, default=ROOT / "build" / "codec_fuzzing.json")
    options = parser.parse_args()
    options.progress.parent.mkdir(parents=True, exist_ok=True)
    progress = begin(options.seed, options.progress)
    rounds = -(-options.inputs // ROUND)
    with ProcessPool(opened, options.jobs, tries=1) as pool:
        while progress["rounds"] < rounds:
            started, first = time.monotonic(), progress["rounds"]
            numbers = range(first, min(first + 5 * options.jobs, rounds))
            done = dict(pool.run([f"{options.seed} {number}" for number in numbers]))
            for seed in sorted(done, key=lambda seed: int(seed.split()[1])):
                one = done[seed]
                if isinstance(one, TaskLost):
                    one = Round(findings=[f"{seed} {one.why}"])
                add(progress, one, (time.monotonic() - started) / len(done))
                print(*one.findings, sep="\n", end="", flush=True)
            save(progress, options.progress)
            print(f"{progress['rounds']} of {rounds} rounds, {progress['seconds']:.0f} s", flush=True)
    RESULTS.write_text(json.dumps(record(progress, options.jobs), indent=1) + "\n")
    return int(bool(progress["findings"]))


if __name__ == "__main__":
    sys.exit(import_module("proofs.codec_fuzzing").main())  # by its name, for other processes
