"""Canonical MessagePack: one byte string per value, so that equal values have equal digests and signatures.

A value is None, a boolean, an integer in [-2^63, 2^64), a finite binary64 number, text, bytes, a list, or a
map with text keys in ascending order of their UTF-8 bytes. Every length and integer takes its shortest form;
there are no extension types and no binary32. The decoder reads one scalar or header at a time, encodes it again and
refuses bytes that differ, so that every fault, a fat integer too, is named where it is.

The limits bound what any bytes cost. Memory: a header reserves nothing for what it promises; empty maps take the most
for each byte of input (100 bytes), and maps of texts outside Unicode's basic plane the most in all (11 times MAX_SIZE,
with the input). Time: 2 microseconds for a scalar or a header where it was measured, 6 seconds in all.
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, TypeVar

import msgpack  # type: ignore[import-untyped]

from protocol.errors import CodecError, Step, place

MAX_SIZE: Final = 64 << 20  # bytes of one encoded value; also the longest byte string
MAX_DEPTH: Final = 16  # lists and maps inside one another
MAX_ITEMS: Final = 1 << 20  # list items and map entries of one encoded value, all its lists and maps together
MAX_TEXT: Final = 1 << 16  # UTF-8 bytes of one text or key

MAX_U64: Final = (1 << 64) - 1  # the largest integer

Scalar: TypeAlias = bool | int | float | str | None
Value: TypeAlias = "Scalar | bytes | list[Value] | dict[str, Value]"
_T = TypeVar("_T")

_LIST_HEADS: Final = frozenset((*range(0x90, 0xA0), 0xDC, 0xDD))
_MAP_HEADS: Final = frozenset((*range(0x80, 0x90), 0xDE, 0xDF))
_TEXT_HEADS: Final = frozenset((*range(0xA0, 0xC0), 0xD9, 0xDA, 0xDB))
_BINARY64_HEAD: Final = b"\xcb"
_BINARY64_SIZE: Final = 9  # bytes, with the head
_REFUSED_HEADS: Final = {
    0xC1: "c1 begins no value; encode the value again",
    0xCA: "binary32 numbers are not allowed; write binary64",
    **dict.fromkeys(
        (0xC7, 0xC8, 0xC9, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8),
        "extension types are not allowed; use text, bytes or integers",
    ),
}
_SCALAR_TYPES: Final = frozenset((type(None), bool, int, float, str, bytes))
_KEY_PROBLEM: Final = "a map key is not text; name every entry by a text"


def encode(value: object, name: str = "") -> bytes:
    """Return the canonical bytes of `value`; `CodecError` with offset, and path from `name`, when it has none."""
    writer = _Writer(name)
    writer.write(value)
    return bytes(writer.out)


def decode(data: bytes, name: str = "") -> Value:
    """Return the value whose canonical bytes are `data`; `CodecError` with offset, and path from `name`, for others."""
    if len(data) > MAX_SIZE:
        raise CodecError(MAX_SIZE, f"{len(data)} bytes are more than the {MAX_SIZE} allowed; split the value", name)
    reader = _Reader(data, name)
    value = reader.read()
    left = len(data) - reader.offset()
    if left:
        raise CodecError(reader.offset(), f"{left} bytes follow the value; remove them", name)
    return value


def offset_of(data: bytes, path: Sequence[Step]) -> int:
    """Return where the value at `path` begins in canonical bytes; its map, when that lacks the last key."""
    unpacker = _unpacker(data)
    offset = 0
    for step in path:
        if isinstance(step, int):
            unpacker.read_array_header()
            for _ in range(step):
                unpacker.skip()
        elif not _skip_to(unpacker, step):
            return offset
        offset = int(unpacker.tell())
    return offset


def _skip_to(unpacker: msgpack.Unpacker, key: str) -> bool:
    for _ in range(unpacker.read_map_header()):
        if unpacker.unpack() == key:
            return True
        unpacker.skip()
    return False


class _Writer:
    """Appends canonical bytes to `out`; types are matched exactly, so that decoding gives the same types."""

    def __init__(self, name: str) -> None:
        self.out = bytearray()
        self._name = name
        self._path: list[Step] = []
        self._items = 0
        self._packer = msgpack.Packer()

    def write(self, value: object) -> None:
        if type(value) is dict:
            self._open(len(value), self._packer.pack_map_header)
            for key in self._sorted_keys(value):
                self._path.append(key)
                self._write_scalar(key)
                self.write(value[key])
                self._path.pop()
        elif type(value) is list:
            self._open(len(value), self._packer.pack_array_header)
            for index, item in enumerate(value):
                self._path.append(index)
                self.write(item)
                self._path.pop()
        else:
            self._write_scalar(value)

    def _open(self, count: int, header: Callable[[int], bytes]) -> None:
        self._items += count
        if problem := _container_problem(self._items, len(self._path)):
            raise self._fault(problem)
        self.out += header(count)

    def _sorted_keys(self, value: dict[object, object]) -> list[str]:
        keys = [key for key in value if type(key) is str]
        if len(keys) < len(value):
            raise self._fault(_KEY_PROBLEM)
        return sorted(keys)  # the order of code points is the order of UTF-8 bytes

    def _write_scalar(self, value: object) -> None:
        if problem := _scalar_problem(value):
            raise self._fault(problem)
        self.out += self._packer.pack(value)
        if len(self.out) > MAX_SIZE:
            raise self._fault(f"the value needs more than the {MAX_SIZE} bytes allowed; split it")

    def _fault(self, problem: str) -> CodecError:
        return CodecError(min(len(self.out), MAX_SIZE), problem, place(self._name, self._path))


class _Reader:
    """Drives the library's unpacker one scalar or header at a time, so that every fault has an offset and a path."""

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self._name = name
        self._path: list[Step] = []
        self._items = 0
        self._packer = msgpack.Packer()
        self._unpacker = _unpacker(data)
        self.offset: Callable[[], int] = self._unpacker.tell  # number of bytes read so far

    def read(self) -> Value:
        head = self._head()
        if head in _LIST_HEADS:
            return self._read_list()
        if head in _MAP_HEADS:
            return self._read_map()
        return self._read_scalar()

    def _read_list(self) -> list[Value]:
        count = self._open(self._unpacker.read_array_header, self._packer.pack_array_header)
        items: list[Value] = [*self._read_numbers(count)]
        for index in range(len(items), count):
            self._path.append(index)
            items.append(self.read())
            self._path.pop()
        return items

    def _read_numbers(self, count: int) -> array[float]:
        """All items of a list at once, if they are finite binary64 numbers, as hundreds of losses are; else none."""
        at, size = self.offset(), count * _BINARY64_SIZE
        run = bytearray(self._data[at : at + size])
        if len(run) < size or run[::_BINARY64_SIZE] != _BINARY64_HEAD * count:
            return array("d")
        del run[::_BINARY64_SIZE]
        numbers = array("d", bytes(run))
        if sys.byteorder == "little":
            numbers.byteswap()
        if not all(map(math.isfinite, numbers)):
            return array("d")
        self._unpacker.read_bytes(size)
        return numbers

    def _read_map(self) -> dict[str, Value]:
        entries: dict[str, Value] = {}
        last = None
        for _ in range(self._open(self._unpacker.read_map_header, self._packer.pack_map_header)):
            last = self._read_key(last)
            self._path.append(last)
            entries[last] = self.read()
            self._path.pop()
        return entries

    def _read_key(self, last: str | None) -> str:
        if self._head() not in _TEXT_HEADS:
            raise self._fault(self.offset(), _KEY_PROBLEM)
        at = self.offset()
        key = str(self._read_scalar())
        if last is not None and key <= last:
            problem = "comes twice" if key == last else "is not in ascending order"
            raise self._fault(at, f"not the canonical form: the key {key[:40]!a} {problem}; encode it again")
        return key

    def _open(self, read_header: Callable[[], int], header: Callable[[int], bytes]) -> int:
        at = self.offset()
        count = self._call(read_header)
        self._items += count
        if problem := _container_problem(self._items, len(self._path)):
            raise self._fault(at, problem)
        self._compare(at, header(count))
        return count

    def _read_scalar(self) -> Scalar | bytes:
        at = self.offset()
        value: Scalar | bytes = self._call(self._unpacker.unpack)
        if problem := _scalar_problem(value):
            raise self._fault(at, problem)
        if type(value) is bytes:  # nothing but the header can be written in two ways, and the rest may be long
            self._compare(at, _bytes_header(len(value)), len(value))
        else:
            self._compare(at, self._packer.pack(value))
        return value

    def _head(self) -> int:
        at = self.offset()
        if at == len(self._data):
            raise self._truncated()
        head = self._data[at]
        if head in _REFUSED_HEADS:
            raise self._fault(at, _REFUSED_HEADS[head])
        return head

    def _compare(self, at: int, canonical: bytes, rest: int = 0) -> None:
        if self.offset() != at + len(canonical) + rest or not self._data.startswith(canonical, at):
            raise self._fault(at, "not the canonical form: an integer or a length has a shorter one; encode it again")

    def _call(self, read: Callable[[], _T]) -> _T:
        at = self.offset()
        try:
            return read()
        except msgpack.OutOfData:
            raise self._truncated() from None
        except UnicodeDecodeError:
            raise self._fault(at, "text is not UTF-8; write it as bytes") from None
        except ValueError:
            raise self._fault(at, f"a text is longer than {MAX_TEXT} bytes; write it as bytes") from None

    def _truncated(self) -> CodecError:
        return self._fault(len(self._data), "the bytes end inside a value; get the complete file")

    def _fault(self, at: int, problem: str) -> CodecError:
        return CodecError(at, problem, place(self._name, self._path))


def _unpacker(data: bytes) -> msgpack.Unpacker:
    # Of the library's limits only those of text and bytes apply: it reads no whole container for us.
    unpacker = msgpack.Unpacker(
        raw=False,
        read_size=len(data),  # the buffer, made at once
        max_buffer_size=MAX_SIZE,
        max_str_len=MAX_TEXT,
        max_bin_len=MAX_SIZE,
        max_array_len=1 << 32,
        max_map_len=1 << 32,
    )
    unpacker.feed(data)
    return unpacker


def _bytes_header(size: int) -> bytes:
    if size < 1 << 8:
        return struct.pack(">BB", 0xC4, size)
    if size < 1 << 16:
        return struct.pack(">BH", 0xC5, size)
    return struct.pack(">BI", 0xC6, size)


def _container_problem(items: int, depth: int) -> str | None:
    if depth >= MAX_DEPTH:
        return f"lists and maps are nested more than {MAX_DEPTH} deep; flatten the value"
    if items > MAX_ITEMS:
        return f"more than {MAX_ITEMS} list items and map entries; split the value"
    return None


def _scalar_problem(value: object) -> str | None:
    if type(value) not in _SCALAR_TYPES:
        return f"{type(value).__name__} is not a type of this format; convert it to a plain Python value"
    if isinstance(value, int) and not -(1 << 63) <= value <= MAX_U64:
        return "the integer is outside [-2^63, 2^64); write it as text"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN and infinities are not allowed; leave the entry out or write it as text"
    if isinstance(value, str):
        return _text_problem(value)
    return None


def _text_problem(text: str) -> str | None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "the text holds half a surrogate pair, which UTF-8 cannot write; remove it"
    return None if size <= MAX_TEXT else f"a text of {size} bytes is longer than {MAX_TEXT}; write it as bytes"
