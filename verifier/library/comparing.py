"""`verifier.compare`: optimisers on the same nonces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from sandbox.errors import OptimiserError, WorkerFault
from sandbox.optimiser import Scalar
from verifier.challenge.training.trainer import Observer
from verifier.experiments.comparison import Comparison, Run
from verifier.experiments.comparison import compare as compared
from verifier.experiments.comparison_trials import Row, Trial
from verifier.library.place import Place, opened, require_jobs
from verifier.library.task import RAND_HASH, ModuleSource, module_of, task_of
from verifier.runs.pool import TaskLost
from verifier.runs.queue import completed

Candidate: TypeAlias = ModuleSource | tuple[ModuleSource, Mapping[str, Scalar]]
"""A module, or one with overrides of its HYPERPARAMETERS."""


@dataclass(frozen=True)
class _Runner:
    """Runs trials in this process or in another one, to which it is sent as it is."""

    isolation: Place

    @contextmanager
    def opened(self, observer: Observer | None) -> Iterator[Callable[[tuple[str, Trial]], Row | OptimiserError]]:
        with opened(self.isolation) as place:

            def work(named: tuple[str, Trial]) -> Row | OptimiserError:
                try:
                    return named[1].run(place, observer)
                except OptimiserError as error:
                    return error

            yield work


def compare(
    candidates: Mapping[str, Candidate],
    *,
    nonces: Iterable[int],
    edition: str = "december-2025",
    track: str = "n_hidden=4",
    fuel: int | None = None,
    rand_hash: str = RAND_HASH,
    jobs: int = 1,
    callback: Observer | None = None,
    failed: Callable[[str, int, str], None] | None = None,
    isolation: Place = "process",
) -> list[Comparison]:
    """Train modules on the same nonces, and compare each with the first one, as `tig-verify compare` does.

    Parameters:
        candidates: By a name of yours, the path of a module's file, a `Module`, or one of them with overrides of its
            HYPERPARAMETERS: `{"adam": "adam.py", "slow": ("adam.py", {"lr": 0.001})}`.
        nonces: The numbers of the instances, such as `range(20)`.
        edition: The edition of the contest, a key of `EDITIONS`.
        track: The track, such as `n_hidden=4`.
        fuel: The budget of each training; by default the most that the edition allows.
        rand_hash: The network's random text for the seeds; by default 32 zeros.
        jobs: Processes that share the trainings; with 1 it is this one.
        callback: Called after each epoch with an `Epoch`, if this process trains.
        failed: Called where a module fails, with its name, the nonce and the reason: modules are then compared on the
            nonces that both have. By default a failure ends the call.
        isolation: As for `train`; an open place is for one job.

    Raises:
        ModuleRefused, OptimiserError, EditionError, TrackError, InputError, MachineError, WorkerFault: As `train` does;
            from another process, a WorkerFault says what it was.
    """
    require_jobs(jobs, isolation)
    trials = []
    numbers = list(nonces)
    for name, candidate in candidates.items():
        given, overrides = candidate if isinstance(candidate, tuple) else (candidate, {})
        module = module_of(given)
        task = task_of(module, edition, track, overrides, fuel, rand_hash)
        trials += [(name, Trial(Path(module.name), module, task, nonce)) for nonce in numbers]
    runs: dict[str, list[Run]] = {name: [] for name in candidates}
    with closing(completed(_Runner(isolation).opened, trials, jobs, callback)) as answers:
        for (name, trial), answer in answers:
            if isinstance(answer, TaskLost):
                raise WorkerFault(f"{name}, nonce {trial.nonce}: {answer.why}")
            if isinstance(answer, Row):
                runs[name].append(answer.run)
            elif failed is None:
                raise answer
            else:
                failed(name, trial.nonce, str(answer))
    return compared(runs, numbers)
