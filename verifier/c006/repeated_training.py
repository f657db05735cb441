"""One instance of the live network trained again and again, each time from other initial weights."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from protocol.claim import StopReason
from protocol.hashes import blake3_digest
from sandbox.isolation import Isolation
from sandbox.optimiser import Assignment, Scalar
from verifier.c006.dataset import OUTPUTS, DataSet, Single, draw_dataset
from verifier.c006.evaluation import evaluate_weights
from verifier.c006.initial_weights import initial_weights
from verifier.c006.loader import WIDTH
from verifier.c006.training import LiveNetwork, LiveTraining, train
from verifier.challenge.errors import EditionError
from verifier.challenge.module import Module
from verifier.challenge.training.trainer import Observer

_ADDRESS_MASK = (1 << 47) - 512  # the half of the 48-bit addresses that belongs to programs, aligned as CUDA aligns
_ADDRESS_STEP = 512

_dataset = lru_cache(maxsize=1)(draw_dataset)
"""All repetitions are on the same points."""


@dataclass(frozen=True)
class LiveTask:
    """A training to be repeated."""

    seed: bytes
    """Of the instance, 32 bytes."""
    n_hidden: int
    path: Path
    """The file of the module, for messages."""
    module: Module
    hyperparameters: Mapping[str, Scalar]
    fuel_budget: int
    """For each repetition, in this toolkit's units, which are not the network's."""


@dataclass(frozen=True)
class Repetition:
    """The outcome of one training."""

    number: int
    """From 0."""
    quality: int | None
    """None if no epoch improved, so that there is no solution."""
    epochs: int
    best_epoch: int
    validation_loss: float
    stop_reason: StopReason
    seconds: float


@dataclass(frozen=True)
class RepeatedTraining:
    """One training of a task, to be done; sent to other processes as it is."""

    task: LiveTask
    number: int
    """From 0; the initial weights follow from it."""

    def __str__(self) -> str:
        return f"run {self.number}"

    @property
    def origin(self) -> str:
        """The file of the module."""
        return str(self.task.path)

    @property
    def key(self) -> int:
        """Its number."""
        return self.number

    @property
    def cost(self) -> float:
        """All take about as long."""
        return 1.0

    def run(self, isolation: Isolation, observer: Observer | None) -> Repetition:
        """Train, always on the CPU. Raises what `train` raises."""
        task, data = self.task, _dataset(self.task.seed)
        began = time.perf_counter()
        network = LiveNetwork(initial_layers(self.number, task.n_hidden))
        with isolation.start(_assignment(task, network)) as optimiser:
            training = train(task.seed, data, network, optimiser, observer)
        return _repetition(self.number, training, data, time.perf_counter() - began)


def repetitions(task: LiveTask, count: int) -> list[RepeatedTraining]:
    """So many trainings of a task. Raises EditionError where there is nothing to train."""
    if task.n_hidden < 2:
        raise EditionError("n_hidden=1: both of its layers are frozen, so there is nothing to train")
    return [RepeatedTraining(task, number) for number in range(count)]


def initial_layers(number: int, n_hidden: int) -> list[Single]:
    """The weights [in, out] of the n + 1 linear layers at the start of a repetition.

    The network draws them from the device address of a buffer that it frees after each layer: the next layer finds it
    at the same address, or 512 bytes on while the last one is still in use. Even repetitions simulate the first, odd
    ones the second; the address itself is drawn from the repetition's number.
    """
    digest = blake3_digest(b"tig-verify c006 band address" + number.to_bytes(8, "little"))
    address = int.from_bytes(digest[:8], "little") & _ADDRESS_MASK
    step = _ADDRESS_STEP * (number % 2)
    shapes = [(WIDTH, 1), *[(WIDTH, WIDTH)] * (n_hidden - 1), (OUTPUTS, WIDTH)]
    return [
        initial_weights(address + step * layer, out, inputs).reshape(inputs, out)
        for layer, (out, inputs) in enumerate(shapes)
    ]


def _assignment(task: LiveTask, network: LiveNetwork) -> Assignment:
    return Assignment(
        source=task.module.source,
        name=task.module.name,
        layout=network.layout,
        difficulty={"n_hidden": task.n_hidden},
        hyperparameters=task.hyperparameters,
        # The network gives its optimisers the seed itself; one that can regenerate the test points is no reference.
        key=blake3_digest(b"tig-verify c006 optimiser" + task.seed),
        fuel_budget=task.fuel_budget,
    )


def _repetition(number: int, training: LiveTraining, data: DataSet, seconds: float) -> Repetition:
    quality = None if training.weights is None else evaluate_weights(training.weights, data).quality
    return Repetition(
        number, quality, training.epochs, training.best_epoch, training.validation_loss, training.stop_reason, seconds
    )
