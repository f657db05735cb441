"""One program for each seed: generated, or a mutant of a generated one, of an attack or of an optimiser."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from tests.fuzzing.mutations import LONGEST, mutate
from tests.fuzzing.programs import Programs
from tests.support.folders import FIXTURES

FUEL: Final = 30_000_000
AMPLE_FUEL: Final = 2_000_000_000
"""Enough to come to the limit of memory first."""

_FIXTURES: Final = FIXTURES


@dataclass(frozen=True)
class Program:
    """A module to run, where it comes from, and with how much fuel."""

    seed: int
    origin: str
    """generated, mutated, attack, optimiser or greedy."""
    source: bytes
    fuel_budget: int


def program(seed: int) -> Program:
    """The program of a seed; that of an attack's mutant depends on the corpus too."""
    random = Random(seed)
    origin = random.choices(("generated", "mutated", "attack", "optimiser"), (11, 4, 4, 1))[0]
    if random.random() < 0.002:
        return Program(seed, "greedy", _greedy(random.choice(_optimisers()), random), AMPLE_FUEL)
    own = Programs(random).module().encode()
    if origin == "generated":
        return Program(seed, origin, own, FUEL)
    if origin == "mutated":
        return Program(seed, origin, mutate(own, random.choice(_attacks()), random), FUEL)
    base = random.choice(_attacks() if origin == "attack" else _optimisers())
    return Program(seed, origin, mutate(base, own, random), FUEL)


def _greedy(source: bytes, random: Random) -> bytes:
    """The module with a step that takes much memory."""
    times, size = random.choice(((600, 20), (100, 20), (2300, 18), (500, 20)))
    lines = f"    for i in range({times}):\n        big = torch.zeros(2 ** {size})\n"
    greed = f"{lines}    return 0.5 * gradient + big[0], state\n"
    return source[: source.rindex(b"    return ")] + greed.encode()


@cache
def _attacks() -> tuple[bytes, ...]:
    return _short(_FIXTURES / "attacks") or _optimisers()


@cache
def _optimisers() -> tuple[bytes, ...]:
    return _short(_FIXTURES / "optimisers") + _short(_FIXTURES / "trials")


def _short(folder: Path) -> tuple[bytes, ...]:
    sources = [path.read_bytes() for path in sorted(folder.rglob("*.py"))]
    return tuple(source for source in sources if len(source) <= LONGEST)
