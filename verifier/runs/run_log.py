"""The log of a run of `solve`, a file beside its claims: what was asked for, what was done when, what failed and why.

The claims are the truth, and the log is about them: it says at what speed they came, it spares the next call the
reading of those that it names, and its lock says whether the run is at work. A log that is lost loses no claim.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar, Final, TypeAlias

from verifier.runs.results_table import ResultsTable, RowFault, RowFormat, read_rows
from verifier.runs.row_formats import json_object, parsed


@dataclass(frozen=True)
class Start:
    """A call began. Times are seconds since 1970; digests and the key are hexadecimal."""

    EVENT: ClassVar[str] = "start"

    time: float
    command: str
    host: str
    version: str
    optimiser: str
    optimiser_digest: str
    edition: str
    track: str
    task: str
    """The digest of the task."""
    signer: str
    nonces: str
    """All that were asked for, as in `0..9,12`."""
    shard: int
    """Which part of them this run is about, from 1 on."""
    shards: int
    """How many parts there are."""
    jobs: int
    """Processes at work."""
    cluster: str
    """The address, or nothing."""

    @property
    def key(self) -> tuple[object, ...]:
        """What tells rows apart."""
        return self.EVENT, self.time


@dataclass(frozen=True)
class Found:
    """A claim was there when a call began, and the log did not know of it."""

    EVENT: ClassVar[str] = "found"

    time: float
    nonce: int
    quality: int
    digest: str
    """Of the file."""

    @property
    def key(self) -> tuple[object, ...]:
        """What tells rows apart."""
        return self.EVENT, self.time, self.nonce


@dataclass(frozen=True)
class Done(Found):
    """A claim was made, in so many seconds."""

    EVENT: ClassVar[str] = "done"

    seconds: float


@dataclass(frozen=True)
class Failed:
    """A nonce has no claim: its module failed, or, if it is lost, the process or the machine did."""

    EVENT: ClassVar[str] = "failed"

    time: float
    nonce: int
    why: str
    is_lost: bool

    @property
    def key(self) -> tuple[object, ...]:
        """What tells rows apart."""
        return self.EVENT, self.time, self.nonce


Entry: TypeAlias = Start | Found | Done | Failed
_KINDS: Final = {kind.EVENT: kind for kind in (Start, Found, Done, Failed)}


def _read(line: str) -> Entry:
    values = json_object(line)
    kind = _KINDS.get(values.pop("event", ""))
    if kind is None:
        raise RowFault("event: expected start, found, done or failed")
    entry: Entry = parsed(kind, values)
    return entry


FORMAT: Final = RowFormat[Entry](
    "solve",
    write=lambda entry: json.dumps({"event": entry.EVENT, **asdict(entry)}),
    read=_read,
    begins='{"event": ',
    elsewhere="remove it, which loses no claim",
    meanwhile="wait for it, or choose another folder with -o",
    longest=1 << 25,  # a million nonces, none beside another
)
RunLog: TypeAlias = ResultsTable[Entry]


@dataclass
class Run:
    """What a log says of its last task and key."""

    start: Start | None = None
    """Of the last call."""
    claims: dict[int, Found | Done] = field(default_factory=dict)
    failed: dict[int, Failed] = field(default_factory=dict)
    """The nonces that have failed, and were not done later."""

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Run:
        """The run of these entries, in their order."""
        run = cls()
        for entry in entries:
            run.add(entry)
        return run

    def add(self, entry: Entry) -> None:
        """Follow the log."""
        if isinstance(entry, Start):
            self.require(entry.task, entry.signer)
            self.start = entry
        elif isinstance(entry, Failed):
            self.failed[entry.nonce] = entry
        else:
            self.claims[entry.nonce] = entry
            self.failed.pop(entry.nonce, None)

    def require(self, task: str, signer: str) -> None:
        """Forget what was said about another task or key."""
        if self.start is not None and (self.start.task, self.start.signer) != (task, signer):
            self.start = None
            self.claims.clear()
            self.failed.clear()


def read_run(path: Path) -> Run:
    """What a log says, which may be growing. Raises InputError for a file of anything else."""
    return Run.of(read_rows(path, FORMAT).values())
