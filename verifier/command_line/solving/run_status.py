"""Runs of `solve` in a folder: whether they are at work, and how far, from their logs and the claims beside them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from protocol.claim import Claim
from verifier.challenge.errors import InputError
from verifier.command_line.files import claim_name, read_record
from verifier.command_line.options.execution_options import Shard
from verifier.command_line.options.nonces_option import nonces_of
from verifier.command_line.solving.run_figures import Qualities, RunFigures
from verifier.runs.results_table import is_being_written
from verifier.runs.run_log import Done, Failed, Run, Start, read_run


@dataclass(frozen=True)
class RunStatus:
    """A run as it is now."""

    log: Path
    start: Start
    """Of its last call."""
    is_running: bool
    nonces: Sequence[int]
    qualities: dict[int, int]
    """Of each nonce that is done."""
    failed: Sequence[Failed]
    pace: float
    """Nonces a second, since the last call began; 0 if none was done."""

    @property
    def in_hand(self) -> int:
        """How many nonces are being trained now, as far as others can know."""
        left = len(self.nonces) - len(self.qualities) - len(self.failed)
        return min(self.start.jobs, left) if self.is_running else 0


def runs_in(folder: Path) -> list[RunStatus]:
    """The runs whose logs are in a folder, by name. Raises InputError."""
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; name the folder of the claims") from None
    return list(_statuses(folder, names))


def _statuses(folder: Path, names: Set[str]) -> Iterator[RunStatus]:
    for path in sorted(folder / name for name in names if name.endswith(".run")):
        is_running = is_being_written(path)  # asked first: what it has done by its end is then in the log
        run = read_run(path)
        if run.start is not None:
            yield _status(path, run, run.start, is_running, names)


def _status(path: Path, run: Run, start: Start, is_running: bool, names: Set[str]) -> RunStatus:
    try:
        nonces = Shard(start.shard, start.shards).of(nonces_of(start.nonces))
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    qualities = {}
    for nonce in nonces:
        name = claim_name(Path(start.optimiser), start.track, nonce)
        if name in names and (quality := _quality(path.with_name(name), run, nonce)) is not None:
            qualities[nonce] = quality
    tried = set(nonces) - qualities.keys()
    failed = [failed for nonce, failed in sorted(run.failed.items()) if nonce in tried]
    return RunStatus(path, start, is_running, nonces, qualities, failed, _pace(run, start, is_running))


def _quality(claim: Path, run: Run, nonce: int) -> int | None:
    """That of the claim in a file; None if there is none in it."""
    if nonce in run.claims:
        return run.claims[nonce].quality
    try:
        return read_record(claim, Claim).record.quality
    except InputError:
        return None


def _pace(run: Run, start: Start, is_running: bool) -> float:
    times = [each.time for each in run.claims.values() if isinstance(each, Done) and each.time > start.time]
    if not times:
        return 0.0
    return len(times) / max((time.time() if is_running else max(times)) - start.time, 1e-3)


def together(runs: Sequence[RunStatus]) -> RunFigures:
    """How far some runs are, of which some may be at work at the same time."""
    total = sum(len(run.nonces) for run in runs)
    done = sum(len(run.qualities) for run in runs)
    failed = sum(len(run.failed) for run in runs)
    working = [run for run in runs if run.is_running]
    pace = sum(run.pace for run in (working if len(runs) > 1 else runs))
    left = (total - done - failed) / pace if working and pace else None
    qualities = Qualities(quality for run in runs for quality in run.qualities.values())
    return RunFigures.of(total, done, failed, qualities, pace, left)
