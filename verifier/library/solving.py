"""`verifier.solve`: signed claims."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass

from protocol.claim import Claim
from protocol.envelope import Envelope, seal
from protocol.keys import SigningKey
from protocol.task import Task
from protocol.transcript import Transcript
from sandbox.errors import WorkerFault
from sandbox.optimiser import Scalar
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from verifier.challenge.solving import Solved
from verifier.challenge.solving import solve as solved
from verifier.challenge.training.trainer import Observer
from verifier.library.place import Place, opened, require_jobs
from verifier.library.task import RAND_HASH, ModuleSource, module_of, task_of
from verifier.runs.pool import TaskLost
from verifier.runs.queue import completed


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
    device: str

    @contextmanager
    def opened(self, observer: Observer | None) -> Iterator[Callable[[int], Solved]]:
        with opened(self.isolation) as place:
            yield lambda nonce: solved(Session(self.task, nonce, self.module, place, self.device), observer)


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
        device: Where products are computed, `cpu` or `cuda`. The result is the same.

    Raises:
        ModuleRefused, OptimiserError, EditionError, TrackError, InputError, MachineError, WorkerFault: As `train` does;
            from another process, a WorkerFault says what it was.
    """
    source = module_of(module)
    task = task_of(source, edition, track, hyperparameters, fuel, rand_hash)
    require_jobs(jobs, isolation)
    return _claims(_Solver(task, source, isolation, device), nonces, jobs, callback, key)


def _claims(
    solver: _Solver, nonces: Iterable[int], jobs: int, callback: Observer | None, key: SigningKey
) -> Iterator[SignedClaim]:
    with closing(completed(solver.opened, nonces, jobs, callback)) as answers:
        for nonce, answer in answers:
            if isinstance(answer, TaskLost):
                raise WorkerFault(f"nonce {nonce}: {answer.why}")
            yield _signed(answer, solver.module, key)


def _signed(answer: Solved, module: Module, key: SigningKey) -> SignedClaim:
    claim = seal(answer.claim, key)
    transcript = Transcript(answer.claim.digest(), tuple(answer.training.leaves))
    return SignedClaim(answer.claim, claim, seal(answer.solution, key), seal(transcript, key), module)
