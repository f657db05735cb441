"""A known training: a module that comes with the toolkit, an instance, and the results that every machine must get.

It is the golden run `momentum-n_hidden=1`, which the second implementation has confirmed.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from protocol.examination import Check, Condition, Finding
from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import Isolation
from verifier.challenge.editions import DECEMBER_2025
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from verifier.challenge.solving import solve

RAND_HASH: Final = "4c3594711e8362ac9d2ec9ae55abb055"
RESULTS: Final = {
    "transcript_root": "c2c841a82fb655b591c2b05f3dd85e20c2134e4cfb8ea8d70a247ec38da1493b",
    "fuel_used": 71628038,
    "quality": 484367,
}
"""Of the training at `n_hidden=1`."""


def module() -> Module:
    """Momentum, as it is among the reference optimisers."""
    return Module("momentum.py", files(__package__).joinpath("momentum.txt").read_bytes())


def session(place: Isolation, n_hidden: int = 1) -> Session:
    """The training, or the same one of another depth. Raises as a session does."""
    optimiser = module()
    settings = Settings("c006_a012", "02914a", "c006", "0xaeb9", f"n_hidden={n_hidden}")
    budget = DECEMBER_2025.max_fuel_budget
    return Session(Task(DECEMBER_2025.name, settings, optimiser.digest, {}, budget, RAND_HASH), 0, optimiser, place)


def examine(place: Isolation) -> Finding:
    """Train and score as `solve` does; failed where a result is another one. Raises as `solve` does."""
    claim = solve(session(place)).claim
    found: dict[str, str | int] = {
        "transcript_root": claim.transcript_root.hex(),
        "fuel_used": claim.fuel_used,
        "quality": claim.quality,
    }
    others = [name.replace("_", " ") for name, known in RESULTS.items() if found[name] != known]
    if others:
        problem = f"a known training ends with another {' and '.join(others)}; solve and verify nothing here"
        return Finding(Check.TRAINING, Condition.FAILED, problem, found)
    said = f"{claim.epochs} epochs have the known transcript root {claim.transcript_root.hex()[:16]}.."
    return Finding(Check.TRAINING, Condition.OK, said, found)
