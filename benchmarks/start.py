"""Whole processes of `tig-verify`: how long they take, and how much memory a training and its worker hold.

Memory is that of Linux: what is resident at most, and of that what no other process shares, in MB of 10^6 bytes. A
worker shares what it has imported with the zygote that it was forked from.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import Figure, Figures
from benchmarks.short_training import ADAM

PROGRAM = str(Path(sys.executable).with_name("tig-verify"))
LESS_THAN_AN_EPOCH = 3_000_000
"""Fuel for the optimiser's state and some steps at n_hidden=4."""
A_FEW_EPOCHS = 30_000_000
"""Fuel that is enough for four epochs at each depth, times n_hidden."""
DEPTHS = (4, 10, 18)


def start_figures(rounds: int) -> Figures:
    """Milliseconds of whole processes, which take turns; then one that finds nothing of what numba compiles."""
    with TemporaryDirectory() as folder:
        key = _key(folder)
        solve = _solve(key, 4, LESS_THAN_AN_EPOCH, "process", folder)
        claimed = json.loads(_output(solve).splitlines()[0])
        assert claimed["epochs"] == 0, claimed
        commands = {
            "--help": ["--help"],
            "check": ["check", str(ADAM)],
            "inspect": ["inspect", claimed["file"]],
            "verify --level evaluate": ["verify", claimed["file"], "--level", "evaluate"],
            "solve, into its first epoch": solve,
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, arguments in commands.items():
                times[name].append(_milliseconds(arguments))
        times["solve, the first on a machine"] = [_milliseconds(solve, XDG_CACHE_HOME=folder)]
    return {f"tig-verify {name}": Figure.of("ms", each) for name, each in times.items()}


def memory_figures() -> Figures:
    """MB of a training's processes at each depth, jailed; then with the optimiser in the same process."""
    found: Figures = {}
    with TemporaryDirectory() as folder:
        key = _key(folder)
        for n_hidden in DEPTHS:
            processes = watch(_solve(key, n_hidden, A_FEW_EPOCHS * n_hidden, "process", folder))
            for name, process in (("trainer", processes[0]), ("zygote", processes[-2]), ("worker", processes[-1])):
                found |= process.figures(f"{name}, n_hidden={n_hidden}")
        (alone,) = watch(_solve(key, 4, A_FEW_EPOCHS * 4, "none", folder))
        found |= alone.figures("trainer without isolation, n_hidden=4")
    return found


@dataclass
class Process:
    """The most memory that a process was seen with, in MB."""

    depth: int
    """Of the tree of processes, from the first one down."""
    resident: float = 0.0
    own: float = 0.0

    def look(self, number: int) -> None:
        """Look once more; a process that is gone keeps what was seen."""
        try:
            status = Path(f"/proc/{number}/status").read_text()
            self.resident = max(self.resident, _megabytes(status, "VmHWM"))
            pages = Path(f"/proc/{number}/smaps_rollup").read_text()
            self.own = max(self.own, _megabytes(pages, "Private_Clean", "Private_Dirty"))
        except OSError:  # it has ended, or is not to be looked at
            return

    def figures(self, name: str) -> Figures:
        """What was seen."""
        found = {f"resident memory of {name}": Figure.of("MB", [self.resident])}
        return {**found, f"own memory of {name}": Figure.of("MB", [self.own])} if self.own else found


def watch(arguments: Sequence[str]) -> list[Process]:
    """Run a command to its end; its processes, those that were started first before those that they started."""
    seen: dict[int, Process] = {}
    with subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.DEVNULL) as first:
        while first.poll() is None:
            for number, depth in _tree(first.pid).items():
                seen.setdefault(number, Process(depth)).look(number)
            time.sleep(0.02)
        assert first.returncode == 0, arguments
    return sorted(seen.values(), key=lambda process: process.depth)


def _tree(root: int) -> dict[int, int]:
    """The processes from one down, with their depths."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found: dict[int, int] = {}
    level = [root]
    while level:
        depth = len(set(found.values()))
        found |= dict.fromkeys(level, depth)
        level = [child for number in level for child in children.get(number, ())]
    return found


def _megabytes(text: str, *names: str) -> float:
    """The sum of some lines of a file of /proc, which are in units of 1024 bytes."""
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return sum(int(lines[name].split()[0]) for name in names if name in lines) * 1024 / 1e6


def _key(folder: str) -> str:
    """A new key; what numba compiles for a training is there from here on."""
    key = str(Path(folder) / "key.pem")
    _output(["keygen", key])
    _output(_solve(key, 4, LESS_THAN_AN_EPOCH, "none", folder))
    return key


def _solve(key: str, n_hidden: int, fuel: int, isolation: str, folder: str) -> list[str]:
    return [
        "solve", str(ADAM), "--track", f"n_hidden={n_hidden}", "--nonces", "0", "--fuel", str(fuel), "--key", key,
        "--out", str(Path(folder) / isolation), "--isolation", isolation, "--overwrite", "--json",
    ]  # fmt: skip


def _milliseconds(arguments: Sequence[str], **environment: str) -> float:
    """The time of a process from its start to its end; what it is to solve is not done yet."""
    if "--out" in arguments:
        for claim in Path(arguments[arguments.index("--out") + 1]).glob("*.claim"):
            claim.unlink()
    started = time.perf_counter()
    _output(arguments, **environment)
    return (time.perf_counter() - started) * 1e3


def _output(arguments: Sequence[str], **environment: str) -> str:
    """What a command prints. Its complaint, if it fails, is for the reader."""
    program = [PROGRAM, *arguments]
    return subprocess.run(program, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True).stdout
