"""One round of executing random programs twice: the same programs for the same seed."""

from __future__ import annotations

import resource
from collections.abc import Callable

import torch

from tests.fuzzing.codec_round import Round
from tests.fuzzing.executing import Comparison

CALLS = 5
"""Of one executor, one after the other."""


@torch.inference_mode()
def fuzz(seed: str, size: int) -> Round:
    """The round of a seed, of `size` programs."""
    done = Round()
    for number in range(-(-size // CALLS)):
        comparison = Comparison(f"{seed} {number}")
        for place in range(CALLS):
            done.add("programs", _attempt(comparison), f"{seed} {number} {place}")
            done.inputs["instructions"] += comparison.instructions
    done.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return done


def _attempt(comparison: Comparison) -> Callable[[], str]:
    def attempt() -> str:
        comparison.call(instructions=15)
        return "the same bits"

    return attempt
