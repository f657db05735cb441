"""Nothing is lost by `kill -9`; results/kills.json has what was tried.

    python -m proofs.kills [--part trainings|day] [--kills N] [--nonces N] [--items N] [--jobs N] [--seed N]

`solve` trains many nonces shortly, in jailed workers, and is killed at random moments: one of its processes, one of a
jail's, the call alone, or everything at once. The same call goes on, until the kills are used up and it ends by itself.
Then every claim has to be there, once, with all files byte for byte those of a call that nobody disturbed, and nothing
else; and after each kill, no process. What a run has shown is recorded at its end, and the next call goes on.

A day of work follows: a hundred thousand items that cost nothing, through the same queue and into a table of results,
killed in the same ways.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

from protocol.keys import SigningKey
from tests.support.folders import FIXTURES, ROOT
from tests.support.processes import children, descendants, eventually, is_alive
from verifier.challenge.training.trainer import Observer
from verifier.challenge.versions import versions
from verifier.command_line.exit_codes import DONE, UNDETERMINED
from verifier.runs.pool import TaskLost
from verifier.runs.queue import completed
from verifier.runs.results_table import ResultsTable, read_rows
from verifier.runs.row_formats import json_rows
from verifier.runs.run_log import FORMAT, Done, Found

Record: TypeAlias = Mapping[str, Any]
RESULTS: Final = Path(__file__).parent / "results" / "kills.json"
ADAM: Final = FIXTURES / "optimisers" / "adam.py"
FUEL: Final = 20_000_000
"""Enough for two epochs."""
VICTIMS: Final = ("a process", "a jail", "the call", "everything")
_TO_BE_GONE: Final = 60.0
"""Seconds in which the processes below a killed call have to end."""


def main() -> int:
    """Kill, compare and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["trainings", "day"], action="append", help="default: both")
    parser.add_argument("--kills", type=int, default=200, help="of each part (default: 200)")
    parser.add_argument("--nonces", type=int, default=200, help="of a run; as many runs follow as the kills need")
    parser.add_argument("--items", type=int, default=100_000, help="of the day (default: 100000)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder, parts = Path(temporary), options.part or ["trainings", "day"]
        if "trainings" in parts:
            known = _recorded().get("trainings", {})
            for found in trainings(folder, options.nonces, options.kills, options.jobs, options.seed, known):
                _record("trainings", found)
        if "day" in parts:
            lot = random.Random(options.seed)
            _record("day", day(folder / "day.jsonl", options.items, options.kills, options.jobs, lot))
    return DONE


def _recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return found


def _record(part: str, found: Record) -> None:
    made = {"date": f"{datetime.date.today()}", **versions(), "lost": 0, **found}
    made["seconds"] = round(found["seconds"])
    RESULTS.write_text(json.dumps(_recorded() | {part: made}, indent=1) + "\n")
    print(f"{part}: {found}", flush=True)


# -- trainings ---------------------------------------------------------------------------------------------------


def trainings(
    folder: Path, nonces: int, kills: int, jobs: int, seed: int, known: Record, longest: float = 3.0
) -> Iterator[Record]:
    """Runs of `solve` among so many kills, those that are known included; what is known after each run.

    Kills are at most `longest` seconds apart, or after something was done. Raises AssertionError for a loss.
    """
    counts = Counter[str](known.get("kills", {}))
    runs, seconds = known.get("runs", 0), known.get("seconds", 0.0)
    key, undisturbed = folder / "key.pem", folder / "undisturbed"
    SigningKey.generate().save(key)
    subprocess.run(_solve(key, nonces, jobs, undisturbed), stdout=subprocess.DEVNULL, check=True)
    while counts.total() < kills:
        started = time.monotonic()
        runs += 1
        disturbed = folder / f"run-{runs}"
        call, lot = _solve(key, nonces, jobs, disturbed), random.Random(f"{seed}, run {runs}")
        counts += among_kills(call, partial(_count, disturbed), kills - counts.total(), longest, lot)
        require_same(undisturbed, disturbed, nonces)
        seconds += time.monotonic() - started
        yield {"nonces": nonces, "jobs": jobs, "runs": runs, "kills": dict(sorted(counts.items())), "seconds": seconds}


def _solve(key: Path, nonces: int, jobs: int, out: Path) -> list[str]:
    return [
        sys.executable, "-P", "-m", "verifier.command_line.main", "solve", str(ADAM), "--track", "n_hidden=1",
        "--nonces", f"0..{nonces - 1}", "--fuel", str(FUEL), "--jobs", str(jobs), "--key", str(key), "-o", str(out),
    ]  # fmt: skip


def require_same(undisturbed: Path, disturbed: Path, nonces: int) -> None:
    """Raise AssertionError unless both folders have the same claims, and the log knows of each, once."""
    expected, found = _files(undisturbed), _files(disturbed)
    assert sum(name.endswith(".claim") for name in found) == nonces
    assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
    assert found == expected, [name for name in found if found[name] != expected[name]]
    (log,) = disturbed.glob("*.run")
    entries = list(read_rows(log, FORMAT).values())
    made = Counter(entry.nonce for entry in entries if isinstance(entry, Done))
    assert set(made.values()) <= {1}, made
    assert {entry.nonce for entry in entries if isinstance(entry, Found)} == set(range(nonces))


def _count(folder: Path) -> int:
    return len(list(folder.glob("*.claim")))


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".run"}


# -- a day of work -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Square:
    """An item of the day and its result."""

    item: int
    square: int

    @property
    def key(self) -> int:
        """The item."""
        return self.item


SQUARES: Final = json_rows(Square, "kills")


def day(path: Path, items: int, kills: int, jobs: int, lot: random.Random, longest: float = 0.1) -> Record:
    """A day's items among at most so many kills. Raises AssertionError for one that is lost or wrong."""
    started = time.monotonic()
    program = f"from proofs.kills import work_through\nfrom pathlib import Path\nwork_through(Path({str(path)!r}), "
    call = [sys.executable, "-P", "-c", f"{program}{items}, {jobs})"]
    counts = among_kills(call, lambda: path.exists() and path.stat().st_size, kills, longest, lot)
    rows = path.read_text().splitlines()
    assert len(rows) == items, len(rows)
    assert {row.item: row.square for row in read_rows(path, SQUARES).values()} == {n: n * n for n in range(items)}
    seconds = time.monotonic() - started
    return {"items": items, "jobs": jobs, "kills": dict(sorted(counts.items())), "seconds": seconds}


def work_through(path: Path, items: int, jobs: int) -> None:
    """Square what the table lacks, and exit with 0 if nothing is lost: the program of the day."""
    with ResultsTable(path, SQUARES) as table:
        todo = (item for item in range(items) if item not in table.rows)
        with closing(completed(squaring, todo, jobs)) as answers:
            for item, answer in answers:
                if not isinstance(answer, TaskLost):
                    table.add(Square(item, answer))
        sys.exit(DONE if len(table.rows) == items else UNDETERMINED)


@contextmanager
def squaring(observer: Observer | None) -> Iterator[Callable[[int], int]]:
    """What squares an item, in a process of the pool."""
    yield lambda item: item * item


# -- kills -------------------------------------------------------------------------------------------------------


def among_kills(
    call: Sequence[str], done: Callable[[], int], most: int, longest: float, lot: random.Random
) -> Counter[str]:
    """Make a call until it ends by itself, all done, and kill at random moments; who was killed how often.

    `done` says how much is done. Raises AssertionError where the call fails for another reason, or leaves a process
    behind.
    """
    counts = Counter[str]()
    while True:
        with subprocess.Popen(
            call,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as process:
            below = _harass(process, done, counts, most, longest, lot)
            _, told = process.communicate()
        eventually(lambda below=below: not any(map(is_alive, below)), _TO_BE_GONE)  # type: ignore[misc]
        if process.returncode == DONE:
            return counts
        assert process.returncode in (-signal.SIGKILL, UNDETERMINED), told


def _harass(
    process: subprocess.Popen[str],
    done: Callable[[], int],
    counts: Counter[str],
    most: int,
    longest: float,
    lot: random.Random,
) -> set[int]:
    """Kill at random moments until the call has ended or `most` is reached; the processes that were seen below it.

    Three of four kills wait for something to be done first: else a busy machine would only ever see calls that start.
    """
    seen: set[int] = set()
    while process.poll() is None and counts.total() < most:
        before = done() if lot.random() < 0.75 else -1
        while process.poll() is None and done() == before:
            time.sleep(0.01)
        try:
            process.wait(lot.uniform(0.0, longest))
        except subprocess.TimeoutExpired:
            victim = lot.choice(VICTIMS)
            below = descendants(process.pid)
            seen.update(below)
            killed = _victims(victim, process.pid, below, lot)
            for pid in killed:
                _kill(pid)
            counts.update([victim] if killed else [])
    return seen


def _victims(victim: str, call: int, below: list[int], lot: random.Random) -> list[int]:
    """The processes to kill; none where there is no such process now."""
    pool = children(call)
    jails = [pid for pid in below if pid not in pool]
    if victim == "the call":
        return [call]
    if victim == "everything":
        return [call, *below]
    some = pool if victim == "a process" else jails
    return [lot.choice(some)] if some else []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(main())
