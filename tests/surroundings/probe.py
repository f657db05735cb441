"""Says how modules end in this process: as JSON on standard output, to be compared with other processes.

    python -m tests.surroundings.probe [--isolation none|process] [--training]

Run in many surroundings by test_surroundings.py and `python -m proofs.surroundings`: the answer must be the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from contextlib import ExitStack
from typing import Final

import torch

from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.verdict import Level
from sandbox.isolation import InProcess, Isolation, Jail
from tests.attacks.corpus import Build, read_corpus
from tests.attacks.verdicts import Factory, observe
from tests.golden.golden_run import named
from tests.support.sample_operations import OPERATIONS
from tests.support.sample_optimisers import module
from verifier.challenge.solving import solve
from verifier.verification.context import Evidence
from verifier.verification.verify import verify

SECTION: Final = "I"
"""The attacks whose ending could depend on the machine."""
EVERYTHING: Final = module(
    initial="\n    ".join([*OPERATIONS, 'return {"made": r}']),
    query="return parameters * 0.5",
    step='return -gradient * 0.25, {**state, "epoch": epoch, "text": f"{train_loss:.3f}"}',
    math=True,
)
"""A module that uses everything: every operation of tensors, and most of the language."""
TRAINING: Final = "sgd-n_hidden=2"
"""The golden run that is trained, claimed and verified."""
OF_TRAINING: Final = ("training", "verdict")
"""How the names of its endings begin."""


def endings(factory: Factory) -> dict[str, str]:
    """How each module ends: its verdict, and the digest of its answers, fuel included."""
    cases = [
        (case.name, case.source, case.fuel)
        for item in read_corpus()
        for case in item.cases
        if item.id.startswith(SECTION) and case.build is Build.FULL
    ]
    found = {}
    for name, source, fuel in [("everything", EVERYTHING, 10**12), *cases]:
        observed = observe(source, factory, fuel)
        digest = hashlib.sha256(repr(observed.answers).encode()).hexdigest()[:16]
        found[name] = f"{observed.verdict.value} {digest}" if observed.answers else observed.verdict.value
    return found


def training(isolation: Isolation) -> dict[str, str]:
    """How a whole training ends, and the verdicts on its claim."""
    (run,) = named([TRAINING])
    solved = solve(run.session(isolation))
    key = SigningKey.generate()
    evidence = Evidence(seal(solved.claim, key), seal(solved.solution, key), lambda _: run.module)
    verdicts = [verify(evidence, level, isolation) for level in (Level.EVALUATE, Level.REPLAY)]
    return {
        "training": f"{solved.claim.transcript_root.hex()} {solved.claim.quality}",
        **{f"verdict of {verdict.level}": f"{verdict.outcome} {verdict.reason}" for verdict in verdicts},
    }


def main(arguments: list[str]) -> None:
    """Print the endings."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--isolation", choices=["none", "process"], default="none")
    parser.add_argument("--training", action="store_true")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with ExitStack() as stack:
        isolation: Isolation = stack.enter_context(Jail()) if options.isolation == "process" else InProcess()
        found = dict(endings(isolation.start))
        if options.training:
            found |= training(isolation)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
