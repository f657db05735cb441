"""A benchmark of the live network with small networks that nobody trained, and the API's answer about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from protocol.merkle import MerkleTree
from protocol.network.blob import encode_blob
from protocol.network.output import CpuArch, OutputData
from protocol.settings import Settings, instance_seed
from verifier.c006.evaluation import evaluate
from verifier.c006.initial_weights import initial_weights
from verifier.c006.loader import Array, Linear, Norm, Weights, blob_of, dimensions

N_HIDDEN = 2
NONCES = 8
SAMPLED = (1, 4, 6)
ADDRESS = 0x7F5B_3240_0200
RAND_HASH = "4c3594711e8362ac9d2ec9ae55abb055"
SETTINGS = Settings("c006_a012", "02914ae09391b719e3e4aa8a1bd8d9bd", "c006", "0xaeb9", f"n_hidden={N_HIDDEN}")


def network(nonce: int, n_hidden: int = N_HIDDEN) -> Weights:
    """Initial weights; those of the trainable layers are moved a little, otherwise for each nonce."""
    random = np.random.default_rng(nonce)
    linear = [
        Linear(initial_weights(ADDRESS, out, inputs).reshape(inputs, out).copy(), np.zeros(out, np.float32))
        for inputs, out in dimensions(n_hidden)
    ]
    for layer in linear[:-2]:
        layer.weight[:] += random.normal(scale=0.05, size=layer.weight.shape)
    norms = [_norm(random) for _ in range(n_hidden)]
    norms[-1].weight[:], norms[-1].bias[:] = 1, 0
    return Weights(tuple(linear), tuple(norms))


def _norm(random: np.random.Generator) -> Norm:
    parts: list[Array] = [random.uniform(0.5, 1.5, 256).astype(np.float32) for _ in range(4)]
    return Norm(*parts)


def text_of(weights: Weights) -> str:
    """A solution text with its quotes, as an output holds it."""
    return json.dumps(encode_blob(blob_of(weights, 7)))


def output(nonce: int, solution: str) -> OutputData:
    return OutputData(CpuArch.AMD64, 10**12 + nonce, nonce, 2**64 - 1 - nonce, solution)


@cache
def sound_text(nonce: int) -> str:
    return text_of(network(nonce))


@cache
def sound_quality(nonce: int) -> int:
    seed = instance_seed(SETTINGS, RAND_HASH, nonce)
    return evaluate(sound_text(nonce), N_HIDDEN, seed).quality


@dataclass
class Sample:
    """Outputs and qualities of all nonces, to be changed before the root is made."""

    outputs: list[OutputData]
    qualities: list[int]

    def answer(self, sampled: tuple[int, ...] = SAMPLED) -> dict[str, Any]:
        """What the API says of it; new, to be changed at will."""
        tree = MerkleTree([found.metadata().leaf() for found in self.outputs])
        proofs = [
            {"leaf": json.loads(self.outputs[nonce].to_json()), "branch": tree.branch(nonce).to_text()}
            for nonce in sampled
        ]
        return {
            "precommit": {
                "benchmark_id": "1f",
                "settings": vars(SETTINGS).copy(),
                "details": {"num_nonces": NONCES, "num_bundles": 2, "rand_hash": RAND_HASH, "fee_paid": "7"},
            },
            "benchmark": {
                "id": "1f",
                "details": {"stopped": False, "merkle_root": tree.root.hex(), "sampled_nonces": list(sampled)},
                "solution_quality": self.qualities,
            },
            "proof": {"benchmark_id": "1f", "merkle_proofs": proofs},
        }


def sample(change: Callable[[int, Weights], None] | None = None, nonce: int = 4) -> Sample:
    """An honest benchmark; `change` may spoil the network of one nonce before it is hashed."""
    texts = [sound_text(number) for number in range(NONCES)]
    if change is not None:
        spoilt = network(nonce)
        change(nonce, spoilt)
        texts[nonce] = text_of(spoilt)
    outputs = [output(number, text) for number, text in enumerate(texts)]
    return Sample(outputs, [sound_quality(number) for number in range(NONCES)])
