"""The compiled network, as the trainer sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from arithmetic.compiled.arguments import Argument
from arithmetic.exponents import NonFiniteError, sum_bits
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import Architecture, initial_weight
from verifier.challenge.network.compiled.arrays import NOT_FINITE
from verifier.challenge.network.compiled.buffers import Constants, Frozen, Layers, Points, Scratch
from verifier.challenge.network.compiled.network_kernels import network_kernels
from verifier.challenge.network.network import Batch
from verifier.challenge.network.statistics import Statistics

Array = NDArray[np.float32]


class CompiledNetwork:
    """The network of one instance (see `Network`), for CPUs: exact products of 16-bit integers, a step in one call.

    Raises as `kernel_cache.kernels` does.
    """

    engine = "int16"

    def __init__(self, instance_id: InstanceId) -> None:
        architecture = Architecture(instance_id.track)
        self.architecture, self.layout = architecture, architecture.layout()
        edition = architecture.edition
        self._kernels = network_kernels()
        self._bits = edition.operand_bits
        self._constants = Argument(
            Constants(edition.width, edition.inputs, self._bits, edition.norm_epsilon, edition.norm_momentum)
        )
        self._width = _padded(edition.width, self._kernels.columns)
        self._frozen = Argument(self._freeze(instance_id))
        self._workspaces: dict[int, _Workspace] = {}

    def batch(self, x: Array, y: Array) -> Batch:
        """Points x [B, D], y [B] that pass the network together, as often as they will."""
        targets = _in_order(y)
        return Batch(_Inputs(Argument(self._points(x)), Argument(targets)), targets)

    def loss_and_gradient(self, parameters: Array, statistics: Statistics, batch: Batch, gradient: Array) -> float:
        """The mean squared error on a batch in training mode.

        Writes the gradient (flat) and updates the running statistics. Raises NonFiniteError.
        """
        inputs, work = batch.inputs, self._workspace(batch.inputs.points)
        return _finite(
            self._kernels.training_step(
                Argument(_in_order(parameters)), Argument(statistics.means), Argument(statistics.variances),
                self._constants, self._frozen, inputs.points, inputs.targets, work.layers, work.scratch,
                Argument(gradient),
            )
        )  # fmt: skip

    def predict(self, parameters: Array, statistics: Statistics, x: Array) -> Array:
        """The outputs [B] at x [B, D] in evaluation mode. Raises NonFiniteError."""
        return self._outputs(parameters, statistics, Argument(self._points(x)))

    def loss(self, parameters: Array, statistics: Statistics, batch: Batch) -> float:
        """The mean squared error on a batch in evaluation mode. Raises NonFiniteError."""
        points = batch.inputs.points
        residual = self._outputs(parameters, statistics, points)
        residual -= batch.targets
        sum_bits, terms = Argument(points.value.sum_bits), Argument(np.empty_like(residual))
        return _finite(self._kernels.mean_square(Argument(residual), sum_bits, terms))

    def _outputs(self, parameters: Array, statistics: Statistics, points: Argument) -> Array:
        work = self._workspace(points)
        out = np.empty(points.value.size, np.float32)
        if not self._kernels.outputs(
            Argument(_in_order(parameters)), Argument(_in_order(statistics.means)),
            Argument(_in_order(statistics.variances)), self._constants, self._frozen, points, work.z, work.scratch,
            Argument(out),
        ):  # fmt: skip
            raise NonFiniteError("a reduction met an infinite value or a NaN")
        return out

    def _points(self, x: Array) -> Points:
        rows = np.zeros((_padded(len(x), self._kernels.rows), _padded(x.shape[1], 2)), np.int16)
        e = self._kernels.pack_points(Argument(_in_order(x)), Argument(self._bits), Argument(rows))
        if e == NOT_FINITE:
            raise NonFiniteError("an input is infinite or a NaN")
        return Points(rows, e, len(x), sum_bits(len(x)))

    def _freeze(self, instance_id: InstanceId) -> Frozen:
        last, width, bits = self.architecture.n_hidden, self._width, Argument(self._bits)
        rows = np.zeros((width, width), np.int16)
        inwards, outwards = np.zeros((2, width // 2, width), np.int32)
        weight, output_weight = (Argument(_in_order(initial_weight(instance_id, last + i))) for i in (0, 1))
        exponent = self._kernels.pack_weight(weight, bits, Argument(rows), Argument(inwards), Argument(outwards))
        output = np.zeros((1, width), np.int16)
        output_exponent = self._kernels.pack_points(output_weight, bits, Argument(output))
        pairs = output.astype(np.int32) & 0xFFFF
        return Frozen(inwards, outwards, exponent, output[0], pairs, output_exponent)

    def _workspace(self, points: Argument) -> _Workspace:
        rows = len(points.value.rows)
        if rows not in self._workspaces:
            self._workspaces[rows] = _Workspace(rows, self._width, self._kernels.rows, self.architecture)
        return self._workspaces[rows]


@dataclass(frozen=True)
class _Inputs:
    """A batch as the kernels are given it."""

    points: Argument
    targets: Argument


class _Workspace:
    """The buffers for batches of so many padded rows."""

    def __init__(self, rows: int, width: int, tile: int, architecture: Architecture) -> None:
        self._rows, self._width, self._tile, self._architecture = rows, width, tile, architecture

    @cached_property
    def layers(self) -> Argument:
        """What only training needs."""
        n, rows, width = self._architecture.normed_layers, self._rows, self._width
        hidden = self._architecture.trainable_layers - 1
        single, double = (np.zeros((count, n, width), kind) for count, kind in ((2, np.float32), (3, np.float64)))
        layers = Layers(
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
        return Argument(layers)

    @cached_property
    def z(self) -> Argument:
        """The activations of one layer."""
        return Argument(np.zeros((self._rows, self._width), np.float32))

    @cached_property
    def scratch(self) -> Argument:
        """What a pass works in."""
        rows, width, inputs = self._rows, self._width, _padded(self._architecture.edition.inputs, 2)
        frozen_affine = np.zeros((3, width), np.float32)
        frozen_affine[1] = 1.0
        scratch = Scratch(
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
            points=np.zeros((2, rows), np.float32),
            mean=np.zeros(width, np.float32),
            scale=np.zeros(width, np.float32),
            inverse=np.zeros(width),
            exact=np.zeros((2, width)),
            integers=np.zeros(width, np.int32),
            patterns=np.zeros(width, np.int64),
            tile=np.zeros((self._tile, width), np.int32),
            dy=np.zeros((rows, width), np.float32),
            nothing=np.zeros((0, width), np.int32),
        )
        return Argument(scratch)


def _in_order(values: Array) -> Array:
    """The array, or a copy of it in row order."""
    return np.ascontiguousarray(values)


def _padded(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple


def _finite(loss: float) -> float:
    if math.isnan(loss):
        raise NonFiniteError("a reduction met an infinite value or a NaN")
    return loss
