"""An optimiser of a study: a module with hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.optimiser import Scalar
from verifier.challenge.module import Module


@dataclass(frozen=True)
class Method:
    """An optimiser of the study."""

    name: str
    """Its name in tables and figures."""
    path: Path
    module: Module
    hyperparameters: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Of the module: the first 16 digits."""
        return self.module.digest.hex()[:16]

    @property
    def overrides(self) -> str:
        """The hyperparameters as text."""
        return ";".join(f"{name}={value}" for name, value in self.hyperparameters.items())
