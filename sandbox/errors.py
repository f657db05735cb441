"""Errors of the sandbox, sorted by whose fault they are."""

from __future__ import annotations

from typing import Final, Self

from arithmetic.errors import MachineError
from sandbox.diagnostics import Diagnostic

MAX_SAID: Final = 400
"""Characters of what is told of a module's failure."""


class SandboxError(Exception):
    """Base of everything that the sandbox raises on purpose."""


class ModuleRefused(SandboxError):
    """The module breaks the rules of the dialect; `diagnostics` lists every problem found, `lines` as text.

    As a string it is one line: the first problem, and how many more there are.
    """

    def __init__(self, name: str, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.lines = tuple(diagnostic.format(name) for diagnostic in diagnostics)
        more = f"; {len(self.lines) - 1} more" if len(self.lines) > 1 else ""
        super().__init__(f"{self.lines[0]}{more}")
        self.name = name
        self.diagnostics = diagnostics


class ModuleStopped(SandboxError):
    """What the module did ends its training, or what precedes it.

    The text may be the author's, as of an exception or a name, and a worker's could be anything. So as a string it is
    always one quoted line of ASCII, cut if it is long: nobody takes it for what the tool says itself.
    """

    def __init__(self, said: str) -> None:
        self.said = said[:MAX_SAID].encode("utf-8", "backslashreplace").decode()
        """Without quotes, as the channel to a worker carries it."""
        super().__init__(self.said)

    def __str__(self) -> str:
        quoted = ascii(self.said)
        return quoted if len(quoted) <= MAX_SAID else f"{quoted[: MAX_SAID - 4]}...{quoted[-1]}"


class OptimiserError(ModuleStopped):
    """The module's own code failed in a way that is the same on every machine (its author's fault)."""


class BudgetExhausted(ModuleStopped):
    """Fuel or memory is spent. Latched by the meter: every later charge raises it again.

    The text names the limit, and where the module was, once that is known.
    """

    def at(self, place: str) -> Self:
        """The same, with the place, such as `at line 7 in optimiser_step_updates`."""
        return type(self)(f"{self.said}, {place}")


class FuelExhausted(BudgetExhausted):
    """The fuel budget, or that of one call, is spent."""


class MemoryExhausted(BudgetExhausted):
    """The memory of one call is spent."""


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
