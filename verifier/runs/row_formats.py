"""Rows that are dataclasses of texts and numbers, as lines of JSON and of comma-separated values."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, astuple, fields, is_dataclass
from enum import StrEnum
from functools import cache
from io import StringIO
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from verifier.runs.results_table import Row, RowFault, RowFormat

_KINDS: Final = {int: "a whole number", float: "a number with a point", str: "text", bool: "true or false"}
_LONGEST: Final = 40
"""Characters of what is shown of a value."""


def json_object(line: str) -> dict[str, Any]:
    """The object of a line of JSON, in which no name is there twice and no number is infinite or a NaN.

    Raises ValueError, RowFault where it can name the fault.
    """
    value = json.loads(line, object_pairs_hook=_object, parse_constant=_refuse_constant)
    if not isinstance(value, dict):
        raise RowFault("expected an object")
    return value


def json_rows(row_type: type[Row], writer: str) -> RowFormat[Row]:
    """An object for each row; fields may be dataclasses, mappings, tuples of one kind, words of a StrEnum, or None."""
    first = next(iter(_types(row_type)))
    return RowFormat(
        writer,
        write=lambda row: json.dumps(asdict(row), default=dict),
        read=lambda line: parsed(row_type, json.loads(line, object_pairs_hook=_object)),
        begins=f'{{"{first}": ',
    )


def csv_rows(row_type: type[Row], writer: str, begins: str) -> RowFormat[Row]:
    """A column for each field, and a header with their names."""
    kinds = _types(row_type)

    def read(line: str) -> Any:
        (cells,) = csv.reader([line], strict=True)
        return _made(row_type, {name: _cell(name, kinds[name], cell) for name, cell in zip(kinds, cells, strict=True)})

    return RowFormat(
        writer,
        write=lambda row: _csv_line(astuple(row)),
        read=read,
        begins=begins,
        header=_csv_line(kinds),
    )


@cache
def _types(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _cell(name: str, kind: type[Any], text: str) -> Any:
    """A value from its text. Raises RowFault."""
    try:
        value = kind(text)
    except ValueError:
        raise RowFault(f"{name}: expected {_KINDS[kind]}, found {_shown(text)}") from None
    # One object for all NaNs, so that a row equals itself when it is read again.
    return math.nan if kind is float and math.isnan(value) else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON with every name once, as readers differ on which entry counts. Raises RowFault."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise RowFault(f"{_shown(twice)} is there twice")
    return found


def _refuse_constant(name: str) -> Any:
    raise RowFault(f"{name} is no number of JSON")


def parsed(kind: type[Any], value: Any, where: str = "") -> Any:
    """A value of exactly that type, from JSON; of a dataclass all fields, and no others. Raises RowFault."""
    if is_dataclass(kind):
        types = _types(kind)
        if not isinstance(value, dict) or value.keys() != types.keys():
            raise RowFault(f"{where or 'the line'}: expected an object of {', '.join(types)}")
        inside = f"{where}." if where else ""
        return _made(kind, {name: parsed(types[name], each, f"{inside}{name}") for name, each in value.items()}, inside)
    if get_origin(kind) is UnionType:
        (present,) = (each for each in get_args(kind) if each is not NoneType)
        return None if value is None else parsed(present, value, where)
    if get_origin(kind) is tuple:
        return _items(get_args(kind)[0], value, where)
    if kind in _KINDS:
        if type(value) is not kind:
            raise RowFault(f"{where}: expected {_KINDS[kind]}, found {_shown(value)}")
        return value
    return _word(kind, value, where) if issubclass(kind, StrEnum) else _mapping(kind, value, where)


def _items(kind: type[Any], value: Any, where: str) -> tuple[Any, ...]:
    """All items of a list. Raises RowFault."""
    if not isinstance(value, list):
        raise RowFault(f"{where}: expected a list, found {_shown(value)}")
    return tuple(
        each if type(each) is kind else parsed(kind, each, f"{where}[{place}]") for place, each in enumerate(value)
    )


def _word(kind: type[StrEnum], value: Any, where: str) -> StrEnum:
    """One of some words. Raises RowFault."""
    try:
        return kind(value)
    except ValueError:
        raise RowFault(f"{where}: expected one of {', '.join(kind)}, found {_shown(value)}") from None


def _mapping(kind: type[Any], value: Any, where: str) -> Any:
    """An object with any names; its class says with a ValueError what else is wrong. Raises RowFault."""
    if not isinstance(value, dict):
        raise RowFault(f"{where}: expected an object, found {_shown(value)}")
    try:
        return kind(value)
    except ValueError as error:
        raise RowFault(f"{where}: {error}") from None


def _made(kind: type[Any], values: dict[str, Any], inside: str = "") -> Any:
    """A row of values of the right types; its class says with a ValueError what else is wrong. Raises RowFault."""
    try:
        return kind(**values)
    except ValueError as error:
        raise RowFault(f"{inside}{error}") from None


def _shown(value: object) -> str:
    """What a stranger wrote, bounded, and in quotes where it is text."""
    text = ascii(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _csv_line(values: Iterable[object]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()
