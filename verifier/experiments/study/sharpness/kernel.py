"""The neural tangent kernel of a function of some parameters (Jacot et al., 2018). `N` outputs, `P` parameters."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Outputs = Callable[[Tensor], Tensor]
"""Outputs [N] of the parameters [P]."""


def tangent_kernel(outputs: Outputs, parameters: Tensor) -> Tensor:
    """The products of the outputs' gradients [N, N]."""
    variable = parameters.detach().requires_grad_()
    values = outputs(variable)
    rows = [torch.autograd.grad(value, variable, retain_graph=True)[0] for value in values]
    jacobian = torch.stack(rows)
    return jacobian @ jacobian.T


def drift(before: Tensor, after: Tensor) -> float:
    """The length of the change, relative to the length before (Frobenius)."""
    return float((after - before).norm() / before.norm())
