"""Rows that are dataclasses of texts and numbers, as lines of JSON and of comma-separated values."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, astuple, fields, is_dataclass
from functools import cache
from io import StringIO
from typing import Any, get_type_hints

from verifier.runs.results_table import Row, RowFormat


def json_rows(row_type: type[Row], writer: str) -> RowFormat[Row]:
    """An object for each row; fields may be dataclasses too."""
    first = next(iter(_types(row_type)))
    return RowFormat(
        writer,
        write=lambda row: json.dumps(asdict(row)),
        read=lambda line: _parsed(row_type, json.loads(line)),
        begins=f'{{"{first}": ',
    )


def csv_rows(row_type: type[Row], writer: str, begins: str) -> RowFormat[Row]:
    """A column for each field, and a header with their names."""
    kinds = _types(row_type)

    def read(line: str) -> Row:
        (cells,) = csv.reader([line], strict=True)
        return row_type(*(kind(cell) for kind, cell in zip(kinds.values(), cells, strict=True)))

    return RowFormat(
        writer,
        write=lambda row: _csv_line(astuple(row)),  # type: ignore[call-overload]
        read=read,
        begins=begins,
        header=_csv_line(kinds),
    )


@cache
def _types(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _parsed(kind: type[Any], value: Any) -> Any:
    """A value of exactly that type, from JSON. Raises ValueError."""
    if not is_dataclass(kind):
        if type(value) is not kind:
            raise ValueError
        return value
    types = _types(kind)
    if not isinstance(value, dict) or value.keys() != types.keys():
        raise ValueError
    return kind(**{name: _parsed(types[name], each) for name, each in value.items()})


def _csv_line(values: Iterable[object]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()
