"""Both sides of an audit on one machine: it shows a benchmarker the verdict that a validator will come to."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from protocol.audit import EpochState
from protocol.claim import Claim
from protocol.envelope import Envelope, Signed, seal
from protocol.keys import SigningKey
from protocol.verdict import Reason
from verifier.challenge.errors import InputError
from verifier.challenge.session import Session
from verifier.verification.audit_response import AuditEvidence, choose_epochs, respond
from verifier.verification.rejection import Rejection


@dataclass(frozen=True)
class SelfAudit:
    """An audit of the first epoch, the best, the last and `count` others that is asked for, and answered, here."""

    count: int

    def answer(self, claim: Signed[Claim], session: Session, stack: ExitStack) -> AuditEvidence:
        """Return the answer, signed with a key of the moment; its states are files until `stack` is closed.

        Raises Rejection where there is none.
        """
        request, key = choose_epochs(claim, self.count), SigningKey.generate()
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tig-verify-")))

        def keep(state: EpochState) -> None:
            (folder / f"{state.epoch}.state").write_bytes(seal(state, key).to_bytes())

        def fetch(epoch: int) -> Envelope:
            return Envelope.from_bytes((folder / f"{epoch}.state").read_bytes())

        try:
            response = respond(request, claim, session, keep)
        except InputError as error:
            raise Rejection(Reason.AUDIT_RESPONSE, f"nobody can answer: {error}") from None
        return AuditEvidence(request, seal(response, key), fetch, key.verify_key.raw)
