"""Canonical MessagePack: one byte string per value, so that equal values have equal digests and signatures.

A value is None, a boolean, an integer in [-2^63, 2^64), a finite binary64 number, text, bytes, a list, or a
map with text keys in ascending order of their UTF-8 bytes. Every length and integer takes its shortest form;
there are no extension types and no binary32. The decoder reads within fixed limits, then encodes what it read
and refuses input that differs, so that duplicate keys, fat integers and unsorted keys die by one rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

import msgpack  # type: ignore[import-untyped]

from protocol.errors import CodecError

MAX_SIZE: Final = 64 << 20  # bytes of one encoded value; also the longest byte string
MAX_DEPTH: Final = 16  # lists and maps inside one another
MAX_ITEMS: Final = 1 << 20  # list items and map entries of one encoded value, all its lists and maps together
MAX_TEXT: Final = 1 << 16  # UTF-8 bytes of one text or key

Scalar: TypeAlias = bool | int | float | str | None
Value: TypeAlias = "Scalar | bytes | list[Value] | dict[str, Value]"
_T = TypeVar("_T")

_LIST_HEADS: Final = frozenset((*range(0x90, 0xA0), 0xDC, 0xDD))
_MAP_HEADS: Final = frozenset((*range(0x80, 0x90), 0xDE, 0xDF))
_TEXT_HEADS: Final = frozenset((*range(0xA0, 0xC0), 0xD9, 0xDA, 0xDB))
_EXTENSION_HEADS: Final = frozenset((0xC7, 0xC8, 0xC9, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8))
_BINARY32_HEAD: Final = 0xCA
_SCALAR_TYPES: Final = frozenset((type(None), bool, int, float, str, bytes))


def encode(value: object) -> bytes:
    """Return the canonical bytes of `value`; `CodecError`, with the offset reached, when it has none."""
    writer = _Writer()
    writer.write(value, depth=0)
    return bytes(writer.out)


def decode(data: bytes) -> Value:
    """Return the value whose canonical bytes are `data`; `CodecError`, with the offset, for any others."""
    if len(data) > MAX_SIZE:
        raise CodecError(MAX_SIZE, f"{len(data)} bytes are more than the {MAX_SIZE} allowed; split the value")
    reader = _Reader(data)
    value = reader.read(depth=0)
    if reader.offset < len(data):
        raise CodecError(reader.offset, f"{len(data) - reader.offset} bytes follow the value; remove them")
    again = encode(value)
    if again != data:
        pairs = enumerate(zip(again, data, strict=False))
        offset = next((i for i, (ours, theirs) in pairs if ours != theirs), min(len(again), len(data)))
        raise CodecError(
            offset, "not the canonical form (shortest lengths and integers, sorted unique keys); re-encode"
        )
    return value


class _Writer:
    """Appends canonical bytes to `out`; types are matched exactly, so that decoding gives the same types."""

    def __init__(self) -> None:
        self.out = bytearray()
        self._items = 0
        self._packer = msgpack.Packer()

    def write(self, value: object, depth: int) -> None:
        if type(value) is dict:
            self._open(len(value), depth, self._packer.pack_map_header)
            for key in self._sorted_keys(value):
                self._write_scalar(key)
                self.write(value[key], depth + 1)
        elif type(value) is list:
            self._open(len(value), depth, self._packer.pack_array_header)
            for item in value:
                self.write(item, depth + 1)
        else:
            self._write_scalar(value)

    def _open(self, count: int, depth: int, header: Callable[[int], bytes]) -> None:
        self._items += count
        _check_container(len(self.out), self._items, depth)
        self.out += header(count)

    def _sorted_keys(self, value: dict[object, object]) -> list[str]:
        keys = [key for key in value if type(key) is str]
        if len(keys) < len(value):
            raise CodecError(len(self.out), "a map key is not text; name every entry by a text")
        return sorted(keys)  # the order of code points is the order of UTF-8 bytes

    def _write_scalar(self, value: object) -> None:
        if problem := _scalar_problem(value):
            raise CodecError(len(self.out), problem)
        self.out += self._packer.pack(value)
        if len(self.out) > MAX_SIZE:
            raise CodecError(MAX_SIZE, f"the value needs more than the {MAX_SIZE} bytes allowed; split it")


class _Reader:
    """Drives the library's unpacker one scalar or header at a time, so that every fault has an offset."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._items = 0
        self._unpacker = msgpack.Unpacker(
            raw=False,
            use_list=True,
            strict_map_key=True,
            max_buffer_size=MAX_SIZE,
            max_str_len=MAX_TEXT,
            max_bin_len=MAX_SIZE,
            max_array_len=MAX_ITEMS,
            max_map_len=MAX_ITEMS,
            max_ext_len=0,
        )
        self._unpacker.feed(data)

    @property
    def offset(self) -> int:
        """Number of bytes read so far."""
        return int(self._unpacker.tell())

    def read(self, depth: int) -> Value:
        head = self._head()
        if head in _LIST_HEADS:
            count = self._open(depth, self._unpacker.read_array_header)
            return [self.read(depth + 1) for _ in range(count)]
        if head in _MAP_HEADS:
            count = self._open(depth, self._unpacker.read_map_header)
            return {self._read_key(): self.read(depth + 1) for _ in range(count)}
        if head in _EXTENSION_HEADS:
            raise CodecError(self.offset, "extension types are not allowed; use text, bytes or integers")
        if head == _BINARY32_HEAD:
            raise CodecError(self.offset, "binary32 numbers are not allowed; write binary64")
        return self._read_scalar()

    def _head(self) -> int:
        if self.offset == len(self._data):
            raise self._truncated()
        return self._data[self.offset]

    def _open(self, depth: int, read_header: Callable[[], int]) -> int:
        at = self.offset
        count = self._call(read_header)
        self._items += count
        _check_container(at, self._items, depth)
        return count

    def _read_key(self) -> str:
        if self._head() not in _TEXT_HEADS:
            raise CodecError(self.offset, "a map key is not text; name every entry by a text")
        return str(self._read_scalar())

    def _read_scalar(self) -> Scalar | bytes:
        at = self.offset
        value: Scalar | bytes = self._call(self._unpacker.unpack)
        if problem := _scalar_problem(value):
            raise CodecError(at, problem)
        return value

    def _call(self, read: Callable[[], _T]) -> _T:
        at = self.offset
        try:
            return read()
        except msgpack.OutOfData:
            raise self._truncated() from None
        except UnicodeDecodeError:
            raise CodecError(at, "text is not UTF-8; write it as bytes") from None
        except (ValueError, msgpack.UnpackException) as fault:
            raise CodecError(at, f"not a value of this format ({fault}); encode it again") from None

    def _truncated(self) -> CodecError:
        return CodecError(len(self._data), "the bytes end inside a value; get the complete file")


def _check_container(offset: int, items: int, depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise CodecError(offset, f"lists and maps are nested more than {MAX_DEPTH} deep; flatten the value")
    if items > MAX_ITEMS:
        raise CodecError(offset, f"more than {MAX_ITEMS} list items and map entries; split the value")


def _scalar_problem(value: object) -> str | None:
    if type(value) not in _SCALAR_TYPES:
        return f"{type(value).__name__} is not a type of this format; convert it to a plain Python value"
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
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
