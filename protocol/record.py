"""The base of all signed records: a frozen dataclass with one canonical encoding, a map of its fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType, UnionType
from typing import Annotated, Any, ClassVar, Self, TypeVar, get_args, get_origin, get_type_hints

from protocol.canonical_msgpack import decode, encode, offset_of
from protocol.errors import RecordError, Step, place
from protocol.hashes import blake3_digest

_NAMES = {
    type(None): "nothing",
    bool: "boolean",
    int: "integer",
    float: "binary64 number",
    str: "text",
    bytes: "bytes",
    list: "list",
    dict: "map",
}


_D = TypeVar("_D")
Embedded = Annotated[_D, "embedded"]
"""A dataclass whose own fields stand in the record's map, beside the record's other fields."""


@dataclass(frozen=True)
class Record:
    """A named, versioned set of fields; subclasses are frozen dataclasses that set `TYPE` (`claim.v2`)."""

    TYPE: ClassVar[str]

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            if isinstance(value, Mapping):
                object.__setattr__(self, name, MappingProxyType(dict(value)))
        self.check()

    def check(self) -> None:
        """Raise `RecordError` when a field is out of range; overridden by the records that have ranges."""

    def require(self, holds: bool, field: str, problem: str) -> None:
        """Raise `RecordError` about `field` unless `holds`."""
        if not holds:
            raise RecordError(f"{_title(type(self))}.{field}", problem)

    def require_size(self, field: str, size: int) -> None:
        """Raise `RecordError` unless the bytes of `field` are exactly `size` long."""
        found = len(getattr(self, field))
        self.require(found == size, field, f"expected {size} bytes, found {found}")

    def require_range(self, field: str, low: int, high: int) -> None:
        """Raise `RecordError` unless the integer `field` is in [`low`, `high`]."""
        found = getattr(self, field)
        self.require(low <= found <= high, field, f"expected {low} to {high}, found {found}")

    def to_bytes(self) -> bytes:
        """Return the canonical bytes; `CodecError` beyond a limit of the codec, and for NaN or an infinity."""
        return encode(self.to_map(), _title(type(self)))

    def to_map(self) -> dict[str, object]:
        """Return the entries of the encoded map, in the codec's plain types."""
        return _lower_dataclass(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the record whose canonical bytes are `data`; `CodecError` or `RecordError` for others."""
        value = decode(data, _title(cls))
        record: Self = _Lifter(data, _title(cls)).lift(cls, value)
        return record

    def __reduce__(self) -> tuple[Callable[[bytes], Self], tuple[bytes]]:  # read-only maps cannot be pickled
        return self.from_bytes, (self.to_bytes(),)

    def digest(self) -> bytes:
        """Return the 32-byte BLAKE3 digest of `to_bytes()`."""
        return blake3_digest(self.to_bytes())


def _title(record: type[Record]) -> str:
    return record.TYPE.partition(".")[0]


@cache
def _parts(dataclass_type: Any) -> Mapping[str, tuple[Any, bool]]:
    """The fields of a dataclass: their types, and whether they are embedded."""
    hints = get_type_hints(dataclass_type, include_extras=True)
    kinds = {f.name: hints[f.name] for f in fields(dataclass_type)}
    return {name: (get_args(kind)[0], True) if get_origin(kind) is Annotated else (kind, False)
            for name, kind in kinds.items()}  # fmt: skip


@cache
def _entries(dataclass_type: Any) -> Mapping[str, Any]:
    """The entries of a dataclass's map, and their types."""
    entries: dict[str, Any] = {}
    for name, (kind, is_embedded) in _parts(dataclass_type).items():
        entries |= _entries(kind) if is_embedded else {name: kind}
    return entries


@cache
def _shape(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """`tuple` and its arguments, and the like."""
    return get_origin(annotation), get_args(annotation)


def _build(dataclass_type: Any, entries: Mapping[str, Any]) -> Any:
    """Make a dataclass of the entries of its map."""
    return dataclass_type(**{
        name: _build(kind, entries) if is_embedded else entries[name]
        for name, (kind, is_embedded) in _parts(dataclass_type).items()
    })  # fmt: skip


def _lower(value: Any) -> object:
    """Turn a field into the codec's plain types."""
    if is_dataclass(value):
        return _lower_dataclass(value)
    if isinstance(value, tuple):
        return [_lower(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _lower(item) for key, item in value.items()}
    if isinstance(value, StrEnum):
        return value.value
    return value


def _lower_dataclass(value: Any) -> dict[str, object]:
    entries: dict[str, object] = {}
    kind: Any = type(value)
    for name, (_, is_embedded) in _parts(kind).items():
        part = getattr(value, name)
        entries |= _lower_dataclass(part) if is_embedded else {name: _lower(part)}
    return entries


class _Lifter:
    """Turns the codec's plain types into what the annotations say, refusing everything else."""

    def __init__(self, data: bytes, title: str) -> None:
        self._data = data  # for the offsets in messages only
        self._title = title
        self._path: list[Step] = []

    def lift(self, annotation: Any, value: Any) -> Any:
        origin, arguments = _shape(annotation)
        if origin is tuple:
            return self._lift_list(arguments[0], value)
        if origin is Mapping:
            entries = self._expect(value, dict)
            return {key: self._lift_inside(key, arguments[1], item) for key, item in entries.items()}
        if origin is UnionType:
            return self._expect(value, *arguments)
        if is_dataclass(annotation):
            return self._lift_dataclass(annotation, value)
        if issubclass(annotation, StrEnum):
            return self._lift_choice(annotation, value)
        return self._expect(value, annotation)

    def _lift_list(self, annotation: Any, value: Any) -> tuple[Any, ...]:
        items = self._expect(value, list)
        if set(map(type, items)) == {annotation}:  # as of hundreds of losses: they are what they shall be
            return tuple(items)
        return tuple(self._lift_inside(index, annotation, item) for index, item in enumerate(items))

    def _lift_inside(self, step: Step, annotation: Any, value: Any) -> Any:
        self._path.append(step)
        lifted = self.lift(annotation, value)
        self._path.pop()
        return lifted

    def _lift_dataclass(self, annotation: Any, value: Any) -> Any:
        entries = self._expect(value, dict)
        known = _entries(annotation)
        for name in known:
            if name not in entries:
                raise self._fault("missing; the file is of another version or incomplete", name)
        for key in entries:
            if key not in known:
                raise self._fault("unknown field; the file is of another version or altered", key)
        lifted = {name: self._lift_inside(name, kind, entries[name]) for name, kind in known.items()}
        try:
            return _build(annotation, lifted)
        except RecordError as fault:
            # A record's own check names its fields from itself on: "claim.nonce", "benchmark.qualities[3]".
            steps = re.findall(r"\w+", fault.where)[1:]
            raise self._fault(fault.problem, *(int(step) if step.isdecimal() else step for step in steps)) from None

    def _lift_choice(self, choices: type[StrEnum], value: Any) -> StrEnum:
        text = self._expect(value, str)
        if text not in list(choices):
            raise self._fault(f"expected one of {', '.join(choices)}, found {text[:80]!a}")
        return choices(text)

    def _expect(self, value: Any, *kinds: type) -> Any:
        # Exact types: a boolean is not an integer here, nor an integer a number.
        if type(value) not in kinds:
            expected = " or ".join(_NAMES[kind] for kind in kinds)
            raise self._fault(f"expected {expected}, found {_NAMES[type(value)]}")
        return value

    def _fault(self, problem: str, *steps: Step) -> RecordError:
        path = [*self._path, *steps]
        return RecordError(place(self._title, path), problem, offset_of(self._data, path))
