"""`verifier.check`: what is wrong with a module."""

from __future__ import annotations

from sandbox.diagnostics import Diagnostic
from sandbox.errors import ModuleRefused
from sandbox.isolation import InProcess, Jail
from verifier.library.place import Place, opened
from verifier.library.task import ModuleSource, module_of


def check(module: ModuleSource, *, isolation: Place = "process") -> tuple[Diagnostic, ...]:
    """Every problem that a module has with the dialect, as `tig-verify check` shows them; none for a good one.

    Parameters:
        module: The path of the module's file, or a `Module`.
        isolation: As for `train`; the module is parsed there, and not run.

    Raises:
        InputError: The file cannot be read.
        JailError: This machine cannot build the jail.
        WorkerFault: The jailed process died or stalled.
    """
    source = module_of(module)
    with opened(isolation) as place:
        assert isinstance(place, Jail | InProcess)
        try:
            place.check(source.source, source.name)
        except ModuleRefused as refused:
            return refused.diagnostics
    return ()
