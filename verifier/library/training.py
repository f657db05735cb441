"""`verifier.train`: one training, as arrays."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.claim import StopReason
from sandbox.optimiser import Scalar
from verifier.challenge.module import Module
from verifier.challenge.quality import qualifies
from verifier.challenge.session import Session
from verifier.challenge.solving import Solved
from verifier.challenge.solving import solve as solved
from verifier.challenge.training.trainer import Observer
from verifier.library.place import Place, opened
from verifier.library.task import RAND_HASH, ModuleSource, module_of, task_of


@dataclass(frozen=True)
class TrainingResult:
    """The outcome of one training: T epochs, their losses, and the score of the best one's weights."""

    optimiser: str
    """The name of the module's file."""
    optimiser_digest: str
    """BLAKE3 of its bytes, 64 hexadecimal digits."""
    edition: str
    """Of the contest."""
    track: str
    """Such as `n_hidden=4`."""
    nonce: int
    """The number of the instance."""
    hyperparameters: Mapping[str, Scalar]
    """Those that were overridden."""
    quality: int
    """In units of 1e-6."""
    qualified: bool
    """Whether the quality is above 0."""
    test_loss: float
    """On the test subset; infinite when it is not finite."""
    threshold: float
    """Of the test loss: a quality above 0 is a loss below it."""
    epochs: int
    """T, epochs completed."""
    best_epoch: int
    """Of the lowest validation loss, from 1 on; 0 for the initial parameters."""
    stop_reason: StopReason
    """Why training ended."""
    train_losses: NDArray[np.float64]
    """[T], of each epoch."""
    validation_losses: NDArray[np.float64]
    """[T], of each epoch."""
    fuel_used: int
    """In units of the specification, section 7."""
    seconds: float
    """Of a clock, for training and score."""
    parameters: NDArray[np.float32]
    """[size], the best epoch's trainable parameters, flat."""

    @classmethod
    def of(cls, module: Module, session: Session, outcome: Solved, seconds: float) -> TrainingResult:
        """What came of a session."""
        training, score, task = outcome.training, outcome.score, session.task
        return cls(
            optimiser=module.name,
            optimiser_digest=module.digest.hex(),
            edition=task.edition,
            track=task.settings.track_id,
            nonce=session.nonce,
            hyperparameters=dict(task.hyperparameters),
            quality=score.quality,
            qualified=qualifies(score.quality),
            test_loss=score.loss,
            threshold=score.threshold,
            epochs=training.epochs,
            best_epoch=training.best_epoch,
            stop_reason=training.stop_reason,
            train_losses=np.array(training.train_losses),
            validation_losses=np.array(training.validation_losses),
            fuel_used=training.fuel_used,
            seconds=seconds,
            parameters=training.best.parameters,
        )


def train(
    module: ModuleSource,
    *,
    edition: str = "december-2025",
    track: str = "n_hidden=4",
    nonce: int = 0,
    hyperparameters: Mapping[str, Scalar] | None = None,
    fuel: int | None = None,
    rand_hash: str = RAND_HASH,
    callback: Observer | None = None,
    isolation: Place = "process",
) -> TrainingResult:
    """Train a module on the instance of one nonce, and score it, as `tig-verify run` does. No key is needed.

    Parameters:
        module: The path of the module's file, or a `Module`.
        edition: The edition of the contest, a key of `EDITIONS`.
        track: The track, such as `n_hidden=4`.
        nonce: The number of the instance.
        hyperparameters: Overrides of the module's HYPERPARAMETERS.
        fuel: The budget; by default the most that the edition allows.
        rand_hash: The network's random text for the seeds; by default 32 zeros.
        callback: Called after each epoch with an `Epoch`. What it raises ends the training, and is raised here.
        isolation: `process` for a jailed process, `none` for this one (only for code that you trust), or an open
            `Jail`, which spares each further call the second that its start takes.

    Raises:
        ModuleRefused: The module breaks the rules of the dialect; `diagnostics` has every problem.
        OptimiserError: The module's own code failed; the text names its line.
        EditionError: There is no such edition.
        TrackError: The edition has no such track.
        InputError: The file cannot be read, or another argument cannot be used.
        MachineError: This machine cannot compute what it must, or cannot build the jail.
        WorkerFault: The jailed process died or stalled.
    """
    source = module_of(module)
    task = task_of(source, edition, track, hyperparameters, fuel, rand_hash)
    with opened(isolation) as place:
        session = Session(task, nonce, source, place)
        started = time.perf_counter()
        outcome = solved(session, callback)
        return TrainingResult.of(source, session, outcome, time.perf_counter() - started)
