"""Arguments of compiled code: a number, an array or a named tuple of these is a table of 64-bit words.

A whole number is a word, a binary64 its bit pattern, an array its address and its shape, a named tuple its fields.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import numpy as np

_NUMBERS: Final = {int: "int", float: "float"}


class Argument:
    """A value for compiled code, which it keeps alive; what an array holds may change, a number may not.

    Raises TypeError for what is no such value, as an array in another order than that of its rows.
    """

    def __init__(self, value: Any) -> None:
        self.value = value
        self.form = " ".join(_forms(value))
        """What it is made of, to be compared with `form_of` what the code was compiled for."""
        self._table = np.array(list(_words(value)), np.int64)
        self.address = self._table.ctypes.data


def form_of(kind: Any) -> str:
    """The form of the arguments that an annotation allows."""
    return " ".join(_forms_of(kind))


def fields_of(kind: Any) -> list[Any]:
    """The annotations of the fields of a named tuple."""
    return list(get_type_hints(kind, include_extras=True).values())


def dtype_of(kind: Any) -> np.dtype[Any]:
    """The type of the elements of an array's annotation."""
    array, _ = get_args(kind)
    dtype: np.dtype[Any] = np.dtype(get_args(get_args(array)[1])[0])
    return dtype


def dimensions_of(kind: Any) -> int:
    """The number of dimensions of an array's annotation."""
    dimensions: int = get_args(kind)[1]
    return dimensions


def is_array(kind: Any) -> bool:
    """Whether an annotation is an array's."""
    return get_origin(kind) is Annotated


def _forms_of(kind: Any) -> Iterator[str]:
    if kind in _NUMBERS:
        yield _NUMBERS[kind]
    elif is_array(kind):
        yield _array_form(dtype_of(kind), dimensions_of(kind))
    else:
        for field in fields_of(kind):
            yield from _forms_of(field)


def _forms(value: Any) -> Iterator[str]:
    if isinstance(value, np.ndarray):
        if not (value.flags.c_contiguous and value.flags.aligned):
            raise TypeError("an array of compiled code lies in the order of its rows")
        yield _array_form(value.dtype, value.ndim)
    elif type(value) in _NUMBERS:
        yield _NUMBERS[type(value)]
    else:
        for field in value:
            yield from _forms(field)


def _words(value: Any) -> Iterator[int]:
    if isinstance(value, np.ndarray):
        yield value.ctypes.data
        yield from value.shape
    elif type(value) is int:
        yield value
    elif type(value) is float:
        yield from struct.unpack("q", struct.pack("d", value))
    else:
        for field in value:
            yield from _words(field)


def _array_form(dtype: np.dtype[Any], dimensions: int) -> str:
    return f"{dtype.name}:{dimensions}"
