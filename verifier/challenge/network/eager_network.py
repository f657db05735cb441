"""The network with NumPy's operations, one after the other, and hand-written forward and backward passes.

It needs nothing to be compiled, takes a network of any size, and computes its products on any engine.
`B` rows of a batch, `D` inputs, `H` width, `L` hidden layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arithmetic.engines import Binary64Engine, Engine
from arithmetic.exact_sums import is_finite, mean_square
from arithmetic.exponents import NonFiniteError
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import Architecture, initial_weight
from verifier.challenge.network.batch_norm import inverse_deviation
from verifier.challenge.network.eager_passes import Affine, EagerPasses, ForwardCache
from verifier.challenge.network.network import Batch
from verifier.challenge.network.operands import Operand
from verifier.challenge.network.statistics import Statistics

Single = NDArray[np.float32]

_silent = np.errstate(all="ignore")
"""What overflows is an infinity, as in IEEE, whatever the process wants of NumPy; a reduction that meets it says so."""
_CPU: Final = Binary64Engine()


@dataclass(frozen=True)
class _Layer:
    """The parameters of one normed layer; a frozen one has no affine."""

    weight: Operand  # [H, in]
    affine: Affine | None


class EagerNetwork:
    """The network of one instance; see `Network`."""

    def __init__(self, instance_id: InstanceId, engine: Engine = _CPU) -> None:
        self.architecture, self.engine = Architecture(instance_id.track), engine.name
        self.layout = self.architecture.layout()
        edition, last = self.architecture.edition, self.architecture.n_hidden
        self._passes = EagerPasses(engine, edition.operand_bits, edition.norm_epsilon)
        self._frozen = _Layer(self._passes.quantise(initial_weight(instance_id, last)), None)
        self._output = self._passes.quantise(initial_weight(instance_id, last + 1))

    @_silent
    def batch(self, x: Single, y: Single) -> Batch:
        """See `Network`."""
        return Batch(self._passes.quantise(x), y)

    @_silent
    def loss_and_gradient(self, parameters: Single, statistics: Statistics, batch: Batch, gradient: Single) -> float:
        """See `Network`."""
        layers = self._layers(parameters)
        inputs, caches = [batch.inputs], []
        for layer in layers:
            linear = self._passes.product(inputs[-1], layer.weight.transposed)
            h, cache = self._passes.forward(linear, layer.affine)
            inputs.append(h)
            caches.append(cache)
        self._update(statistics, caches)
        residual = self._outputs(inputs[-1]) - batch.targets
        loss = mean_square(residual)
        d_outputs = residual * np.float32(2.0) / np.float32(len(residual))
        self._backward(layers, inputs, caches, self._passes.quantise(d_outputs[:, None]), gradient)
        return loss

    @_silent
    def loss(self, parameters: Single, statistics: Statistics, batch: Batch) -> float:
        """See `Network`."""
        return mean_square(self._evaluate(parameters, statistics, batch.inputs) - batch.targets)

    @_silent
    def predict(self, parameters: Single, statistics: Statistics, x: Single) -> Single:
        """See `Network`."""
        return self._evaluate(parameters, statistics, self._passes.quantise(x))

    def _evaluate(self, parameters: Single, statistics: Statistics, h: Operand) -> Single:
        inverse = inverse_deviation(statistics.variances.astype(np.float64), self._passes.epsilon)
        for layer, mean, deviation in zip(self._layers(parameters), statistics.means, inverse, strict=True):
            linear = self._passes.product(h, layer.weight.transposed)
            h = self._passes.evaluate(linear, layer.affine, mean, deviation)
        return self._outputs(h)

    def _layers(self, parameters: Single) -> list[_Layer]:
        _require_finite(parameters)  # a bias of -inf would vanish in the ReLU
        views = self.layout.views(parameters)
        quads = [views[i : i + 4] for i in range(0, len(views), 4)]
        layers = [_Layer(self._passes.quantise(weight), Affine(*vectors)) for weight, *vectors in quads]
        return [*layers, self._frozen]

    def _update(self, statistics: Statistics, caches: list[ForwardCache]) -> None:
        sums, squares = (np.stack([getattr(cache, name) for cache in caches]) for name in ("sums", "squares"))
        statistics.update(sums, squares, len(caches[0].z), self.architecture.edition.norm_momentum)
        _require_finite(statistics.variances)  # a sum of squares may overflow where the loss does not

    def _backward(
        self,
        layers: list[_Layer],
        inputs: list[Operand],
        caches: list[ForwardCache],
        da: Operand,
        gradient: Single,
    ) -> None:
        """From the gradient `da` of the output layer's linear map down to the input layer's."""
        views = self.layout.views(gradient)
        weights = [*(layer.weight for layer in layers), self._output]
        for i in reversed(range(len(layers))):
            da, affine = self._passes.backward(self._passes.product(da, weights[i + 1]), caches[i])
            if i < self.architecture.trainable_layers:
                weight, bias, gamma, beta = views[4 * i : 4 * i + 4]
                self._passes.product(da.transposed, inputs[i]).write(weight)
                bias[:], gamma[:], beta[:] = affine.bias, affine.gamma, affine.beta

    def _outputs(self, h: Operand) -> Single:
        return self._passes.product(h, self._output.transposed).rounded()[:, 0]


def _require_finite(values: Single) -> None:
    if not is_finite(values):
        raise NonFiniteError("a parameter or a running variance is infinite or a NaN")
