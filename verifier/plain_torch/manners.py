"""The mode in which a module's functions run: torch computes, and the results are what the sandbox would give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch.overrides import TorchFunctionMode

from verifier.plain_torch.tensors import ParameterVector, Tensor, tensor, vector

_SAME: Final = frozenset({"detach", "contiguous"})
_LISTS: Final = frozenset({"cat", "stack"})
_NUMBERS: Final = frozenset({"tensor", "full", "zeros_like", "ones_like", "full_like"})
"""What makes numbers of integers and masks too, where torch would make more of their kind."""
_NEW: Final = frozenset({"reshape", "flatten", "float"})
"""What gives another tensor in the sandbox, a view but for `float`, also where torch gives the same or a copy."""
_ANSWERS: Final = frozenset({"all", "any"})
_ALIKE: Final = "a parameter vector goes with another one or with a single number; for one tensor of it write vector[i]"


class Manners(TorchFunctionMode):
    """Gives a module `Tensor` and `ParameterVector` for torch's tensors, wherever they come from.

    A view is a copy that in-place methods refuse, as they refuse the inputs; an elementwise operation on a vector gives
    a vector. Everything else is torch's own, and so is what the sandbox refuses: `tig-verify check` finds that.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Call a function of torch for a module. Raises TypeError or ValueError where the sandbox would."""
        name = getattr(func, "__name__", "")
        first = args[0] if args else None
        if isinstance(first, Tensor):
            if name in _SAME or func == torch.Tensor.data.__get__:  # type: ignore[attr-defined]
                return first
            if _is_in_place(name) and not first.own:
                raise TypeError(f"{name} would change an input or a view of another tensor; {_instead(name)}")
        options = dict(kwargs or {})
        if name in _LISTS and isinstance(first, ParameterVector):
            args = (list(first), *args[1:])
        if name in _NUMBERS:
            options.setdefault("dtype", torch.float32)
        vectors = [value for value in args if isinstance(value, ParameterVector)]
        if vectors:
            _require_alike(args)
        result = func(*args, **options)
        if name in _ANSWERS and not result.dim():
            return bool(result)
        if name == "where" and isinstance(result, torch.Tensor) and not result.is_floating_point():
            result = result.float()
        return _given(result, name, args, vectors)


def _is_in_place(name: str) -> bool:
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))


def _instead(name: str) -> str:
    if name == "__setitem__":
        return "make a new value, as torch.where does, or clone() it first"
    return f"write x = x.{name.removesuffix('_')}(...), or clone() it first"


def _require_alike(args: Sequence[Any]) -> None:
    """Refuse a vector with a tensor that is none, unless that is a single number. Raises ValueError."""
    for value in args:
        if isinstance(value, torch.Tensor) and not isinstance(value, ParameterVector) and value.dim():
            raise ValueError(_ALIKE)


def _given(result: Any, name: str, args: Sequence[Any], vectors: Sequence[ParameterVector]) -> Any:
    """A result of torch, as a module has it."""
    if isinstance(result, tuple):
        return tuple(_given(part, name, args, vectors) for part in result)
    if not isinstance(result, torch.Tensor):
        return result
    if any(result is value for value in args) and name not in _NEW:
        return result  # in place, or nothing to be done
    if vectors and result.shape == vectors[0].shape:
        return vector(result.clone() if name in _NEW else result, vectors[0]._layout)
    if name in _NEW or _is_view(result, args):
        return tensor(result.clone(), own=name in ("expand", "float"))
    return tensor(result)


def _is_view(result: torch.Tensor, args: Sequence[Any]) -> bool:
    storage = result.untyped_storage().data_ptr()
    return any(isinstance(value, torch.Tensor) and value.untyped_storage().data_ptr() == storage for value in args)
