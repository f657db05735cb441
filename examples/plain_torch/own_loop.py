"""A module as the optimiser of a network of torch, in a training loop of your own.

    python own_loop.py my_optimiser.py

A small training like the challenge's: noisy points of a function, batch norm, validation after each epoch. It is not
the challenge's, and its losses say little about a module's quality; `tig-verify run` says that.
"""

from __future__ import annotations

import sys

import torch
from torch import nn

import tig_verify


def points(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points [count, 2] of a square, and a function of them with noise."""
    x = torch.rand(count, 2) * 2 - 1
    return x, (3 * x[:, 0]).sin() * (2 * x[:, 1]).cos() + 0.2 * torch.randn(count)


def main(module: str) -> None:
    """Train for 20 epochs."""
    torch.manual_seed(0)
    (x, y), (validation_x, validation_y) = points(1000), points(200)
    network = nn.Sequential(
        nn.Linear(2, 64),
        nn.ReLU(),
        nn.BatchNorm1d(64),
        nn.Linear(64, 64),
        nn.ReLU(),
        nn.BatchNorm1d(64),
        nn.Linear(64, 1),
    )
    optimiser = tig_verify.NetworkOptimiser(network, module)
    for epoch in range(20):
        optimiser.epoch = epoch
        losses = []
        network.train()
        for batch in torch.randperm(len(x)).split(125):
            losses.append(optimiser.step(lambda batch=batch: (network(x[batch]).squeeze(1) - y[batch]).square().mean()))
        network.eval()
        with torch.no_grad():
            optimiser.validation_loss = (network(validation_x).squeeze(1) - validation_y).square().mean().item()
        optimiser.train_loss = sum(losses) / len(losses)
        print(f"epoch {epoch + 1}: train {optimiser.train_loss:.4f}, validation {optimiser.validation_loss:.4f}")


if __name__ == "__main__":
    main(sys.argv[1])
