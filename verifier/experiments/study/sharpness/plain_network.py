"""The challenge's network in plain torch, which can be differentiated twice; it rounds as torch does.

`N` points, `D` inputs, `P` trainable parameters.
"""

from __future__ import annotations

import torch
from torch import Tensor

from protocol.settings import Settings
from protocol.task import Task
from verifier.challenge.editions import DECEMBER_2025
from verifier.challenge.instance.instance import Points, draw_instance
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import Architecture, initial_parameters, initial_weight


def instance_of(n_hidden: int, nonce: int) -> InstanceId:
    """The instance that `tig-verify instance` names by this depth and nonce, with no other options."""
    settings = Settings("", "", "c006", "", f"n_hidden={n_hidden}")
    task = Task(DECEMBER_2025.name, settings, b"\0" * 32, {}, DECEMBER_2025.max_fuel_budget, "0" * 32)
    return InstanceId.of(task, nonce)


class PlainNetwork:
    """The network and the points of one instance; the trainable parameters [P] come with each call, float32 or float64.

    Batch norm has the statistics of the points that it is given, as in training; without `normed` it scales and shifts
    only. The last two layers are frozen, as in the challenge.
    """

    def __init__(self, instance_id: InstanceId, normed: bool = True) -> None:
        architecture = Architecture(instance_id.track)
        self._layout, self._normed = architecture.layout(), normed
        self._epsilon = instance_id.edition.norm_epsilon
        last = architecture.n_hidden
        self._frozen, self._output = (torch.from_numpy(initial_weight(instance_id, last + i)) for i in range(2))
        self.initial = torch.from_numpy(initial_parameters(instance_id))
        instance = draw_instance(instance_id)
        self.x, self.y = _tensors(instance.train)
        """The training points [N, D] and their targets [N]."""
        self._test_x, self._test_y = _tensors(instance.test)

    def outputs(self, parameters: Tensor, x: Tensor, known: int | None = None) -> Tensor:
        """The outputs [N] at points; the statistics are those of the first `known` points, or of all."""
        views = self._layout.views(parameters)
        h = x.to(parameters.dtype)
        for i in range(0, len(views), 4):
            weight, bias, scale, shift = views[i : i + 4]
            h = self._normalised(torch.relu(h @ weight.T + bias), known) * scale + shift
        h = self._normalised(torch.relu(h @ self._frozen.to(h.dtype).T), known)
        return (h @ self._output.to(h.dtype).T)[:, 0]

    def loss(self, parameters: Tensor) -> Tensor:
        """The mean of squares on the whole training set in training mode, a scalar that can be differentiated."""
        return self.batch_loss(parameters, self.x, self.y)

    def batch_loss(self, parameters: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """The mean of squares on some points in training mode."""
        return (self.outputs(parameters, x) - y).square().mean()

    def rescaled(self, parameters: Tensor, scale: float) -> Tensor:
        """Weights and biases are scaled, and batch norm takes it back: the same function, but for its epsilon."""
        changed = parameters.clone()
        views = self._layout.views(changed)
        for i, part in enumerate(self._layout.parts):
            if not part.role.startswith("norm"):
                views[i].mul_(scale)
        return changed

    @torch.no_grad()
    def test_loss(self, parameters: Tensor) -> float:
        """The mean of squares on the test set, with the statistics of the whole training set."""
        known = len(self.x)
        outputs = self.outputs(parameters, torch.cat([self.x, self._test_x]), known)
        return (outputs[known:] - self._test_y).square().mean().item()

    def _normalised(self, z: Tensor, known: int | None) -> Tensor:
        if not self._normed:
            return z
        variance, mean = torch.var_mean(z[:known], dim=0, correction=0)
        return (z - mean) * torch.rsqrt(variance + self._epsilon)


def _tensors(points: Points) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(points.x), torch.from_numpy(points.y)
