"""Exchange of a trained network with the live network's solution format.

The bytes are those of the live network, the dimensions are ours: more inputs, one output, one linear map and one norm
more. So its verifier cannot score what is exported, and what is imported is only what was exported; the format serves
tools that read it.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from protocol.claim import Claim
from protocol.network.blob import Blob, Rows, encode_blob
from protocol.network.output import CpuArch, OutputData
from protocol.solution import Solution
from verifier.challenge.errors import VerifierError
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.network.architecture import Architecture, initial_weight
from verifier.challenge.network.weights import read_weights

Words = NDArray[np.uint32]
"""Binary32 values as their patterns: no NaN changes on its way."""


class ExchangeFault(StrEnum):
    """The reasons why a network cannot be exchanged; the texts are stable."""

    SOLUTION = "solution"
    """The solution's edition, track or sizes are not the claim's."""
    EPOCHS = "epochs"
    """The blob says another number of epochs than the claim."""
    LAYERS = "layers"
    """Another number of layers than the claim's network has."""
    SIZES = "sizes"
    """A layer of another size, or nested otherwise."""
    FROZEN_WEIGHT = "frozen-weight"
    """A frozen layer whose weights are not those that the claim's seed gives."""
    FROZEN_BIAS = "frozen-bias"
    """A frozen layer with a bias other than 0."""
    FROZEN_NORM = "frozen-norm"
    """A frozen norm with a weight other than 1 or a bias other than 0."""


class ExchangeError(VerifierError):
    """A network that cannot be exchanged; `fault` is why."""

    def __init__(self, fault: ExchangeFault, problem: str) -> None:
        super().__init__(f"{fault}: {problem}")
        self.fault = fault


def export_blob(claim: Claim, solution: Solution) -> Blob:
    """A claim's solution in the live network's format: frozen layers regenerated, epochs those of the claim.

    Raises ExchangeError when the solution is of another network, EditionError or SettingsError for a claim about none.
    """
    instance_id = InstanceId.of(claim.task, claim.nonce)
    track, architecture = instance_id.track, Architecture(instance_id.track)
    if read_weights(solution, track) is None:
        problem = f"the solution is not one of edition {track.edition.name}, {track.id}"
        raise ExchangeError(ExchangeFault.SOLUTION, problem)
    trainable = list(_cut(solution.parameters, [4 * part.size for part in architecture.layout().parts]))
    frozen = _frozen_weights(instance_id)
    matrices = [
        *(_matrix(data, architecture.shape(layer)) for layer, data in enumerate(trainable[::4])), *frozen.values()
    ]  # fmt: skip
    sizes = _norm_sizes(architecture)
    frozen_norms = len(sizes) - architecture.trainable_layers
    return Blob(
        weights=tuple(_rows(matrix) for matrix in matrices),
        biases=(*trainable[1::4], *(bytes(4 * len(matrix)) for matrix in frozen.values())),
        epochs_used=claim.epochs,
        norm_weights=(*trainable[2::4], *[_ones(architecture)] * frozen_norms),
        norm_biases=(*trainable[3::4], *[bytes(sizes[0])] * frozen_norms),
        running_means=tuple(_cut(solution.running_means, sizes)),
        running_variances=tuple(_cut(solution.running_variances, sizes)),
    )


def export_output(claim: Claim, solution: Solution) -> OutputData:
    """A claim and its solution as an output record of the live network. Raises as `export_blob` does."""
    is_arm = platform.machine().lower() in ("aarch64", "arm64")
    return OutputData(
        cpu_arch=CpuArch.ARM64 if is_arm else CpuArch.AMD64,
        fuel_consumed=claim.fuel_used,
        nonce=claim.nonce,
        runtime_signature=claim.runtime_signature,
        solution=f'"{encode_blob(export_blob(claim, solution))}"',
    )


def import_solution(claim: Claim, blob: Blob) -> Solution:
    """The solution of a claim in the live network's format, bit for bit: the inverse of `export_blob`.

    Raises ExchangeError for what that could not have written, EditionError or SettingsError for a claim about no
    network. Whether the solution is the one that the claim names is for its digest to say.
    """
    instance_id = InstanceId.of(claim.task, claim.nonce)
    architecture = Architecture(instance_id.track)
    if blob.epochs_used != claim.epochs:
        raise ExchangeError(
            ExchangeFault.EPOCHS, f"epochs_used is {blob.epochs_used}, but the claim's training took {claim.epochs}"
        )
    _require_form(blob, architecture)
    _require_frozen(instance_id, blob)
    parameters = []
    for layer in range(architecture.trainable_layers):
        parameters += [
            _unnested(blob.weights[layer], architecture.shape(layer)).tobytes(),
            blob.biases[layer],
            blob.norm_weights[layer],
            blob.norm_biases[layer],
        ]
    return Solution(
        edition=instance_id.edition.name,
        track_id=instance_id.track.id,
        parameters=b"".join(parameters),
        running_means=b"".join(blob.running_means),
        running_variances=b"".join(blob.running_variances),
    )


def _frozen_weights(instance_id: InstanceId) -> dict[int, Words]:
    """The weight [out, in] of every frozen layer."""
    architecture = Architecture(instance_id.track)
    layers = range(architecture.trainable_layers, architecture.n_hidden + 2)
    return {layer: initial_weight(instance_id, layer).astype("<f4").view(np.uint32) for layer in layers}


def _require_form(blob: Blob, architecture: Architecture) -> None:
    """Compare every length with that of the architecture."""
    shapes = [architecture.shape(layer) for layer in range(architecture.n_hidden + 2)]
    _require_sizes("weights", [[len(row) for row in rows] for rows in blob.weights], [[4 * i] * o for o, i in shapes])
    _require_sizes("biases", [len(row) for row in blob.biases], [4 * out for out, _ in shapes])
    for name in ("norm_weights", "norm_biases", "running_means", "running_variances"):
        _require_sizes(name, [len(row) for row in getattr(blob, name)], _norm_sizes(architecture))


def _require_sizes(name: str, found: Sequence[object], expected: Sequence[object]) -> None:
    if len(found) != len(expected):
        problem = f"{name}: {len(found)} layers, but the claim's network has {len(expected)}"
        raise ExchangeError(ExchangeFault.LAYERS, problem)
    for layer, (size, right) in enumerate(zip(found, expected, strict=True)):
        if size != right:
            problem = f"{name}[{layer}]: is not of the size, or not nested in the rows, of the claim's network"
            raise ExchangeError(ExchangeFault.SIZES, problem)


def _require_frozen(instance_id: InstanceId, blob: Blob) -> None:
    """Compare what is frozen with its initial values."""
    architecture = Architecture(instance_id.track)
    for layer, initial in _frozen_weights(instance_id).items():
        changed = int(np.count_nonzero(_unnested(blob.weights[layer], architecture.shape(layer)) != initial))
        if changed:
            problem = f"weights[{layer}]: {changed} of {initial.size} values are not those of the claim's seed"
            raise ExchangeError(ExchangeFault.FROZEN_WEIGHT, problem)
        if any(blob.biases[layer]):
            raise ExchangeError(ExchangeFault.FROZEN_BIAS, f"biases[{layer}]: is not 0, though the layer is frozen")
    for layer in range(architecture.trainable_layers, architecture.normed_layers):
        if blob.norm_weights[layer] != _ones(architecture):
            raise ExchangeError(ExchangeFault.FROZEN_NORM, f"norm_weights[{layer}]: is not 1, though it is frozen")
        if any(blob.norm_biases[layer]):
            raise ExchangeError(ExchangeFault.FROZEN_NORM, f"norm_biases[{layer}]: is not 0, though it is frozen")


def _norm_sizes(architecture: Architecture) -> list[int]:
    """Bytes of one array of every norm."""
    return [4 * architecture.edition.width] * architecture.normed_layers


def _ones(architecture: Architecture) -> bytes:
    return np.ones(architecture.edition.width, dtype="<f4").tobytes()


def _cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    start = 0
    for size in sizes:
        yield data[start : start + size]
        start += size


def _matrix(data: bytes, shape: tuple[int, int]) -> Words:
    return np.frombuffer(data, dtype="<u4").reshape(shape)


def _rows(matrix: Words) -> Rows:
    """A matrix [out, in] as the network nests it: its columns one after the other, in `out` chunks of `in` values."""
    data, size = matrix.T.tobytes(), 4 * matrix.shape[1]
    return tuple(data[start : start + size] for start in range(0, len(data), size))


def _unnested(rows: Rows, shape: tuple[int, int]) -> Words:
    """The matrix [out, in] whose nested form this is."""
    return _matrix(b"".join(rows), shape[::-1]).T
