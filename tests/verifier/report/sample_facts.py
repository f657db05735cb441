"""Facts of claims and verdicts, made up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from protocol.hashes import blake3_digest
from tests.support.sample_records import claim as claim_record
from tests.support.sample_records import signed, task, verdict
from verifier.report.claim_facts import ClaimFacts, VerdictFacts, claim_facts, verdict_facts
from verifier.report.claims_page import Evidence
from verifier.report.loss_blocks import LossBlocks

SIGNER = bytes(range(32))


def claim(nonce: int, quality: int = 100, optimiser: str = "adam", **changes: Any) -> ClaimFacts:
    """A claim as `solve` names it."""
    record = claim_record(nonce=nonce, quality=quality)
    digest = blake3_digest(f"{optimiser} {nonce} {quality}".encode())
    about = task(optimiser_digest=blake3_digest(optimiser.encode()), hyperparameters={})
    facts = claim_facts(
        f"{optimiser}-n_hidden=4-nonce={nonce}", "f" * 64, signed(record, digest, SIGNER), about, verdict=None
    )
    return replace(facts, **changes)


def verdict_on(about: ClaimFacts, **changes: Any) -> VerdictFacts:
    """A verdict on a claim; a rejection of level replay, unless fields are others."""
    digests = {"claim_digest": bytes.fromhex(about.digest), "claim_signer": bytes.fromhex(about.signer)}
    return verdict_facts(signed(verdict(**{**digests, **changes}), signer=SIGNER))


def evidence(*claims: ClaimFacts, **changes: Any) -> Evidence:
    """What a page is made of."""
    return replace(Evidence("out", claims, LossBlocks(), [], [], {}), **changes)
