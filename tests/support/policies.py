"""Policies for tests, and signers and claims to draw for."""

from __future__ import annotations

from pathlib import Path

from protocol.hashes import blake3_digest
from tests.support.folders import ROOT
from verifier.verification.policy import Policy

EXAMPLE = ROOT / "examples" / "pool-policy.toml"

TEXT = """
[suspect]
replay = 1.0
until = 3

[newcomer]
replay = 0.5
until = 2

[known]
replay = 0.25
audit = 0.25
until = 4

[trusted]
replay = 0.125
"""


def policy(text: str = TEXT, epochs: int = 4) -> Policy:
    """A policy from its text."""
    return Policy.parse(f"audit_epochs = {epochs}\n{text}".encode(), Path("policy.toml"))


def digest(name: str) -> str:
    """32 bytes that stand for a signer or a claim."""
    return blake3_digest(name.encode()).hex()
