"""The origin of the two frozen layers of a live solution: are they still what their initialiser drew?

The network never trains them and never checks them, so that a solution may carry a head that was fitted to the labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from verifier.c006.address_search import find_source
from verifier.c006.initial_weights import LIMIT_SLACK, drawn_weights, initial_limit
from verifier.c006.loader import WIDTH, Weights


class Origin(StrEnum):
    """The origins of a frozen layer."""

    UNTOUCHED = "untouched"
    """Every weight is what the address gives."""
    ALTERED = "altered"
    """Most weights are."""
    REPLACED = "replaced"
    """No address explains the weights."""


@dataclass(frozen=True)
class Provenance:
    """The findings about the origin of a frozen layer."""

    layer: int
    """Among the linear layers, from 0."""
    outputs: int
    inputs: int
    origin: Origin
    address: int | None
    """The address of the initialiser's draws; `None` where no address explains the layer."""
    limit_ulps: int
    """Units in the last place between the limit that fits and the exact one."""
    differing: int
    """The number of weights that differ from what the address gives; all of them where there is none."""
    first_differing: int | None
    """The first of them, by its place in the flat buffer: `input * outputs + output`."""

    @property
    def detail(self) -> str:
        """One sentence."""
        name = f"linear layer {self.layer} ({self.inputs} -> {self.outputs})"
        if self.origin is Origin.REPLACED:
            return f"{name}: no address explains its weights"
        if self.first_differing is None:
            return f"{name}: every weight is what {self._source} gives"
        input_, output = divmod(self.first_differing, self.outputs)
        return (
            f"{name}: {self.differing} of {self.inputs * self.outputs} weights are not what {self._source} "
            f"gives, the first from input {input_} to output {output}"
        )

    @property
    def _source(self) -> str:
        moved = f" with the limit {self.limit_ulps:+d} ulp" if self.limit_ulps else ""
        return f"address {self.address:#x}{moved}"


def frozen_provenance(weights: Weights) -> tuple[Provenance, Provenance]:
    """The origin of the last hidden linear layer and of the output layer."""
    last = weights.n_hidden
    return layer_provenance(weights.linear[last - 1].weight, last - 1), layer_provenance(
        weights.linear[last].weight, last
    )


def layer_provenance(weight: NDArray[np.float32], layer: int) -> Provenance:
    """The origin of a linear layer's weight [inputs, outputs]."""
    (inputs, outputs), flat = weight.shape, weight.ravel()
    is_thin = weight.shape != (WIDTH, WIDTH)  # else the limit is 1/32, which no device rounds
    steps = sorted(range(-LIMIT_SLACK, LIMIT_SLACK + 1), key=abs) if is_thin else [0]
    limits = {initial_limit(outputs, inputs, ulps): ulps for ulps in steps}
    source = find_source(flat, tuple(limits))
    if source is None:
        return Provenance(layer, outputs, inputs, Origin.REPLACED, None, 0, len(flat), 0)
    drawn = drawn_weights(source.address, len(flat), source.limit)
    differing = np.flatnonzero(drawn.view(np.uint32) != flat.view(np.uint32))
    origin, first = (Origin.ALTERED, int(differing[0])) if len(differing) else (Origin.UNTOUCHED, None)
    return Provenance(layer, outputs, inputs, origin, source.address, limits[source.limit], len(differing), first)
