"""Places in which an optimiser's code runs: in a jailed worker, or in this process for code that is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import TracebackType
from typing import Protocol, Self

from sandbox.declaration import Declaration
from sandbox.diagnostics import Diagnostic
from sandbox.optimiser import Assignment, Optimiser
from sandbox.source import Source
from sandbox.worker.client import ProcessRehearsal, ProcessSource, check_in_worker, declaration_in_worker
from sandbox.worker.zygote_client import Zygote


class Isolation(Protocol):
    """A place for optimisers."""

    def start(self, assignment: Assignment) -> Optimiser:
        """Begin on an optimiser, to be used as a context manager. Raises as the optimiser does."""

    def describe(self) -> Mapping[str, str]:
        """The protection of the host from the optimisers started so far, for the record of a run."""


class Recorders(Protocol):
    """A place for modules whose programs are executed by who asks for them."""

    def source(self) -> Source:
        """Begin on a module, to be ended by the source's `__exit__`. Raises as the source does."""


class InProcess:
    """No isolation: the module's code runs in this process, held by the language alone."""

    def prepare(self) -> None:
        """Import what executes programs."""
        import_module("sandbox.executed_optimiser")

    def start(self, assignment: Assignment) -> Optimiser:
        """Give a module a place in this process, where it is loaded when it is first asked."""
        from sandbox.executed_optimiser import ExecutedOptimiser

        return ExecutedOptimiser(assignment, self.source())

    def source(self) -> Source:
        """The programs of a module in this process."""
        from sandbox.local_source import LocalSource

        return LocalSource()

    def check(self, source: bytes, name: str) -> tuple[Diagnostic, ...]:
        """Check a module against the dialect, without running it; the traps in it. Raises ModuleRefused."""
        from sandbox.compiler import check_optimiser

        return check_optimiser(source, name)

    def declaration(self, source: bytes, name: str) -> Declaration:
        """What a module declares about its hyperparameters, without running it. Raises ModuleRefused."""
        from sandbox.compiler import compile_optimiser

        return compile_optimiser(source, name).declaration

    def rehearse(self, assignment: Assignment) -> tuple[Diagnostic, ...]:
        """Call a module's functions for a few steps, to say all that is wrong. Raises ModuleRefused."""
        from sandbox.rehearsal import LocalRehearsal, rehearse

        return rehearse(assignment, LocalRehearsal())

    def describe(self) -> Mapping[str, str]:
        """The word `none`."""
        return {"isolation": "none"}


class Jail:
    """A zygote, started when it is first needed or before, and a jailed worker for each module; a context manager."""

    def __init__(self) -> None:
        self._zygote: Zygote | None = None

    @property
    def zygote(self) -> Zygote:
        """The running zygote. Raises JailError or WorkerFault."""
        if self._zygote is None:
            self._zygote = Zygote()
        return self._zygote

    def prepare(self) -> None:
        """Start the zygote while the caller has other things to do. Raises as `zygote` does."""
        _ = self.zygote

    def start(self, assignment: Assignment) -> Optimiser:
        """Give a module a worker, which is forked when it is first asked. Raises as `zygote` does."""
        from sandbox.executed_optimiser import ExecutedOptimiser

        return ExecutedOptimiser(assignment, self.source())

    def source(self) -> Source:
        """The programs of a module in a worker of its own. Raises as `zygote` does."""
        return ProcessSource(self.zygote)

    def check(self, source: bytes, name: str) -> tuple[Diagnostic, ...]:
        """Check a module in a worker; the traps in it. Raises ModuleRefused, JailError or WorkerFault."""
        return check_in_worker(self.zygote, source, name)

    def declaration(self, source: bytes, name: str) -> Declaration:
        """What a module declares about its hyperparameters, read in a worker. Raises as `check` does."""
        return declaration_in_worker(self.zygote, source, name)

    def rehearse(self, assignment: Assignment) -> tuple[Diagnostic, ...]:
        """Call a module's functions for a few steps, to say all that is wrong. Raises as `check` does."""
        from sandbox.rehearsal import rehearse

        return rehearse(assignment, ProcessRehearsal(self.zygote))

    def close(self) -> None:
        """End its processes; who goes on with it gets new ones."""
        if self._zygote is not None:
            self._zygote.close()
        self._zygote = None

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
