"""The memory of the kernels on the device, for all places; the package's docstring has the layouts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from verifier.challenge.editions import Track
from verifier.challenge.lockstep.kernels.numbers import KINDS
from verifier.challenge.network.architecture import Architecture

_MOST_ROWS = 128
"""Rows of a block: more do not fit into the registers of a program."""
_MANY_ROWS = 64
"""Rows of a block where a batch has several: less padding."""


@dataclass(frozen=True)
class Rows:
    """How a batch of up to `count` rows is cut into blocks."""

    count: int

    @property
    def block(self) -> int:
        """M, rows of a block: a power of two, as Triton wants it."""
        return max(16, power_of_two_from(self.count)) if self.count <= _MOST_ROWS else _MANY_ROWS

    @property
    def padded(self) -> int:
        """B, rows in memory: whole blocks."""
        return -(-self.count // self.block) * self.block


@dataclass(frozen=True)
class Points:
    """The batches of each place, quantised once for all passes (5.3)."""

    inputs: Tensor
    """int16 [S, batches, B, D]."""
    tops: Tensor
    """The largest magnitude of each batch's inputs, int32 [S, batches]."""
    targets: Tensor
    """Binary32 [S, batches, B]."""
    batch: Tensor
    """The index of the batch that passes, int64 [S]."""
    count: Tensor
    """Its number of rows, int32 [S]."""
    residuals: Tensor
    """Outputs less targets of the batch that passes, binary32 [S, B]."""
    rows: Rows

    @classmethod
    def empty(cls, places: int, batches: int, rows: Rows, inputs: int, device: torch.device) -> Self:
        """Zeros, batch 0 with as many rows as any, and residuals as they are found."""
        shape = (places, batches, rows.padded)
        return cls(
            torch.zeros((*shape, inputs), dtype=torch.int16, device=device),
            torch.zeros(shape[:2], dtype=torch.int32, device=device),
            torch.zeros(shape, dtype=torch.float32, device=device),
            torch.zeros(places, dtype=torch.int64, device=device),
            torch.full((places,), rows.count, dtype=torch.int32, device=device),
            torch.empty((places, rows.padded), dtype=torch.float32, device=device),
            rows,
        )


@dataclass(frozen=True)
class Weights:
    """The quantised weights of all layers."""

    first: Tensor
    """Of layer 0, int16 [S, H, D]."""
    digits: Tensor
    """Of the layers 1 to L, int8 [L, S, 2, H, H]."""
    transposed: Tensor
    """The digits of these, transposed."""
    output: Tensor
    """Of layer L + 1, int16 [S, H]."""

    @classmethod
    def empty(cls, places: int, track: Track, device: torch.device) -> Self:
        """Zeros: the frozen ones are written when a nonce takes its place."""
        width, shape = track.edition.width, (track.n_hidden, places, 2, track.edition.width, track.edition.width)
        return cls(
            first=torch.zeros((places, width, track.edition.inputs), dtype=torch.int16, device=device),
            digits=torch.zeros(shape, dtype=torch.int8, device=device),
            transposed=torch.zeros(shape, dtype=torch.int8, device=device),
            output=torch.zeros((places, width), dtype=torch.int16, device=device),
        )


@dataclass(frozen=True)
class Layer:
    """One normed layer's pass over a batch."""

    z: Tensor
    """Binary32 [S, B, H]."""
    highest: Tensor
    lowest: Tensor
    """Of each column of z, binary32 [S, H]."""
    mean: Tensor
    """b32(mu), or the running mean, [S, H]."""
    inverse: Tensor
    """nu, binary64 [S, H]."""
    scale: Tensor
    """s, binary32 [S, H]."""
    digits: Tensor
    """The normalised batch, int8 [S, 2, B, H]."""
    transposed: Tensor
    """int8 [S, 2, H, B]."""

    @classmethod
    def empty(cls, places: int, rows: Rows, width: int, device: torch.device) -> Self:
        """Memory as it is found."""
        channels, size = (places, width), rows.padded
        return cls(
            z=torch.empty((places, size, width), dtype=torch.float32, device=device),
            highest=torch.empty(channels, dtype=torch.float32, device=device),
            lowest=torch.empty(channels, dtype=torch.float32, device=device),
            mean=torch.empty(channels, dtype=torch.float32, device=device),
            inverse=torch.empty(channels, dtype=torch.float64, device=device),
            scale=torch.empty(channels, dtype=torch.float32, device=device),
            digits=torch.empty((places, 2, size, width), dtype=torch.int8, device=device),
            transposed=torch.empty((places, 2, width, size), dtype=torch.int8, device=device),
        )


@dataclass(frozen=True)
class Descent:
    """What the backward pass of one layer leaves to the next."""

    integers: Tensor
    """The quantised gradient at the output, int16 [S, B]."""
    dy: Tensor
    """Binary32 [S, B, H]."""
    dy_sums: Tensor
    """Sbeta, binary64 [S, H]."""
    offset: Tensor
    """p, binary32 [S, H]."""
    coefficient: Tensor
    """k, binary32 [S, H]."""
    digits: Tensor
    """The quantised gradient of the linear map, int8 [S, 2, B, H]."""
    transposed: Tensor
    """int8 [S, 2, H, B]."""

    @classmethod
    def empty(cls, places: int, rows: Rows, width: int, device: torch.device) -> Self:
        """Memory as it is found."""
        channels, size = (places, width), rows.padded
        return cls(
            integers=torch.empty((places, size), dtype=torch.int16, device=device),
            dy=torch.empty((places, size, width), dtype=torch.float32, device=device),
            dy_sums=torch.empty(channels, dtype=torch.float64, device=device),
            offset=torch.empty(channels, dtype=torch.float32, device=device),
            coefficient=torch.empty(channels, dtype=torch.float32, device=device),
            digits=torch.empty((places, 2, size, width), dtype=torch.int8, device=device),
            transposed=torch.empty((places, 2, width, size), dtype=torch.int8, device=device),
        )


def power_of_two_from(count: int) -> int:
    """The smallest power of two that is at least `count`, as Triton wants the lengths of blocks."""
    return 1 << (count - 1).bit_length()


@dataclass(frozen=True)
class Memory:
    """All memory of the networks of S places."""

    track: Track
    parameters: Tensor
    """Binary32 [S, P]."""
    gradient: Tensor
    """Binary32 [S, P]."""
    means: Tensor
    variances: Tensor
    """Running statistics, binary32 [S, L + 1, H]."""
    weights: Weights
    training: Points
    validation: Points
    tops: Tensor
    """The largest magnitudes of a pass, int32 [L + 2, S, 8]."""
    frozen_tops: Tensor
    """What they are before a pass: zeros, but for the frozen weights."""
    losses: Tensor
    """Binary64 [S]."""
    layers: tuple[Layer, ...]
    """The layers 0 to L in training."""
    evaluated: Layer
    """The layer at hand in evaluation mode."""
    descent: Descent

    @classmethod
    def empty(cls, track: Track, places: int, device: torch.device) -> Self:
        """Zeros where a nonce that takes a place, or a pass, does not write before it reads."""
        edition, normed = track.edition, track.n_hidden + 1
        training, validation = Rows(max(edition.batch_sizes)), Rows(edition.validation_points)
        size = Architecture(track).layout().size
        statistics = (places, normed, edition.width)
        tops = (normed + 1, places, KINDS.value)
        return cls(
            track=track,
            parameters=torch.zeros((places, size), dtype=torch.float32, device=device),
            gradient=torch.zeros((places, size), dtype=torch.float32, device=device),
            means=torch.zeros(statistics, dtype=torch.float32, device=device),
            variances=torch.ones(statistics, dtype=torch.float32, device=device),
            weights=Weights.empty(places, track, device),
            training=Points.empty(places, edition.batches, training, edition.inputs, device),
            validation=Points.empty(places, 1, validation, edition.inputs, device),
            tops=torch.empty(tops, dtype=torch.int32, device=device),
            frozen_tops=torch.zeros(tops, dtype=torch.int32, device=device),
            losses=torch.empty((places,), dtype=torch.float64, device=device),
            layers=tuple(Layer.empty(places, training, edition.width, device) for _ in range(normed)),
            evaluated=Layer.empty(places, validation, edition.width, device),
            descent=Descent.empty(places, training, edition.width, device),
        )
