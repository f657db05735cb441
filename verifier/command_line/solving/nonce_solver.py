"""Solves nonces of one task, in this process or in others: what each of them does, and what comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from protocol.claim import Claim
from protocol.solution import Solution
from protocol.task import Task
from protocol.transcript import Leaf
from sandbox.errors import ModuleRefused, OptimiserError, WorkerFault
from verifier.challenge.module import Module
from verifier.command_line.options.execution_options import Workplace
from verifier.runs.pool import TaskLost

if TYPE_CHECKING:
    from sandbox.isolation import Isolation
    from verifier.challenge.lockstep.device import Trained, Wanted
    from verifier.challenge.training.trainer import Observer

_TRIES: Final = 2
"""How often a nonce is begun at most whose jailed worker dies, as for want of memory."""


@dataclass(frozen=True)
class SolvedNonce:
    """The records of a claim, not signed yet, and the numbers behind them."""

    claim: Claim
    solution: Solution
    leaves: tuple[Leaf, ...]
    loss: float
    threshold: float
    seconds: float
    explanation: str | None
    """What ended the training before its time, and where."""


@dataclass(frozen=True)
class ModuleFailed:
    """The module failed on this nonce, as it would on every machine; the text says how."""

    why: str


@dataclass(frozen=True)
class Refused:
    """The module breaks the rules of the dialect, so that it has no claim of any nonce."""

    lines: tuple[str, ...]


Answer: TypeAlias = SolvedNonce | ModuleFailed | Refused | TaskLost


class Solve(Protocol):
    """Solves a nonce, or scores what a device has trained."""

    def __call__(self, nonce: int, trained: Trained | None = None, /) -> Answer:
        """What becomes of the nonce."""


@dataclass(frozen=True)
class NonceSolver:
    """Solves nonces in a process that does nothing else; sent to other processes, of other machines too, as it is.

    What a device has trained is scored alone.
    """

    task: Task
    module: Module
    isolation: str

    @contextmanager
    def opened(self, observer: Observer | None = None) -> Iterator[Solve]:
        """What solves one nonce after the other in this process."""
        with Workplace(self.isolation) as place:
            place.isolation.prepare()  # before this process imports what trains: each takes most of a second

            def work(nonce: int, trained: Trained | None = None) -> Answer:
                lost = TaskLost("")
                for _ in range(_TRIES):
                    try:
                        return self._solve(nonce, place.isolation, observer, trained)
                    except WorkerFault as error:
                        lost = TaskLost(str(error))
                        place.renew()
                return lost

            yield work

    def wanted(self, nonce: int) -> Wanted:
        """The training that a device may do."""
        from verifier.challenge.lockstep.device import Wanted

        return Wanted(self.task, self.module, nonce)

    def _solve(self, nonce: int, isolation: Isolation, observer: Observer | None, trained: Trained | None) -> Answer:
        """Solve a nonce. Raises WorkerFault or MachineError."""
        try:
            return self._solved(nonce, isolation, observer, trained)
        except ModuleRefused as refused:
            return Refused(refused.lines)
        except OptimiserError as error:
            return ModuleFailed(str(error))

    def _solved(
        self, nonce: int, isolation: Isolation, observer: Observer | None, trained: Trained | None
    ) -> SolvedNonce:
        from verifier.challenge.session import Session
        from verifier.challenge.solving import solve, solved

        started = time.perf_counter()
        session = Session(self.task, nonce, self.module, isolation)
        result = solve(session, observer) if trained is None else solved(session, trained.training, trained.protection)
        return SolvedNonce(
            result.claim,
            result.solution,
            tuple(result.training.leaves),
            result.score.loss,
            result.score.threshold,
            time.perf_counter() - started + (0.0 if trained is None else trained.seconds),
            result.training.explanation,
        )
