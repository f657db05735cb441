"""The networks of many places by torch's operations, on any device: hand-written forward and backward passes.

It is what other networks of places are held against, and what trains where they cannot.
`S` places; `n` of them, the first ones, in a call; `b` batches of at most `B` rows, `D` inputs, `H` width, `L` hidden
layers, `P` parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from verifier.challenge.editions import Edition, Track
from verifier.challenge.lockstep.passes import (
    Affine,
    ForwardCache,
    Magnitudes,
    Passes,
    Rows,
    inverse_deviation,
    rounded,
    running_average,
    sum_width,
)
from verifier.challenge.lockstep.starts import Start
from verifier.challenge.network.architecture import Architecture


@dataclass(frozen=True)
class _Layer:
    """The parameters of one normed layer; a frozen one has no affine."""

    weight: Tensor  # quantised [n, H, in]
    affine: Affine | None


class TorchNetwork:
    """See `LockstepNetwork`."""

    def __init__(self, track: Track, places: int, device: torch.device) -> None:
        architecture, edition = Architecture(track), track.edition
        self._edition, self._device = edition, device
        self._parts = [part.shape for part in architecture.layout().parts]
        self._sizes = [part.size for part in architecture.layout().parts]
        norms = (places, architecture.normed_layers, edition.width)
        size = architecture.layout().size
        self.parameters, self.gradient = self._zeros(places, size), self._zeros(places, size)
        self.means, self.variances = self._zeros(*norms), torch.ones(norms, device=device)
        self._batches = _Batches(edition, places, device)
        self._validation = self._wide(places, edition.validation_points, edition.inputs)
        self._targets = self._zeros(places, edition.validation_points)
        self._validation_rows = Rows.of(edition.validation_points, device)
        self._frozen = self._wide(places, edition.width, edition.width)
        self._output = self._wide(places, 1, edition.width)

    def enter(self, place: int, start: Start) -> None:
        """See `LockstepNetwork`."""
        self.parameters[place] = self._uploaded(start.parameters)
        self.gradient[place], self.means[place], self.variances[place] = 0.0, 0.0, 1.0
        passes = self._passes()
        self._batches.enter(place, start, passes)
        for held, values in (
            (self._validation, start.validation.x),
            (self._frozen, start.frozen),
            (self._output, start.output),
        ):
            held[place] = passes.quantise(self._uploaded(values)[None])[0]
        self._targets[place] = self._uploaded(start.validation.y)

    def rearrange(self, order: Tensor) -> None:
        """See `LockstepNetwork`."""
        for held in (
            *(self.parameters, self.gradient, self.means, self.variances),
            *(self._validation, self._targets, self._frozen, self._output),
            *(self._batches.inputs, self._batches.targets),
        ):
            held[: len(order)] = held[order]

    def loss_and_gradient(self, locations: Tensor, batches: Tensor) -> tuple[Tensor, Tensor]:
        """See `LockstepNetwork`."""
        passes, n = self._passes(), len(batches)
        inputs, targets, rows = self._batches.chosen(batches)
        layers = self._layers(locations, passes)
        operands, caches = [inputs], []
        for layer in layers:
            h, cache = passes.forward(torch.bmm(operands[-1], layer.weight.mT), layer.affine, rows)
            operands.append(h)
            caches.append(cache)
        self._update_statistics(caches, rows, passes.magnitudes)
        residual = self._outputs(operands[-1]).sub_(targets)
        losses = passes.mean_square(residual, rows)
        d_outputs = residual.mul_(2.0).div_(rows.count.float())
        da = passes.quantise(d_outputs[:, :, None])
        product = da * self._output[:n]
        gradients = self._cut(self.gradient[:n])
        for i in reversed(range(len(layers))):
            da, affine = passes.backward(product, caches[i], rows)
            if layers[i].affine is not None:
                weight, *vectors = gradients[4 * i : 4 * i + 4]
                weight.copy_(torch.bmm(da.mT, operands[i])).add_(0.0)
                for vector, exact in zip(vectors, (affine.bias, affine.gamma, affine.beta), strict=True):
                    vector.copy_(exact)
            if i:
                product = torch.bmm(da, layers[i].weight)
        return losses, passes.magnitudes.are_finite()

    def validation_losses(self, n: int) -> tuple[Tensor, Tensor]:
        """See `LockstepNetwork`."""
        passes, h = self._passes(), self._validation[:n]
        inverse = inverse_deviation(self.variances[:n].double(), passes.epsilon)
        for i, layer in enumerate(self._layers(self.parameters[:n], passes)):
            product = torch.bmm(h, layer.weight.mT)
            h = passes.evaluate(product, layer.affine, self.means[:n, i], inverse[:, i])
        residual = self._outputs(h).sub_(self._targets[:n])
        losses = passes.mean_square(residual, self._validation_rows)
        return losses, passes.magnitudes.are_finite()

    def _layers(self, parameters: Tensor, passes: Passes) -> list[_Layer]:
        parts, layers = self._cut(parameters), []
        for i in range(0, len(parts), 4):
            weight, *vectors = parts[i : i + 4]
            for vector in vectors:
                passes.magnitudes.watch(vector)  # a bias of -inf would vanish in the ReLU
            layers.append(_Layer(passes.quantise(weight), Affine(*(vector[:, None] for vector in vectors))))
        return [*layers, _Layer(self._frozen[: len(parameters)], None)]

    def _update_statistics(self, caches: list[ForwardCache], rows: Rows, magnitudes: Magnitudes) -> None:
        n, momentum = len(caches[0].means), self._edition.norm_momentum
        means, variances = self.means[:n], self.variances[:n]
        count = rows.count[:, None]
        squares = torch.stack([cache.squares for cache in caches], 1)
        means.copy_(running_average(means, torch.stack([cache.means for cache in caches], 1), momentum))
        variances.copy_(running_average(variances, squares / (count - 1.0), momentum))
        magnitudes.watch(variances)  # a sum of squares may overflow where the loss does not

    def _outputs(self, h: Tensor) -> Tensor:
        """The outputs [n, rows], binary32."""
        return rounded(torch.bmm(h, self._output[: len(h)].mT))[:, :, 0]

    def _cut(self, flat: Tensor) -> list[Tensor]:
        """The parts of flat buffers [n, P] as shaped views [n, ..]."""
        pieces = zip(flat.split(self._sizes, 1), self._parts, strict=True)
        return [piece.unflatten(1, shape) for piece, shape in pieces]

    def _passes(self) -> Passes:
        return Passes(self._edition.operand_bits, self._edition.norm_epsilon, Magnitudes())

    def _uploaded(self, values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(values).to(self._device, non_blocking=True)

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, device=self._device)

    def _wide(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.float64, device=self._device)


class _Batches:
    """The batches of the training sets of all places, of which each step takes one for each place."""

    def __init__(self, edition: Edition, places: int, device: torch.device) -> None:
        sizes = edition.batch_sizes
        rows = max(sizes)
        self._ends = np.cumsum(sizes)[:-1]
        self._most = rows
        self._places = torch.arange(places, device=device)
        self.inputs = torch.zeros(places, len(sizes), rows, edition.inputs, dtype=torch.float64, device=device)
        """Quantised, with zeros in the rows that a batch does not have [S, b, B, D]."""
        self.targets = torch.zeros(places, len(sizes), rows, device=device)
        self._count = torch.tensor(sizes, dtype=torch.float64, device=device)[:, None]
        self._width = torch.tensor([sum_width(size) for size in sizes], dtype=torch.float64, device=device)[
            :, None, None
        ]
        self._are_equal = len(set(sizes)) == 1
        self._padding = (torch.arange(rows, device=device) >= self._count)[:, :, None]

    def enter(self, place: int, start: Start, passes: Passes) -> None:
        """Take the training set of a nonce, each of whose batches is quantised for itself."""
        x, y = (torch.from_numpy(self._stacked(values)) for values in (start.train.x, start.train.y))
        self.inputs[place] = passes.quantise(x.to(self.inputs.device, non_blocking=True))
        self.targets[place] = y.to(self.targets.device, non_blocking=True)

    def chosen(self, batches: Tensor) -> tuple[Tensor, Tensor, Rows]:
        """Inputs [n, B, D] and targets [n, B] of a batch of each place, int64 [n], and the rows that it has."""
        places = self._places[: len(batches)]
        inputs, targets = self.inputs[places, batches], self.targets[places, batches]
        if self._are_equal:
            return inputs, targets, Rows(self._count[:1], self._width[:1])
        return inputs, targets, Rows(self._count[batches], self._width[batches], self._padding[batches])

    def _stacked(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The batches of a set [b, B, ..], each with zeros at its end where it has fewer rows."""
        parts = np.split(values, self._ends)
        stacked = np.zeros((len(parts), self._most, *values.shape[1:]), np.float32)
        for batch, part in zip(stacked, parts, strict=True):
            batch[: len(part)] = part
        return stacked
