"""Runs many random and mutated programs, each twice, and records how they end; results/fuzzing.json has the counts.

    python -m proofs.fuzzing --programs 100000 --jobs 2

Each program runs in one process and again in another, where the optimiser is replaced by one with its saved state in
the middle; every tenth time that is done in jailed workers. The exit code is 1 if a program breaks the contract of
tests/fuzzing/oracle.py or if its two runs differ.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import hashlib
import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch

from sandbox.isolation import Jail
from tests.fuzzing.oracle import EPOCHS, Factory, Outcome, complaint, difference, in_process, observe
from tests.fuzzing.reach import Reach, summary
from tests.fuzzing.samples import Program, program
from tests.fuzzing.shrinking import shrunk

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "proofs" / "results" / "fuzzing.json"
BLOCK: Final = 20
"""Programs that a process is asked for at once."""
ROUND: Final = 400
"""Programs of a job between two records of the progress."""
JAILED: Final = 10
"""One second run in so many is in jailed workers, whose forks take ten times as long as the rest."""
STALLED: Final = 300.0
"""Seconds that a block may take."""
ROLES: Final = ("first", "second")


@dataclass(frozen=True)
class Answer:
    """What a process says of one program."""

    origin: str
    source: str
    """The hash of the program, which both processes make for themselves."""
    outcome: Outcome
    """The message shortened and with its hash."""
    complaint: str


class Peer:
    """A process that runs the programs of the seeds that it is given, with a hash seed of its own."""

    def __init__(self, role: str) -> None:
        self._role = role
        self._start()

    def _start(self) -> None:
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--role", self._role],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **threads, "PYTHONHASHSEED": str(1 + ROLES.index(self._role))},
        )

    def ask(self, *questions: object) -> Iterator[str]:
        """The answers in order; the empty text where the process died over a question, and a new one goes on."""
        pending = list(map(str, questions))
        while pending:
            process = self._process
            assert process.stdin is not None
            assert process.stdout is not None
            guard = threading.Timer(STALLED, process.kill)
            guard.start()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write("\n".join(pending) + "\n")
                process.stdin.flush()
            while pending and (line := process.stdout.readline()):
                pending.pop(0)
                yield line
            guard.cancel()
            if pending:
                pending.pop(0)
                process.wait()
                yield ""
                self._start()

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()


def answer(given: Program, make: Factory, handover: int) -> tuple[Answer, Outcome]:
    """What a process says of one program, and the outcome in full."""
    outcome = observe(given, make, handover)
    digest = hashlib.sha256(outcome.message.encode()).hexdigest()[:16]
    short = Outcome(outcome.ending, f"{outcome.message[:300]} #{digest}", outcome.fuel_used, outcome.answers)
    return Answer(given.origin, hashlib.sha256(given.source).hexdigest(), short, complaint(given, outcome)), outcome


def serve(role: str) -> None:
    """Answer seeds from the input, a line for each; an empty line asks what has been reached."""
    torch.set_num_threads(1)
    reach = Reach()
    second = role == ROLES[1]
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        jailed: Factory = in_process
        if second:
            jailed = stack.enter_context(Jail()).start
        else:
            reach.install()
        for line in sys.stdin:
            if not line.strip():
                print(json.dumps({part: sorted(names) for part, names in reach.reached.items()}), flush=True)
                continue
            seed = int(line)
            given = program(seed)
            make = jailed if second and seed % JAILED == 0 else in_process
            said, outcome = answer(given, make, 1 + seed % EPOCHS if second else 0)
            reach.note(given, outcome)
            print(json.dumps(asdict(said)), flush=True)


def finding(first: str, second: str) -> str:
    """What is wrong with the answers to one seed, or nothing."""
    for role, said in zip(ROLES, (first, second), strict=True):
        if not said:
            return f"a process died or stalled ({role})"
    one, other = json.loads(first), json.loads(second)
    if one["source"] != other["source"]:
        return "the processes made different programs"
    differing = difference(Outcome(**one["outcome"]), Outcome(**other["outcome"]))
    return str(one["complaint"] or other["complaint"] or differing)


class Job:
    """A pair of processes, and what they said."""

    def __init__(self) -> None:
        self._peers = [Peer(role) for role in ROLES]

    def round(self, seeds: range) -> tuple[Counter[str], dict[int, str], dict[str, list[str]]]:
        """How the programs of some seeds ended, the findings among them, and what this job has reached."""
        endings: Counter[str] = Counter()
        findings: dict[int, str] = {}
        for start in range(0, len(seeds), BLOCK):
            block = seeds[start : start + BLOCK]
            with ThreadPoolExecutor(2) as both:
                answers = list(both.map(lambda peer: list(peer.ask(*block)), self._peers))  # noqa: B023
            for seed, first, second in zip(block, *answers, strict=True):
                said: dict[str, Any] = json.loads(first or '{"origin": "unknown", "outcome": {"ending": "died"}}')
                endings[f"{said['origin']} {said['outcome']['ending']}"] += 1
                if found := finding(first, second):
                    findings[seed] = found
        (reached,) = self._peers[0].ask("")
        return endings, findings, json.loads(reached) if reached else {}

    def close(self) -> None:
        """End the processes."""
        for peer in self._peers:
            peer.close()


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

    with torch.inference_mode():
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


def advance(progress: dict[str, Any], jobs: list[Job], wanted: int) -> None:
    """One round of every job."""
    started = time.monotonic()
    first, left = progress["seed"] + progress["programs"], wanted - progress["programs"]
    size = min(ROUND, -(-left // len(jobs)))
    shares = [range(first + i * size, first + min((i + 1) * size, left)) for i in range(len(jobs))]
    with ThreadPoolExecutor(len(jobs)) as pool:
        for endings, findings, reached in pool.map(Job.round, jobs, shares):
            progress["endings"] = dict(Counter(progress["endings"]) + endings)
            progress["findings"] |= {str(seed): found for seed, found in findings.items()}
            for part, names in reached.items():
                progress["reached"][part] = sorted({*progress["reached"].get(part, []), *names})
    progress["programs"] += sum(map(len, shares))
    progress["seconds"] += time.monotonic() - started


def record(progress: dict[str, Any], jobs: int) -> dict[str, Any]:
    """What goes into the results."""
    versions = {"python": platform.python_version(), "torch": torch.__version__}
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
    parser.add_argument("--jobs", type=int, default=1, help="pairs of processes")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "fuzzing", help="for progress and failing programs"
    )
    parser.add_argument("--role", choices=ROLES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        serve(options.role)
        return 0
    options.folder.mkdir(parents=True, exist_ok=True)
    progress = begin(options)
    jobs = [Job() for _ in range(options.jobs)]
    while progress["programs"] < options.programs:
        known = set(progress["findings"])
        advance(progress, jobs, options.programs)
        partial = options.folder / "progress.partial"
        partial.write_text(json.dumps(progress))
        partial.replace(options.folder / "progress.json")
        for seed, found in progress["findings"].items():
            if seed not in known:
                print(f"{seed}: {found}", flush=True)
                keep(options.folder, int(seed), found)
        print(f"{progress['programs']} programs, {progress['seconds']:.0f} s, {progress['endings']}", flush=True)
    for job in jobs:
        job.close()
    RESULTS.write_text(json.dumps(record(progress, options.jobs), indent=1) + "\n")
    return int(bool(progress["findings"]))


if __name__ == "__main__":
    sys.exit(main())
