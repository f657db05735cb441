"""Solves nonces of one task, in this process or in others: what each of them does, and what comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

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


@dataclass(frozen=True)
class NonceSolver:
    """Solves nonces in a process that does nothing else; sent to other processes, of other machines too, as it is."""

    task: Task
    module: Module
    isolation: str
    device: str

    @contextmanager
    def opened(self, observer: Observer | None) -> Iterator[Callable[[int], Answer]]:
        """What solves one nonce after the other in this process."""
        with Workplace(self.isolation) as place:
            place.isolation.prepare()  # before this process imports what trains: each takes most of a second

            def work(nonce: int) -> Answer:
                lost = TaskLost("")
                for _ in range(_TRIES):
                    try:
                        return self._solve(nonce, place.isolation, observer)
                    except WorkerFault as error:
                        lost = TaskLost(str(error))
                        place.renew()
                return lost

            yield work

    def _solve(self, nonce: int, isolation: Isolation, observer: Observer | None) -> Answer:
        """Solve a nonce. Raises WorkerFault or MachineError."""
        try:
            return self._solved(nonce, isolation, observer)
        except ModuleRefused as refused:
            return Refused(refused.lines)
        except OptimiserError as error:
            return ModuleFailed(str(error))

    def _solved(self, nonce: int, isolation: Isolation, observer: Observer | None) -> SolvedNonce:
        from verifier.challenge.session import Session
        from verifier.challenge.solving import solve

        started = time.perf_counter()
        solved = solve(Session(self.task, nonce, self.module, isolation, self.device), observer)
        return SolvedNonce(
            solved.claim,
            solved.solution,
            tuple(solved.training.leaves),
            solved.score.loss,
            solved.score.threshold,
            time.perf_counter() - started,
            solved.training.explanation,
        )
