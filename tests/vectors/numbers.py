"""Vectors of functions and random numbers (specification 2.7, 3.2, 3.3 and 11.1): fixtures/vectors/numbers.json."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from arithmetic import random
from arithmetic.transcendental import elementary
from tests.support.laboratory import Laboratory
from tests.vectors.texts import hexadecimal
from verifier.challenge.editions import APRIL_2025, DECEMBER_2025, DECEMBER_2025_CENTRED, Track
from verifier.challenge.instance.instance_id import InstanceId, Label

SEED: Final = bytes(range(32))
STREAMS: Final[tuple[tuple[Label, int], ...]] = (
    ("features", 0),
    ("points", 0),
    ("noise", 0),
    ("optimiser", 0),
    ("weights", 0),
    ("weights", 3),
    ("shuffle", 0),
    ("shuffle", 999),
    ("test-subset", 57),
)
WORDS: Final = [
    0, 1, 2047, 2048, 2**11 * 3, 2**40, 2**63, 2**63 + 2**40 - 1, 2**64 - 2**11, 2**64 - 1,
    7640891576956012809, 13503953896175478587, 4354685564936845355, 11912009170470909681,
]  # fmt: skip
"""Of all sizes; the last ones are the first of BLAKE3's constants."""
ARGUMENTS: Final = {
    "exp": "1 -0.1 -3.5 0x1.5e2p9 -0x1.724p9 -0.0 0x1p-60 -745.2 -inf",
    "expm1": "1 -0.1 0x1.b7cdfd9d7bdbbp-34 -30.25 0x1.738f6bb23a71p-2 41.5 -0.0",
    "log": "2 10 0x1.6666666666666p-1 0x0.012688b70e62bp-1022 1 0x1p-53 0x1.6a09e667f3bccp-1 0x1.6a09e667f3bcdp-1 inf",
    "log1p": "1 -0.75 0x1.b7cdfd9d7bdbbp-34 0x1.f2bf7904ae676p-2 0x1.7e43c8800759cp996 -0.0",
    "cos": "1 100.5 -1e6 0x1.921fb54442d18p0 0 -2.5",
    "sin": "1 3 1e6 0x1.921fb54442d18p1 -0x1.f087a9622badcp2 -0.0",
    "tanh": "0.5 -0x1.d3974ca3b6b4p-4 0x1.12e0be826d695p-30 19.75 -25 -0.0",
    "sigmoid": "0.5 -0x1.8f7d3fc1c7254p3 -700.5 37.25 0",
    "erf": "0.5 -0x1.04b09f48219cep0 0x1.12e0be826d695p-30 3.25 5.9 7 -0.0",
    "rsqrt": "2 0x0.012688b70e62bp-1022 0x1.022778513e7c5p2",
}
POWERS: Final = (
    "0.9 2.5", "0x1.ff7ced916872bp-1 1000", "10 -3", "2 0.1", "3 -647", "-3 5", "-0.0 3", "0.999 0", "nan 0", "1 nan",
    "2 0.5", "2 -0.5", "0.5 inf", "0 0.25", "0x1.8p-300 -2",
)  # fmt: skip


def number(text: str) -> float:
    """A number in decimal or in hexadecimal."""
    return float.fromhex(text) if "0x" in text else float(text)


def functions() -> dict[str, Any]:
    """Arguments and results of each function of scalars."""
    found: dict[str, Any] = {}
    for name, texts in ARGUMENTS.items():
        arguments = [number(text) for text in texts.split()]
        results = [getattr(elementary, name)(argument) for argument in arguments]
        found[name] = [list(pair) for pair in zip(hexadecimal(arguments), hexadecimal(results), strict=True)]
    pairs = [[number(text) for text in pair.split()] for pair in POWERS]
    found["power"] = [hexadecimal([x, y, elementary.power(x, y)]) for x, y in pairs]
    return found


def streams() -> list[dict[str, Any]]:
    """The first words of every stream of every edition."""
    seeded = [InstanceId(Track(edition, 1), SEED) for edition in (DECEMBER_2025, DECEMBER_2025_CENTRED, APRIL_2025[0])]
    return [
        {
            "context": (source := instance_id.stream(label, index)).context,
            "key": source.key.hex(),
            "words": [str(word) for word in source.words(0, 4)],
        }
        for instance_id in seeded
        for label, index in STREAMS
    ]


def made_of_words() -> dict[str, Any]:
    """What is made of words, one or two for each number."""
    words = np.array(WORDS, np.uint64)
    repeated = np.array([5, 2**64 - 1, 5, 0, 2**63, 0], np.uint64)
    return {
        "words": [str(word) for word in words],
        "uniforms": hexadecimal(random.uniforms(words)),
        "normals": hexadecimal(random.normals(words.reshape(-1, 2))),
        "permutation": random.permutation(words).tolist(),
        "ties": {"words": [str(word) for word in repeated], "permutation": random.permutation(repeated).tolist()},
    }


def draws() -> dict[str, Any]:
    """What an optimiser draws from its `rng`, one call after the other."""
    generator = Laboratory(key=SEED).generator()
    return {
        "key": SEED.hex(),
        "calls": [
            {"call": "uniform(2, 2)", "drawn": hexadecimal(generator.uniform(2, 2).reshape(-1).tolist())},
            {"call": "normal(3)", "drawn": hexadecimal(generator.normal(3).tolist())},
            {"call": "rademacher(8)", "drawn": hexadecimal(generator.rademacher(8).tolist())},
            {"call": "permutation(6)", "drawn": generator.permutation(6)},
            {"call": "uniform()", "drawn": hexadecimal([generator.uniform().item()])},
        ],
    }


def vectors() -> dict[str, Any]:
    """The file's content."""
    return {"functions": functions(), "streams": streams(), "made_of_words": made_of_words(), "draws": draws()}
