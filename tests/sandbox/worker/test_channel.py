"""Frames believe nothing, have bounds and deadlines, and any body that may cross does."""

from __future__ import annotations

import contextlib
import math
import os
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import WorkerFault
from sandbox.worker.channel import MAGIC, MAX_TEXT, MOST, Frame, Kind, listen, receive, say, send

HEADER = struct.Struct("<IBxxxQqddQQQ")
"""The channel's form of a header, written down a second time."""
PATIENCE = 10.0

u64 = st.integers(0, 2**64 - 1)
frames = st.builds(
    Frame,
    kind=st.sampled_from([kind for kind in Kind if MOST.get(kind)]),
    sequence=u64,
    epoch=st.integers(-(2**63), 2**63 - 1),
    train_loss=st.floats(allow_nan=False),
    validation_loss=st.floats(allow_nan=False),
    fuel_used=u64,
    worked=u64,
    body=st.binary(max_size=300),
)


def raw(magic: int = MAGIC, kind: int = Kind.PROGRAM, sequence: int = 1, length: int = 0, body: bytes = b"") -> bytes:
    return HEADER.pack(magic, kind, sequence, 0, 0.0, 0.0, 0, 0, length) + body


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The ends of a pipe, as the trainer has its own: neither blocks."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):  # the test has closed it
            os.close(end)


def crossed(data: bytes, pipe: tuple[int, int]) -> Frame | None:
    """What the trainer reads of some bytes after which nobody writes any more."""
    os.write(pipe[1], data)
    os.close(pipe[1])
    return receive(pipe[0], PATIENCE)


@contextlib.contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[None]:
    other = threading.Thread(target=work)
    other.start()
    yield
    other.join()


@given(frames)
def test_a_frame_survives(frame: Frame) -> None:
    requests, replies = os.pipe()
    try:
        say(replies, frame)
        assert os.read(requests, HEADER.size + 300) == frame.pack()
        say(replies, frame)
        assert listen(requests) == frame
        assert len(frame.pack()) == HEADER.size + len(frame.body)
    finally:
        os.close(requests)
        os.close(replies)


def test_losses_that_are_not_finite_survive(pipe: tuple[int, int]) -> None:
    frame = crossed(Frame(Kind.STEP, 1, train_loss=math.nan, validation_loss=-math.inf).pack(), pipe)
    assert frame is not None
    assert math.isnan(frame.train_loss)
    assert frame.validation_loss == -math.inf


def test_a_text_is_a_line_of_printable_ascii() -> None:
    assert Frame(Kind.FAULT, 1, body=b"\x1b[31m\x00\xff\n!").text == "?[31m???!"
    assert Frame(Kind.FAULT, 1, body=b"x" * MAX_TEXT).text == "x" * 400


@pytest.mark.parametrize("kind", Kind)
def test_no_body_is_longer_than_its_kind_allows(kind: Kind, pipe: tuple[int, int]) -> None:
    most = MOST.get(kind, 0)
    with pytest.raises(WorkerFault, match="not of the channel's form"):
        crossed(raw(kind=kind, length=most + 1, body=b"x"), pipe)
    if most < 2**20:
        assert Frame(kind, body=b"x" * most).pack()
        with pytest.raises(WorkerFault, match=f"a message of {most + 1} bytes is too long for the channel"):
            Frame(kind, body=b"x" * (most + 1)).pack()


@pytest.mark.parametrize(
    "data",
    [
        raw(magic=MAGIC + 1), raw(magic=0), raw(kind=0), raw(kind=11), raw(kind=15), raw(kind=27), raw(kind=255),
        raw(length=2**64 - 1), raw(length=2**63), bytes(HEADER.size), b"\xff" * HEADER.size,
    ],
)  # fmt: skip
def test_what_is_not_a_frame_is_a_fault(data: bytes, pipe: tuple[int, int]) -> None:
    with pytest.raises(WorkerFault, match="not of the channel's form"):
        crossed(data, pipe)


@given(st.binary(min_size=HEADER.size, max_size=HEADER.size + 99))
def test_any_bytes_are_a_frame_or_a_fault(data: bytes) -> None:
    for candidate in (data, struct.pack("<I", MAGIC) + data[4:], raw(kind=data[0] % 32, length=99, body=data)):
        ends = os.pipe()
        os.set_blocking(ends[0], False)
        try:
            with contextlib.suppress(WorkerFault):
                frame = crossed(candidate, ends)
                assert frame is not None
                assert len(frame.body) <= MOST.get(frame.kind, 0)
                assert frame.text.isprintable()
        finally:
            os.close(ends[0])


def test_frames_arrive_in_order_and_the_end_is_none(pipe: tuple[int, int]) -> None:
    for sequence in (1, 2):
        send(pipe[1], Frame(Kind.PROGRAM, sequence, body=b"x" * sequence), PATIENCE)
    os.close(pipe[1])
    assert receive(pipe[0], PATIENCE) == Frame(Kind.PROGRAM, 1, body=b"x")
    assert receive(pipe[0], PATIENCE) == Frame(Kind.PROGRAM, 2, body=b"xx")
    assert receive(pipe[0], PATIENCE) is None
    assert receive(pipe[0], PATIENCE) is None


WHOLE = raw(length=20, body=bytes(20))


@pytest.mark.parametrize("length", [1, 4, HEADER.size - 1, HEADER.size, HEADER.size + 19])
def test_an_end_inside_a_frame_is_a_fault(length: int, pipe: tuple[int, int]) -> None:
    with pytest.raises(WorkerFault, match="middle of a frame"):
        crossed(WHOLE[:length], pipe)


def test_what_follows_a_frame_is_the_next_one(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], WHOLE + b"more")
    assert receive(pipe[0], PATIENCE) == Frame(Kind.PROGRAM, 1, body=bytes(20))
    with pytest.raises(WorkerFault, match="did not answer in time"):
        receive(pipe[0], 0.02)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_pieces_are_put_together(size: int, pipe: tuple[int, int]) -> None:
    whole = raw(sequence=9, length=30, body=bytes(range(30)))

    def trickle() -> None:
        for start in range(0, len(whole), size):
            os.write(pipe[1], whole[start : start + size])
            time.sleep(0.001)

    with meanwhile(trickle):
        assert receive(pipe[0], PATIENCE) == Frame(Kind.PROGRAM, 9, body=bytes(range(30)))


@pytest.mark.parametrize("pause", [0.0, 0.03])
def test_the_deadline_is_for_the_whole_frame(pause: float, pipe: tuple[int, int]) -> None:
    """Also of who always has one more byte."""
    stop = threading.Event()

    def trickle() -> None:
        os.write(pipe[1], raw(length=MOST[Kind.PROGRAM]))
        while not stop.wait(pause):
            with contextlib.suppress(BlockingIOError):
                os.write(pipe[1], b"x")

    begun = time.monotonic()
    with meanwhile(trickle):
        with pytest.raises(WorkerFault, match="did not answer in time"):
            receive(pipe[0], 0.15)
        assert time.monotonic() - begun < 2.0
        stop.set()


def test_memory_is_taken_for_what_came_and_not_for_what_was_promised(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], raw(length=MOST[Kind.PROGRAM], body=b"x"))
    tracemalloc.start()
    try:
        with pytest.raises(WorkerFault, match="did not answer"):
            receive(pipe[0], 0.02)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", [Kind.PROGRAM, Kind.READ, Kind.ANSWER])
def test_long_bodies_cross_though_a_pipe_holds_little(kind: Kind, pipe: tuple[int, int]) -> None:
    """In both directions: what the trainer writes does not block, what the worker writes does."""
    frame = Frame(kind, 5, body=os.urandom(min(MOST[kind], 2**24)))
    if kind is Kind.ANSWER:
        os.set_blocking(pipe[0], True)
        with meanwhile(lambda: send(pipe[1], frame, PATIENCE)):
            assert listen(pipe[0]) == frame
    else:
        os.set_blocking(pipe[1], True)
        with meanwhile(lambda: say(pipe[1], frame)):
            assert receive(pipe[0], PATIENCE) == frame


def test_sending_to_nobody_is_a_fault(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(WorkerFault, match="ended unexpectedly"):
        send(pipe[1], Frame(Kind.STEP, 1), PATIENCE)


def test_sending_to_who_does_not_read_is_a_fault_in_time(pipe: tuple[int, int]) -> None:
    begun = time.monotonic()
    with pytest.raises(WorkerFault, match="does not read what it is asked"):
        send(pipe[1], Frame(Kind.ANSWER, 1, body=bytes(2**20)), 0.05)
    assert time.monotonic() - begun < 2.0


def test_a_worker_hears_requests_in_order_and_the_end(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[0], True)
    for sequence in (1, 2):
        send(pipe[1], Frame(Kind.STEP, sequence), PATIENCE)
    assert listen(pipe[0]) == Frame(Kind.STEP, 1)
    assert listen(pipe[0]) == Frame(Kind.STEP, 2)
    os.close(pipe[1])
    assert listen(pipe[0]) is None
