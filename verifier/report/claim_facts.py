"""What a page tells of a claim and of a verdict; small, because ten thousand come from other processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from protocol.canonical_msgpack import Scalar
from protocol.claim import Claim
from protocol.envelope import Signed
from protocol.hashes import DIGEST_SIZE
from protocol.keys import VerifyKey
from protocol.task import Task
from protocol.verdict import Level, Outcome, Reason, StatedTerms, Verdict


@dataclass(frozen=True)
class VerdictFacts:
    """A verdict on a claim, from a signed record or from a line of a log."""

    claim_digest: str
    claim_signer: str
    outcome: str
    reason: str
    level: str
    step: int
    detail: str
    measured: Mapping[str, Scalar]
    terms: Mapping[str, Scalar]
    validator: str | None
    """The fingerprint of the key that signed it; a log is not signed."""
    claim_file: str
    """As the log names it; empty for a record, which lies beside its claim."""

    @property
    def subject(self) -> tuple[str, str]:
        """What it is about: anybody can sign a copy of a claim, and a verdict on that is none on the claim."""
        return self.claim_digest, self.claim_signer


@dataclass(frozen=True)
class ClaimFacts:
    """A claim whose signature holds; its losses are in a block of their own."""

    name: str
    """Of the file, without its ending."""
    file_digest: str
    """BLAKE3 of the file, as a log of runs has it; in hexadecimal digits, as are the next two."""
    digest: str
    """Of what was signed."""
    signer: str
    task: Task
    nonce: int
    quality: int
    epochs: int
    best_epoch: int
    stop_reason: str
    fuel_used: int
    train_loss: float | None
    """That of the best epoch; None for the start."""
    validation_loss: float | None
    run: tuple[tuple[str, str], ...]
    verdict: VerdictFacts | None
    """The signed one beside it."""

    @property
    def subject(self) -> tuple[str, str]:
        """See `VerdictFacts.subject`."""
        return self.digest, self.signer


def claim_facts(
    name: str, file_digest: str, signed: Signed[Claim], task: Task, verdict: VerdictFacts | None
) -> ClaimFacts:
    """The facts of an opened claim; `task` is its own, perhaps as an object that it shares with other claims."""
    claim, best = signed.record, signed.record.best_epoch
    return ClaimFacts(
        name=name,
        file_digest=file_digest,
        digest=signed.digest.hex(),
        signer=signed.signer.hex(),
        task=task,
        nonce=claim.nonce,
        quality=claim.quality,
        epochs=claim.epochs,
        best_epoch=best,
        stop_reason=str(claim.stop_reason),
        fuel_used=claim.fuel_used,
        train_loss=claim.train_losses[best - 1] if best else None,
        validation_loss=claim.validation_losses[best - 1] if best else None,
        run=tuple(claim.run.items()),
        verdict=verdict,
    )


def verdict_facts(signed: Signed[Verdict]) -> VerdictFacts:
    """The facts of an opened verdict."""
    verdict = signed.record
    return VerdictFacts(
        claim_digest=verdict.claim_digest.hex(),
        claim_signer=verdict.claim_signer.hex(),
        outcome=str(verdict.outcome),
        reason=str(verdict.reason),
        level=str(verdict.level),
        step=verdict.step,
        detail=verdict.detail,
        measured=dict(verdict.measured),
        terms=_stated(verdict.terms),
        validator=VerifyKey(signed.signer).fingerprint,
        claim_file="",
    )


def logged_facts(entry: Mapping[str, Any]) -> VerdictFacts:
    """The facts of a verdict from the object of its line in a log. Raises KeyError, TypeError or ValueError."""
    asked, logged = entry["terms"], {"threshold": "quality_above"}
    terms = {field.name: asked[logged.get(field.name, field.name)] for field in fields(StatedTerms)}
    return VerdictFacts(
        claim_digest=_digest(entry["claim_digest"]),
        claim_signer=_digest(entry["signer"]),
        outcome=str(Outcome(entry["outcome"])),
        reason=str(Reason(entry["reason"])),
        level=str(Level(entry["level"])),
        step=int(entry["step"]),
        detail=str(entry["detail"]),
        measured=_scalars(entry["measured"]),
        terms=_given(_scalars(terms)),
        validator=None,
        claim_file=str(entry["file"]),
    )


def _digest(text: str) -> str:
    """Hexadecimal digits of 32 bytes. Raises TypeError or ValueError."""
    if len(bytes.fromhex(text)) != DIGEST_SIZE:
        raise ValueError(text)
    return text


def _scalars(values: Mapping[str, Any]) -> dict[str, Scalar]:
    """The values, unless one is no scalar. Raises TypeError."""
    for value in values.values():
        if not isinstance(value, bool | int | float | str | None):
            raise TypeError
    return dict(values)


def _stated(terms: StatedTerms) -> dict[str, Scalar]:
    return _given({name: value.hex() if isinstance(value, bytes) else value for name, value in asdict(terms).items()})


def _given(terms: Mapping[str, Scalar]) -> dict[str, Scalar]:
    return {name: value for name, value in terms.items() if value is not None}
