"""Batch normalisation: what happens to one number for each feature (specification, section 5.3).

Everything here is binary64 and is rounded to binary32 once, where it meets a tensor. `B` rows, `H` features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from sandbox.arithmetic.exact import Features


@dataclass(frozen=True)
class Affine:
    """The trainable part of a norm, [H] each."""

    gamma: torch.Tensor
    beta: torch.Tensor


@dataclass(frozen=True)
class Batch:
    """The statistics of one batch."""

    mean: Features
    squares: Features
    """Sums of the squares of the centred activations."""
    rows: int
    epsilon: float

    @property
    def inverse(self) -> Features:
        """1 / sqrt(variance + eps)."""
        return inverse_deviation(self.squares / self.rows, self.epsilon)

    @property
    def unbiased_variance(self) -> Features:
        """What the running variance moves towards."""
        return self.squares / (self.rows - 1)


@dataclass(frozen=True)
class Gradient:
    """The backward pass of one norm, from the exact sums over the batch of dy and of dy times centred."""

    dy_sums: Features
    projected_sums: Features
    inverse: Features
    rows: int

    @property
    def gamma(self) -> torch.Tensor:
        """The gradient of gamma [H]."""
        return binary32(self.projected_sums * self.inverse)

    @property
    def beta(self) -> torch.Tensor:
        """The gradient of beta [H]."""
        return binary32(self.dy_sums)

    @property
    def offset(self) -> torch.Tensor:
        """What dy loses because the mean moves [H]."""
        return binary32(self.dy_sums / self.rows)

    @property
    def slope(self) -> torch.Tensor:
        """What dy loses for each unit of the centred activation because the variance moves [H]."""
        return binary32(((self.inverse * self.inverse) * self.projected_sums) / self.rows)


def moved(running: torch.Tensor, batches: list[Features], momentum: float) -> torch.Tensor:
    """Running statistics [norms, H], moved towards those of one batch."""
    return binary32((1.0 - momentum) * binary64(running) + momentum * np.stack(batches))


def inverse_deviation(variance: Features, epsilon: float) -> Features:
    """1 / sqrt(variance + eps)."""
    inverse: Features = 1.0 / np.sqrt(variance + epsilon)
    return inverse


def scale(affine: Affine | None, inverse: Features) -> torch.Tensor:
    """gamma times the inverse deviation [H]; a frozen norm has gamma 1."""
    return binary32(inverse if affine is None else binary64(affine.gamma) * inverse)


def binary64(values: torch.Tensor) -> Features:
    """A binary32 vector widened."""
    return values.numpy().astype(np.float64)


def binary32(values: Features) -> torch.Tensor:
    """A binary64 vector rounded once."""
    return torch.from_numpy(values).float()
