"""The live network's solution of c006: base64 of one gzip member around bincode 1.3 (fixed width, little-endian).

Many texts hold one network: the live network ignores bytes after the first gzip member and after the bincode value,
and any compression will do. So a text is hashed as it came, never after encoding it again.
"""

from __future__ import annotations

import binascii
import json
import re
import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocol.errors import ProtocolError

MAX_TEXT: Final = 64 * 2**20
"""Characters of a text; 18 hidden layers need 5.6 million."""
MAX_DECODED: Final = 32 * 2**20
"""Bytes of bincode; 64 hidden layers of width 256 need 17 million."""
MAX_ARRAYS: Final = 2**20
"""Layers and rows; 64 hidden layers of width 256 have 17 thousand."""

_U64: Final = struct.Struct("<Q")
_TRAILER: Final = struct.Struct("<II")
_GZIP_HEADER: Final = bytes.fromhex("1f8b08000000000000ff")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]*={0,2}")

Rows = tuple[bytes, ...]
"""Arrays of binary32 values, little-endian, one after the other in memory."""


class BlobFault(StrEnum):
    """The reasons why a text holds no solution; they are stable."""

    BASE64 = "base64"
    """A character outside the alphabet, or a form that is not canonical."""
    GZIP = "gzip"
    """No gzip header, or a corrupt deflate stream."""
    CHECKSUM = "checksum"
    """The gzip member's checksum or length is not that of its content."""
    TRUNCATED = "truncated"
    """The gzip member or the bincode value ends early."""
    TOO_LARGE = "too-large"
    """Beyond `MAX_TEXT`, `MAX_DECODED` or `MAX_ARRAYS`; the network itself has no limit."""


class BlobError(ProtocolError):
    """A text or bytes that hold no solution; `offset` is where (in characters or bytes), if anywhere."""

    def __init__(self, fault: BlobFault, problem: str, offset: int | None = None) -> None:
        super().__init__(problem)
        self.fault = fault
        self.offset = offset


@dataclass(frozen=True)
class Blob:
    """A solution with the nesting of its arrays, for any number of layers; the names of the fields are ours."""

    weights: tuple[Rows, ...]
    """For each linear layer its rows."""
    biases: Rows
    """One array for each linear layer."""
    epochs_used: int
    """A u64."""
    norm_weights: Rows
    norm_biases: Rows
    running_means: Rows
    running_variances: Rows
    """One array for each batch norm."""


@dataclass(frozen=True)
class DecodedBlob:
    """A solution, and what the network ignores around it."""

    blob: Blob
    after_gzip: int = 0
    """Bytes after the first gzip member."""
    after_value: int = 0
    """Bytes after the bincode value."""


def decode_blob(text: str | bytes) -> DecodedBlob:
    """Read a solution text, with or without the double quotes that an OutputData holds around it. Raises BlobError.

    Space around it is ignored. Beyond `MAX_TEXT`, `MAX_DECODED` or `MAX_ARRAYS` nothing is made.
    """
    if len(text) > MAX_TEXT:
        raise BlobError(
            BlobFault.TOO_LARGE, f"the text is longer than {MAX_TEXT} characters; no solution of the network is"
        )
    ascii_text = text.encode("ascii", "replace") if isinstance(text, str) else text
    data, after_gzip = _decompressed(_base64_decoded(_unquoted(ascii_text.strip(b" \t\r\n"))))
    blob, after_value = from_bincode(data)
    return DecodedBlob(blob, after_gzip, after_value)


def encode_blob(blob: Blob) -> str:
    """The text of a solution, without quotes, under the network's gzip header: no name, no time, no system."""
    data = to_bincode(blob)
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    trailer = _TRAILER.pack(zlib.crc32(data), len(data) % 2**32)
    member = _GZIP_HEADER + deflate.compress(data) + deflate.flush() + trailer
    return binascii.b2a_base64(member, newline=False).decode("ascii")


def from_bincode(data: bytes) -> tuple[Blob, int]:
    """The solution that `data` begins with, and the number of bytes after it. Raises BlobError."""
    reader = _Reader(data)
    blob = Blob(  # the order of the arguments is that of the bytes
        weights=reader.layers("weights"),
        biases=reader.rows("biases"),
        epochs_used=reader.u64("epochs_used"),
        norm_weights=reader.rows("norm_weights"),
        norm_biases=reader.rows("norm_biases"),
        running_means=reader.rows("running_means"),
        running_variances=reader.rows("running_variances"),
    )
    return blob, len(data) - reader.offset


def to_bincode(blob: Blob) -> bytes:
    """The bytes of a solution, not compressed."""
    weights = [_U64.pack(len(blob.weights)), *(_rows_encoded(rows) for rows in blob.weights)]
    norms = (blob.norm_weights, blob.norm_biases, blob.running_means, blob.running_variances)
    rest = [_rows_encoded(blob.biases), _U64.pack(blob.epochs_used), *(_rows_encoded(rows) for rows in norms)]
    return b"".join(weights + rest)


def _rows_encoded(rows: Rows) -> bytes:
    lengths = (_U64.pack(len(row) // 4) for row in rows)
    return _U64.pack(len(rows)) + b"".join(part for pair in zip(lengths, rows, strict=True) for part in pair)


def _unquoted(text: bytes) -> bytes:
    if len(text) < 2 or text[:1] != b'"' or text[-1:] != b'"':
        return text
    if b"\\" not in text:
        return text[1:-1]
    try:
        inside = json.loads(text)
    except ValueError:
        raise BlobError(BlobFault.BASE64, "the text in double quotes is no JSON string; copy it again") from None
    return str(inside).encode("ascii", "replace")


def _base64_decoded(text: bytes) -> bytes:
    """Only the canonical form, as the network: what encodes to the same text again."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        data = b""
    # Where strict mode has no complaint, only the bits that the padding cuts off are free.
    last = data[(len(data) - 1) // 3 * 3 :]
    if bool(data) == bool(text) and binascii.b2a_base64(last, newline=False) == text[-4:]:
        return data
    match = _BASE64.match(text)
    end = match.end() if match else 0
    if end < len(text):
        problem = f"character {end}: {chr(text[end])!a} has no place in base64; copy the text again, whole"
        raise BlobError(BlobFault.BASE64, problem, end)
    problem = f"character {end}: the base64 text ends without its padding, or with bits that must be 0; copy it whole"
    raise BlobError(BlobFault.BASE64, problem, end)


def _decompressed(data: bytes) -> tuple[bytes, int]:
    """The content of the first gzip member, and the number of bytes after the member."""
    member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        content = member.decompress(data, MAX_DECODED + 1)
    except zlib.error as error:
        raise _gzip_error(str(error).rpartition(": ")[2]) from None
    if len(content) > MAX_DECODED:
        problem = f"the gzip member holds more than {MAX_DECODED} bytes, which no solution of the network does"
        raise BlobError(BlobFault.TOO_LARGE, problem)
    if not member.eof:
        problem = f"the gzip member ends early, at byte {len(data)}; get the text again, whole"
        raise BlobError(BlobFault.TRUNCATED, problem, len(data))
    return content, len(member.unused_data)


def _gzip_error(reason: str) -> BlobError:
    if reason in ("incorrect data check", "incorrect length check", "header crc mismatch"):
        return BlobError(BlobFault.CHECKSUM, f"the gzip member was changed ({reason}); get the text again")
    return BlobError(BlobFault.GZIP, f"this is no gzip member, or a corrupt one ({reason}); get the text again")


class _Reader:
    """Reads bincode from `offset` on; every length is compared with the bytes left before anything is made."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._arrays = 0
        self.offset = 0

    def u64(self, name: str) -> int:
        """One number of the field `name`."""
        if len(self._data) - self.offset < 8:
            raise self._truncated(name, "a 64-bit number")
        (value,) = _U64.unpack_from(self._data, self.offset)
        self.offset += 8
        return int(value)

    def layers(self, name: str) -> tuple[Rows, ...]:
        """Some layers of rows."""
        return tuple([self.rows(name) for _ in range(self._count(name))])

    def rows(self, name: str) -> Rows:
        """Some rows of values; one loop without calls, as there may be a million."""
        rows, data, end, start = [], self._data, len(self._data), self.offset + 8
        for _ in range(self._count(name)):
            if end - start < 8:
                self.offset = start
                raise self._truncated(name, "a row's length")
            (values,) = _U64.unpack_from(data, start)
            stop = start + 8 + 4 * values
            if stop > end:
                self.offset = start
                raise self._truncated(name, f"a row of {values} values")
            rows.append(data[start + 8 : stop])
            start = stop
        self.offset = start
        return tuple(rows)

    def _count(self, name: str) -> int:
        """A number of layers or rows, each of which has at least 8 bytes."""
        count = self.u64(name)
        left = len(self._data) - self.offset
        if 8 * count > left:
            self.offset -= 8
            raise self._truncated(name, f"{count} arrays")
        self._arrays += count
        if self._arrays > MAX_ARRAYS:
            problem = f"{name}: byte {self.offset - 8}: more than {MAX_ARRAYS} arrays, which no solution needs"
            raise BlobError(BlobFault.TOO_LARGE, problem, self.offset - 8)
        return count

    def _truncated(self, name: str, what: str) -> BlobError:
        left = len(self._data) - self.offset
        problem = f"{name}: byte {self.offset}: {left} bytes are left, too few for {what}; get the text again, whole"
        return BlobError(BlobFault.TRUNCATED, problem, self.offset)
