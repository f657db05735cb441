"""What a module says about its hyperparameters: their values, and in an annotation where better ones may be found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Scalar = None | bool | int | float | str
"""A value of a hyperparameter."""


@dataclass(frozen=True)
class Hyperparameters:
    """The entries of HYPERPARAMETERS, and the texts of its annotation by their names, which nobody has read yet."""

    values: Mapping[str, Scalar] = field(default_factory=dict)
    spaces: Mapping[str, str] = field(default_factory=dict)
