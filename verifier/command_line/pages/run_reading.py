"""Reads the logs of runs beside claims, for a report: the times of trainings, what failed, how `solve` was called."""

from __future__ import annotations

import os
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from verifier.challenge.errors import InputError
from verifier.command_line.files import claim_name
from verifier.command_line.options.nonces_option import reasons_text
from verifier.report.content import Fact, Form
from verifier.runs.results_table import is_being_written
from verifier.runs.run_log import Done, Run, Start, read_run


@dataclass
class RunsRead:
    """What the logs of some folders say."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Of trainings, by the digests of the claims' files."""
    failed: int = 0
    """Nonces without a claim."""
    reasons: list[str] = field(default_factory=list)
    """Why, each with its nonces."""
    calls: list[Fact] = field(default_factory=list)
    """The last call of each run."""
    faults: list[str] = field(default_factory=list)
    """Files that are no logs."""

    def add(self, path: Path, names: Set[str]) -> None:
        """Read one more; the names are those of the files beside it."""
        is_at_work = is_being_written(path)
        try:
            run = read_run(path)
        except InputError as error:
            self.faults.append(str(error))
            return
        self.seconds |= {each.digest: each.seconds for each in run.claims.values() if isinstance(each, Done)}
        if run.start is not None:
            self._add_failures(path, run, run.start, names)
            self.calls.append(Fact(str(path), run.start.command, Form.CODE, _note(run.start, is_at_work)))

    def _add_failures(self, path: Path, run: Run, start: Start, names: Set[str]) -> None:
        why = {
            nonce: ("lost: " if failed.is_lost else "") + failed.why
            for nonce, failed in run.failed.items()
            if claim_name(Path(start.optimiser), start.track, nonce) not in names  # else another run has made it since
        }
        self.failed += len(why)
        self.reasons += [f"{path}: {reason}" for reason in reasons_text(why)]


def read_runs(folders: Iterable[Path]) -> RunsRead:
    """What the logs in some folders say."""
    read = RunsRead()
    for folder in folders:
        names = frozenset(os.listdir(folder))
        for name in sorted(names):
            if name.endswith(".run"):
                read.add(folder / name, names)
    return read


def _note(start: Start, is_at_work: bool) -> str:
    part = f", shard {start.shard} of {start.shards}" if start.shards > 1 else ""
    state = "; still at work when this page was made" if is_at_work else ""
    return f"tig-verify {start.version} on {start.host}, jobs: {start.jobs}{part}, began {_moment(start.time)}{state}"


def _moment(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):  # no clock shows that
        return "nobody knows when"
