"""Random functions with about the RBF kernel's covariance (specification, 4.1; paper of December 2025, section 4).

`N` points, `D` inputs, `K` features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arithmetic import random
from arithmetic.exact_sums import row_sums
from arithmetic.transcendental import elementary, elementary_arrays
from verifier.challenge.editions import FourierFeatures
from verifier.challenge.instance.instance_id import InstanceId

Array = NDArray[np.float64]

_CHUNK = 16  # points whose [N, K] angles are held at once: they stay in the second-level cache


@dataclass(frozen=True)
class Function:
    """The random function f(x) = sqrt(2/K) sum_k a_k cos(omega_k . x + b_k), in binary64."""

    omega: Array
    """Frequencies [K, D]."""
    b: Array
    """Phases [K]."""
    a: Array
    """Amplitudes [K]."""

    def __call__(self, x: Array) -> Array:
        """Values [N] at points [N, D], each from an exact sum over K."""
        return np.concatenate([self._values(x[i : i + _CHUNK]) for i in range(0, len(x), _CHUNK)])

    def _values(self, x: Array) -> Array:
        angles = x[:, :1] * self.omega[:, 0] + self.b
        for d in range(1, x.shape[1]):
            angles += x[:, d : d + 1] * self.omega[:, d]
        values: Array = np.sqrt(2.0 / len(self.a)) * row_sums(elementary_arrays.cos_array(angles) * self.a)
        return values


def draw_function(instance_id: InstanceId, process: FourierFeatures) -> Function:
    """The random function of an instance."""
    d, k = instance_id.edition.inputs, process.features
    record = 2 * d + 1 + 2
    words = instance_id.stream("features").words(0, k * record).reshape(k, record)
    return Function(
        omega=random.normals(words[:, : 2 * d].reshape(k, d, 2)) / instance_id.edition.lengthscale,
        b=(2.0 * elementary.PI) * random.uniforms(words[:, 2 * d]),
        a=random.normals(words[:, 2 * d + 1 :]),
    )
