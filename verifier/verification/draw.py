"""The draw of the level at which a claim is verified, which anybody can check afterwards."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from blake3 import blake3

from protocol.verdict import Level
from verifier.verification.policy import Policy, Rule, Standing
from verifier.verification.standing import Standings

CONTEXT: Final = "tig-verify v2 audit draw"


@dataclass(frozen=True)
class Draw:
    """The level of one claim, and everything that it follows from; texts of bytes are hexadecimal digits."""

    claim_digest: str
    signer: str
    standing: Standing
    """As the verdicts before this draw made it."""
    replay: float
    audit: float
    """The shares of that standing."""
    beacon: str
    number: float
    """At least 0 and less than 1: of beacon, signer and digest. Below `replay` the claim is replayed."""
    level: Level
    policy: str
    """Digest of the policy's file."""


def new_beacon() -> str:
    """A beacon for one call, of the operating system's randomness."""
    return secrets.token_hex(32)


def draw(policy: Policy, standings: Standings, beacon: str, claim_digest: str, signer: str) -> Draw:
    """Draw the level of a claim: as likely as its signer's standing says, and the same whoever draws it again."""
    standing = standings.of(signer, policy)
    rule, number = policy.rules[standing], drawn_number(beacon, claim_digest, signer)
    return Draw(
        claim_digest, signer, standing, rule.replay, rule.audit, beacon, number, _level(rule, number), policy.digest
    )


def drawn_number(beacon: str, claim_digest: str, signer: str) -> float:
    """The number of a claim: 53 bits of BLAKE3 over signer, digest and beacon, as a multiple of 2^-53."""
    text = bytes.fromhex(signer) + bytes.fromhex(claim_digest) + beacon.encode("ascii")
    word = int.from_bytes(blake3(text, derive_key_context=CONTEXT).digest(8), "little")
    return (word >> 11) * 2.0**-53


def _level(rule: Rule, number: float) -> Level:
    if number < rule.replay:
        return Level.REPLAY
    return Level.AUDIT if number < rule.replay + rule.audit else Level.EVALUATE
