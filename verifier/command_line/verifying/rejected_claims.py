"""A folder of the claims that were rejected, each as it was judged, so that the rejection can be shown again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from protocol.envelope import Envelope
from protocol.verdict import Verdict
from verifier.challenge.module import Module
from verifier.command_line.files import ClaimFiles, ResponseFiles, read_file, write_file
from verifier.command_line.verifying.answered_audit import AnsweredAudit
from verifier.command_line.verifying.claim_cases import Case, Papers


@dataclass(frozen=True)
class RejectedClaims:
    """A folder for each claim, named by the first 16 digits of the digest of the signed claim."""

    folder: Path

    def keep(self, case: Case, verdict: Verdict, line: str, signed: Envelope | None) -> None:
        """Write what a verdict is about, the claim last: where it is, the rest is. Raises InputError.

        `line` is the verdict as the log has it, `signed` the same as a record.
        """
        assert isinstance(case.papers, Papers)  # or there would be no verdict
        given, papers = ClaimFiles(case.path), case.papers
        kept = ClaimFiles(self.folder / verdict.evidence["claim"].hex()[:16] / case.path.name)
        write_file(kept.claim.parent / "verdict.json", f"{line}\n".encode())
        if signed is not None:
            write_file(kept.verdict, signed.to_bytes())
        if isinstance(papers.module, Module):
            write_file(kept.module(papers.module.digest), papers.module.source)
        if given.transcript.exists():
            write_file(kept.transcript, read_file(given.transcript))
        if isinstance(case.audit, AnsweredAudit):
            self._keep_answer(case.audit, kept)
        write_file(kept.solution, papers.solution)
        write_file(kept.claim, papers.claim)

    def _keep_answer(self, audit: AnsweredAudit, kept: ClaimFiles) -> None:
        write_file(kept.claim.with_suffix(".request"), read_file(audit.file))
        given = ResponseFiles(audit.folder)
        states = {state for epoch in audit.request.epochs for state in (epoch - 1, epoch)}
        for path in (given.response, *map(given.state, sorted(states))):
            if path.exists():
                write_file(kept.response.folder / path.name, read_file(path))
