"""Places in which an optimiser's code runs: in a jailed worker, or in this process for code that is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import TracebackType
from typing import Protocol, Self

from sandbox.declaration import Declaration
from sandbox.diagnostics import Diagnostic
from sandbox.optimiser import Assignment, Optimiser
from sandbox.worker.client import ProcessOptimiser, check_in_worker, declaration_in_worker, rehearse_in_worker
from sandbox.worker.zygote_client import Zygote, workers


class Isolation(Protocol):
    """A place for optimisers."""

    def start(self, assignment: Assignment) -> Optimiser:
        """Begin on an optimiser, to be used as a context manager. Raises as the optimiser does."""

    def describe(self) -> Mapping[str, str]:
        """The protection of the host from the optimisers started so far, for the record of a run."""


class InProcess:
    """No isolation: the module's code runs in this process, held by the language and its tensors alone."""

    def prepare(self) -> None:
        """Import what a module needs, torch among it, which takes a second."""
        import_module("sandbox.hosted_optimiser")

    def start(self, assignment: Assignment) -> Optimiser:
        """Load the module into this process. Raises as the optimiser does, and MachineError."""
        import numpy as np

        from arithmetic import tensor_self_test
        from sandbox.hosted_optimiser import HostedOptimiser

        tensor_self_test.require_sound()
        size = assignment.layout.size
        return HostedOptimiser(assignment, np.zeros(size, np.float32), np.zeros(size, np.float32))

    def check(self, source: bytes, name: str) -> tuple[Diagnostic, ...]:
        """Check a module against the dialect, without running it; the traps in it. Raises ModuleRefused."""
        from sandbox.compiler import check_optimiser

        return check_optimiser(source, name)

    def declaration(self, source: bytes, name: str) -> Declaration:
        """What a module declares about its hyperparameters, without running it. Raises ModuleRefused."""
        from sandbox.compiler import compile_optimiser

        return compile_optimiser(source, name).declaration

    def describe(self) -> Mapping[str, str]:
        """The word `none`."""
        return {"isolation": "none"}


class Jail:
    """A zygote, started when the first optimiser is or before, and a jailed worker for each one; a context manager.

    A module is checked in a worker of another zygote, which has no tensors and is started when a check is asked for.
    """

    def __init__(self) -> None:
        self._zygote: Zygote | None = None
        self._checking: Zygote | None = None

    @property
    def zygote(self) -> Zygote:
        """The running zygote. Raises JailError or WorkerFault."""
        if self._zygote is None:
            self._zygote = Zygote()
        return self._zygote

    def prepare(self) -> None:
        """Start the zygote, which takes a second, while the caller has other things to do. Raises as `zygote` does."""
        _ = self.zygote

    def start(self, assignment: Assignment) -> ProcessOptimiser:
        """Fork a worker; it enters its jail while the caller goes on."""
        return ProcessOptimiser(assignment, self.zygote)

    def check(self, source: bytes, name: str) -> tuple[Diagnostic, ...]:
        """Check a module in a worker; the traps in it. Raises ModuleRefused, JailError or WorkerFault."""
        return check_in_worker(self._checker, source, name)

    def declaration(self, source: bytes, name: str) -> Declaration:
        """What a module declares about its hyperparameters, read in a worker. Raises as `check` does."""
        return declaration_in_worker(self._checker, source, name)

    def rehearse(self, assignment: Assignment) -> tuple[Diagnostic, ...]:
        """Call a module's functions for a few steps, to say all that is wrong. Raises as `check` does."""
        return rehearse_in_worker(self.zygote, assignment)

    @property
    def _checker(self) -> Zygote:
        if self._checking is None:
            self._checking = Zygote(workers("checker"))
        return self._checking

    def close(self) -> None:
        """End its processes; who goes on with it gets new ones."""
        for zygote in (self._zygote, self._checking):
            if zygote is not None:
                zygote.close()
        self._zygote = self._checking = None

    def describe(self) -> Mapping[str, str]:
        """The layers of the worker that was started last."""
        confinement = self._zygote and self._zygote.confinement
        return {"isolation": "process", **(confinement.describe() if confinement else {})}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
