"""A JSON object of the live network, read field by field with errors that name the path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self, TypeVar

from protocol.canonical_json import Json, parse_json
from protocol.errors import RecordError

_T = TypeVar("_T")

_NAMES: Final = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "fraction",
    str: "text",
    list: "list",
    dict: "object",
}


@dataclass(frozen=True)
class JsonObject:
    """The entries of one object and `where` it stands; what reads a field raises `RecordError` with its path."""

    where: str
    entries: dict[str, Json]

    @classmethod
    def parse(cls, text: str | bytes, where: str) -> Self:
        """Return the object that is all of a JSON text; `CodecError` for a fault of its syntax."""
        return cls(where, _expect(where, parse_json(text), dict))

    def check_names(self, names: tuple[str, ...]) -> None:
        """Refuse every field that is not one of `names`."""
        for name in self.entries:
            if name not in names:
                raise RecordError(
                    f"{self.where}[{name[:80]!a}]", "unknown field; the file is of another version or altered"
                )

    def is_null(self, name: str) -> bool:
        """Whether the field is null."""
        return self._field(name) is None

    def object(self, name: str) -> JsonObject:
        """Return the object of a field."""
        return JsonObject(self.path(name), self._expect(name, dict))

    def objects(self, name: str) -> tuple[JsonObject, ...]:
        """Return the objects of a field that is a list of them."""
        items = enumerate(self._expect(name, list))
        return tuple(
            JsonObject(where := f"{self.path(name)}[{index}]", _expect(where, item, dict)) for index, item in items
        )

    def text(self, name: str) -> str:
        """Return the text of a field."""
        return self._expect(name, str)

    def boolean(self, name: str) -> bool:
        """Return the boolean of a field."""
        return self._expect(name, bool)

    def integer(self, name: str, low: int, high: int) -> int:
        """Return the integer of a field, which is in [`low`, `high`]."""
        return _integer(self.path(name), self._field(name), low, high)

    def integers(self, name: str, low: int, high: int) -> tuple[int, ...]:
        """Return the integers of a field that is a list of them, each in [`low`, `high`]."""
        items = enumerate(self._expect(name, list))
        return tuple(_integer(f"{self.path(name)}[{index}]", item, low, high) for index, item in items)

    def path(self, name: str) -> str:
        """The path of a field, for messages."""
        return f"{self.where}.{name}"

    def _field(self, name: str) -> Json:
        if name not in self.entries:
            raise RecordError(self.path(name), "missing; the file is of another version or incomplete")
        return self.entries[name]

    def _expect(self, name: str, kind: type[_T]) -> _T:
        return _expect(self.path(name), self._field(name), kind)


def _integer(where: str, value: Json, low: int, high: int) -> int:
    integer = _expect(where, value, int)
    if not low <= integer <= high:
        raise RecordError(where, f"expected {low} to {high}, found {integer}")
    return integer


def _expect(where: str, value: Json, kind: type[_T]) -> _T:
    # Exact types: a boolean is not an integer here, nor text with digits.
    if type(value) is not kind:
        raise RecordError(where, f"expected {_NAMES[kind]}, found {_NAMES[type(value)]}")
    return value
