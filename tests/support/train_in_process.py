"""Short trainings and every operation in this process, for `test_determinism`; run as a program of its own.

    python -m tests.support.train_in_process THREADS '[["binary64", "none"], ...]' [PROCESSOR]

Writes one line of JSON for each way: what computes the network, and where the optimiser runs. With a name out of
`instruction_sets` the network is compiled for that processor.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import replace

import torch

from arithmetic.engine_choice import ENGINE_VARIABLE
from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import InProcess, Isolation, Jail
from tests.parity.operations import OPERATIONS, digest
from tests.support.folders import FIXTURES
from tests.support.instruction_sets import PROCESSORS, Processor
from verifier.challenge.editions import DECEMBER_2025, EDITIONS
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from verifier.challenge.solving import solve

EDITION = replace(DECEMBER_2025, name="three-epochs", max_epochs=3)
EDITIONS[EDITION.name] = (EDITION,)


def session(isolation: Isolation) -> Session:
    """Three epochs of Adam."""
    path = FIXTURES / "optimisers" / "adam.py"
    module = Module(path.name, path.read_bytes())
    task = Task(EDITION.name, Settings("a", "b", "c006", "p", "n_hidden=2"), module.digest, {}, 10**12, "0" * 32)
    return Session(task, 5, module, isolation)


def outcome(session: Session) -> dict[str, object]:
    """What they come to."""
    claim = solve(session).claim
    return {
        "root": claim.transcript_root.hex(),
        "solution": claim.solution_digest.hex(),
        "epochs": claim.epochs,
        "fuel": claim.fuel_used,
        "operations": {name: digest(name) for name in OPERATIONS},
    }


def plain_digest() -> str:
    """The digest of what torch's own functions, which this project never uses, make of some numbers."""
    x = torch.linspace(-3.0, 7.0, 4099)
    results = torch.cat([x.exp(), x.sin(), x.tanh(), x.view(1, -1).softmax(1).view(-1)])
    return hashlib.sha256(results.numpy().tobytes()).hexdigest()


def compile_for(processor: Processor) -> None:
    """Have the network compiled for a processor, in place of the one that is found.

    The toolkit lets no variable of the environment say so.
    """
    from arithmetic.compiled.processor import Processor as Target

    features = ",".join(f"+{name}" for name in processor.features)
    Target.here = staticmethod(lambda: Target(processor.name, features))  # type: ignore[method-assign]


def compiled_for() -> list[str]:
    """The instruction sets that the network has been compiled for."""
    from arithmetic.compiled.processor import Processor as Target

    return sorted(name[1:] for name in Target.here().features.split(",") if name.startswith("+"))


def main(threads: str, ways: str, processor: str = "") -> None:
    """Train in each way."""
    torch.set_num_threads(int(threads))
    if processor:
        compile_for(PROCESSORS[processor])
    for engine, place in json.loads(ways):
        os.environ[ENGINE_VARIABLE] = engine
        with Jail() as jail:
            training = session(jail if place == "process" else InProcess())
            consensus = outcome(training)
        machine = {
            "engine": training.network.engine,
            "compiled_for": compiled_for() if engine == "int16" else [],
            "threads": torch.get_num_threads(),
            "capability": torch.backends.cpu.get_cpu_capability(),
            "plain": plain_digest(),
        }
        print(json.dumps({"consensus": consensus, **machine}))


if __name__ == "__main__":
    main(*sys.argv[1:])
