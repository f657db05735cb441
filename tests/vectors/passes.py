"""Vectors of the network's passes (specification 2.2 to 2.6, 5 and 6.6): fixtures/vectors/passes.json.

`B` points, `D` inputs and `H` outputs of a layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arithmetic import engine_choice, random
from arithmetic.canonical_bytes import canonical_bytes
from arithmetic.exact_sums import column_sums, mean_square, row_sums, total
from arithmetic.random import Source
from protocol.hashes import blake3_digest
from tests.golden.golden_run import named
from tests.vectors.mistakes import caught
from tests.vectors.texts import Vector, binary32, binary64, hexadecimal, hexadecimals
from verifier.challenge.editions import DECEMBER_2025
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.batch_norm import inverse_deviation, variance_coefficient
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.eager_passes import Affine, AffineGradient, EagerPasses, ForwardCache
from verifier.challenge.network.operands import Operand, Product
from verifier.challenge.network.statistics import Statistics

BITS: Final = DECEMBER_2025.operand_bits
EPSILON: Final = DECEMBER_2025.norm_epsilon
MOMENTUM: Final = DECEMBER_2025.norm_momentum
TINY: Final = 2.0**-149
Matrix = Sequence[Sequence[float]]


def spread(name: str, *shape: int, width: float = 1.0) -> list[Any]:
    """Numbers between -width and width that are binary32, always the same ones of a name."""
    words = Source("tig-verify v2 vectors", name.encode()).words(0, math.prod(shape))
    values: list[Any] = ((2.0 * random.uniforms(words) - 1.0) * width).astype(np.float32).reshape(shape).tolist()
    return values


QUANTISED: Final[dict[str, Matrix]] = {
    "ties go to the even integer": [[0.5, -0.5, 1.5, -1.5, 2.5, -2.5], [2.0 ** (BITS - 1), 0.0, -0.0, 0.75, 0.25, 3.5]],
    "a power of two is below the next one": [[1.0, -1.0, 2.0**-BITS, 0.3]],
    "the largest may round to 2^bits": [[1.0 - 2.0**-24, -(1.0 - 2.0**-24), 0.1]],
    "zeros have the exponent 0": [[0.0, -0.0]],
    "subnormal numbers are kept": [[TINY, -3 * TINY, 1000 * TINY]],
    "one exponent for the whole matrix": [[1000.0, 1.0], [0.001, 0.01]],
}
PRODUCTS: Final[dict[str, tuple[Matrix, Matrix]]] = {
    "a negative product that underflows is +0": ([[-(2.0**-80)]], [[2.0**-80]]),
    "half of the smallest number is +0": ([[-(2.0**-75)]], [[2.0**-75]]),
    "a product that is subnormal is kept": ([[-1.5 * 2.0**-75]], [[2.0**-75]]),
    "what cancels is +0": ([[1.0, -1.0]], [[0.5], [0.5]]),
    "a zero of either sign gives +0": ([[-0.0, 0.0]], [[1.0], [-1.0]]),
    "terms are added exactly": ([[1.0] * 16 + [2.0**-10] + [-1.0] * 16], [[1.0]] * 16 + [[2.0**-10]] + [[1.0]] * 16),
    "many terms": (spread("left", 3, 12), spread("right", 12, 2, width=0.01)),
}
RECTIFIED: Final = [-0.0, 0.0, -TINY, TINY, -1.5, 1.5]


def standard() -> EagerPasses:
    """The passes that write the file."""
    return EagerPasses(engine_choice.engine(), BITS, EPSILON)


def quantised(passes: EagerPasses, operand: Operand) -> Vector:
    """The exponent of 2.1 and the integers of 2.2."""
    integers = [[int(q) for q in row] for row in operand.integers.tolist()]
    return {"exponent": operand.exponent + passes.bits, "integers": integers}


# Pieces: each takes passes and a vector's inputs, and gives its results.


def quantise(passes: EagerPasses, given: Vector) -> Vector:
    """2.1 and 2.2."""
    return quantised(passes, passes.quantise(binary32(given["matrix"])))


def multiply(passes: EagerPasses, given: Vector) -> Vector:
    """2.3."""
    left, right = (passes.quantise(binary32(given[name])) for name in ("left", "right"))
    return {"product": hexadecimals(passes.product(left, right).rounded())}


def add_up(passes: EagerPasses, given: Vector) -> Vector:
    """2.4, but for the optimiser's `sum`."""
    matrix = binary32(given["matrix"])
    return {
        "column_sums": hexadecimals(column_sums(matrix)),
        "total": total(matrix).hex(),
        "row_sums": hexadecimals(row_sums(binary64(given["matrix"]) / 3)),
    }


def rectify(passes: EagerPasses, given: Vector) -> Vector:
    """5.3.1 of a product 0 and the numbers as biases."""
    bias = binary32(given["numbers"])
    one = np.ones_like(bias)
    zeros = Product(np.full((1, len(bias)), -0.0), 1.0)
    _, cache = passes.forward(zeros, Affine(bias, one, one))
    return {"relu": hexadecimals(cache.z[0])}


def forward(passes: EagerPasses, given: Vector) -> Vector:
    """5.3.1 to 5."""
    h, weight = (passes.quantise(binary32(given[name])) for name in ("h", "weight"))
    affine = Affine(*(binary32(given[name]) for name in ("bias", "gamma", "beta")))
    product = passes.product(h, weight.transposed)
    following, cache = passes.forward(product, affine)
    statistics = Statistics(binary32([given["running_mean"]]), binary32([given["running_variance"]]))
    statistics.update(cache.sums[None], cache.squares[None], len(cache.z), MOMENTUM)
    return {
        "product": hexadecimals(product.rounded()),
        "z": hexadecimals(cache.z),
        "s1": hexadecimals(cache.sums),
        "c": hexadecimals(cache.c),
        "s2": hexadecimals(cache.squares),
        "nu": hexadecimals(cache.inverse),
        "s": hexadecimals(cache.scale),
        "following_h": quantised(passes, following),
        "following_running_mean": hexadecimals(statistics.means[0]),
        "following_running_variance": hexadecimals(statistics.variances[0]),
    }


def evaluate(passes: EagerPasses, given: Vector) -> Vector:
    """5.5."""
    h, weight = (passes.quantise(binary32(given[name])) for name in ("h", "weight"))
    affine = Affine(*(binary32(given[name]) for name in ("bias", "gamma", "beta")))
    inverse = inverse_deviation(binary32(given["running_variance"]).astype(np.float64), EPSILON)
    product = passes.product(h, weight.transposed)
    following = passes.evaluate(product, affine, binary32(given["running_mean"]), inverse)
    return {"following_h": quantised(passes, following)}


def lose(passes: EagerPasses, given: Vector) -> Vector:
    """The loss of 5.3 and the gradient at the output of 5.4."""
    residual = binary32(given["outputs"]) - binary32(given["targets"])
    gradient = residual * np.float32(2.0) / np.float32(len(residual))
    return {"loss": mean_square(residual).hex(), "gradient": hexadecimals(gradient)}


def backward(passes: EagerPasses, given: Vector) -> Vector:
    """5.4.1 to 5 of a layer, with the numbers between that the specification names."""
    d, weight, h = (passes.quantise(binary32(given[name])) for name in ("d", "weight", "h"))
    z, c, s = (binary32(given[name]) for name in ("z", "c", "s"))
    nu, nothing = binary64(given["nu"]), np.zeros(len(given["nu"]))
    product = passes.product(d, weight)
    dy = product.rounded()
    s_gamma = column_sums(dy * c)
    following, gradients = passes.backward(product, ForwardCache(z, c, nothing, nothing, nu, s))
    return {
        "dy": hexadecimals(dy),
        "s_beta": hexadecimals(gradients.beta),
        "s_gamma": hexadecimals(s_gamma),
        "o": hexadecimals((gradients.beta / len(z)).astype(np.float32)),
        "k": hexadecimals(variance_coefficient(nu, s_gamma, len(z)).astype(np.float32)),
        "following_d": quantised(passes, following),
        **of_parameters(passes, following, h, gradients),
    }


def of_parameters(passes: EagerPasses, d: Operand, h: Operand, gradients: AffineGradient) -> Vector:
    """The gradients of step 5.4.5."""
    vectors = {"bias": gradients.bias, "norm_weight": gradients.gamma, "norm_bias": gradients.beta}
    return {
        "weight_gradient": hexadecimals(passes.product(d.transposed, h).rounded()),
        **{f"{name}_gradient": hexadecimals(values.astype(np.float32)) for name, values in vectors.items()},
    }


LAYER: Final[Vector] = {
    "h": spread("h", 5, 2),
    "weight": spread("weight", 3, 2),
    "bias": spread("bias", 3, width=0.2),
    "gamma": spread("gamma", 3, width=2.0),
    "beta": spread("beta", 3, width=0.5),
    "running_mean": spread("mean", 3),
    "running_variance": [0.25, 1.5, 0.0],
}
BACKWARD: Final[Vector] = {
    "d": spread("d", 5, 2, width=0.1),
    "weight": spread("next weight", 2, 3),
    "h": spread("h", 5, 2),
    "z": [[0.5, 0.0, 2.0], [0.0, 1.0, 0.25], [1.5, 0.75, 0.0], [0.125, 0.0, 1.0], [0.0, 3.0, 0.5]],
    "c": spread("c", 5, 3),
    "nu": [1.25, 0.7071067811865476, 3.0000000000000004],
    "s": spread("s", 3, width=2.0),
}
SUMS: Final[Vector] = {
    "d": [[2047 / 2048] * 13] * 2,
    "weight": [[2047 / 2048]] * 13,
    "h": [[1.0], [1.0]],
    "z": [[1.0], [1.0]],
    "c": [[1.0], [-1.0]],
    "nu": [1.0],
    "s": [1.0],
}
"""Each dy needs 26 bits, so that it is rounded and S_beta is not."""
GROUPINGS: Final = (
    ("0x1.952868ddea7eap-1", "0x1.e53a9e0000000p+1", "0x1.cb38960000000p-25"),
    ("0x1.6fab7d0366309p-1", "0x1.3453d60000000p+2", "0x1.ee2e460000000p-24"),
)
"""nu, and the c of the second and third point, so that ((nu nu) S_gamma) / B is next to a tie of binary32 at 1 + 2^-24.

The c of the first point is 1, its dy too, and only its ReLU is open: what is left of it after k is the last bit of k.
"""

DIFFERENCES: Final[Vector] = {
    "d": [[3.0], [1.0], [-1.0]],
    "weight": [[1.0]],
    "h": [[1.0], [0.0], [0.0]],
    "z": [[1.0], [0.0], [0.0]],
    "c": [[1.0], [3.0], [3.0 * 2.0**-23]],
    "nu": [1.0],
    "s": [1.0],
}
"""o is 1 and k is 2 - 2^-23, so that dy - o - c k depends on its grouping."""


def grouping(nu: str, second: str, third: str) -> Vector:
    """A layer of one channel whose gradient shows in which order k of 5.4.3 is computed."""
    return {
        "d": [[1.0], [1.0], [-2.0]],
        "weight": [[1.0]],
        "h": [[1.0], [0.0], [0.0]],
        "z": [[1.0], [0.0], [0.0]],
        "c": [[1.0], [float.fromhex(second)], [float.fromhex(third)]],
        "nu": [float.fromhex(nu)],
        "s": [1.0],
    }


LOSSES: Final = {
    "sgd-n_hidden=1-april-2025": (1.26, 0.4, 0.18, 1.75, 0.7, 1.92),
    "sgd-n_hidden=2": (1.77, 0.29, 0.36, 0.51, 1.93, 0.93, 0.3, 0.27),
}
"""Of the batches of the first epoch of golden runs, in the order in which they pass; not what training gives."""


def order(instance_id: InstanceId) -> list[int]:
    """The batches of the first epoch."""
    words = instance_id.stream("shuffle", 0).words(0, instance_id.edition.batches)
    found: list[int] = random.permutation(words).tolist()
    return found


def train_loss(name: str) -> Vector:
    """6.6."""
    (run,) = named([name])
    instance_id, losses = run.session().instance_id, LOSSES[name]
    edition = instance_id.edition
    sizes = [edition.batch_sizes[i] for i in order(instance_id)]
    found = 0.0
    for loss, size in zip(losses, sizes, strict=True):
        found = found + loss / (edition.train_points / size)
    return {
        "golden_run": name,
        "points": edition.train_points,
        "sizes": sizes,
        "losses": hexadecimal(losses),
        "train_loss": found.hex(),
    }


STEPS: Final = (
    "momentum-n_hidden=1",
    "momentum-n_hidden=1-december-2025-centred",
    "sgd-n_hidden=1-april-2025",
    "sgd-n_hidden=2",
)
"""Golden runs whose first batch is shown; they take the gradient at the initial parameters."""


@dataclass(frozen=True)
class Noting(EagerPasses):
    """Passes that note what each forward pass of a layer gives."""

    log: list[tuple[Operand, ForwardCache]] = field(default_factory=list)

    def forward(self, product: Product, affine: Affine | None) -> tuple[Operand, ForwardCache]:
        self.log.append(super().forward(product, affine))
        return self.log[-1]


def digest(values: NDArray[Any]) -> str:
    """BLAKE3 of the elements in row order: binary32, or binary64 of a channel vector."""
    return blake3_digest(canonical_bytes(values)).hex()


def step(name: str) -> Vector:
    """The first batch of a golden run."""
    (run,) = named([name])
    session, passes = run.session(), Noting(engine_choice.engine(), BITS, EPSILON)
    instance, edition = session.instance, session.instance_id.edition
    network = EagerNetwork(session.instance_id)
    network._passes = passes
    batches = order(session.instance_id)
    start = sum(edition.batch_sizes[: batches[0]])
    rows = slice(start, start + edition.batch_sizes[batches[0]])
    statistics, gradient = Statistics.initial(network.architecture), np.empty_like(session.initial)
    loss = network.loss_and_gradient(
        session.initial, statistics, network.batch(instance.train.x[rows], instance.train.y[rows]), gradient
    )
    validation = network.batch(instance.validation.x, instance.validation.y)
    parts = zip(network.layout.parts, network.layout.views(gradient), strict=True)
    return {
        "golden_run": name,
        "order": batches,
        "points": [rows.start, rows.stop],
        "layers": [layer(*noted) for noted in passes.log],
        "loss": loss.hex(),
        "gradient": {
            part.name: {"first": hexadecimal(v.reshape(-1)[:2].tolist()), "digest": digest(v)} for part, v in parts
        },
        "running_means_digest": digest(statistics.means),
        "running_variances_digest": digest(statistics.variances),
        "validation_loss": network.loss(session.initial, statistics, validation).hex(),
    }


def layer(following: Operand, cache: ForwardCache) -> Vector:
    """What a normed layer computes, as digests and the first numbers."""
    return {
        "z": {"first": hexadecimal(cache.z[0, :2].tolist()), "digest": digest(cache.z)},
        "c": {"first": hexadecimal(cache.c[0, :2].tolist()), "digest": digest(cache.c)},
        "nu": {"first": hexadecimal(cache.inverse[:2].tolist()), "digest": digest(cache.inverse)},
        "s": {"first": hexadecimal(cache.scale[:2].tolist()), "digest": digest(cache.scale)},
        "following_h": {"exponent": following.exponent + BITS, "digest": digest(following.integers + 0.0)},
    }


PIECES: Final[dict[str, Callable[[EagerPasses, Vector], Vector]]] = {
    "quantising": quantise,
    "products": multiply,
    "sums": add_up,
    "relu": rectify,
    "forward": forward,
    "evaluation": evaluate,
    "losses": lose,
    "backward": backward,
}
GIVEN: Final[dict[str, list[Vector]]] = {
    "quantising": [{"about": about, "matrix": matrix} for about, matrix in QUANTISED.items()],
    "products": [{"about": about, "left": left, "right": right} for about, (left, right) in PRODUCTS.items()],
    "sums": [{"matrix": spread("terms", 5, 3, width=100.0)}],
    "relu": [{"numbers": RECTIFIED}],
    "forward": [LAYER],
    "evaluation": [LAYER],
    "losses": [{"outputs": spread("outputs", 5), "targets": spread("targets", 5)}],
    "backward": [BACKWARD, DIFFERENCES, SUMS, *(grouping(*each) for each in GROUPINGS)],
}


def vectors() -> dict[str, Any]:
    """The file's content: in each section what is given, the results, and the mistakes that a vector catches."""
    passes, made = standard(), dict[str, Any]()
    for section, piece in PIECES.items():
        givens = [{"bits": BITS, **{key: shown(key, v) for key, v in given.items()}} for given in GIVEN[section]]
        made[section] = [{**given, **piece(passes, given)} for given in givens]
    made["train_losses"] = [train_loss(name) for name in LOSSES]
    for section, found in made.items():
        for vector in found:
            vector["catches"] = caught(section, vector)
    return {**made, "first_batches": [step(name) for name in STEPS]}


def shown(key: str, value: Any) -> Any:
    """What is given, as texts; all numbers but nu are binary32."""
    if isinstance(value, str):
        return value
    return hexadecimals(value if key == "nu" else np.array(value, np.float32))
