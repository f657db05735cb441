"""A claim's files as they were read, so that a process that does not have them can judge the claim."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from protocol.claim import Claim
from protocol.envelope import Envelope
from protocol.errors import ProtocolError
from protocol.verdict import Level, Outcome
from verifier.challenge.editions import Track
from verifier.challenge.errors import InputError, VerifierError
from verifier.challenge.module import Module
from verifier.command_line.files import ClaimFiles, envelope_in, find_module, read_envelope, read_file
from verifier.command_line.verifying.answered_audit import AnsweredAudit
from verifier.verification.self_audit import SelfAudit


@dataclass(frozen=True)
class Mistake:
    """No verdict: a file is missing, spoilt, or not the signer's or the claim's; the text says which."""

    text: str
    outcome: Outcome | None = None
    """Undetermined, where this machine failed before it knew whom a verdict would be about."""


@dataclass(frozen=True)
class Papers:
    """The bytes of a claim's files; nobody has looked into them."""

    claim: bytes
    solution: bytes
    solution_file: Path
    """Its name, for messages."""
    module: Module | Mistake | None = None
    """The optimiser's module, or why it could not be read; None where level or claim ask for none."""

    def envelopes(self, path: Path) -> tuple[Envelope, Envelope]:
        """Claim and solution, not yet verified. Raises InputError, which names the claim as `path`."""
        return envelope_in(self.claim, path), envelope_in(self.solution, self.solution_file)


@dataclass(frozen=True)
class Case:
    """A claim that is to be judged: its file as named, the level, and its papers, or why they could not be read."""

    path: Path
    level: Level
    papers: Papers | Mistake
    audit: AnsweredAudit | SelfAudit | None = None
    """At level `audit`."""


@dataclass(frozen=True)
class CaseReader:
    """Reads the files of claims, each with what its level needs."""

    solution: Path | None = None
    """Instead of the file beside the claim."""
    optimiser: Path | None = None
    """Instead of the file beside the claim."""

    def read(self, path: Path, level: Level) -> Case:
        """The case of a claim; what could not be read is in it."""
        try:
            return Case(path, level, self._papers(ClaimFiles(path), level))
        except InputError as error:
            return Case(path, level, Mistake(str(error)))

    def _papers(self, files: ClaimFiles, level: Level) -> Papers:
        """Raises InputError."""
        data, solution_file = read_file(files.claim), self.solution or files.solution
        claim = envelope_in(data, files.claim)  # what is none has no solution to be missed
        papers = Papers(data, read_file(solution_file), solution_file, self._module(files, claim, level))
        if read_file(files.claim) != data:
            raise InputError(f"{files.claim}: was replaced while it was read; call again when that is done")
        return papers

    def _module(self, files: ClaimFiles, claim: Envelope, level: Level) -> Module | Mistake | None:
        """The module that a claim names, whoever has signed that: who judges looks at signature and digest."""
        if level is Level.EVALUATE:
            return None
        try:
            return find_module(files, stated(claim).task.optimiser_digest, self.optimiser)
        except ProtocolError:
            return None  # who judges says what is wrong with the claim
        except InputError as error:
            return Mistake(str(error))


def stated(claim: Envelope) -> Claim:
    """What a claim states, whoever has signed it. Raises ProtocolError."""
    return Claim.from_bytes(claim.payload)


def stated_training(path: Path) -> tuple[bytes, bytes]:
    """What claims of one task and module have in common, if the claim in a file states the truth."""
    try:
        task = stated(read_envelope(path)).task
    except (ProtocolError, VerifierError):  # said when it is judged
        return b"", b""
    return task.optimiser_digest, task.digest()


def stated_work(path: Path) -> float:
    """What training again takes, about, if the claim in a file states the truth; 0 for what is no claim."""
    try:
        claim = stated(read_envelope(path))
        track = Track.parse(claim.task.edition, claim.task.settings.track_id)
    except (ProtocolError, VerifierError):  # said when it is judged
        return 0.0
    return float(claim.epochs * track.edition.train_points * (track.n_hidden + 1))
