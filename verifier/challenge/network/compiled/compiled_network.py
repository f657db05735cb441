"""The compiled network, as the trainer sees it."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from arithmetic.exponents import NonFiniteError, sum_bits
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import Architecture, initial_weight
from verifier.challenge.network.compiled import steps
from verifier.challenge.network.compiled.buffers import Constants, Frozen, Layers, Points, Scratch
from verifier.challenge.network.compiled.packing import pack_weight
from verifier.challenge.network.compiled.pair_product import COLUMNS, ROWS
from verifier.challenge.network.compiled.rounding import NOT_FINITE
from verifier.challenge.network.network import Batch
from verifier.challenge.network.statistics import Statistics

Array = NDArray[np.float32]


class CompiledNetwork:
    """The network of one instance (see `Network`), for CPUs: exact products of 16-bit integers, a step in one call."""

    engine = "int16"

    def __init__(self, instance_id: InstanceId) -> None:
        architecture = Architecture(instance_id.track)
        self.architecture, self.layout = architecture, architecture.layout()
        edition = architecture.edition
        self._constants = Constants(
            edition.width, edition.inputs, edition.operand_bits, edition.norm_epsilon, edition.norm_momentum
        )
        self._width = _padded(edition.width, COLUMNS)
        self._frozen = self._freeze(instance_id)
        self._workspaces: dict[int, _Workspace] = {}

    def batch(self, x: Array, y: Array) -> Batch:
        """Points x [B, D], y [B] that pass the network together, as often as they will."""
        return Batch(self._points(x), _writable(y))

    def loss_and_gradient(self, parameters: Array, statistics: Statistics, batch: Batch, gradient: Array) -> float:
        """The mean squared error on a batch in training mode.

        Writes the gradient (flat) and updates the running statistics. Raises NonFiniteError.
        """
        work = self._workspace(len(batch.inputs.rows))
        return _finite(
            steps.training_step(
                _writable(parameters), statistics.means, statistics.variances, self._constants, self._frozen,
                batch.inputs, batch.targets, work.layers, work.scratch, gradient,
            )
        )  # fmt: skip

    def predict(self, parameters: Array, statistics: Statistics, x: Array) -> Array:
        """The outputs [B] at x [B, D] in evaluation mode. Raises NonFiniteError."""
        return self._outputs(parameters, statistics, self._points(x))

    def loss(self, parameters: Array, statistics: Statistics, batch: Batch) -> float:
        """The mean squared error on a batch in evaluation mode. Raises NonFiniteError."""
        residual = self._outputs(parameters, statistics, batch.inputs)
        residual -= batch.targets
        return _finite(steps.mean_square(residual, batch.inputs.sum_bits))

    def _outputs(self, parameters: Array, statistics: Statistics, points: Points) -> Array:
        work = self._workspace(len(points.rows))
        out = np.empty(points.size, np.float32)
        if not steps.outputs(
            _writable(parameters), _writable(statistics.means), _writable(statistics.variances), self._constants,
            self._frozen, points, work.z, work.scratch, out,
        ):  # fmt: skip
            raise NonFiniteError("a reduction met an infinite value or a NaN")
        return out

    def _points(self, x: Array) -> Points:
        rows = np.zeros((_padded(len(x), ROWS), _padded(x.shape[1], 2)), np.int16)
        e = steps.pack_points(_writable(x), self._constants.bits, rows)
        if e == NOT_FINITE:
            raise NonFiniteError("an input is infinite or a NaN")
        return Points(rows, e, len(x), sum_bits(len(x)))

    def _freeze(self, instance_id: InstanceId) -> Frozen:
        last, width, bits = self.architecture.n_hidden, self._width, self._constants.bits
        rows = np.zeros((width, width), np.int16)
        inwards, outwards = np.zeros((2, width // 2, width), np.int32)
        exponent = pack_weight(initial_weight(instance_id, last), bits, rows, inwards, outwards)
        output = np.zeros((1, width), np.int16)
        output_exponent = steps.pack_points(initial_weight(instance_id, last + 1), bits, output)
        pairs = output.astype(np.int32) & 0xFFFF
        return Frozen(inwards, outwards, exponent, output[0], pairs, output_exponent)

    def _workspace(self, rows: int) -> _Workspace:
        if rows not in self._workspaces:
            self._workspaces[rows] = _Workspace(rows, self._width, self.architecture)
        return self._workspaces[rows]


class _Workspace:
    """The buffers for batches of so many padded rows."""

    def __init__(self, rows: int, width: int, architecture: Architecture) -> None:
        self._rows, self._width, self._architecture = rows, width, architecture

    @cached_property
    def layers(self) -> Layers:
        """What only training needs."""
        n, rows, width = self._architecture.normed_layers, self._rows, self._width
        hidden = self._architecture.trainable_layers - 1
        single, double = (np.zeros((count, n, width), kind) for count, kind in ((2, np.float32), (3, np.float64)))
        return Layers(
            z=np.zeros((n, rows, width), np.float32),
            mean=single[0],
            scale=single[1],
            sums=double[0],
            squares=double[1],
            inverse=double[2],
            exponents=np.zeros(n + 1, np.int64),
            outputs=np.zeros((hidden, rows // 2, width), np.int32),
            weights=np.zeros((hidden, width // 2, width), np.int32),
            weight_exponents=np.zeros(n, np.int64),
        )

    @cached_property
    def z(self) -> Array:
        """The activations of one layer."""
        return np.zeros((self._rows, self._width), np.float32)

    @cached_property
    def scratch(self) -> Scratch:
        """What a pass works in."""
        rows, width, inputs = self._rows, self._width, _padded(self._architecture.edition.inputs, 2)
        frozen_affine = np.zeros((3, width), np.float32)
        frozen_affine[1] = 1.0
        return Scratch(
            rows=np.zeros((rows, width), np.int16),
            pairs=np.zeros((rows // 2, width), np.int32),
            delta=np.zeros((rows, 2), np.int16),
            weight=np.zeros((width, width), np.int16),
            inwards=np.zeros((width // 2, width), np.int32),
            input_weight=np.zeros((width, inputs), np.int16),
            input_inwards=np.zeros((inputs // 2, width), np.int32),
            affine=np.zeros((3, width), np.float32),
            frozen_affine=frozen_affine,
            vectors=np.zeros((3, width), np.float32),
            exact=np.zeros((2, width)),
            integers=np.zeros(width, np.int32),
            patterns=np.zeros(width, np.int64),
            tile=np.zeros((ROWS, width), np.int32),
            dy=np.zeros((rows, width), np.float32),
            nothing=np.zeros((0, width), np.int32),
        )


def _writable(values: Array) -> Array:
    """The array, or a copy in row order that may be written: for other memory numba would compile everything anew."""
    return np.require(values, requirements=["C", "W"])


def _padded(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple


def _finite(loss: float) -> float:
    if math.isnan(loss):
        raise NonFiniteError("a reduction met an infinite value or a NaN")
    return loss
