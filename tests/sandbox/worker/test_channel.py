"""Frames believe nothing; sealed memory has one writer and one size."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import math
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import WorkerFault
from sandbox.optimiser import Vector
from sandbox.worker.channel import MAGIC, MAX_MESSAGE, MAX_TEXT, Frame, Kind, Region, listen, receive, send

SIZE = 1024
FRAME = struct.Struct("<IBxxxQqddQQQ32s200s")
"""The channel's form of a frame, written down a second time."""

u64 = st.integers(0, 2**64 - 1)
frames = st.builds(
    Frame,
    kind=st.sampled_from(Kind),
    sequence=u64,
    epoch=st.integers(-(2**63), 2**63 - 1),
    train_loss=st.floats(allow_nan=False),
    validation_loss=st.floats(allow_nan=False),
    fuel_used=u64,
    length=st.integers(0, MAX_MESSAGE),
    position=u64,
    digest=st.binary(min_size=32, max_size=32),
    text=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=MAX_TEXT),
)


def raw(
    magic: int = MAGIC, kind: int = Kind.DONE, sequence: int = 1, fuel: int = 0, length: int = 0, text: bytes = b""
) -> bytes:
    return FRAME.pack(magic, kind, sequence, 0, 0.0, 0.0, fuel, length, 0, bytes(32), text)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):  # the test has closed it
            os.close(end)


@given(frames)
def test_a_frame_survives(frame: Frame) -> None:
    packed = frame.pack()
    assert len(packed) == FRAME.size == len(Frame(Kind.DONE, 0).pack())
    assert len(packed) < 512  # the smallest atomic unit of a pipe that POSIX allows
    assert Frame.unpack(packed) == frame


def test_losses_that_are_not_finite_survive() -> None:
    frame = Frame.unpack(Frame(Kind.STEP, 1, train_loss=math.nan, validation_loss=-math.inf).pack())
    assert math.isnan(frame.train_loss)
    assert frame.validation_loss == -math.inf


def test_texts_are_cut_and_escaped() -> None:
    assert Frame.unpack(Frame(Kind.FAULT, 1, text="x" * 300).pack()).text == "x" * MAX_TEXT
    assert Frame.unpack(Frame(Kind.FAULT, 1, text="é\n").pack()).text == "\\xe9?"
    assert Frame.unpack(raw(text=b"\x1b[31m\x00\xff!\0\0")).text == "?[31m??!"


@pytest.mark.parametrize(
    "data",
    [
        raw(magic=MAGIC + 1), raw(magic=0), raw(kind=0), raw(kind=11), raw(kind=15), raw(kind=25), raw(kind=255),
        raw(length=MAX_MESSAGE + 1), raw(length=2**64 - 1), bytes(FRAME.size), b"\xff" * FRAME.size,
    ],
)  # fmt: skip
def test_what_is_not_a_frame_is_a_fault(data: bytes, pipe: tuple[int, int]) -> None:
    with pytest.raises(WorkerFault, match="not of the channel's form"):
        Frame.unpack(data)
    os.write(pipe[1], data)
    with pytest.raises(WorkerFault, match="not of the channel's form"):
        receive(pipe[0], 1.0)


@given(st.binary(min_size=FRAME.size, max_size=FRAME.size))
def test_any_bytes_are_a_frame_or_a_fault(data: bytes) -> None:
    for candidate in (data, struct.pack("<I", MAGIC) + data[4:]):
        with contextlib.suppress(WorkerFault):
            frame = Frame.unpack(candidate)
            assert frame.length <= MAX_MESSAGE
            assert frame.text.isprintable()


def test_frames_arrive_in_order_and_the_end_is_none(pipe: tuple[int, int]) -> None:
    for sequence in (1, 2):
        send(pipe[1], Frame(Kind.DONE, sequence))
    os.close(pipe[1])
    assert receive(pipe[0], 1.0) == Frame(Kind.DONE, 1)
    assert receive(pipe[0], 1.0) == Frame(Kind.DONE, 2)
    assert receive(pipe[0], 1.0) is None
    assert receive(pipe[0], 1.0) is None


@pytest.mark.parametrize("length", [1, 4, FRAME.size - 1])
def test_an_end_inside_a_frame_is_a_fault(length: int, pipe: tuple[int, int]) -> None:
    os.write(pipe[1], raw()[:length])
    os.close(pipe[1])
    with pytest.raises(WorkerFault, match="middle of a frame"):
        receive(pipe[0], 1.0)


def test_a_longer_message_is_two_frames(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], raw() + b"more")
    assert receive(pipe[0], 1.0) == Frame(Kind.DONE, 1)
    with pytest.raises(WorkerFault, match=r"within 0\.02 seconds"):
        receive(pipe[0], 0.02)


def test_pieces_are_put_together(pipe: tuple[int, int]) -> None:
    def trickle() -> None:
        for byte in range(0, FRAME.size, 60):
            os.write(pipe[1], raw(sequence=9)[byte : byte + 60])
            time.sleep(0.002)

    writer = threading.Thread(target=trickle)
    writer.start()
    assert receive(pipe[0], 10.0) == Frame(Kind.DONE, 9)
    writer.join()


def test_the_deadline_is_for_the_whole_frame(pipe: tuple[int, int]) -> None:
    stop = threading.Event()

    def trickle() -> None:
        for byte in raw():
            if stop.wait(0.03):
                return
            os.write(pipe[1], bytes([byte]))

    writer = threading.Thread(target=trickle)
    writer.start()
    begun = time.monotonic()
    with pytest.raises(WorkerFault, match=r"did not answer within 0\.15 seconds"):
        receive(pipe[0], 0.15)
    assert time.monotonic() - begun < 2.0
    stop.set()
    writer.join()


def test_sending_to_nobody_is_a_fault(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(WorkerFault, match="ended unexpectedly"):
        send(pipe[1], Frame(Kind.STEP, 1))


@pytest.fixture
def inputs() -> Iterator[Region]:
    """The trainer writes it."""
    region = Region.create("tig-test-inputs", SIZE, 2, writer=True)
    yield region
    region.close()


@pytest.fixture
def outputs() -> Iterator[Region]:
    """The worker writes it."""
    region = Region.create("tig-test-outputs", SIZE, 1, writer=False)
    yield region
    region.close()


def test_vectors_and_messages_cross(inputs: Region, outputs: Region) -> None:
    theirs = Region.attach(inputs.descriptor, SIZE, 2, writer=False)
    for index in (0, 1):
        inputs.vector(index)[:] = np.arange(SIZE) + index
        assert (theirs.vector(index) == np.arange(SIZE) + index).all()
        assert not theirs.vector(index).flags.writeable
    assert theirs.read_message(inputs.write_message(b"hello")) == b"hello"
    writer = Region.attach(outputs.descriptor, SIZE, 1, writer=True)
    writer.vector(0).fill(2.5)
    writer.write_message(b"x" * MAX_MESSAGE)
    assert outputs.vector(0).tolist() == [2.5] * SIZE
    assert outputs.read_message(MAX_MESSAGE) == b"x" * MAX_MESSAGE


def test_a_message_that_does_not_fit_is_a_fault_and_writes_nothing(inputs: Region) -> None:
    with pytest.raises(WorkerFault, match="does not fit"):
        inputs.write_message(b"x" * (MAX_MESSAGE + 1))
    assert inputs.vector(0).tolist() == [0.0] * SIZE
    assert inputs.read_message(4) == bytes(4)


def test_a_copy_of_a_message_does_not_change_later(outputs: Region) -> None:
    writer = Region.attach(outputs.descriptor, SIZE, 1, writer=True)
    writer.write_message(b"first")
    message = outputs.read_message(5)
    writer.write_message(b"other")
    assert message == b"first"


@pytest.mark.parametrize("flags", [os.O_RDWR, os.O_RDONLY])
def test_the_worker_cannot_map_the_inputs_for_writing(inputs: Region, flags: int) -> None:
    with pytest.raises(PermissionError):
        Region.attach(inputs.descriptor, SIZE, 2, writer=True)
    reopened = os.open(f"/proc/self/fd/{inputs.descriptor}", flags)
    try:
        with pytest.raises(PermissionError):
            mmap.mmap(reopened, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        if flags == os.O_RDWR:
            with pytest.raises(PermissionError):
                os.pwrite(reopened, b"x", 0)
    finally:
        os.close(reopened)


def test_the_worker_cannot_make_its_mapping_of_the_inputs_writable(inputs: Region) -> None:
    theirs = Region.attach(inputs.descriptor, SIZE, 2, writer=False).vector(0)
    libc = ctypes.CDLL(None, use_errno=True)
    protection = mmap.PROT_READ | mmap.PROT_WRITE
    assert libc.mprotect(page_of(theirs), ctypes.c_size_t(mmap.PAGESIZE), protection) == -1
    assert ctypes.get_errno() == errno.EACCES
    assert libc.mprotect(page_of(inputs.vector(0)), ctypes.c_size_t(mmap.PAGESIZE), protection) == 0


def page_of(vector: Vector) -> ctypes.c_void_p:
    """The first page that is the vector's."""
    return ctypes.c_void_p(vector.ctypes.data // mmap.PAGESIZE * mmap.PAGESIZE)


def test_vectors_begin_on_cache_lines(inputs: Region, outputs: Region) -> None:
    assert [v.ctypes.data % 64 for v in (inputs.vector(0), inputs.vector(1), outputs.vector(0))] == [0, 0, 0]


def test_a_worker_hears_requests_in_order_and_the_end(pipe: tuple[int, int]) -> None:
    for sequence in (1, 2):
        send(pipe[1], Frame(Kind.STEP, sequence))
    assert listen(pipe[0]) == Frame(Kind.STEP, 1)
    assert listen(pipe[0]) == Frame(Kind.STEP, 2)
    os.close(pipe[1])
    assert listen(pipe[0]) is None


CHANGES: dict[str, Callable[[int], object]] = {
    "shrink": lambda descriptor: os.ftruncate(descriptor, 0),
    "grow": lambda descriptor: os.ftruncate(descriptor, 2**30),
    "write beyond": lambda descriptor: os.pwrite(descriptor, b"x", 2**30),
    "seal": lambda descriptor: fcntl.fcntl(descriptor, 1033, 0x8),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("region", ["inputs", "outputs"])
def test_the_regions_keep_their_size_and_seals(change: str, region: str, request: pytest.FixtureRequest) -> None:
    descriptor = request.getfixturevalue(region).descriptor
    length = os.fstat(descriptor).st_size
    with pytest.raises(PermissionError):
        CHANGES[change](descriptor)
    assert os.fstat(descriptor).st_size == length


def test_the_outputs_are_read_only_for_the_trainer(outputs: Region) -> None:
    with pytest.raises(TypeError):
        outputs.write_message(b"x")


def test_regions_are_not_inherited_unless_passed(inputs: Region, outputs: Region) -> None:
    assert not os.get_inheritable(inputs.descriptor)
    assert not os.get_inheritable(outputs.descriptor)
