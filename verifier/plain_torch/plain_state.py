"""The state of a module in plain torch: copied after every call, as in the sandbox, so that only its value survives."""

from __future__ import annotations

from typing import Any

import torch

from sandbox.errors import OptimiserError
from verifier.plain_torch.tensors import ParameterVector, tensor, vector

_SCALARS = (bool, int, float, str, torch.dtype, torch.device)  # the sandbox's dtypes and device are strings


def copied(state: Any, path: str = "state") -> Any:
    """A state with containers and tensors of its own. Raises OptimiserError naming the part that may not be in one."""
    kind = type(state)
    if state is None or kind in _SCALARS:
        return state
    if isinstance(state, ParameterVector):
        return vector(state.clone(), state._layout)
    if isinstance(state, torch.Tensor):
        return tensor(state.clone())
    if kind in (list, tuple):
        return kind(copied(part, f"{path}[{i}]") for i, part in enumerate(state))
    if kind is not dict:
        raise OptimiserError(
            f"{path} is of type {kind.__name__}, which a state may not hold; use dict, list, tuple, tensors, numbers, "
            "strings and None"
        )
    for key in state:
        if type(key) is not str:
            raise OptimiserError(f"{path} has a key that is not a string; use strings in a state")
    return {key: copied(part, f"{path}[{key!r}]") for key, part in state.items()}
