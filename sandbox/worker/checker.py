"""The worker that checks modules against the dialect. It has the language alone: no tensors, no torch, no NumPy."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import ClassVar, Final, NoReturn

from sandbox.compiler import check_optimiser
from sandbox.errors import ModuleRefused
from sandbox.language.interface import ENTRY_POINTS
from sandbox.worker.channel import Frame, Kind
from sandbox.worker.worker import Actions, Ends, Worker, run

_GOOD: Final = "".join(f"def {name}({', '.join(taken)}):\n    return None\n" for name, taken in ENTRY_POINTS.items())
_BAD: Final = "import os\ntorch.sqtr(x)\n\u00e9"


class Checker(Worker):
    """The loop; between requests it keeps nothing."""

    def check(self, request: Frame, reply: Frame) -> Frame:
        """Check a module without running it."""
        fields, source = self.message(request)
        return replace(reply, length=self.write_diagnostics(check_optimiser(source, fields["name"])))

    ACTIONS: ClassVar[Actions] = {Kind.CHECK: check}


def prepare() -> None:
    """Check two modules in the zygote: what is imported late is imported here, as a worker can open nothing."""
    for source in (_GOOD, _BAD):
        with contextlib.suppress(ModuleRefused):
            check_optimiser(source.encode(), "warm_up.py")


def main(ends: Ends, parent: int, namespaces: tuple[str, ...]) -> NoReturn:
    """Serve requests from the jail."""
    run(Checker, ends, parent, namespaces)
