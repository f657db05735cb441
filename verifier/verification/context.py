"""What a validator was given, and what it knows so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from protocol.canonical_msgpack import Scalar
from protocol.envelope import Envelope
from protocol.verdict import Level, Outcome, Reason, Verdict
from verifier.challenge.versions import versions
from verifier.verification.audit import AuditEvidence
from verifier.verification.self_audit import OwnAudit


@dataclass(frozen=True)
class Evidence:
    """What a validator was given."""

    claim: Envelope
    solution: Envelope
    source: bytes | None = None
    """The optimiser module; needed for `audit` and `replay`."""
    name: str = "optimiser.py"
    """Its name for messages."""
    signer: bytes | None = None
    """The public key (32 bytes) that must have signed; None for any."""
    audit: AuditEvidence | OwnAudit | None = None
    """Needed for `audit`."""


@dataclass
class Examination:
    """What is known so far, for the verdict."""

    level: Level
    claim_digest: bytes
    measured: dict[str, Scalar] = field(default_factory=dict)
    step: int = 1
    """The step that is being taken."""
    started: float = field(default_factory=time.perf_counter)

    def lap(self, name: str) -> None:
        """Note the milliseconds since the last lap."""
        now = time.perf_counter()
        self.measured[name] = round((now - self.started) * 1000.0, 3)
        self.started = now

    def verdict(self, outcome: Outcome, reason: Reason, detail: str, step: int) -> Verdict:
        """The verdict as a record."""
        return Verdict(
            claim_digest=self.claim_digest,
            level=self.level,
            outcome=outcome,
            reason=reason,
            detail=detail[:500],
            step=step,
            measured=self.measured,
            run=versions(),
        )
