"""Judges many claims: reads the files of each, and gives its verdict, or the mistake in its files."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from protocol.audit import AuditRequest
from protocol.envelope import Envelope
from protocol.errors import ProtocolError
from protocol.hashes import blake3_digest
from protocol.verdict import Level, Outcome, Reason, Verdict
from sandbox.isolation import Isolation
from verifier.challenge.errors import InputError, NoEvidenceError, Part, UnopenedError
from verifier.challenge.training.trainer import Observer
from verifier.command_line.execution_options import open_isolation
from verifier.command_line.files import ClaimFiles, ResponseFiles, find_module, read_envelope
from verifier.runs.pool import TaskLost
from verifier.runs.queue import completed
from verifier.verification.audit_response import AuditEvidence
from verifier.verification.context import Evidence, Terms, make_verdict
from verifier.verification.evaluate import open_evidence
from verifier.verification.self_audit import SelfAudit
from verifier.verification.verify import verify as examine


@dataclass(frozen=True)
class Answered:
    """An audit's request, its file, and the folder that answers it."""

    request: AuditRequest
    file: Path
    folder: Path

    def evidence(self, claim_file: Path, claim: Envelope) -> AuditEvidence:
        """For the auditor, who reads one state after the other. Raises InputError."""
        if self.request.claim_digest != blake3_digest(claim.payload):
            raise InputError(f"{self.file}: is about another claim than {claim_file}; name the one that it is for")
        files = ResponseFiles(self.folder)
        return AuditEvidence(
            self.request,
            read_envelope(files.response),
            lambda epoch: read_envelope(files.state(epoch)),
            claim.public_key,
        )


@dataclass(frozen=True)
class Mistake:
    """No verdict: a file is missing, spoilt, or not the signer's or the claim's; the text says which."""

    text: str
    outcome: Outcome | None = None
    """Undetermined, where this machine failed before it knew whom a verdict would be about."""


Answer = Verdict | Mistake


@dataclass(frozen=True)
class Judge:
    """The options common to the claims of one call; sent to other processes as they are."""

    level: Level
    solution: Path | None
    """Instead of the file beside the claim."""
    optimiser: Path | None
    """Instead of the file beside the claim."""
    terms: Terms
    isolation: str
    device: str
    audit: Answered | SelfAudit | None = None

    @contextmanager
    def opened(self, observer: Observer | None = None) -> Iterator[Callable[[Path], Answer]]:
        """A judge for this process, of one claim at a time."""
        with ExitStack() as stack:
            places = [stack.enter_context(open_isolation(self.isolation))]

            def work(path: Path) -> Answer:
                answer = self._judge(path, places[-1], observer)
                if isinstance(answer, Verdict) and answer.outcome is Outcome.UNDETERMINED:
                    stack.close()  # what failed is not used again
                    places.append(stack.enter_context(open_isolation(self.isolation)))
                return answer

            yield work

    def _judge(self, path: Path, isolation: Isolation, observer: Observer | None = None) -> Answer:
        """Read the files of one claim and examine it."""
        with self._mistakes(path) as mistakes:
            return examine(self.evidence(path), self.level, isolation, observer, self.device)
        return mistakes[0]

    def undetermined(self, path: Path, why: str) -> Answer:
        """The answer where the process that judged a claim was lost: about its evidence, if it has any."""
        with self._mistakes(path) as mistakes:
            evidence = self.evidence(path)
            open_evidence(evidence)
            reason = Reason.MACHINE_FAULT
            return make_verdict(evidence, self.level, Outcome.UNDETERMINED, reason, why, step=0, measured={}, state={})
        return mistakes[0]

    @contextmanager
    def _mistakes(self, path: Path) -> Iterator[list[Mistake]]:
        """Make an error in the files of a claim a mistake that names the file."""
        found: list[Mistake] = []
        try:
            yield found
        except UnopenedError as error:
            found.append(Mistake(f"{path}: undetermined: {error}", Outcome.UNDETERMINED))
        except NoEvidenceError as error:
            found.append(Mistake(f"{self._place(path, error.part)}: {error}"))
        except InputError as error:
            found.append(Mistake(str(error)))
        except ProtocolError as error:  # a request for epochs that the claim has not
            found.append(Mistake(f"{path}: {error}"))

    def _place(self, path: Path, part: Part) -> Path:
        if part is Part.SOLUTION:
            return self.solution or ClaimFiles(path).solution
        return self.audit.folder if part is Part.ANSWER and isinstance(self.audit, Answered) else path

    def evidence(self, path: Path) -> Evidence:
        """The files of one claim. Raises InputError."""
        files = ClaimFiles(path)
        claim = read_envelope(files.claim)
        solution = read_envelope(self.solution or files.solution)
        if read_envelope(files.claim) != claim:
            raise InputError(f"{files.claim}: was replaced while it was read; call again when that is done")
        audit = self.audit.evidence(files.claim, claim) if isinstance(self.audit, Answered) else self.audit
        return Evidence(claim, solution, lambda digest: find_module(files, digest, self.optimiser), audit, self.terms)


def judged(
    judge: Judge, claims: Sequence[Path], jobs: int, observer: Observer | None = None
) -> Generator[tuple[Path, Answer], None, None]:
    """Every claim with its answer, as they come: by so many other processes, or, if that is one, by this."""
    with closing(completed(judge.opened, claims, jobs, observer)) as answers:
        for path, answer in answers:
            yield path, judge.undetermined(path, answer.why) if isinstance(answer, TaskLost) else answer
