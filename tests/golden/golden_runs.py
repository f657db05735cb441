"""Golden runs: whole trainings whose every digest is recorded in fixtures/golden.

python -m tests.golden.golden_runs fill    writes the records anew (say why in the changelog)
python -m tests.golden.golden_runs check   trains again and compares; the test suite does the same
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from protocol.hashes import blake3_digest
from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import InProcess
from sandbox.state import tensor_bytes
from tests.support.folders import FIXTURES
from verifier.challenge.editions import DECEMBER_2025
from verifier.challenge.instance.instance import Instance
from verifier.challenge.module import Module
from verifier.challenge.network.network import initial_weight
from verifier.challenge.scoring import score, test_subset
from verifier.challenge.session import Session
from verifier.challenge.training.trainer import finish
from verifier.challenge.training.transcript import tensor_digest
from verifier.challenge.versions import versions


@dataclass(frozen=True)
class GoldenRun:
    """One run: an optimiser of fixtures/optimisers on nonce 0 of a track."""

    optimiser: str
    n_hidden: int

    @property
    def path(self) -> Path:
        """Where its record is."""
        return FIXTURES / "golden" / f"{self.optimiser}-n_hidden={self.n_hidden}.json"

    def session(self, device: str) -> Session:
        """The training, in this process."""
        name = f"{self.optimiser}.py"
        module = Module(name, (FIXTURES / "optimisers" / name).read_bytes())
        task = Task(
            edition=DECEMBER_2025.name,
            settings=Settings("", "", "c006", "", f"n_hidden={self.n_hidden}"),
            rand_hash="0" * 32,
            optimiser_digest=module.digest,
            hyperparameters={},
            fuel_budget=DECEMBER_2025.max_fuel_budget,
        )
        return Session(task, 0, module, InProcess(), device)


RUNS = (
    GoldenRun("adam", 4),
    GoldenRun("adam", 10),
    GoldenRun("sgd", 2),
    GoldenRun("momentum", 1),
    GoldenRun("lookahead", 2),
)


def instance_digest(instance: Instance) -> bytes:
    """BLAKE3 of x, f and y of the training, validation and test points, in this order."""
    sets = (instance.train, instance.validation, instance.test)
    return blake3_digest(b"".join(tensor_bytes(t) for s in sets for t in (s.x, s.f, s.y)))


def compute(run: GoldenRun, device: str = "cpu") -> dict[str, object]:
    """Train and collect what the record holds; equal on every machine and device."""
    session = run.session(device)
    task, instance_id = session.task, session.instance_id
    with session.trainer() as trainer:
        trainer.start(session.initial)
        training = finish(trainer)
        final_state = trainer.optimiser.request_state_digest()()
        final_parameters = tensor_digest(trainer.optimiser.parameters)
    result = score(session.network, training.best, test_subset(instance_id, training.epochs))
    frozen = (initial_weight(instance_id, layer) for layer in (run.n_hidden, run.n_hidden + 1))
    return {
        "edition": task.edition,
        "track_id": task.settings.track_id,
        "challenge_id": task.settings.challenge_id,
        "rand_hash": task.rand_hash,
        "nonce": session.nonce,
        "optimiser": f"optimisers/{session.module.name}",
        "optimiser_digest": task.optimiser_digest.hex(),
        "seed": instance_id.seed.hex(),
        "instance_digest": instance_digest(session.instance).hex(),
        "initial_parameters_digest": tensor_digest(session.initial).hex(),
        "frozen_weight_digests": [tensor_digest(weight).hex() for weight in frozen],
        "epochs": training.epochs,
        "best_epoch": training.best_epoch,
        "stop_reason": training.stop_reason.value,
        "fuel_used": training.fuel_used,
        "first_losses": [training.train_losses[0].hex(), training.validation_losses[0].hex()],
        "last_losses": [training.train_losses[-1].hex(), training.validation_losses[-1].hex()],
        "final_parameters_digest": final_parameters.hex(),
        "final_state_digest": final_state.hex(),
        "best_network_digest": training.best.digest().hex(),
        "transcript_root": training.transcript_root.hex(),
        "solution_digest": training.best.to_solution(instance_id.track).digest().hex(),
        "test_loss": result.loss.hex(),
        "threshold": result.threshold.hex(),
        "quality": result.quality,
    }


def differences(run: GoldenRun, computed: dict[str, object]) -> list[str]:
    """A line for each field in which what was computed differs from the record."""
    recorded = json.loads(run.path.read_text())["run"]
    names = sorted(recorded.keys() | computed.keys())
    return [
        f"{run.path.name}: {name}: recorded {recorded.get(name)}, computed {computed.get(name)}"
        for name in names
        if recorded.get(name) != computed.get(name)
    ]


def fill(run: GoldenRun) -> None:
    """Write the record."""
    info = {"made_by": "python -m tests.golden.golden_runs fill", "versions": versions()}
    run.path.write_text(json.dumps({"_info": info, "run": compute(run)}, indent=2) + "\n")


def main(arguments: list[str]) -> int:
    """The two commands."""
    torch.set_num_threads(1)
    if arguments == ["fill"]:
        for run in RUNS:
            fill(run)
            print(f"wrote {run.path.name}")
        return 0
    if arguments == ["check"]:
        found = [line for run in RUNS for line in differences(run, compute(run))]
        print("\n".join(found) or f"all {len(RUNS)} golden runs agree")
        return 1 if found else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
