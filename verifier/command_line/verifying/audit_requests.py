"""A folder of a pool's requests for audits, and of the answers to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from protocol.audit import AuditRequest
from protocol.claim import Claim
from protocol.envelope import Envelope, open_envelope, seal
from protocol.keys import SigningKey
from verifier.challenge.errors import InputError
from verifier.command_line.files import ResponseFiles, read_record, write_file
from verifier.command_line.verifying.answered_audit import AnsweredAudit
from verifier.verification.audit_response import choose_epochs


@dataclass(frozen=True)
class AuditRequests:
    """For each signed claim a file that ends in .request and a folder that ends in .response.

    Their names are the first 16 digits of its digest.
    """

    folder: Path
    key: SigningKey
    """The pool's, which signs requests."""
    epochs: int
    """That an audit asks for beside the first, the best and the last."""

    def is_waiting(self, claim: Envelope) -> bool:
        """Whether a request was written that is not answered."""
        request, response = self._files(claim.digest())
        return request.exists() and not response.response.exists()

    def answered(self, claim: Envelope) -> AnsweredAudit | None:
        """The request and its answer, or None where none was written. Raises InputError for one of somebody else."""
        request, response = self._files(claim.digest())
        if not request.exists():
            return None
        return AnsweredAudit(own_request(request, self.key), request, response.folder)

    def write(self, claim: Envelope) -> Path:
        """Ask for an audit of a claim whose signature holds; the file of the request. Raises InputError."""
        request, _ = self._files(claim.digest())
        asked = choose_epochs(open_envelope(claim, Claim), self.epochs)
        write_file(request, seal(asked, self.key).to_bytes())
        return request

    def _files(self, digest: bytes) -> tuple[Path, ResponseFiles]:
        stem = self.folder / digest.hex()[:16]
        return stem.with_suffix(".request"), ResponseFiles(stem.with_suffix(".response"))


def own_request(path: Path, key: SigningKey) -> AuditRequest:
    """A request that is signed with this key: only one's own is worth an answer. Raises InputError."""
    asked = read_record(path, AuditRequest)
    if asked.signer != key.verify_key.raw:
        raise InputError(f"{path}: is not signed with the key of --key; only a request of your own is worth an answer")
    return asked.record
