"""Which kernels the passes of all places launch, in which order, on which memory (specification, 5.3 to 5.5).

All that a kernel is compiled for comes from the edition and the track. A constant has one name in all kernels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from torch import Tensor

from verifier.challenge.lockstep.kernels import backward, forward, output, quantising
from verifier.challenge.lockstep.kernels.launches import Constants, Launch, Options
from verifier.challenge.lockstep.kernels.memory import Layer, Memory, Points, power_of_two_from
from verifier.challenge.lockstep.kernels.numbers import KINDS, WEIGHT
from verifier.challenge.network.architecture import Architecture

_COLUMNS: Final = 64
"""N, columns of a program, at most."""
_OUTPUTS: Final = 128
"""Rows of a program's block of a weight's gradient, at most."""
_VECTOR: Final = Options(warps=4)
"""For programs with a vector."""
_WEIGHT: Final = Options(warps=8)
"""For programs with a block of a weight."""
_ROWS_OF_WARP: Final = 16
"""Of a program with a block of a batch: with 64 columns, a thread holds 32 numbers of each matrix."""
_REGISTERS: Final = 32768
"""Half of those of a multiprocessor, so that two programs fit into it."""


class Passes:
    """The launches for the first `places` places of some memory."""

    def __init__(self, memory: Memory, places: int) -> None:
        edition, track = memory.track.edition, memory.track
        self._memory, self._places, self._last = memory, places, track.n_hidden
        self._layout = Architecture(track).layout()
        width, bits = edition.width, edition.operand_bits
        self._columns, self._outputs = min(_COLUMNS, width), min(_OUTPUTS, width)
        self._blocks = width // self._columns
        self._constants: Constants = {
            "PLACES": len(memory.parameters),
            "PARAMETERS": self._layout.size,
            "STATISTICS": (track.n_hidden + 1) * width,
            "LAYER": width * width + 3 * width,
            "MOMENTUM": edition.norm_momentum,
            "EPSILON": edition.norm_epsilon,
            "D": edition.inputs,
            "H": width,
            "N": self._columns,
            "OUT": self._outputs,
            "BITS": bits,
            "DIGIT": (bits + 1) // 2,
        }

    def training(self, locations: Tensor) -> Iterator[Launch]:
        """Loss, gradient and running statistics at locations [S, P]."""
        points = self._memory.training
        yield from self._quantised_weights(locations)
        for index, layer in enumerate(self._memory.layers):
            yield from self._forward(index, layer, locations, points)
        yield from self._loss(self._memory.layers[-1], points, training=True)
        for index in reversed(range(self._last + 1)):
            yield from self._backward(index)

    def evaluation(self, locations: Tensor) -> Iterator[Launch]:
        """The validation loss at locations [S, P]."""
        points, layer = self._memory.validation, self._memory.evaluated
        yield from self._quantised_weights(locations)
        for index in range(self._last + 1):
            yield from self._evaluate(index, layer, locations, points)
        yield from self._loss(layer, points, training=False)

    def inputs(self, x: Tensor, points: Points, place: int) -> Iterator[Launch]:
        """Quantise the batches x [batches, B, D] of a nonce that takes a place."""
        yield self._small(x, points.inputs[place], points.tops[place], largest_stride=1)

    def frozen_weights(self, hidden: Tensor, last: Tensor, place: int) -> Iterator[Launch]:
        """Quantise the weights [1, H, H] of layer L and [1, H] of the output, of a nonce that takes a place."""
        weights, tops = self._memory.weights, self._memory.frozen_tops
        yield from self._square(
            hidden, tops[self._last, place], weights.digits[-1, place], weights.transposed[-1, place], (1, 1)
        )
        yield self._small(last, weights.output[place], tops[self._last + 1, place, WEIGHT.value :], largest_stride=1)

    def _quantised_weights(self, locations: Tensor) -> Iterator[Launch]:
        weights, tops = self._memory.weights, self._memory.tops
        first = self._part(locations, 0, 0)[: self._places]
        yield self._small(first, weights.first, tops[0, :, WEIGHT.value :], KINDS.value)
        if self._last > 1:
            grid = (self._places, self._last - 1)
            square = locations[:, self._layout.start(4) :]
            yield from self._square(square, tops[1:], weights.digits[:-1], weights.transposed[:-1], grid)

    def _square(
        self, weights: Tensor, tops: Tensor, digits: Tensor, transposed: Tensor, grid: tuple[int, int]
    ) -> Iterator[Launch]:
        blocks = (*grid, self._blocks)
        yield self._launch(quantising.find_largest_weights, blocks, (weights, tops), _WEIGHT)
        yield self._launch(quantising.quantise_weights, blocks, (weights, tops, digits, transposed), _WEIGHT)

    def _small(self, values: Tensor, integers: Tensor, largest: Tensor, largest_stride: int) -> Launch:
        count = values[0].numel()
        constants = {"STRIDE": values.stride(0), "COUNT": count, "CELLS": power_of_two_from(count)}
        return self._launch(
            quantising.quantise_small,
            (len(values),),
            (values, integers, largest),
            _VECTOR,
            LARGEST_STRIDE=largest_stride,
            **constants,
        )

    def _forward(self, index: int, layer: Layer, locations: Tensor, points: Points) -> Iterator[Launch]:
        memory = self._memory
        tops, rows, size = memory.tops[index], points.count, self._rows(points)
        affine: dict[str, float] = {"AFFINE": index < self._last}
        _, _, gamma, beta = self._vectors(locations, index)
        z, extremes = layer.z, (layer.highest, layer.lowest)
        yield self._activate(index, layer, memory.layers[index - 1].digits, locations, points)
        means, variances = memory.means[:, index], memory.variances[:, index]
        yield self._matrix(forward.find_means, (z, *extremes, means, layer.mean, tops, rows), size)
        scales = (z, *extremes, layer.mean, gamma, beta, variances, layer.inverse, layer.scale, tops, rows)
        yield self._matrix(forward.find_scales, scales, size | affine)
        yield self._normalise(index, layer, beta, points, transposed=index + 1 < self._last)

    def _evaluate(self, index: int, layer: Layer, locations: Tensor, points: Points) -> Iterator[Launch]:
        memory = self._memory
        _, _, gamma, beta = self._vectors(locations, index)
        yield self._activate(index, layer, layer.digits, locations, points)
        statistics = (memory.means[:, index], memory.variances[:, index])
        yield self._launch(
            forward.find_running_scales,
            (self._places, self._blocks),
            (layer.highest, layer.lowest, *statistics, gamma, beta, layer.mean, layer.scale, memory.tops[index]),
            _VECTOR,
            AFFINE=index < self._last,
        )
        yield self._normalise(index, layer, beta, points, transposed=False)

    def _activate(self, index: int, layer: Layer, inputs: Tensor, locations: Tensor, points: Points) -> Launch:
        memory, weights = self._memory, self._memory.weights
        _, bias, _, _ = self._vectors(locations, index)
        results = (layer.z, layer.highest, layer.lowest, memory.tops[index], points.count)
        if index == 0:
            batch = (points.inputs, points.tops, points.batch)
            batches = {"BATCHES": points.inputs.shape[1]}
            return self._matrix(
                forward.activate_inputs, (*batch, weights.first, bias, *results), self._rows(points) | batches
            )
        operands = (inputs, memory.tops[index - 1], weights.digits[index - 1], bias)
        return self._matrix(
            forward.activate, (*operands, *results), self._rows(points) | {"AFFINE": index < self._last}
        )

    def _normalise(self, index: int, layer: Layer, beta: Tensor | None, points: Points, *, transposed: bool) -> Launch:
        results = (layer.digits, layer.transposed if transposed else None)
        constants = self._rows(points) | {"AFFINE": index < self._last, "TRANSPOSED": transposed}
        tensors = (layer.z, layer.mean, layer.scale, beta, *results, self._memory.tops[index], points.count)
        return self._matrix(forward.normalise, tensors, constants)

    def _loss(self, layer: Layer, points: Points, *, training: bool) -> Iterator[Launch]:
        memory, tops, size = self._memory, self._memory.tops[self._last + 1], self._rows(points)
        h = (layer.digits, memory.tops[self._last], memory.weights.output)
        yield self._launch(
            output.find_residuals,
            (self._places, points.rows.padded // points.rows.block),
            (*h, points.targets, points.batch, points.residuals, tops, points.count),
            Options(_warps(points.rows.block)),
            BATCHES=points.inputs.shape[1],
            **size,
        )
        yield self._launch(
            output.find_loss,
            (self._places,),
            (points.residuals, memory.losses, memory.descent.integers if training else None, tops, points.count),
            _VECTOR,
            CELLS=power_of_two_from(points.rows.padded),
            TRAINING=training,
            **size,
        )

    def _backward(self, index: int) -> Iterator[Launch]:
        memory, layer, descent = self._memory, self._memory.layers[index], self._memory.descent
        tops, above = memory.tops[index], memory.tops[index + 1]
        rows, size = memory.training.count, self._rows(memory.training)
        weight, bias, gamma, beta = self._vectors(memory.gradient, index)
        results = (layer.z, layer.mean, descent.dy, descent.dy_sums, tops, rows)
        if index == self._last:
            operands = (descent.integers, above, memory.weights.output)
            yield self._matrix(backward.differentiate_output, (*operands, *results), size)
        else:
            operands = (descent.digits, above, memory.weights.transposed[index])
            warps = _warps(memory.training.rows.block)
            options = Options(warps, registers=min(255, _REGISTERS // (32 * warps)))
            tensors = (*operands, *results)
            yield self._launch(backward.differentiate, (self._places, self._blocks), tensors, options, **size)
        linear = (descent.offset, descent.coefficient)
        flags: dict[str, float] = {"AFFINE": index < self._last, "TRANSPOSED": 0 < index < self._last}
        means = (descent.dy, layer.z, layer.mean)
        channels = (descent.dy_sums, layer.inverse, layer.scale, *linear, gamma, beta, tops, rows)
        yield self._matrix(backward.find_coefficients, (*means, *channels), size | flags)
        digits = (descent.digits, descent.transposed if flags["TRANSPOSED"] else None)
        gradient = (*means, *linear, layer.scale, *digits, bias, tops, rows)
        yield self._matrix(backward.quantise_gradient, gradient, size | flags)
        if index < self._last:
            yield self._weight_gradient(index, weight)

    def _weight_gradient(self, index: int, gradient: Tensor | None) -> Launch:
        memory, points, descent = self._memory, self._memory.training, self._memory.descent
        tops, size = memory.tops[index], self._rows(points)
        if index == 0:
            batch = (points.inputs, points.tops, points.batch)
            return self._matrix(
                backward.find_input_weight_gradient,
                (descent.digits, tops, *batch, gradient),
                size | {"BATCHES": points.inputs.shape[1]},
            )
        below = (memory.layers[index - 1].transposed, memory.tops[index - 1])
        grid = (self._places, memory.track.edition.width // self._outputs, self._blocks)
        tensors = (descent.transposed, tops, *below, gradient)
        return self._launch(backward.find_weight_gradient, grid, tensors, _WEIGHT, **size)

    def _matrix(self, kernel: Any, tensors: tuple[Tensor | None, ...], constants: Constants) -> Launch:
        """A program for each place and block of columns."""
        options = Options(_warps(int(constants["M"])))
        return self._launch(kernel, (self._places, self._blocks), tensors, options, **constants)

    def _launch(
        self,
        kernel: Any,
        grid: tuple[int, ...],
        tensors: tuple[Tensor | None, ...],
        options: Options,
        **constants: float,
    ) -> Launch:
        return Launch.of(kernel, grid, tensors, {**self._constants, **constants}, options)

    def _rows(self, points: Points) -> dict[str, float]:
        return {"B": points.rows.padded, "M": points.rows.block}

    def _vectors(self, flat: Tensor, index: int) -> tuple[Tensor | None, ...]:
        """A layer's weight, bias, gamma and beta in vectors [S, P]; a frozen layer has none."""
        if index == self._last:
            return None, None, None, None
        return tuple(self._part(flat, index, part) for part in range(4))

    def _part(self, flat: Tensor, index: int, part: int) -> Tensor:
        number = 4 * index + part
        start = self._layout.start(number)
        return flat[:, start : start + self._layout.parts[number].size]


def _warps(rows: int) -> int:
    """Of a program with a block of so many rows of a batch."""
    return max(1, rows // _ROWS_OF_WARP)
