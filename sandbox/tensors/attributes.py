"""The attributes that untrusted code may read, by type."""

from __future__ import annotations

from typing import Final

from sandbox.tensors.generator import Generator
from sandbox.tensors.namespaces import LinalgNamespace, MathNamespace, TorchNamespace
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor
from sandbox.tensors.words import WORDS

_TYPES: Final[tuple[type, ...]] = (Tensor, ParameterVector, TorchNamespace, LinalgNamespace, MathNamespace, Generator)
ATTRIBUTES: Final = {kind: frozenset(WORDS[kind.__name__]) for kind in _TYPES}
"""The words of each type, and no others.

fixtures/manifest/reachable.json lists them, so that a test notices each new one.
"""
