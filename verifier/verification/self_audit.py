"""Both sides of an audit on one machine: it shows the benchmarker what a validator will see."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from protocol.audit import EpochState
from protocol.claim import Claim
from protocol.envelope import Envelope, seal
from protocol.keys import SigningKey
from protocol.solution import Solution
from protocol.verdict import Reason
from verifier.challenge.errors import InputError
from verifier.verification.audit import AuditEvidence, Ground, audit, choose_epochs, respond
from verifier.verification.rejection import Rejection


@dataclass(frozen=True)
class OwnAudit:
    """The first epoch, the best, the last and `count` others are asked for, and answered, here."""

    count: int

    def run(self, claim: Claim, solution: Solution, ground: Ground) -> None:
        """Steps 7 to 11; the answer is signed with a key of the moment. Raises Rejection."""
        request, key = choose_epochs(claim, self.count), SigningKey.generate()
        with TemporaryDirectory(prefix="tig-verify-") as folder:

            def path(epoch: int) -> Path:
                return Path(folder, f"{epoch}.state")

            def keep(state: EpochState) -> None:
                path(state.epoch).write_bytes(seal(state, key).to_bytes())

            def fetch(epoch: int) -> Envelope:
                return Envelope.from_bytes(path(epoch).read_bytes())

            try:
                response = respond(request, claim, ground, keep)
            except InputError as error:
                raise Rejection(7, Reason.AUDIT_RESPONSE, f"nobody can answer: {error}") from None
            evidence = AuditEvidence(request, seal(response, key), fetch)
            audit(claim, solution, key.verify_key.raw, evidence, ground)
