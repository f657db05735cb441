"""What a claim says of itself: whose it is, and of which training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from protocol.claim import Claim
from protocol.envelope import Envelope, open_envelope
from protocol.errors import ProtocolError
from protocol.hashes import blake3_digest
from verifier.command_line.files import ClaimFiles


@dataclass(frozen=True)
class ClaimStatement:
    """The entries that tell one claim from another in a line about it; digests and the key are hexadecimal."""

    signer: str | None = None
    optimiser: str | None = None
    """The name of the module's file beside the claim."""
    optimiser_digest: str | None = None
    edition: str | None = None
    track: str | None = None
    nonce: int | None = None
    quality: int | None = None
    claim_digest: str | None = None

    @classmethod
    def of(cls, path: Path, data: bytes, is_judged: bool) -> Self:
        """The statement of the claim in a file; empty where nobody vouches for it. Only a judged one's signature is
        known to hold. Raises InputError for a name that no claim can have."""
        try:
            envelope = Envelope.from_bytes(data)
            claim = Claim.from_bytes(envelope.payload) if is_judged else open_envelope(envelope, Claim).record
        except ProtocolError:
            return cls()
        task = claim.task
        return cls(
            signer=envelope.public_key.hex(),
            optimiser=ClaimFiles(path).module(task.optimiser_digest).name,
            optimiser_digest=task.optimiser_digest.hex(),
            edition=task.edition,
            track=task.settings.track_id,
            nonce=claim.nonce,
            quality=claim.quality,
            claim_digest=blake3_digest(envelope.payload).hex(),
        )


NOTHING: Final = ClaimStatement()
"""Of what is no claim, or was not read."""
