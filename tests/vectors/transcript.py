"""Vectors of states, leaves and roots (specification 7.5 and 8): fixtures/vectors/transcript.json."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arithmetic.canonical_bytes import canonical_bytes
from protocol.hashes import blake3_digest
from protocol.merkle import MerkleTree
from protocol.transcript import Leaf
from sandbox import state, state_codec
from sandbox.layout import Layout, Part
from sandbox.meter import Meter
from sandbox.program.recorder import Recorder
from sandbox.program.value import NUMBERS, PARAMETERS, Value
from sandbox.stored_state import State
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor
from tests.vectors.texts import Vector, binary32
from verifier.challenge.network.statistics import Statistics
from verifier.challenge.network.weights import Weights

LAYOUT: Final = Layout((Part("layers.0.bias", "bias", (3,)),))
STATES: Final = (
    "None", "True", "False", "0", "1", "-1", "127", "128", "-128", "-129", "255", "256", "2**64", "-2**63",
    "0.0", "-0.0", "0.1", "1e300", "inf", "nan", "''", "'lr'", "'é'", "[]", "()", "{}", "[1, (2.5, None)]",
    "{'lr': 0.01, 'beta': 0.9}", "{'beta': 0.9, 'lr': 0.01}",
    "tensor(1.5)", "tensor([1.0, -0.0, nan, inf])", "tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])",
    "tensor([True, False])", "tensor([2, 0, 1])", "vector([1.0, -2.0, 0.5])",
    "{'settings': {'lr': 0.001, 'beta1': 0.9}, 't': 8, 'm': vector([0.0, 1.0, -1.0]), 'list': [tensor([0.5]), 'a']}",
)  # fmt: skip
"""As Python writes them."""
ROOTS: Final = (1, 2, 3, 4, 5, 7, 8, 11)


class Handles:
    """Tensors of a module, and the elements that they stand for."""

    def __init__(self) -> None:
        self.meter = Meter(10**9)
        self.recorder = Recorder(self.meter, bytes)
        self.values = [Value(PARAMETERS, NUMBERS, LAYOUT.parts[0].shape)]
        self.arrays: list[NDArray[Any]] = [np.zeros(LAYOUT.size, np.float32)]

    def tensor(self, elements: Any) -> Tensor:
        return Tensor(self._value(elements), self.recorder)

    def vector(self, elements: Any) -> ParameterVector:
        return ParameterVector(self._value(elements), self.recorder, LAYOUT)

    def _value(self, elements: Any) -> Value:
        array = np.array(elements)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        value = Value(len(self.values), array.dtype.name, array.shape)
        self.values.append(value)
        self.arrays.append(array)
        return value


def of_state(text: str) -> Vector:
    """A state, its encoding and what it costs to keep."""
    handles = Handles()
    known = {"inf": math.inf, "nan": math.nan, "tensor": handles.tensor, "vector": handles.vector}
    rebuilt = state.rebuilt(eval(text, known), handles.recorder)
    form = state_codec.template_form(rebuilt.template, handles.values)
    arrays = tuple(handles.arrays[leaf.at] for leaf in form.leaves)
    encoding = State(form, rebuilt.scalars, rebuilt.integers, arrays).encode()
    return {
        "state": text,
        "encoding": encoding.hex(),
        "digest": blake3_digest(encoding).hex(),
        "units": handles.meter.used,
    }


def network_digest() -> Vector:
    """The digest of 8.2 that is over three arrays."""
    given = {
        "parameters": ["0x1.8p+0", "-0x0.0p+0", "0x1p-149"],
        "running_means": [["0x0.0p+0", "0x1p+1"], ["-0x1p-3", "0x1p-4"]],
        "running_variances": [["0x1p+0", "0x1p+2"], ["0x1p-5", "0x0.0p+0"]],
    }
    parameters, means, variances = (binary32(values) for values in given.values())
    return {
        **given,
        "bytes": b"".join(map(canonical_bytes, (parameters, means, variances))).hex(),
        "digest": Weights(parameters, Statistics(means, variances)).digest().hex(),
    }


def of_leaf(leaf: Leaf) -> Vector:
    """The fields of a leaf, and its digest."""
    losses = {"train_loss": leaf.train_loss, "validation_loss": leaf.validation_loss}
    return {
        "epoch": leaf.epoch,
        **{name: None if loss is None else loss.hex() for name, loss in losses.items()},
        "network_digest": leaf.network_digest.hex(),
        "state_digest": leaf.state_digest.hex(),
        "gradient_digest": leaf.gradient_digest.hex(),
        "fuel_used": leaf.fuel_used,
        "stale_epochs": leaf.stale_epochs,
        "digest": leaf.digest().hex(),
    }


def vectors() -> dict[str, Any]:
    """The file's content."""
    digests = [blake3_digest(bytes([i])) for i in range(max(ROOTS))]
    leaves = (
        Leaf(0, None, None, digests[0], digests[1], digests[2], 46856, 0),
        Leaf(57, 0.1, 1 / 3, digests[3], digests[4], digests[5], 2**40 + 1, 50),
    )
    return {
        "states": [of_state(text) for text in STATES],
        "network": network_digest(),
        "leaves": [of_leaf(leaf) for leaf in leaves],
        "roots": {
            "leaves": [digest.hex() for digest in digests],
            "of_the_first": {str(count): MerkleTree(digests[:count]).root.hex() for count in ROOTS},
        },
    }
