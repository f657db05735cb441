"""The files of the reference optimisers that studies train."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sandbox.optimiser import Scalar
from verifier.command_line.files import read_module
from verifier.experiments import study as studies
from verifier.experiments.study.method import Method

_FOLDERS: Final = (
    Path(studies.__file__).parent / "optimisers",
    Path(__file__).parents[3] / "fixtures" / "optimisers",
)
"""Where the studies are installed, and in a checkout."""


def reference_method(name: str, file: str, hyperparameters: Mapping[str, Scalar] | None = None) -> Method:
    """The reference optimiser of a file's name, such as `adam.py`, under a name of the study."""
    path = next(path for folder in _FOLDERS if (path := folder / file).exists())
    return Method(name, path, read_module(path), hyperparameters or {})
