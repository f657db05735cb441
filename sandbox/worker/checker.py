"""The worker that checks modules against the dialect. It has the language alone: no tensors, no torch, no NumPy."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import ClassVar, Final, NoReturn

from sandbox.compiler import check_optimiser, compile_optimiser
from sandbox.errors import ModuleRefused
from sandbox.language.interface import ENTRY_POINTS
from sandbox.worker.channel import Frame, Kind
from sandbox.worker.worker import Actions, Ends, Worker, run

_GOOD: Final = "HYPERPARAMETERS: {1: 1} = {}\n" + "".join(
    f"def {name}({', '.join(taken)}):\n    return None\n" for name, taken in ENTRY_POINTS.items()
)
_BAD: Final = "import os\ntorch.sqtr(x)\n\u00e9"


class Checker(Worker):
    """The loop; between requests it keeps nothing."""

    def check(self, request: Frame, reply: Frame) -> Frame:
        """Check a module without running it."""
        fields, source = self.message(request)
        return replace(reply, length=self.write_diagnostics(check_optimiser(source, fields["name"])))

    def declaration(self, request: Frame, reply: Frame) -> Frame:
        """Check a module, and read what it declares about its hyperparameters."""
        fields, source = self.message(request)
        declared = compile_optimiser(source, fields["name"]).declaration
        # No longer than the source: a character of it is at most a byte of UTF-8 or half an escape of JSON.
        text = json.dumps([dict(declared.values), dict(declared.spaces)], ensure_ascii=False)
        return replace(reply, length=self.outputs.write_message(text.encode()))

    ACTIONS: ClassVar[Actions] = {Kind.CHECK: check, Kind.DECLARATION: declaration}


def prepare() -> None:
    """Check two modules in the zygote: what is imported late is imported here, as a worker can open nothing."""
    for source in (_GOOD, _BAD):
        with contextlib.suppress(ModuleRefused):
            check_optimiser(source.encode(), "warm_up.py")


def main(ends: Ends, parent: int, namespaces: tuple[str, ...]) -> NoReturn:
    """Serve requests from the jail."""
    run(Checker, ends, parent, namespaces)
