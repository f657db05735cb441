"""Fuzzing in rounds: many random inputs, in processes, with a progress to go on with and a recorded result."""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import platform
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from tests.fuzzing.codec_round import Round
from verifier.runs.pool import Opening, ProcessPool, TaskLost

ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True)
class Fuzzing:
    """A proof by random inputs: what does its rounds, of `size` inputs each, and the code that its result is of."""

    name: str
    """Of its module, and of the file of its result."""
    unit: str
    """What an input is called in the result."""
    counted: Sequence[str]
    """The targets whose inputs are counted as these; a round may have others besides."""
    opened: Opening[str, Round]
    """Does rounds by their seeds."""
    size: int
    files: Sequence[Path]
    libraries: Sequence[str]

    @property
    def result(self) -> Path:
        """Where the result is."""
        return ROOT / "proofs" / "results" / f"{self.name}.json"

    def code(self) -> str:
        """The hash of what is fuzzed, of the fuzzer and of what it mutates."""
        return hashlib.sha256(b"".join(path.read_bytes() for path in self.files)).hexdigest()

    def begin(self, seed: int, path: Path) -> dict[str, Any]:
        """The progress so far of the same run of the same code, or that of none."""
        about = {"code": self.code(), "seed": seed}
        if path.exists():
            found: dict[str, Any] = json.loads(path.read_text())
            if {key: found[key] for key in about} == about:
                return found
        return {**about, "rounds": 0, "seconds": 0.0, "inputs": {}, "endings": {}, "findings": [], "peak_mib": 0}

    def record(self, progress: dict[str, Any], jobs: int) -> dict[str, Any]:
        """What goes into the results."""
        endings = {}
        for target in progress["inputs"]:
            mine = {name.removeprefix(f"{target}: "): count for name, count in progress["endings"].items()
                    if name.startswith(f"{target}: ")}  # fmt: skip
            if mine:
                endings[target] = dict(Counter(mine).most_common())
        libraries = {name: version(name) for name in self.libraries}
        return {
            "date": f"{datetime.date.today()}", "machine": platform.machine(),
            "versions": {"python": platform.python_version(), **libraries}, "sha256_of_the_code": progress["code"],
            "seed": progress["seed"], self.unit: sum(progress["inputs"][target] for target in self.counted),
            "inputs": progress["inputs"], "jobs": jobs, "seconds": round(progress["seconds"]),
            "peak_mib": progress["peak_mib"], "findings": progress["findings"], "endings": endings,
        }  # fmt: skip


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


def run(fuzzing: Fuzzing, description: str, inputs: int) -> int:
    """Run as the command line says, record the result; 1 if anything breaks the contract."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=inputs)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--progress", type=Path, default=ROOT / "build" / f"{fuzzing.name}.json")
    options = parser.parse_args()
    options.progress.parent.mkdir(parents=True, exist_ok=True)
    progress = fuzzing.begin(options.seed, options.progress)
    rounds = -(-options.inputs // fuzzing.size)
    with ProcessPool(fuzzing.opened, options.jobs, tries=1) as pool:
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
    fuzzing.result.write_text(json.dumps(fuzzing.record(progress, options.jobs), indent=1) + "\n")
    return int(bool(progress["findings"]))
