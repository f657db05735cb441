"""A benchmarker's work: train an optimiser on the instance of one nonce and make the claim (specification, 10.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch

from arithmetic import self_test
from protocol.claim import Claim, check_hyperparameters
from protocol.hashes import blake3_digest
from protocol.settings import Settings, instance_seed
from protocol.solution import Solution
from sandbox.isolation import Isolation
from sandbox.optimiser import Assignment, Optimiser, Scalar
from sandbox.state import tensor_bytes
from verifier.challenge.editions import Edition, Track, find_edition
from verifier.challenge.instance.instance import draw_instance
from verifier.challenge.network.kernel_choice import training_kernels
from verifier.challenge.network.network import Architecture, Network, Statistics, initial_parameters
from verifier.challenge.scoring import Score, score, test_subset
from verifier.challenge.streams import stream
from verifier.challenge.training.trainer import Observer, Training, train
from verifier.challenge.versions import versions


@dataclass(frozen=True)
class Task:
    """One training to be done: everything that its outcome depends on."""

    edition: Edition
    settings: Settings
    rand_hash: str
    nonce: int
    source: bytes
    """The optimiser module, exactly as submitted."""
    name: str
    """Its name for messages."""
    hyperparameters: Mapping[str, Scalar]
    fuel_budget: int

    def __post_init__(self) -> None:
        """The edition takes the sizes of the track. Raises EditionError."""
        object.__setattr__(self, "edition", self.edition.for_track(self.track))

    @classmethod
    def of(cls, claim: Claim, source: bytes, name: str) -> Self:
        """The training that a claim is about; `source` is its module. Raises EditionError."""
        return cls(
            edition=find_edition(claim.edition),
            settings=claim.settings,
            rand_hash=claim.rand_hash,
            nonce=claim.nonce,
            source=source,
            name=name,
            hyperparameters=claim.hyperparameters,
            fuel_budget=claim.fuel_budget,
        )

    @property
    def track(self) -> Track:
        """The track of the settings. Raises EditionError."""
        return Track.parse(self.settings.track_id, self.edition)

    @property
    def seed(self) -> bytes:
        """The 32-byte seed of the instance."""
        return instance_seed(self.settings, self.rand_hash, self.nonce)


@dataclass(frozen=True)
class Solved:
    """What a task came to."""

    claim: Claim
    solution: Solution
    training: Training
    score: Score


def solve(task: Task, isolation: Isolation, observer: Observer | None = None, device: str = "cpu") -> Solved:
    """Train and score; `device` is where the network's products are computed.

    Raises EditionError, MachineError, ModuleRefused, OptimiserError, RecordError or WorkerFault.
    """
    self_test.require_sound(device)
    check_hyperparameters(task.hyperparameters)
    edition, seed = task.edition, task.seed
    architecture = Architecture(edition, task.track.n_hidden)
    initial = initial_parameters(architecture, seed)
    with start_optimiser(task, architecture, isolation) as optimiser:
        network = Network(architecture, seed, device, training_kernels(device))
        training = train(edition, seed, draw_instance(edition, seed), network, initial, optimiser, observer)
    result = score(network, training.parameters, training.statistics, test_subset(edition, seed, training.epochs))
    solution = make_solution(edition, task.settings.track_id, training)
    run = {**versions(), **isolation.describe()}
    return Solved(_claim(task, training, result, solution, run), solution, training, result)


def start_optimiser(task: Task, architecture: Architecture, isolation: Isolation) -> Optimiser:
    """The task's optimiser, with buffers for the architecture's parameters."""
    assignment = Assignment(
        source=task.source,
        name=task.name,
        layout=architecture.layout(),
        difficulty=task.track.difficulty,
        hyperparameters=task.hyperparameters,
        key=stream(task.edition, task.seed, "optimiser").read(32),
        fuel_budget=task.fuel_budget,
    )
    return isolation.start(assignment)


def make_solution(edition: Edition, track_id: str, training: Training) -> Solution:
    """The trained weights and running statistics as a record."""
    return Solution(
        edition=edition.name,
        track_id=track_id,
        parameters=tensor_bytes(training.parameters),
        running_means=tensor_bytes(training.statistics.means),
        running_variances=tensor_bytes(training.statistics.variances),
    )


def read_solution(solution: Solution, architecture: Architecture) -> tuple[torch.Tensor, Statistics] | None:
    """Parameters (flat) and running statistics of a solution; None if their sizes are not the architecture's."""
    arrays = solution.parameters, solution.running_means, solution.running_variances
    parameters, means, variances = map(tensor_of, arrays)
    shape = (architecture.normed_layers, architecture.edition.width)
    norms = shape[0] * shape[1]
    if (parameters.numel(), means.numel(), variances.numel()) != (architecture.layout().size, norms, norms):
        return None
    return parameters, Statistics(means.view(shape), variances.view(shape))


def tensor_of(data: bytes) -> torch.Tensor:
    """Little-endian binary32 as a flat tensor."""
    return torch.frombuffer(bytearray(data), dtype=torch.float32) if data else torch.zeros(0)


def _claim(task: Task, training: Training, result: Score, solution: Solution, run: Mapping[str, str]) -> Claim:
    return Claim(
        edition=task.edition.name,
        settings=task.settings,
        rand_hash=task.rand_hash,
        nonce=task.nonce,
        optimiser_digest=blake3_digest(task.source),
        hyperparameters=task.hyperparameters,
        fuel_budget=task.fuel_budget,
        fuel_used=training.fuel_used,
        epochs=training.epochs,
        best_epoch=training.best_epoch,
        stop_reason=training.stop_reason,
        train_losses=training.train_losses,
        validation_losses=training.validation_losses,
        transcript_root=training.transcript_root,
        quality=result.quality,
        solution_digest=solution.digest(),
        run=run,
    )
