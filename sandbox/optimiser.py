"""An optimiser under contract: the papers' three functions over one flat parameter buffer, seen from the training loop.

`sandbox.executed_optimiser` is one over the programs of a module, whether that runs in a worker or in this process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeAlias

from sandbox.layout import Layout

if TYPE_CHECKING:  # who only sends a module on, or checks one, needs no NumPy
    import numpy as np
    from numpy.typing import NDArray

NUMBERS_CONTEXT: Final = "tig-verify v2 optimiser numbers"
"""The context of the source of an optimiser's random numbers, of which its key is the key."""
Scalar = None | bool | int | float | str
Vector: TypeAlias = "NDArray[np.float32]"
"""Parameters, a gradient or updates: one flat array [size]."""


@dataclass(frozen=True)
class Assignment:
    """Everything that an optimiser is given for one run."""

    source: bytes
    """The module, exactly as submitted."""
    name: str
    """Its name for messages."""
    layout: Layout
    """The parts of the parameter vector."""
    difficulty: Mapping[str, int]
    """The numbers of the track, such as n_hidden."""
    hyperparameters: Mapping[str, Scalar]
    """Overrides of the module's HYPERPARAMETERS."""
    key: bytes
    """32 bytes for the optimiser's own random numbers, derived one-way from the instance seed."""
    fuel_budget: int
    """Units of fuel for the whole run."""


class Optimiser(Protocol):
    """The papers' Algorithm 1, seen from the training loop."""

    parameters: Vector
    """The trainable parameters, flat; the loop writes them, the optimiser reads them."""
    gradient: Vector
    """The last gradient, flat; likewise."""

    def initialise(self) -> None:
        """Make the optimiser's state from the initial parameters."""

    def begin_epoch(self, epoch: int, train_loss: float, validation_loss: float, steps: int) -> None:
        """Tell what the calls of an epoch are told: its number and the losses of the one before (NaN in the first).

        As many calls of `query_location` and `step_updates` in turn follow as there are `steps`, unless training ends:
        they may be asked for ahead.
        """

    def query_location(self) -> Vector | None:
        """The parameters at which to take the gradient, flat, to be read only; None for the current ones."""

    def step_updates(self) -> Vector:
        """The updates to add to the parameters, flat, to be read only."""

    def state_digest(self) -> bytes:
        """BLAKE3 of the canonical encoding of the state."""

    def save(self) -> bytes:
        """The canonical encoding of the state."""

    def restore(self, state: bytes, fuel_used: int) -> None:
        """Go on, in place of `initialise`, where an optimiser of the same assignment was saved. Raises StateError."""

    @property
    def fuel_used(self) -> int:
        """Fuel used so far."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
