"""`verifier.solve`: signed claims."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from arithmetic.errors import MachineError
from protocol.claim import Claim
from protocol.envelope import Envelope, seal
from protocol.keys import SigningKey
from protocol.task import Task
from protocol.transcript import Transcript
from sandbox.errors import WorkerFault
from sandbox.optimiser import Scalar
from verifier.challenge.errors import InputError
from verifier.challenge.lockstep.device import Device, Trained, Wanted
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from verifier.challenge.solving import Solved, solved
from verifier.challenge.training.trainer import Observer
from verifier.library.place import Place, named, opened, require_jobs
from verifier.library.task import RAND_HASH, ModuleSource, module_of, task_of
from verifier.runs import device_search
from verifier.runs.device_pool import Devices, lockstep
from verifier.runs.pool import Answers, TaskLost
from verifier.runs.queue import completed

_DEVICES: Final = ("cpu", "cuda", "auto")


@dataclass(frozen=True)
class SignedClaim:
    """A claim with all that belongs to it, signed: what `tig-verify solve` writes for one nonce."""

    record: Claim
    """The claim itself, not signed."""
    claim: Envelope
    """The claim, signed."""
    solution: Envelope
    """The weights of the best epoch, signed."""
    transcript: Envelope
    """A leaf for each epoch, signed."""
    module: Module
    """The module that was trained."""

    def files(self) -> dict[str, bytes]:
        """The files of a folder that `tig-verify verify` takes, by their names."""
        stem = f"{self.module.name.removesuffix('.py')}-{self.record.task.settings.track_id}-nonce={self.record.nonce}"
        return {
            f"{stem}.claim": self.claim.to_bytes(),
            f"{stem}.solution": self.solution.to_bytes(),
            f"{stem}.transcript": self.transcript.to_bytes(),
            f"optimiser-{self.module.digest.hex()[:16]}.py": self.module.source,
        }


@dataclass(frozen=True)
class _Solver:
    """Solves nonces in this process or in another one, to which it is sent as it is."""

    task: Task
    module: Module
    isolation: Place

    @contextmanager
    def opened(self, observer: Observer | None = None) -> Iterator[_Solve]:
        with opened(self.isolation) as place:

            def work(nonce: int, trained: Trained | None = None) -> Solved:
                session = Session(self.task, nonce, self.module, place)
                if trained is None:
                    return solved(session, session.train(observer))
                return solved(session, trained.training, trained.protection)

            yield work

    def wanted(self, nonce: int) -> Wanted:
        return Wanted(self.task, self.module, nonce)


class _Solve(Protocol):
    def __call__(self, nonce: int, trained: Trained | None = None, /) -> Solved: ...


def solve(
    module: ModuleSource,
    *,
    key: SigningKey,
    nonces: Iterable[int],
    edition: str = "december-2025",
    track: str = "n_hidden=4",
    hyperparameters: Mapping[str, Scalar] | None = None,
    fuel: int | None = None,
    rand_hash: str = RAND_HASH,
    jobs: int = 1,
    callback: Observer | None = None,
    isolation: Place = "process",
    device: str = "cpu",
) -> Iterator[SignedClaim]:
    """Train a module on the instance of each nonce, and sign claims, as `tig-verify solve` does without a precommit.

    Claims come as they are done. Who has thousands of nonces uses the command, which goes on where it was interrupted.

    Parameters:
        module: The path of the module's file, or a `Module`.
        key: Signs claims, solutions and transcripts.
        nonces: The numbers of the instances, such as `range(10)`.
        edition: The edition of the contest, a key of `EDITIONS`.
        track: The track, such as `n_hidden=4`.
        hyperparameters: Overrides of the module's HYPERPARAMETERS.
        fuel: The budget; by default the most that the edition allows.
        rand_hash: The network's random text for the seeds; by default 32 zeros.
        jobs: Processes that share the nonces; with 1 it is this one.
        callback: Called after each epoch with an `Epoch`, if this process trains.
        isolation: As for `train`; an open place is for one job.
        device: `cpu`; `cuda`, where each GPU trains many nonces at once, and `jobs` processes score; or `auto`, which
            is `cuda` where that can be used. The claims are the same.

    Raises:
        ModuleRefused, OptimiserError, EditionError, TrackError, InputError, MachineError, WorkerFault: As `train` does;
            from another process, a WorkerFault says what it was.
    """
    source = module_of(module)
    task = task_of(source, edition, track, hyperparameters, fuel, rand_hash)
    require_jobs(jobs, isolation)
    solver = _Solver(task, source, isolation)
    devices = _devices(isolation, device)
    if devices and isinstance(isolation, str):
        return _claims(solver, _on_devices(solver, isolation, devices, list(nonces), jobs), key)
    return _claims(solver, completed(solver.opened, nonces, jobs, callback), key)


def _devices(isolation: Place, device: str) -> tuple[Device, ...]:
    """Those that train. Raises InputError or MachineError."""
    if device not in _DEVICES:
        raise InputError(f"device: {device!r} is not one of {', '.join(_DEVICES)}")
    if device == "cpu":
        return ()
    if not isinstance(isolation, str):
        raise InputError(f"isolation: an open place is for this process alone; with device {device!r} name one")
    try:
        return device_search.found_devices()
    except MachineError:
        if device == "cuda":
            raise
        return ()


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=2)


def _on_devices(
    solver: _Solver, isolation: str, devices: tuple[Device, ...], nonces: list[int], jobs: int
) -> Answers[int, Solved]:
    trainings = partial(lockstep, partial(named, isolation), max(jobs // len(devices), 1))
    return Devices(devices, trainings, solver.wanted, len(nonces), _warn).completed(solver.opened, nonces, jobs)


def _claims(solver: _Solver, answered: Answers[int, Solved], key: SigningKey) -> Iterator[SignedClaim]:
    with closing(answered) as answers:
        for nonce, answer in answers:
            if isinstance(answer, TaskLost):
                raise WorkerFault(f"nonce {nonce}: {answer.why}")
            yield _signed(answer, solver.module, key)


def _signed(answer: Solved, module: Module, key: SigningKey) -> SignedClaim:
    claim = seal(answer.claim, key)
    transcript = Transcript(answer.claim.digest(), tuple(answer.training.leaves))
    return SignedClaim(answer.claim, claim, seal(answer.solution, key), seal(transcript, key), module)
