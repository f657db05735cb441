"""The queue: nonces a minute against cores, what it adds to an item, and what its processes hold.

python -m benchmarks.queue [--jobs 2] [--nonces 24] [--rounds 3] [--fuel N] [--n-hidden 4]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import Figure, Figures
from benchmarks.short_training import ADAM, end_after, session
from benchmarks.start import PROGRAM, watch
from protocol.keys import SigningKey
from sandbox.isolation import InProcess
from verifier.challenge.module import Module
from verifier.challenge.solving import solve
from verifier.challenge.training.trainer import Observer
from verifier.command_line.solving.claim_folder import ClaimFolder
from verifier.runs.queue import completed
from verifier.runs.run_log import Done, read_run

ITEMS = 2000
"""Trivial ones, for what the queue adds to one."""
SOLUTION = 2_000_000
"""Bytes of a large solution, as results carry it."""
WRITES = 100


@dataclass(frozen=True)
class Options:
    """What is trained, and how often."""

    jobs: int
    nonces: int
    rounds: int
    fuel: int
    n_hidden: int

    def solve(self, key: Path, out: Path, jobs: int, nonces: int) -> list[str]:
        """A call of the command, with its arguments."""
        return [
            "solve", str(ADAM), "--track", f"n_hidden={self.n_hidden}", "--fuel", str(self.fuel), "--key", str(key),
            "--nonces", f"0..{nonces - 1}", "--jobs", str(jobs), "-o", str(out),
        ]  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--nonces", type=int, default=24, help="of each call (default: 24)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fuel", type=int, default=1_500_000_000, help="of each training; the default is some seconds")
    parser.add_argument("--n-hidden", type=int, default=4)
    options = Options(**vars(parser.parse_args()))
    with TemporaryDirectory() as folder:
        measured = (item_figures, write_figures, process_figures, pace_figures)
        for figures in measured:
            for name, figure in figures(options, Path(folder)).items():
                print(f"{name}: {figure}", flush=True)


def pace_figures(options: Options, folder: Path) -> Figures:
    """Nonces a minute of one core and of several, in turns: of whole calls, and without their start.

    The same for as many calls at once, each on a core of its own: the machine gives no more.
    """
    found: dict[str, list[float]] = {}
    key = _key(folder)
    for number in range(options.rounds):
        one, several = (_pace(options, key, folder / f"{number}-{cores}", cores) for cores in (1, options.jobs))
        apart = _pace_apart(options, key, folder / f"{number}-apart")
        for cores, (whole, steady) in ((1, one), (options.jobs, several)):
            found.setdefault(f"nonces a minute, cores: {cores}", []).append(whole)
            found.setdefault(f"nonces a minute, cores: {cores}, once started", []).append(steady)
        found.setdefault(f"{options.jobs} cores against 1", []).append(several[0] / one[0])
        found.setdefault(f"{options.jobs} cores against 1, once started", []).append(several[1] / one[1])
        found.setdefault(f"{options.jobs} calls, each on a core, against 1, once started", []).append(apart / one[1])
    return {name: Figure.of("", values) for name, values in found.items()}


def _pace(options: Options, key: Path, out: Path, cores: int) -> tuple[float, float]:
    started = time.perf_counter()
    _start(options.solve(key, out, cores, options.nonces), range(cores)).wait()
    took = time.perf_counter() - started
    return 60.0 * options.nonces / took, _steady(out, cores)


def _pace_apart(options: Options, key: Path, out: Path) -> float:
    folders = [out / f"{core}" for core in range(options.jobs)]
    share = options.nonces // options.jobs
    calls = [_start(options.solve(key, each, 1, share), [core]) for core, each in enumerate(folders)]
    for call in calls:
        call.wait()
    return sum(_steady(each, 1) for each in folders)


def _start(arguments: Sequence[str], cores: Iterable[int]) -> subprocess.Popen[bytes]:
    """A call of the command that may use these cores alone, of those that this process may use."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(allowed)[core] for core in cores})
    try:
        return subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    finally:
        os.sched_setaffinity(0, allowed)


def _steady(out: Path, processes: int) -> float:
    """Nonces a minute after the first one of each process, which has its start in it."""
    (log,) = out.glob("*.run")
    times = sorted(each.time for each in read_run(log).claims.values() if isinstance(each, Done))
    return 60.0 * (len(times) - processes) / (times[-1] - times[processes - 1])


def _key(folder: Path) -> Path:
    path = folder / "key.pem"
    if not path.exists():
        SigningKey.generate().save(path)
    return path


def item_figures(options: Options, folder: Path) -> Figures:
    """Milliseconds that a process of the queue adds to an item that costs nothing."""
    sizes = {"an item that does nothing": 0, f"an item whose result has {SOLUTION / 1e6:g} MB": SOLUTION}
    return {f"the queue adds to {name}": Figure.of("ms", _overheads(size)) for name, size in sizes.items()}


def _overheads(size: int) -> list[float]:
    count = ITEMS if size == 0 else ITEMS // 10
    times = []
    with closing(completed(giving, [size] * (count + 1), 1, until=time.monotonic() + 3600.0)) as answers:
        last = None
        for _ in answers:
            now = time.perf_counter()
            if last is not None:
                times.append((now - last) * 1e3)
            last = now
    return times


@contextmanager
def giving(observer: Observer | None) -> Iterator[Callable[[int], bytes]]:
    """What gives so many bytes."""
    yield bytes


def write_figures(options: Options, folder: Path) -> Figures:
    """Milliseconds to sign a claim and write its files, which a call does for one nonce after the other."""
    end_after(2)
    made = session(4, InProcess())
    solved = solve(made)
    module = Module(ADAM.name, ADAM.read_bytes())
    claims = ClaimFolder(folder / "written", ADAM, module, made.task, SigningKey.generate(), overwrite=False)
    times, processor = [], []
    for nonce in range(WRITES):
        claim = replace(solved.claim, nonce=nonce)
        started, used = time.perf_counter(), time.process_time()
        claims.write(claim, solved.solution, solved.training.leaves)
        times.append((time.perf_counter() - started) * 1e3)
        processor.append((time.process_time() - used) * 1e3)
    named = {"writing a claim, n_hidden=4": times, "processor time of that": processor}
    return {name: Figure.of("ms", values) for name, values in named.items()}


def process_figures(options: Options, folder: Path) -> Figures:
    """MB of the call, and of what belongs to one of its jobs: process, zygote with its first process, and worker."""
    jobs = max(options.jobs, 2)  # one job is the call itself
    call, *below = watch(options.solve(_key(folder), folder / "memory", jobs, 2 * jobs))
    found = call.figures("the call")
    own: dict[int, float] = {}
    for process in below:
        own[process.depth] = max(own.get(process.depth, 0.0), process.own)
    names = dict(zip(sorted(own), ("process", "zygote's first process", "zygote", "worker"), strict=True))
    for depth, size in own.items():
        found[f"own memory of a job's {names[depth]}"] = Figure.of("MB", [size])
    found["own memory of a job"] = Figure.of("MB", [sum(own.values())])
    return found


if __name__ == "__main__":
    import_module("benchmarks.queue").main()  # by its name, for other processes
