"""The live challenge's neural network as it is loaded from a solution: 1 -> 256 x L -> 2.

Linear layers 0 .. L, batch norms 0 .. L - 1; the last two linear layers and the last norm's weight and bias are frozen.
The flat buffer of a weight is column-major, element (o, i) at i * out + o: the "rows" of a solution are chunks of that
buffer, not rows of the matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocol.network.blob import Blob, DecodedBlob, Rows
from verifier.c006.findings import Finding, FindingKind, Unloadable

Array = NDArray[np.float32]

WIDTH: Final = 256
"""Units of a hidden layer."""
INPUTS: Final = 1
"""Numbers of a point."""
OUTPUTS: Final = 2
"""Numbers of a target."""


class Linear(NamedTuple):
    """A linear map y = x @ weight + bias."""

    weight: Array
    """[in, out]."""
    bias: Array
    """[out]."""


class Norm(NamedTuple):
    """A batch norm, [256] each."""

    weight: Array
    bias: Array
    mean: Array
    """Running mean."""
    variance: Array
    """Running variance."""


@dataclass(frozen=True, eq=False)
class Weights:
    """All parameters and running statistics of a network."""

    linear: tuple[Linear, ...]
    """L + 1 layers."""
    norms: tuple[Norm, ...]
    """L batch norms, each after the ReLU of its linear layer."""

    @property
    def n_hidden(self) -> int:
        """L, hidden layers."""
        return len(self.norms)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A solution as the network's loader reads it, with what is odd about it."""

    weights: Weights
    findings: tuple[Finding, ...]


def dimensions(n_hidden: int) -> list[tuple[int, int]]:
    """The (in, out) of every linear layer."""
    widths = [INPUTS, *[WIDTH] * n_hidden, OUTPUTS]
    return list(pairwise(widths))


def load_weights(decoded: DecodedBlob, n_hidden: int) -> Loaded:
    """Read a solution as the network's loader does. Raises Unloadable where that panics.

    Rows are joined, a short layer keeps the fresh value in its tail (0; 1 for a norm's weight and variance), and layers
    beyond the network's are ignored.
    """
    blob, shapes, loader = decoded.blob, dimensions(n_hidden), _Loader()
    loader.require_layers(blob, n_hidden)
    weights = [
        loader.weight(layer, rows, *shape)
        for layer, (rows, shape) in enumerate(zip(blob.weights, shapes, strict=False))
    ]
    biases = loader.arrays("biases", blob.biases, [out for _, out in shapes])
    norms = [WIDTH] * n_hidden
    parts = (
        loader.arrays("norm_weights", blob.norm_weights, norms, fresh=1.0),
        loader.arrays("norm_biases", blob.norm_biases, norms),
        loader.arrays("running_means", blob.running_means, norms),
        loader.arrays("running_variances", blob.running_variances, norms, fresh=1.0),
    )
    loaded = Weights(tuple(map(Linear, weights, biases)), tuple(map(Norm, *parts)))
    return Loaded(loaded, (*_trailing(decoded), *loader.findings, *_oddities(loaded)))


def blob_of(weights: Weights, epochs_used: int) -> Blob:
    """The solution of a network as the harness nests it: each weight as `out` chunks of `in` values."""
    return Blob(
        weights=tuple(_chunks(linear.weight) for linear in weights.linear),
        biases=tuple(_bytes(linear.bias) for linear in weights.linear),
        epochs_used=epochs_used,
        norm_weights=tuple(_bytes(norm.weight) for norm in weights.norms),
        norm_biases=tuple(_bytes(norm.bias) for norm in weights.norms),
        running_means=tuple(_bytes(norm.mean) for norm in weights.norms),
        running_variances=tuple(_bytes(norm.variance) for norm in weights.norms),
    )


class _Loader:
    """Copies a solution's arrays into fresh ones of the network's sizes."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def require_layers(self, blob: Blob, n_hidden: int) -> None:
        """Compare the numbers of layers with those that the network reads."""
        counts = {
            "weights": (len(blob.weights), n_hidden + 1),
            "biases": (len(blob.biases), n_hidden + 1),
            "norm_weights": (len(blob.norm_weights), n_hidden),
            "norm_biases": (len(blob.norm_biases), n_hidden),
            "running_means": (len(blob.running_means), n_hidden),
            "running_variances": (len(blob.running_variances), n_hidden),
        }
        if not any(found for found, _ in counts.values()):
            raise Unloadable(Finding(FindingKind.EMPTY, "the solution has no layers; its algorithm never saved any"))
        for name, (found, read) in counts.items():
            if found < read:
                detail = f"{name}[{found}] is missing; with n_hidden={n_hidden} the network reads {read} layers"
                raise Unloadable(Finding(FindingKind.MISSING_LAYER, detail))
            if found > read:
                self._note(FindingKind.EXTRA_LAYER, f"{name}: {found} layers, of which the network reads {read}")

    def weight(self, layer: int, rows: Rows, inputs: int, out: int) -> Array:
        """The weight [in, out] of a layer."""
        data = b"".join(rows)
        array = self._array(f"weights[{layer}]", data, inputs * out, 0.0)
        whole = len(data) == array.nbytes
        if whole and (len(rows) != out or any(len(row) != 4 * inputs for row in rows)):
            detail = f"weights[{layer}]: not {out} rows of {inputs} values each, as the harness writes them"
            self._note(FindingKind.ROWS, detail)
        return array.reshape(inputs, out)

    def arrays(self, name: str, rows: Rows, sizes: list[int], fresh: float = 0.0) -> list[Array]:
        """One array of each size."""
        return [
            self._array(f"{name}[{layer}]", data, size, fresh)
            for layer, (data, size) in enumerate(zip(rows, sizes, strict=False))
        ]

    def _array(self, where: str, data: bytes, size: int, fresh: float) -> Array:
        values = np.frombuffer(data, dtype="<f4")
        if len(values) > size:
            detail = f"{where}: {len(values)} values, but the network has room for {size}"
            raise Unloadable(Finding(FindingKind.LONG_LAYER, detail))
        if len(values) < size:
            self._note(FindingKind.SHORT_LAYER, f"{where}: {len(values)} of {size} values; the others stay {fresh:g}")
        array = np.full(size, fresh, dtype=np.float32)
        array[: len(values)] = values
        return array

    def _note(self, kind: FindingKind, detail: str) -> None:
        self.findings.append(Finding(kind, detail))


def _trailing(decoded: DecodedBlob) -> Iterator[Finding]:
    counts = (("gzip member", decoded.after_gzip), ("bincode value", decoded.after_value))
    for what, count in counts:
        if count:
            yield Finding(FindingKind.TRAILING_BYTES, f"{count} after the {what}, which the network ignores")


def _oddities(weights: Weights) -> Iterator[Finding]:
    """List the oddities of the values that the network reads."""
    for name, values in _named(weights):
        if bad := int(np.count_nonzero(~np.isfinite(values))):
            yield Finding(FindingKind.NOT_FINITE, f"{name}: {bad} of {values.size} values are infinite or NaN")
    for layer, norm in enumerate(weights.norms):
        if negative := int(np.count_nonzero(norm.variance < 0.0)):
            detail = f"running_variances[{layer}]: {negative} of {WIDTH} values are below 0"
            yield Finding(FindingKind.NEGATIVE_VARIANCE, detail)
    last = weights.n_hidden
    for layer in (last - 1, last):
        yield from _changed(FindingKind.FROZEN_BIAS, f"biases[{layer}]", weights.linear[layer].bias, 0.0)
    yield from _changed(FindingKind.FROZEN_NORM, f"norm_weights[{last - 1}]", weights.norms[-1].weight, 1.0)
    yield from _changed(FindingKind.FROZEN_NORM, f"norm_biases[{last - 1}]", weights.norms[-1].bias, 0.0)


def _named(weights: Weights) -> Iterator[tuple[str, Array]]:
    for part, name in (("weight", "weights"), ("bias", "biases")):
        for layer, linear in enumerate(weights.linear):
            yield f"{name}[{layer}]", getattr(linear, part)
    names = (("weight", "norm_weights"), ("bias", "norm_biases"), ("mean", "running_means"))
    for part, name in (*names, ("variance", "running_variances")):
        for layer, norm in enumerate(weights.norms):
            yield f"{name}[{layer}]", getattr(norm, part)


def _changed(kind: FindingKind, where: str, values: Array, initial: float) -> Iterator[Finding]:
    """Bit for bit: a frozen value is never written, so that not even -0 can be there instead of 0."""
    fresh = np.full_like(values, initial).view(np.uint32)
    if changed := int(np.count_nonzero(values.view(np.uint32) != fresh)):
        yield Finding(kind, f"{where}: {changed} of {values.size} values are not {initial:g}, though they are frozen")


def _chunks(weight: Array) -> Rows:
    """Of a weight [in, out], `out` chunks of `in` values of its flat buffer."""
    data, size = _bytes(weight), 4 * len(weight)
    return tuple(data[start : start + size] for start in range(0, len(data), size))


def _bytes(values: Array) -> bytes:
    return values.astype("<f4", order="C").tobytes()
