"""An audit whose answer has arrived."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from protocol.audit import AuditRequest
from protocol.envelope import Envelope
from protocol.hashes import blake3_digest
from verifier.challenge.errors import InputError
from verifier.command_line.files import ResponseFiles, read_envelope
from verifier.verification.audit_response import AuditEvidence


@dataclass(frozen=True)
class AnsweredAudit:
    """An audit's request, its file, and the folder that answers it, which is read while the claim is judged."""

    request: AuditRequest
    file: Path
    folder: Path

    def evidence(self, claim_file: Path, claim: Envelope) -> AuditEvidence:
        """For the auditor, who reads one state after the other. Raises InputError."""
        if self.request.claim_digest != blake3_digest(claim.payload):
            raise InputError(f"{self.file}: is about another claim than {claim_file}; name the one that it is for")
        return AuditEvidence(
            self.request,
            self.response(),
            lambda epoch: read_envelope(ResponseFiles(self.folder).state(epoch)),
            claim.public_key,
        )

    def response(self) -> Envelope:
        """The answer, not yet verified. Raises InputError."""
        return read_envelope(ResponseFiles(self.folder).response)
