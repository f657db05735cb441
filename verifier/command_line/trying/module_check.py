"""What `check` finds in one module: what refuses it, what a rehearsal shows, traps and notes; and what it can fix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from difflib import unified_diff

from sandbox.diagnostics import Diagnostic
from sandbox.errors import ModuleRefused
from sandbox.fixes import fixed
from sandbox.isolation import Jail

_ROUNDS = 5
"""Times that a module is checked anew after fixes: behind one problem there can be another."""


@dataclass(frozen=True)
class CheckedModule:
    """A module, and everything that was found in it, in the order of its lines."""

    name: str
    found: tuple[Diagnostic, ...]

    @property
    def problems(self) -> list[Diagnostic]:
        """What keeps it from being trained."""
        return [each for each in self.found if each.severity == "error"]

    @property
    def warnings(self) -> int:
        """The number of traps, which refuse nothing."""
        return sum(each.severity == "warning" for each in self.found)

    def as_json(self) -> list[dict[str, str | int]]:
        """An object for each."""
        return [{"file": self.name, "severity": each.severity, **asdict(each)} for each in self.found]

    def as_text(self) -> list[str]:
        """A line for each."""
        lines = [each.format(self.name) for each in self.found]
        if self.problems:
            return lines
        warned = f", {self.warnings} warning{'s' if self.warnings > 1 else ''}" if self.warnings else ""
        return [*lines, f"{self.name}: no problems found{warned}"]


def checked(jail: Jail, source: bytes, name: str, run: bool) -> CheckedModule:
    """Check a module against the dialect and, with `run`, rehearse it if it keeps to that. Raises WorkerFault .."""
    try:
        found = jail.check(source, name)
        if run:
            found += _rehearsed(jail, source, name)
    except ModuleRefused as refused:
        found = refused.diagnostics
    return CheckedModule(name, tuple(sorted(found)))


def fix(jail: Jail, source: bytes, name: str) -> bytes:
    """The module without the problems that can be fixed by rule. Raises WorkerFault."""
    for _ in range(_ROUNDS):
        found = checked(jail, source, name, run=False).problems
        try:
            new = fixed(source.decode("utf-8"), found).encode()
        except UnicodeDecodeError:  # which is one of the problems
            break
        if new == source:
            break
        source = new
    return source


def difference(before: bytes, after: bytes, name: str) -> Iterator[str]:
    """The lines of a unified diff."""
    old, new = (each.decode("utf-8").split("\n") for each in (before, after))
    return unified_diff(old, new, f"{name} (before)", f"{name} (after)", lineterm="")


def _rehearsed(jail: Jail, source: bytes, name: str) -> tuple[Diagnostic, ...]:
    from sandbox.optimiser import Assignment
    from verifier.challenge.editions import DECEMBER_2025, Track
    from verifier.challenge.network.architecture import Architecture

    track = Track(DECEMBER_2025, 2)
    fuel = DECEMBER_2025.max_fuel_budget
    return jail.rehearse(Assignment(source, name, Architecture(track).layout(), track.difficulty, {}, bytes(32), fuel))
