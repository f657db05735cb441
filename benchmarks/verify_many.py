"""Many claims through `tig-verify verify`: claims a second, processor's time for each, when the first verdict is there.

    python -m benchmarks.verify_many [--claims 2000] [--hidden 4] [--jobs 1 2] [--kept]

The claims are of different nonces, and level `evaluate` accepts them: the weights are those of one short training,
scored on the instance of each nonce. So they differ as a benchmarker's do, and cost an evaluation each.

With `--kept` the verdicts go into a file (`--out`) and are signed (`--key`), and the same call once more says what it
takes to find that nothing is to be done. The processor's time is that of all processes, their start included; other
work on the machine changes it less than claims a second.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.short_training import ADAM
from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import InProcess
from verifier.challenge.editions import DECEMBER_2025
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.module import Module
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.scoring import score, test_subset
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.command_line.files import ClaimFiles

_COMMAND: Final = (sys.executable, "-P", "-m", "verifier.command_line.main", "verify")
_FUEL: Final = 60_000_000
"""For few epochs."""


def write_claims(folder: Path, count: int, n_hidden: int) -> None:
    """Claims of so many nonces with their solutions, the module, and `key.pem`."""
    key, module = SigningKey.generate(), Module(ADAM.name, ADAM.read_bytes())
    key.save(folder / "key.pem")
    settings = Settings("", "", "c006", "", f"n_hidden={n_hidden}")
    task = Task(DECEMBER_2025.name, settings, module.digest, {}, _FUEL, "0" * 32)
    solved = solve(Session(task, 0, module, InProcess()))
    first = ClaimFiles(folder / "0.claim")
    first.module(module.digest).write_bytes(module.source)
    first.solution.write_bytes(seal(solved.solution, key).to_bytes())
    for nonce in range(count):
        instance_id, files = InstanceId.of(task, nonce), ClaimFiles(folder / f"{nonce}.claim")
        subset = test_subset(instance_id, solved.claim.best_epoch)
        reached = score(EagerNetwork(instance_id), solved.training.best, subset)
        claim = replace(solved.claim, nonce=nonce, quality=reached.quality)
        files.claim.write_bytes(seal(claim, key).to_bytes())
        if nonce:
            os.link(first.solution, files.solution)  # the same weights, and no gigabytes


@dataclass(frozen=True)
class Measured:
    """One call."""

    seconds: float
    processor: float
    """Seconds of all its processes."""
    first: float
    """Seconds until the first verdict is printed."""

    def row(self, what: str, claims: int, one: Measured) -> str:
        """A row of the table; `one` is the call with one process."""
        rates = f"{claims / self.seconds:.0f} | {one.seconds / self.seconds:.2f}"
        first = f"{self.first:.2f} s" if self.first else "none"
        return f"| {what} | {rates} | {self.processor / claims * 1e3:.1f} ms | {first} |"


def measured(folder: Path, jobs: int, *arguments: str) -> Measured:
    """Verify the claims of a folder."""
    before, started, first = _processor(), time.perf_counter(), 0.0
    call = [*_COMMAND, str(folder), "--jobs", str(jobs), "--json", *arguments]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            first = first or time.perf_counter() - started
            assert '"outcome": "accepted"' in line, line
    assert process.returncode == 0
    return Measured(time.perf_counter() - started, _processor() - before, first)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=2000)
    parser.add_argument("--hidden", type=int, default=4)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--kept", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="verify-many-") as name:
        folder, log = Path(name, "claims"), Path(name, "verdicts.jsonl")
        folder.mkdir()
        write_claims(folder, options.claims, options.hidden)
        kept = ("--out", str(log), "--key", str(folder / "key.pem")) if options.kept else ()
        print("| processes | claims a second | of the first row's | processor's time a claim | first verdict |")
        print("|---|---|---|---|---|")
        one: Measured | None = None
        for jobs in options.jobs:
            log.unlink(missing_ok=True)
            found = measured(folder, jobs, *kept)
            one = one or found
            print(found.row(str(jobs), options.claims, one), flush=True)
        if one is not None and kept:
            print(measured(folder, 1, *kept).row("nothing to do", options.claims, one))


if __name__ == "__main__":
    main()
