"""What a module declares about its hyperparameters: values, and by an annotation where better ones may be found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Declaration:
    """The entries of HYPERPARAMETERS, and the texts of its annotation by their names, which nobody has read yet."""

    values: Mapping[str, bool | int | float | str | None] = field(default_factory=dict)
    spaces: Mapping[str, str] = field(default_factory=dict)
