"""`verifier.verify`: a verdict on one claim."""

from __future__ import annotations

import os
from pathlib import Path

from protocol.envelope import Envelope
from protocol.errors import ProtocolError
from protocol.precommit import Seeding
from protocol.verdict import Level, Verdict
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.challenge.training.trainer import Observer
from verifier.library.place import Place, opened
from verifier.library.solving import SignedClaim
from verifier.library.task import ModuleSource, module_of, read_bytes
from verifier.verification.context import Evidence, Terms
from verifier.verification.self_audit import SelfAudit
from verifier.verification.verify import verify as verified


def verify(
    claim: SignedClaim | str | os.PathLike[str],
    *,
    level: str = "replay",
    module: ModuleSource | None = None,
    signer: bytes | None = None,
    threshold: int | None = None,
    seeding: Seeding | None = None,
    epochs: int = 4,
    callback: Observer | None = None,
    isolation: Place = "process",
) -> Verdict:
    """Check a claim, as `tig-verify verify` does; every outcome is a verdict, with its reason.

    Parameters:
        claim: What `solve` gave, or the path of a `.claim`, beside which its `.solution` and its module are.
        level: `evaluate`, `audit` or `replay`: docs/verification.md says what each proves.
        module: The module, if it is not beside the claim.
        signer: The public key, 32 bytes, that must have signed; by default any.
        threshold: The quality that the claim must exceed, in units of 1e-6: 0 for one that qualifies; by default any.
        seeding: The precommit that the claim must be of, and its beacon; by default none.
        epochs: The epochs that an audit trains again, beside the first, the best and the last.
        callback: Called after each epoch of a replay with an `Epoch`.
        isolation: As for `train`.

    Raises:
        InputError: A file cannot be read, or is not what the claim names; no verdict follows.
        MachineError: This machine cannot compute what it must.
    """
    if level not in list(Level):
        raise InputError(f"level: {level!r} is not one of {', '.join(Level)}")
    evidence = _evidence(claim, module, epochs, Terms(() if signer is None else (signer,), seeding, threshold))
    with opened(isolation) as place:
        return verified(evidence, Level(level), place, callback)


def _evidence(
    claim: SignedClaim | str | os.PathLike[str], module: ModuleSource | None, epochs: int, terms: Terms
) -> Evidence:
    """What there is about a claim. Raises InputError."""
    audit = SelfAudit(epochs)
    if isinstance(claim, SignedClaim):
        own = module_of(module) if module is not None else claim.module
        return Evidence(claim.claim, claim.solution, lambda digest: own, audit, terms)
    path = Path(claim)

    def find(digest: bytes) -> Module:
        beside = path.with_name(f"optimiser-{digest.hex()[:16]}.py")
        return module_of(module if module is not None else beside)

    return Evidence(_envelope(path), _envelope(path.with_suffix(".solution")), find, audit, terms)


def _envelope(path: Path) -> Envelope:
    try:
        return Envelope.from_bytes(read_bytes(path))
    except ProtocolError as error:
        raise InputError(f"{path}: is not a signed record of tig-verify, or was cut or changed: {error}") from None
