"""The network's canonical JSON, from which it hashes settings and output records.

Compact, map keys in ascending order at every level, integers in plain decimal. The network has two official
encoders, in Rust and in Python, which print different bytes for non-ASCII text, DEL, null and some fractions.
No hashed structure of the network holds any of these, and they are refused. Maps inside lists are sorted, as
by the Python encoder (the Rust one keeps their order); no hashed structure holds these either.

What the network answers and stores is read back without losing a digit, and with nothing in it that two readers
could understand in two ways.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final, NoReturn, TypeAlias

from protocol.errors import CodecError

MAX_SIZE: Final = 64 << 20  # characters of one text
MAX_DEPTH: Final = 32  # lists and maps inside one another
MAX_ITEMS: Final = 1 << 20  # list items and map entries of one text, all its lists and maps together

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_DISPUTED: Final = re.compile(r"[^\x00-\x7e]")
_SPACES: Final = re.compile(r"[ \t\n\r]+")
_MAX_NUMBER: Final = 128  # characters: a longer one takes Python more than linear time


def jsonify(value: object) -> str:
    """Return the canonical JSON text of booleans, integers, ASCII text, lists and maps with text keys.

    Raises `CodecError` for any other value; its offset is the position in the text, 0 if there is none yet.
    """
    _check(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if disputed := _find_disputed(text):
        raise CodecError(
            disputed.start(), f"canonical JSON is ASCII, found {disputed.group()!a}; use ASCII identifiers"
        )
    return text


def parse_json(text: str | bytes) -> Json:
    """Return the value of a JSON text that is ASCII, has no duplicate keys and no number that would change.

    Integers are of [-2^63, 2^64) and stay integers; other numbers become finite binary64. Raises `CodecError`,
    with the offset, for everything else and beyond `MAX_SIZE`, `MAX_DEPTH` or `MAX_ITEMS`.
    """
    if len(text) > MAX_SIZE:
        raise CodecError(MAX_SIZE, f"{len(text)} characters are more than the {MAX_SIZE} allowed; split the file")
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    if disputed := _find_disputed(text):
        raise CodecError(disputed.start(), f"expected ASCII, found {disputed.group()!a}; use ASCII identifiers")
    reader = _Reader(text)
    value = reader.read(depth=0)
    reader.finish()
    return value


class _Reader:
    """Reads lists and maps itself, so that their faults have an offset, and leaves scalars to the library."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset = 0
        self._items = 0
        self._decoder = json.JSONDecoder(
            parse_int=self._integer, parse_float=self._number, parse_constant=self._refuse_constant
        )

    def read(self, depth: int) -> Json:
        head = self._head()
        if head == "[":
            self._open(depth)
            return self._list(depth)
        if head == "{":
            self._open(depth)
            return self._map(depth)
        return self._scalar()

    def finish(self) -> None:
        if self._head():
            raise CodecError(self._offset, f"{len(self._text) - self._offset} characters follow the value; remove them")

    def _head(self) -> str:
        """The next character that is not a space; empty at the end."""
        if spaces := _SPACES.match(self._text, self._offset):
            self._offset = spaces.end()
        return self._text[self._offset : self._offset + 1]

    def _open(self, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise CodecError(self._offset, f"lists and maps are nested more than {MAX_DEPTH} deep; flatten the value")
        self._offset += 1

    def _list(self, depth: int) -> list[Json]:
        items: list[Json] = []
        if self._take("]"):
            return items
        while True:
            self._count()
            items.append(self.read(depth + 1))
            if not self._take(","):
                self._require("]")
                return items

    def _map(self, depth: int) -> dict[str, Json]:
        entries: dict[str, Json] = {}
        if self._take("}"):
            return entries
        while True:
            self._count()
            key = self._key(entries)
            self._require(":")
            entries[key] = self.read(depth + 1)
            if not self._take(","):
                self._require("}")
                return entries

    def _take(self, sign: str) -> bool:
        found = self._head() == sign
        self._offset += found
        return found

    def _require(self, sign: str) -> None:
        if not self._take(sign):
            found = self._head()
            raise CodecError(self._offset, f"expected {sign!a}, found {found!a}; get the file again")

    def _count(self) -> None:
        self._items += 1
        if self._items > MAX_ITEMS:
            raise CodecError(self._offset, f"more than {MAX_ITEMS} list items and map entries; split the file")

    def _key(self, entries: dict[str, Json]) -> str:
        if self._head() != '"':
            raise CodecError(self._offset, f"expected a key in double quotes, found {self._head()!a}; quote it")
        start = self._offset
        key = str(self._scalar())
        if key in entries:
            raise CodecError(start, f"the key {key[:80]!a} appears twice; keep one of its entries")
        return key

    def _scalar(self) -> Json:
        start = self._offset
        try:
            value: Json
            value, self._offset = self._decoder.raw_decode(self._text, start)
        except json.JSONDecodeError as fault:
            raise CodecError(fault.pos, f"not JSON ({fault.msg}); get the file again") from None
        if isinstance(value, str) and (disputed := _find_disputed(value)):
            raise CodecError(start, f"the text holds {disputed.group()!a}; use ASCII identifiers")
        return value

    def _integer(self, digits: str) -> int:
        value = int(digits) if len(digits) <= _MAX_NUMBER else 1 << 64
        if not -(1 << 63) <= value < 1 << 64:
            raise CodecError(self._offset, f"the integer {digits[:40]} is outside [-2^63, 2^64); write it as text")
        return value

    def _number(self, digits: str) -> float:
        value = float(digits) if len(digits) <= _MAX_NUMBER else math.inf
        if math.isinf(value):
            raise CodecError(self._offset, f"the number {digits[:40]} is too large or too long; write it as text")
        return value

    def _refuse_constant(self, name: str) -> NoReturn:
        raise CodecError(self._offset, f"{name} is not JSON; leave the entry out")


def _find_disputed(text: str) -> re.Match[str] | None:
    if text.isascii() and "\x7f" not in text:  # a hundred times faster, and solutions have megabytes
        return None
    return _DISPUTED.search(text)


def _check(value: object) -> None:
    if type(value) is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise CodecError(0, f"canonical JSON needs text keys, found {key!r}; write the key as text")
            _check(item)
    elif type(value) is list:
        for item in value:
            _check(item)
    elif type(value) not in (bool, int, str):
        raise CodecError(
            0, f"canonical JSON has no {type(value).__name__}; use booleans, integers, text, lists or maps"
        )
