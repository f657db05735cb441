"""Numbers of vectors as texts: hexadecimal as C prints them, in lists and lists of lists."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Vector = dict[str, Any]
"""An input and its results, as JSON."""


def hexadecimal(values: Iterable[float]) -> list[str]:
    """Numbers as C prints them; a NaN has no sign."""
    return ["nan" if np.isnan(value) else float(value).hex() for value in values]


def hexadecimals(values: Any) -> Any:
    """The same for lists of lists, arrays and tensors."""
    if isinstance(values, torch.Tensor | np.ndarray):
        values = values.tolist()
    return [hexadecimals(row) for row in values] if isinstance(values[0], list) else hexadecimal(values)


def numbers(texts: Any) -> Any:
    """The numbers that such texts say."""
    return [numbers(text) for text in texts] if isinstance(texts, list) else float.fromhex(texts)


def binary32(texts: Any) -> NDArray[np.float32]:
    """The same as an array of binary32."""
    return np.array(numbers(texts), np.float32)


def binary64(texts: Any) -> NDArray[np.float64]:
    """The same as an array of binary64."""
    return np.array(numbers(texts), np.float64)


def written(value: Any, indent: str = "") -> str:
    """JSON in which what holds no other list or object is on one line."""
    if not isinstance(value, list | dict) or not any(isinstance(v, list | dict) for v in _items(value)):
        return json.dumps(value, ensure_ascii=True)
    inner = indent + " "
    if isinstance(value, list):
        lines = [inner + written(item, inner) for item in value]
        return "[\n" + ",\n".join(lines) + f"\n{indent}]"
    lines = [f"{inner}{json.dumps(key)}: {written(item, inner)}" for key, item in value.items()]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


def _items(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value
