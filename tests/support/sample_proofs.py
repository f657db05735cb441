"""Outputs of a small benchmark and the answer of the network's API about it."""

from __future__ import annotations

import json
from typing import Any

from protocol import Settings
from protocol.merkle import MerkleTree
from protocol.network.merkle_proof import MerkleProof
from protocol.network.output import CpuArch, OutputData

SAMPLED = (3, 8, 12)
OUTPUTS = [
    OutputData(CpuArch.AMD64, 10**12 + nonce, nonce, (1 << 64) - 1 - nonce, f'"b{nonce}"') for nonce in range(13)
]
TREE = MerkleTree([output.metadata().leaf() for output in OUTPUTS])
SETTINGS = Settings("c006_a1", "b" * 32, "c006", "0x1", "n_hidden=4")


def proof(nonce: int) -> MerkleProof:
    return MerkleProof(OUTPUTS[nonce], TREE.branch(nonce))


def answer() -> dict[str, Any]:
    """A new copy, to be changed at will."""
    proofs = [{"leaf": json.loads(OUTPUTS[n].to_json()), "branch": TREE.branch(n).to_text()} for n in SAMPLED]
    return {
        "precommit": {
            "benchmark_id": "1f",
            "settings": {
                "algorithm_id": "c006_a1", "block_id": "b" * 32, "challenge_id": "c006", "player_id": "0x1",
                "track_id": "n_hidden=4", "size": None,
            },
            "details": {"num_nonces": 13, "num_bundles": 1, "rand_hash": "ab" * 16, "fee_paid": "1000000000000000000"},
            "state": {"block_confirmed": 7},
        },
        "benchmark": {
            "id": "1f",
            "details": {"stopped": False, "merkle_root": TREE.root.hex(), "sampled_nonces": list(SAMPLED)},
            "solution_quality": [nonce - 5 for nonce in range(13)],
        },
        "proof": {"benchmark_id": "1f", "details": {"submission_delay": 1.5}, "merkle_proofs": proofs},
        "fraud": None,
    }  # fmt: skip
