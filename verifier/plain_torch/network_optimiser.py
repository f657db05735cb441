"""A module as the optimiser of somebody's own network, in somebody's own training loop of plain torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from os import PathLike

import numpy as np
import torch
from torch import nn

from sandbox.layout import Layout, Part
from sandbox.optimiser import Assignment, Scalar
from verifier.plain_torch.module_file import module_in
from verifier.plain_torch.plain_optimiser import PlainTorch

_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)


class NetworkOptimiser:
    """Steps the trainable float32 parameters of a network on the CPU as a module says.

    `train_loss` and `validation_loss` are what the module is told: those of the epoch before, NaN in the first; the
    loop sets them, and `epoch`, which counts from 0.
    """

    def __init__(
        self,
        network: nn.Module,
        module: str | PathLike[str],
        *,
        difficulty: Mapping[str, int] | None = None,
        hyperparameters: Mapping[str, Scalar] | None = None,
        seed: int = 0,
    ) -> None:
        """Make the module's state from the network as it is.

        Parameters:
            network: Any network of torch, on the CPU; its trainable parameters are what the module sees.
            module: The path of the module's file.
            difficulty: What the module is told; by default `{"n_hidden": 4}`.
            hyperparameters: Overrides of the module's HYPERPARAMETERS.
            seed: Of the numbers of `rng`.

        Raises:
            OSError: The file cannot be read.
            OptimiserError: A function returned what it may not return.
        """
        found = module_in(module)
        self._parameters = [p for p in network.parameters() if p.requires_grad]
        assignment = Assignment(
            source=found.source,
            name=found.name,
            layout=layout_of(network),
            difficulty=dict(difficulty or {"n_hidden": 4}),
            hyperparameters=dict(hyperparameters or {}),
            key=seed.to_bytes(32, "little"),
            fuel_budget=0,
        )
        self.epoch = 0
        self.train_loss = self.validation_loss = math.nan
        self._optimiser = PlainTorch().start(assignment)
        self._optimiser.parameters[:] = _flat(self._parameters)
        self._optimiser.initialise()

    def step(self, loss_of: Callable[[], torch.Tensor]) -> float:
        """One step: the gradient where the module asks for it, and its updates; the loss there.

        `loss_of` computes the loss of a batch with the network as it is.
        """
        optimiser = self._optimiser
        optimiser.begin_epoch(self.epoch, self.train_loss, self.validation_loss, 1)
        optimiser.parameters[:] = _flat(self._parameters)
        location = optimiser.query_location()
        if location is not None:
            self._put(location)
        loss = loss_of()
        gradients = torch.autograd.grad(loss, self._parameters)
        optimiser.gradient[:] = _flat(gradients)
        self._put(optimiser.parameters + optimiser.step_updates())
        return loss.item()

    def _put(self, flat: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
        with torch.no_grad():
            nn.utils.vector_to_parameters(torch.from_numpy(flat), self._parameters)


def layout_of(network: nn.Module) -> Layout:
    """The trainable parameters of a network with the roles that modules know: weight, bias, norm.weight, norm.bias."""
    norms = {name for name, part in network.named_modules() if isinstance(part, _NORMS)}
    parts = []
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            owner, _, kind = name.rpartition(".")
            role = f"{'norm.' if owner in norms else ''}{'bias' if kind == 'bias' else 'weight'}"
            parts.append(Part(name, role, tuple(parameter.shape)))
    return Layout(tuple(parts))


def _flat(tensors: list[nn.Parameter] | tuple[torch.Tensor, ...]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return torch.cat([one.detach().reshape(-1) for one in tensors]).numpy()
