"""Errors of the sandbox, sorted by whose fault they are."""

from __future__ import annotations

from arithmetic.errors import MachineError
from sandbox.diagnostics import Diagnostic


class SandboxError(Exception):
    """Base of everything that the sandbox raises on purpose."""


class ModuleRefused(SandboxError):
    """The module breaks the rules of the dialect; `diagnostics` lists every problem found, `lines` as text."""

    def __init__(self, name: str, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.lines = tuple(diagnostic.format(name) for diagnostic in diagnostics)
        super().__init__("\n".join(self.lines))
        self.name = name
        self.diagnostics = diagnostics


class OptimiserError(SandboxError):
    """The module's own code failed in a way that is the same on every machine (its author's fault)."""


class BudgetExhausted(SandboxError):
    """Fuel or memory is spent. Latched by the meter: every later charge raises it again."""


class FuelExhausted(BudgetExhausted):
    """The fuel budget, or that of one call, is spent."""


class MemoryExhausted(BudgetExhausted):
    """The memory budget of a call is spent."""


class WorkerFault(SandboxError):
    """The worker process died, stalled or broke the channel's rules (nobody's answer: a fault)."""


class JailError(SandboxError, MachineError):
    """This machine cannot build the jail that untrusted code needs, so none was run."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the jail for untrusted code cannot be built here: {reason}. It needs Linux with seccomp filters on "
            "x86-64 or AArch64; --isolation none runs the module unprotected, which is only for code that you trust"
        )


class StateError(SandboxError):
    """A saved state that is no state, or not one of this assignment (the caller's fault)."""
