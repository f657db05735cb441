"""Gradient descent of a linear model beside its gradient flow (a chapter on optimisation, 10.1; Lemma 10.2).

`N` points, `D` inputs; `X` [N, D] has rank D.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from verifier.challenge.instance.instance import draw_points
from verifier.experiments.study.sharpness.plain_network import instance_of
from verifier.experiments.study.sharpness.rows import Linear, LinearSettings, figure, rounded

_DEPTH: Final = 2
"""The track whose points they are."""


def linear(settings: LinearSettings) -> Linear:
    """Descend from weights 0, in binary64."""
    instance_id = instance_of(_DEPTH, settings.nonce)
    points = draw_points(instance_id, 0, instance_id.edition.train_points)
    x, y = points.x.astype(np.float64), points.y.astype(np.float64)
    directions, sizes, _ = np.linalg.svd(x, full_matrices=False)  # the rows of Q whose eigenvalues are not 0
    eigenvalues = sizes**2
    rate = settings.fraction * 2.0 / eigenvalues[0]
    w = np.zeros(x.shape[1])
    losses, errors = [], []
    for _ in range(settings.steps + 1):
        error = y - x @ w
        losses.append(0.5 * float(error @ error))
        errors += (directions.T @ error).tolist()
        w = w + rate * (x.T @ error)
    rest = y - directions @ (directions.T @ y)
    return Linear(
        settings=settings,
        eigenvalues=rounded(eigenvalues),
        losses=rounded(losses),
        least=figure(0.5 * float(rest @ rest)),
        errors=rounded(errors),
        unmoved=figure(float(np.abs(error - directions @ (directions.T @ error) - rest).max())),
    )
