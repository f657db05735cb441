"""The Hessian of a loss, by its products with vectors (Pearlmutter, 1994). `P` parameters."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from verifier.experiments.study.sharpness.lanczos import Product

Loss = Callable[[Tensor], Tensor]
"""A scalar of the parameters [P]."""


def gradient(loss: Loss, parameters: Tensor) -> tuple[float, Tensor]:
    """The loss and its gradient [P]."""
    variable = parameters.detach().requires_grad_()
    value = loss(variable)
    (slope,) = torch.autograd.grad(value, variable)
    return value.item(), slope


def hessian(loss: Loss, parameters: Tensor) -> Product:
    """The Hessian at some parameters as a product with vectors; where a ReLU has a kink, that of one side."""
    variable = parameters.detach().requires_grad_()
    (slope,) = torch.autograd.grad(loss(variable), variable, create_graph=True)

    def product(vector: Tensor) -> Tensor:
        (found,) = torch.autograd.grad(slope, variable, vector, retain_graph=True)
        return found

    return product
