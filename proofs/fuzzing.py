"""Runs many random and mutated programs, each twice, and records how they end; results/fuzzing.json has the counts.

    python -m proofs.fuzzing --programs 100000 --jobs 2

Each program runs in one process and again in another, where the optimiser is replaced by one with its saved state in
the middle; every tenth time that is done in jailed workers. The exit code is 1 if a program breaks the contract of
tests/fuzzing/oracle.py or if its two runs differ.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import platform
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from sandbox.isolation import Jail
from tests.fuzzing.oracle import EPOCHS, Factory, Outcome, complaint, difference, observe
from tests.fuzzing.reach import VOCABULARY, Reach, summary
from tests.fuzzing.samples import Program, program
from tests.fuzzing.shrinking import shrunk
from tests.support.sample_optimisers import in_process
from verifier.runs.pool import ProcessPool, TaskLost

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "proofs" / "results" / "fuzzing.json"
ROUND: Final = 400
"""Programs of a process between two records of the progress."""
JAILED: Final = 10
"""One second run in so many is in jailed workers, whose forks take ten times as long as the rest."""
STALLED: Final = 300
"""Seconds that a program may take."""
ROLES: Final = ("first", "second")
Names = dict[str, set[str]]
"""Names of each part of the vocabulary."""


@dataclass(frozen=True)
class Answer:
    """What a process says of one program."""

    origin: str
    source: str
    """The hash of the program, which both processes make for themselves."""
    outcome: Outcome
    """The message shortened and with its hash."""
    complaint: str


def answer(given: Program, make: Factory, handover: int) -> tuple[Answer, Outcome]:
    """What a process says of one program, and the outcome in full."""
    outcome = observe(given, make, handover)
    digest = hashlib.sha256(outcome.message.encode()).hexdigest()[:16]
    short = Outcome(outcome.ending, f"{outcome.message[:300]} #{digest}", outcome.fuel_used, outcome.answers)
    return Answer(given.origin, hashlib.sha256(given.source).hexdigest(), short, complaint(given, outcome)), outcome


@contextmanager
def opened(role: str) -> Iterator[Callable[[int], tuple[Answer, Names]]]:
    """Runs the programs of seeds; tells the answer and, of what this process has reached, what is new."""
    reach, told = Reach(), Reach()
    second = role == ROLES[1]
    with ExitStack() as stack:
        jailed: Factory = in_process
        if second:
            jailed = stack.enter_context(Jail()).start
        else:
            reach.install()

        def work(seed: int) -> tuple[Answer, Names]:
            signal.alarm(STALLED)  # which ends this process
            given = program(seed)
            make = jailed if second and seed % JAILED == 0 else in_process
            said, outcome = answer(given, make, 1 + seed % EPOCHS if second else 0)
            signal.alarm(0)
            reach.note(given, outcome)
            new = {part: names - told.reached[part] for part, names in reach.reached.items()}
            for part, names in new.items():
                told.reached[part] |= names
            return said, new

        yield work


def pool(role: str, jobs: int) -> ProcessPool[int, tuple[Answer, Names]]:
    """Processes of a role, each with a hash seed of its own, as Python gives to who is isolated from its variables."""
    return ProcessPool(partial(opened, role), jobs, tries=1)


def finding(first: Answer | TaskLost, second: Answer | TaskLost) -> str:
    """What is wrong with the answers to one seed, or nothing."""
    for role, said in zip(ROLES, (first, second), strict=True):
        if isinstance(said, TaskLost):
            return f"a process died or stalled ({role}): {said.why}"
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    if first.source != second.source:
        return "the processes made different programs"
    return first.complaint or second.complaint or difference(first.outcome, second.outcome)


def keep(folder: Path, seed: int, found: str) -> None:
    """Put a failing program into the folder, and a smaller one if it fails in this process too."""
    given = program(seed)
    (folder / f"{seed}.py").write_bytes(given.source)
    (folder / f"{seed}.txt").write_text(found + "\n")
    if "died" in found:
        return

    def fails(candidate: Program) -> bool:
        outcomes = [observe(candidate, in_process), observe(candidate, in_process, 1 + seed % EPOCHS)]
        now = complaint(candidate, outcomes[0]) or complaint(candidate, outcomes[1]) or difference(*outcomes)
        return bool(now) and now.partition(":")[0] == found.partition(":")[0]

    if fails(given):
        (folder / f"{seed}.small.py").write_bytes(shrunk(given, fails).source)


def code() -> str:
    """The hash of the sandbox, the fuzzer and what it mutates."""
    places = [
        ROOT / name
        for name in ("sandbox", "tests/fuzzing", "fixtures/attacks", "fixtures/optimisers", "fixtures/trials")
    ]
    files = sorted(path for place in places for path in place.rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def begin(options: argparse.Namespace) -> dict[str, Any]:
    """The progress so far of the same run of the same code, or that of none."""
    about = {"code": code(), "seed": options.seed}
    path = options.folder / "progress.json"
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_text())
        if {key: found[key] for key in about} == about:
            return found
    return {**about, "programs": 0, "seconds": 0.0, "endings": {}, "findings": {}, "reached": {}}


def advance(progress: dict[str, Any], pools: Sequence[ProcessPool[int, tuple[Answer, Names]]], seeds: range) -> None:
    """Run the programs of some seeds in each pool, and count how they ended."""
    started = time.monotonic()
    reached = {part: set(progress["reached"].get(part, ())) for part in VOCABULARY}
    answers: list[dict[int, Answer | TaskLost]] = []
    for each in pools:
        said: dict[int, Answer | TaskLost] = {}
        for seed, result in each.run(seeds):
            if isinstance(result, TaskLost):
                said[seed] = result
                continue
            said[seed], new = result
            for part, names in new.items() if each is pools[0] else ():
                reached[part] |= names
        answers.append(said)
    endings = Counter[str](progress["endings"])
    for seed in seeds:
        first, second = (said[seed] for said in answers)
        endings[f"{first.origin} {first.outcome.ending}" if isinstance(first, Answer) else "unknown died"] += 1
        if found := finding(first, second):
            progress["findings"][str(seed)] = found
    progress["endings"] = dict(endings)
    progress["reached"] = {part: sorted(names) for part, names in reached.items()}
    progress["programs"] += len(seeds)
    progress["seconds"] += time.monotonic() - started


def record(progress: dict[str, Any], jobs: int) -> dict[str, Any]:
    """What goes into the results."""
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    by_ending: Counter[str] = Counter()
    for name, count in progress["endings"].items():
        by_ending[name.split()[1]] += count
    return {
        "date": f"{datetime.date.today()}", "machine": platform.machine(), "versions": versions,
        "sha256_of_the_code": progress["code"], "seed": progress["seed"], "programs": progress["programs"],
        "in_jailed_workers": -(-progress["programs"] // JAILED), "jobs": jobs, "seconds": round(progress["seconds"]),
        "findings": progress["findings"], "endings": dict(by_ending.most_common()),
        "endings_by_origin": dict(sorted(progress["endings"].items())), "reached": summary(progress["reached"]),
    }  # fmt: skip


def main() -> int:
    """Run, record and keep what fails; 1 if anything does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first program; the others follow it")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "fuzzing", help="for progress and failing programs"
    )
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    progress = begin(options)
    with ExitStack() as stack:
        pools = [stack.enter_context(pool(role, options.jobs)) for role in ROLES]
        fuzz(progress, pools, options)
    RESULTS.write_text(json.dumps(record(progress, options.jobs), indent=1) + "\n")
    return int(bool(progress["findings"]))


def fuzz(
    progress: dict[str, Any], pools: Sequence[ProcessPool[int, tuple[Answer, Names]]], options: argparse.Namespace
) -> None:
    """Run programs up to the number wanted, record the progress, and keep what fails."""
    while progress["programs"] < options.programs:
        known = set(progress["findings"])
        first, left = options.seed + progress["programs"], options.programs - progress["programs"]
        advance(progress, pools, range(first, first + min(ROUND * options.jobs, left)))
        partial = options.folder / "progress.partial"
        partial.write_text(json.dumps(progress))
        partial.replace(options.folder / "progress.json")
        for seed, found in progress["findings"].items():
            if seed not in known:
                print(f"{seed}: {found}", flush=True)
                keep(options.folder, int(seed), found)
        print(f"{progress['programs']} programs, {progress['seconds']:.0f} s, {progress['endings']}", flush=True)


if __name__ == "__main__":
    sys.exit(import_module("proofs.fuzzing").main())  # by its name, for other processes
