"""matplotlib, imported without the settings of the working folder and of the user, and with a list of fonts of ours."""

from __future__ import annotations

from contextlib import ExitStack
from importlib import import_module
from tempfile import TemporaryDirectory

from tig_verify.private_folder import private_folder
from verifier.challenge.guarded_import import guarded_import


def load_matplotlib() -> None:
    """Import it before a module of this package does. Raises ImportError where it is not installed."""
    with ExitStack() as stack:
        folder = private_folder("matplotlib") or stack.enter_context(TemporaryDirectory())
        stack.enter_context(guarded_import("MPL", "MATPLOTLIB", MPLCONFIGDIR=str(folder)))
        import_module("matplotlib.font_manager")  # which reads, or makes, the list
