"""Folders of claims that no training made: signed, readable, with losses that look like those of trainings."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protocol import Claim, Envelope, Signed, SigningKey, Verdict, blake3_digest, open_envelope, seal
from protocol.verdict import Outcome, Reason
from tests.support.sample_records import claim, verdict


@dataclass(frozen=True)
class SealedClaims:
    """Writes claims to a folder; the same seed writes the same ones."""

    folder: Path
    key: SigningKey
    epochs: int = 150
    seed: int = 1

    def write(self, nonce: int, optimiser: str = "adam", name: str | None = None, **changes: Any) -> Path:
        """Write the claim of a nonce; fields of the claim and of its task may be others."""
        draw = random.Random(f"{self.seed} {optimiser} {nonce}")
        train, validation = self._losses(draw), self._losses(draw)
        fields: dict[str, Any] = {
            "nonce": nonce,
            "optimiser_digest": blake3_digest(optimiser.encode()),
            "epochs": self.epochs,
            "best_epoch": 1 + min(range(self.epochs), key=validation.__getitem__) if self.epochs else 0,
            "train_losses": train,
            "validation_losses": validation,
            "quality": max(round(draw.gauss(300_000, 300_000)), -10_000_000),
            "fuel_used": draw.randrange(10**8, 10**9),
            "transcript_root": draw.randbytes(32),
            "solution_digest": draw.randbytes(32),
        }
        path = self.folder / f"{name or f'{optimiser}-n_hidden=4-nonce={nonce}'}.claim"
        path.write_bytes(seal(claim(**{**fields, **changes}), self.key).to_bytes())
        return path

    def _losses(self, draw: random.Random) -> tuple[float, ...]:
        rate, floor = draw.uniform(0.02, 0.2), draw.uniform(0.03, 0.2)
        return tuple(
            (floor + math.exp(-rate * epoch)) * math.exp(draw.gauss(0.0, 0.04)) for epoch in range(self.epochs)
        )


def signed_claim(path: Path) -> Signed[Claim]:
    """The claim in a file."""
    return open_envelope(Envelope.from_bytes(path.read_bytes()), Claim)


def write_verdict(path: Path, key: SigningKey, **changes: Any) -> Path:
    """Write a verdict on the claim in a file beside it: accepted, unless fields are others."""
    signed = signed_claim(path)
    fields = {"outcome": Outcome.ACCEPTED, "reason": Reason.NONE, "step": 0, "detail": "the quality is reached"}
    about: Verdict = verdict(**{"claim_digest": signed.digest, "claim_signer": signed.signer, **fields, **changes})
    beside = path.with_suffix(".verdict")
    beside.write_bytes(seal(about, key).to_bytes())
    return beside
