"""Reads many claims, and the verdicts beside them, for a report: a batch at a time, by this process or by several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from protocol.claim import Claim
from protocol.envelope import Envelope, Signed, open_envelope
from protocol.errors import ProtocolError
from protocol.hashes import blake3_digest
from protocol.record import Record
from protocol.task import Task
from protocol.verdict import Verdict
from sandbox.errors import WorkerFault
from verifier.challenge.errors import InputError
from verifier.command_line.files import ClaimFiles, read_file
from verifier.report.claim_facts import ClaimFacts, VerdictFacts, claim_facts, verdict_facts
from verifier.report.loss_blocks import deflated
from verifier.report.tasks import task_key

if TYPE_CHECKING:
    from verifier.challenge.training.trainer import Observer

_BATCH: Final = 250
"""Claims that are read together."""
_MANY: Final = 4
"""Batches from which on another process is worth its start."""
_R = TypeVar("_R", bound=Record)


@dataclass(frozen=True)
class ClaimFile:
    """A claim to be read. Its path is a text, which is sent to other processes in less time than a Path is."""

    path: str
    name: str
    """In the report."""
    has_verdict: bool


@dataclass(frozen=True)
class FileSeen:
    """The bytes of a file, in short."""

    path: str
    size: int
    digest: str
    """BLAKE3, in hexadecimal digits."""


@dataclass(frozen=True)
class Batch:
    """What some files say."""

    claims: Sequence[ClaimFacts]
    losses: bytes
    """A block of the claims, in their order."""
    faults: Sequence[str]
    """The files that are no claim, or no verdict on the claim that they are beside, and why."""
    seen: Sequence[FileSeen]
    """The claims' files that could be read."""


@dataclass(frozen=True)
class ClaimReader:
    """Reads batches; sent to other processes as it is."""

    points: int
    """The epochs that are kept of a training."""

    @contextmanager
    def opened(self, _: Observer | None) -> Iterator[Callable[[Sequence[ClaimFile]], Batch]]:
        """What reads a batch."""
        yield self.read

    def read(self, files: Sequence[ClaimFile]) -> Batch:
        """Read some files. One that is spoilt is named, and is not in the way of the others."""
        claims, histories, faults, seen = [], [], [], []
        tasks: dict[str, Task] = {}  # one object for all claims of a task, so that it is sent once
        for file in files:
            try:
                data = read_file(Path(file.path))
                seen.append(FileSeen(file.path, len(data), blake3_digest(data).hex()))
                signed = _opened(data, file.path, Claim)
            except InputError as error:
                faults.append(str(error))
                continue
            try:
                verdict = _verdict(file, signed)
            except InputError as error:
                faults.append(str(error))
                verdict = None
            task = tasks.setdefault(task_key(signed.record.task), signed.record.task)
            claims.append(claim_facts(file.name, seen[-1].digest, signed, task, verdict))
            histories.append((signed.record.train_losses, signed.record.validation_losses))
        return Batch(claims, deflated(histories, self.points), faults, seen)


def read_claims(files: Sequence[ClaimFile], points: int) -> list[Batch]:
    """All of them, in batches, in order. Raises WorkerFault where a process that reads is lost."""
    reader = ClaimReader(points)
    batches = [tuple(files[first : first + _BATCH]) for first in range(0, len(files), _BATCH)]
    if len(batches) < _MANY:
        return list(map(reader.read, batches))
    from verifier.runs.pool import TaskLost
    from verifier.runs.queue import completed, cores

    read: dict[str, Batch] = {}
    with closing(completed(reader.opened, batches, min(cores(), len(batches) // 2))) as answers:
        for batch, answer in answers:
            if isinstance(answer, TaskLost):
                raise WorkerFault(f"{batch[0].path} and {len(batch) - 1} that follow: {answer.why}")
            read[batch[0].path] = answer
    return [read[batch[0].path] for batch in batches]


def _verdict(file: ClaimFile, claim: Signed[Claim]) -> VerdictFacts | None:
    """The one beside the claim, if there is one. Raises InputError."""
    if not file.has_verdict:
        return None
    path = ClaimFiles(Path(file.path)).verdict
    verdict = verdict_facts(_opened(read_file(path), str(path), Verdict))
    if verdict.subject != (claim.digest.hex(), claim.signer.hex()):
        raise InputError(f"{path}: is a verdict on another claim than the one beside it")
    return verdict


def _opened(data: bytes, path: str, kind: type[_R]) -> Signed[_R]:
    """The record in a file. Raises InputError."""
    try:
        return open_envelope(Envelope.from_bytes(data), kind)
    except ProtocolError as error:
        raise InputError(f"{path}: {error}") from None
