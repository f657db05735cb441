"""The text of a solution: the network's vectors, and everything that its decoder meets."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import struct
import time
import tracemalloc
import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.network.blob import (
    MAX_ARRAYS,
    MAX_DECODED,
    MAX_TEXT,
    Blob,
    BlobError,
    BlobFault,
    DecodedBlob,
    decode_blob,
    encode_blob,
    from_bincode,
    to_bincode,
)
from tests.support.folders import VECTORS

_FOLDER = VECTORS
SYNTHETIC, ROBUSTNESS, EMPTY, TOY = json.loads((_FOLDER / "c006_solution_blob.json").read_text("utf-8"))["vectors"]
SIZES = json.loads((_FOLDER / "c006_solution_sizes.json").read_text("utf-8"))["sizes"]
CASES = {case["case"]: case for case in ROBUSTNESS["robustness_of_rust_decoder"]}


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


TOY_BLOB = Blob(
    weights=((floats(1), floats(2)), (floats(3, 4),)),
    biases=(floats(5, 6), floats(7)),
    epochs_used=258,
    norm_weights=(floats(8, 9),),
    norm_biases=(floats(10, 11),),
    running_means=(floats(12, 13),),
    running_variances=(floats(14, 15),),
)
TEXT: str = SYNTHETIC["base64"]
BINCODE = gzip.decompress(base64.b64decode(TEXT))


def packed(bincode: bytes) -> bytes:
    return base64.b64encode(gzip.compress(bincode, mtime=0))


def with_member(change: Any) -> bytes:
    return base64.b64encode(change(bytearray(base64.b64decode(TEXT))))


def fault(text: str | bytes) -> BlobError:
    with pytest.raises(BlobError) as error:
        decode_blob(text)
    return error.value


# -- vectors -----------------------------------------------------------------------------------------------------


def test_the_toy_is_read_and_written() -> None:
    assert TOY["value"]["epochs_used"] == 258
    assert decode_blob(TOY["base64"]) == DecodedBlob(TOY_BLOB)
    assert to_bincode(TOY_BLOB).hex() == TOY["bincode_hex"]
    assert from_bincode(bytes.fromhex(TOY["bincode_hex"])) == (TOY_BLOB, 0)


def test_a_solution_is_read_with_and_without_quotes() -> None:
    decoded = decode_blob(TEXT)
    assert (len(BINCODE), hashlib.sha256(BINCODE).hexdigest()) == (
        SYNTHETIC["bincode_len"],
        SYNTHETIC["bincode_sha256"],
    )
    assert to_bincode(decoded.blob) == BINCODE
    assert (decoded.blob.epochs_used, decoded.after_gzip, decoded.after_value) == (7, 0, 0)
    stored = SYNTHETIC["solution_field_as_stored_in_OutputData"]
    assert stored[0] == stored[-1] == '"'
    escaped = json.dumps(TEXT).replace("/", "\\/")  # as some writers of JSON do it
    for text in (stored, stored.encode(), f" {stored}\n", TEXT + "\r\n", escaped):
        assert decode_blob(text) == decoded


def test_the_arrays_lie_in_the_flat_buffers_order() -> None:
    blob, arrays = decode_blob(TEXT).blob, SYNTHETIC["arrays_f32_b64"]
    found = {
        "W0_in_x_out": b"".join(blob.weights[0]), "W1_in_x_out": b"".join(blob.weights[1]),
        "b0": blob.biases[0], "b1": blob.biases[1], "bn_w": blob.norm_weights[0], "bn_b": blob.norm_biases[0],
        "mean": blob.running_means[0], "var": blob.running_variances[0],
    }  # fmt: skip
    assert {name: base64.b64encode(data).decode() for name, data in found.items()} == arrays
    assert [len(rows) for rows in blob.weights] == [256, 2]


def test_the_empty_solution_is_read() -> None:
    blob = decode_blob(EMPTY["base64"]).blob
    assert blob == decode_blob(CASES["empty Solution (7 zero u64)"]["base64"]).blob == Blob((), (), 0, (), (), (), ())
    assert to_bincode(blob).hex() == EMPTY["bincode_hex"]


ACCEPTED = {
    "as is": (TEXT.encode(), 0, 0),
    "bincode + 5 trailing bytes inside the gzip member": (packed(BINCODE + b"12345"), 0, 5),
    "second gzip member appended": (with_member(lambda data: data + gzip.compress(b"x" * 80)), 0, 0),
    "garbage after the gzip member": (with_member(lambda data: data + b"garbage"), 7, 0),
    "python gzip level 9, other header": (base64.b64encode(gzip.compress(BINCODE, 9, mtime=5)), 0, 0),
}
REFUSED = {
    "truncated gzip": (with_member(lambda data: data[:-100]), BlobFault.TRUNCATED),
    "crc flipped": (with_member(lambda data: data[:-8] + bytes([data[-8] ^ 1]) + data[-7:]), BlobFault.CHECKSUM),
    "bincode truncated by 4": (packed(BINCODE[:-4]), BlobFault.TRUNCATED),
}


def test_every_case_of_the_networks_decoder_is_here() -> None:
    assert {*ACCEPTED, *REFUSED, "empty Solution (7 zero u64)"} == set(CASES)


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_the_network_accepts_is_accepted(case: str) -> None:
    assert CASES[case]["result"] == "ok layers=2 epochs=7"
    text, after_gzip, after_value = ACCEPTED[case]
    decoded = decode_blob(text)
    assert decoded.blob == decode_blob(TEXT).blob
    assert decoded.after_value == after_value
    if case.startswith("second"):
        assert decoded.after_gzip == len(gzip.compress(b"x" * 80))
    else:
        assert decoded.after_gzip == after_gzip


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_network_refuses_is_refused(case: str) -> None:
    assert "err" in CASES[case]["result"]
    text, expected = REFUSED[case]
    assert fault(text).fault is expected


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size["n_hidden"]))
def test_trained_networks_have_the_sizes_of_the_network(size: dict[str, int]) -> None:
    n_hidden = size["n_hidden"]
    shapes = [(1, 256), *[(256, 256)] * (n_hidden - 1), (256, 2)]
    norms = (bytes(1024),) * n_hidden
    weights = tuple((bytes(4 * inputs),) * out for inputs, out in shapes)
    blob = Blob(weights, tuple(bytes(4 * out) for _, out in shapes), 1, norms, norms, norms, norms)
    encoded = to_bincode(blob)
    assert len(encoded) == size["bincode_bytes"]
    assert from_bincode(encoded) == (blob, 0)


# -- writing -----------------------------------------------------------------------------------------------------


def test_the_gzip_header_is_the_networks() -> None:
    member = base64.b64decode(encode_blob(TOY_BLOB), validate=True)
    assert member[:10].hex() == SYNTHETIC["gzip_header_hex"]
    assert gzip.decompress(member).hex() == TOY["bincode_hex"]


words = st.integers(0, 5).flatmap(lambda count: st.binary(min_size=4 * count, max_size=4 * count))
rows = st.lists(words, max_size=4).map(tuple)
blobs = st.builds(
    Blob, st.lists(rows, max_size=4).map(tuple), rows, st.integers(0, 2**64 - 1), rows, rows, rows, rows
)  # fmt: skip


@given(blobs, st.binary(max_size=9), st.binary(max_size=9))
def test_any_solution_survives_and_what_follows_is_counted(blob: Blob, inside: bytes, after: bytes) -> None:
    member = gzip.compress(to_bincode(blob) + inside) + after
    assert decode_blob(base64.b64encode(member)) == DecodedBlob(blob, len(after), len(inside))
    assert decode_blob(encode_blob(blob)) == DecodedBlob(blob)


# -- malformed texts ---------------------------------------------------------------------------------------------

SMALL = base64.b64encode(gzip.compress(to_bincode(TOY_BLOB), mtime=0)).decode()


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        (SMALL[:5] + "-" + SMALL[6:], 5),  # the alphabet of URLs
        (SMALL[:5] + "\n" + SMALL[5:], 5),
        (SMALL[:9] + "=" + SMALL[10:], 10),  # padding inside
        ("AAAA=", 5),
        ("AAAAAA", 6),  # no padding
        ("AAA", 3),
        ("AB==", 4),  # bits that padding cuts off must be 0
        ("AAB=", 4),
        ("A===", 3),
        ("====", 2),
        ("\u0130AAA", 0),
        ("\ud800AAA", 0),
        ('"AAA', 0),
        ('"' + SMALL[:8] + '"A"', 8),
        ('"' + SMALL[:8] + '\\u0130"', 8),
    ],
)
def test_only_canonical_base64_is_read(text: str, offset: int) -> None:
    error = fault(text)
    assert (error.fault, error.offset) == (BlobFault.BASE64, offset)
    assert f"character {offset}" in str(error)


@given(st.text("AQZaz09+/=-B", max_size=12))
def test_a_text_is_base64_if_it_is_what_its_bytes_encode_to(text: str) -> None:
    with suppress(ValueError):
        if text == base64.b64encode(base64.b64decode(text)).decode():
            assert fault(text).fault in (BlobFault.TRUNCATED, BlobFault.GZIP)
            return
    assert fault(text).fault is BlobFault.BASE64


@pytest.mark.parametrize("text", ['"\\"', '"\\x"', '"\\u12"', '"\\n" "', '"\\', '"\\"\\'])
def test_broken_quotes_are_refused(text: str) -> None:
    assert fault(text).fault is BlobFault.BASE64


@pytest.mark.parametrize("data", [b"PK\x03\x04" + bytes(40), zlib.compress(b"x"), b"\x1f\x8b\x08\xe0" + bytes(40)])
def test_other_formats_are_no_gzip(data: bytes) -> None:
    assert fault(base64.b64encode(data)).fault is BlobFault.GZIP


def test_a_corrupt_stream_and_a_wrong_length_are_told_apart() -> None:
    assert fault(with_member(lambda data: data[:10] + b"\x07" + data[11:])).fault is BlobFault.GZIP
    assert fault(with_member(lambda data: data[:-1] + bytes([data[-1] ^ 1]))).fault is BlobFault.CHECKSUM


@pytest.mark.parametrize("text", ["", " ", '""', "H4sI"])
def test_a_text_that_ends_in_the_header_is_cut(text: str) -> None:
    assert fault(text).fault is BlobFault.TRUNCATED


def test_names_and_comments_in_the_header_are_passed_over() -> None:
    flags = 2 | 4 | 8 | 16  # checksum of the header, extra field, name, comment
    head = b"\x1f\x8b\x08" + bytes([flags]) + bytes(5) + b"\xff" + b"\x03\x00abc" + b"name\x00" + b"comment\x00"
    rest = base64.b64decode(SMALL)[10:]
    check = struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    assert decode_blob(base64.b64encode(head + check + rest)) == DecodedBlob(TOY_BLOB)
    wrong = struct.pack("<H", zlib.crc32(head) & 0xFFFF ^ 1)
    assert fault(base64.b64encode(head + wrong + rest)).fault is BlobFault.CHECKSUM


# -- malformed bincode -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "name"),
    [(0, "weights"), (8, "weights"), (16, "weights"), (28, "weights"), (64, "biases"), (88, "biases"),
     (108, "norm_weights"), (188, "running_variances")],
)  # fmt: skip
@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**60, 1000])
def test_a_length_beyond_the_bytes_left_is_refused_before_anything_is_made(offset: int, name: str, length: int) -> None:
    data = bytearray(to_bincode(TOY_BLOB))
    data[offset : offset + 8] = struct.pack("<Q", length)
    with pytest.raises(
        BlobError, match=rf"^{name}: byte {offset}: \d+ bytes are left, too few for .*{length}"
    ) as error:
        from_bincode(bytes(data))
    assert (error.value.fault, error.value.offset) == (BlobFault.TRUNCATED, offset)


@pytest.mark.parametrize("size", range(len(to_bincode(TOY_BLOB))))
def test_every_cut_of_the_bincode_is_refused(size: int) -> None:
    with pytest.raises(BlobError, match=r"byte \d+: ") as error:
        from_bincode(to_bincode(TOY_BLOB)[:size])
    assert error.value.fault is BlobFault.TRUNCATED
    assert error.value.offset is not None
    assert error.value.offset <= size


@given(st.binary(max_size=400))
@example(bytes(56))
def test_any_bytes_are_a_solution_or_a_fault(data: bytes) -> None:
    try:
        blob, left = from_bincode(data)
    except BlobError:
        return
    assert to_bincode(blob) == data[: len(data) - left]


@given(st.integers(0, len(SMALL) - 1), st.integers(0, 255))
def test_any_changed_character_of_a_text_is_a_fault_or_the_same_solution(index: int, byte: int) -> None:
    """The checksum covers what is decoded: only the header's free bytes may change."""
    changed = bytearray(SMALL.encode())
    changed[index] = byte
    try:
        decoded = decode_blob(bytes(changed))
    except BlobError:
        return
    assert decoded == DecodedBlob(TOY_BLOB)


@given(st.integers(0, len(SMALL) - 1))
def test_any_cut_of_a_text_is_a_fault(size: int) -> None:
    fault(SMALL[:size])


# -- limits ------------------------------------------------------------------------------------------------------


def test_a_bomb_is_refused_without_being_unpacked() -> None:
    """A gibibyte of zeros in a megabyte of text: one block of 16 MiB, 64 times."""
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    block = deflate.compress(bytes(2**24)) + deflate.flush(zlib.Z_FULL_FLUSH)
    text = base64.b64encode(bytes.fromhex(SYNTHETIC["gzip_header_hex"]) + 64 * block + b"\x03\x00" + bytes(8))
    tracemalloc.start()
    error = fault(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.fault is BlobFault.TOO_LARGE
    assert peak < 3 * MAX_DECODED


def test_a_text_beyond_the_limit_is_not_looked_at() -> None:
    assert fault("?" * (MAX_TEXT + 1)).fault is BlobFault.TOO_LARGE


def test_arrays_beyond_the_limit_are_refused() -> None:
    """All of them empty: the most that a small text can ask for."""
    count = MAX_ARRAYS - 1
    data = struct.pack("<QQ", 1, count) + bytes(8 * count) + bytes(48)
    started = time.process_time()
    blob, left = from_bincode(data)
    assert time.process_time() - started < 5.0
    assert (len(blob.weights[0]), left) == (count, 0)
    with pytest.raises(BlobError, match=r"^weights: byte 8: more than 1048576 arrays") as error:
        from_bincode(struct.pack("<QQ", 1, count + 1) + bytes(8 * (count + 1)) + bytes(48))
    assert (error.value.fault, error.value.offset) == (BlobFault.TOO_LARGE, 8)
    with pytest.raises(BlobError, match=r"^biases: byte \d+: more than"):  # all fields together
        from_bincode(struct.pack("<QQ", 1, count) + bytes(8 * count) + struct.pack("<Q", 1) + bytes(56))


def test_the_texts_of_the_faults_are_stable() -> None:
    assert list(BlobFault) == ["base64", "gzip", "checksum", "truncated", "too-large"]
