"""Attacks on the process around a command: descriptors, limits, names, and other calls that write at the same time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import pytest

import verifier.command_line.group as all_commands
from protocol.envelope import Envelope
from protocol.verdict import Level
from sandbox.errors import WorkerFault
from sandbox.jail import confinement
from sandbox.worker.client import WorkerProcess
from sandbox.worker.zygote_client import Zygote
from tests.support import pool_work
from tests.support.called import called
from verifier.challenge.errors import InputError
from verifier.command_line import main as entry
from verifier.command_line.files import require_short, require_writable, write_file
from verifier.command_line.folder_lock import writing_alone
from verifier.command_line.terminal import say
from verifier.command_line.verifying import claim_cases
from verifier.command_line.verifying.claim_cases import CaseReader, Mistake, Papers
from verifier.runs.pool import ProcessPool

ALL = (0, 1, 2)
CLOSED = [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), ALL]


@contextlib.contextmanager
def closed(descriptors: Sequence[int]) -> Iterator[None]:
    kept = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10) for descriptor in descriptors]
    for descriptor in descriptors:
        os.close(descriptor)
    try:
        yield
    finally:
        for copy, descriptor in zip(kept, descriptors, strict=True):
            os.dup2(copy, descriptor)
            os.close(copy)


# -- descriptors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", CLOSED)
def test_no_file_takes_the_place_of_a_closed_standard_descriptor(
    missing: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    with closed(missing):
        entry._occupy_standard_descriptors()
        places = [os.readlink(f"/proc/self/fd/{descriptor}") for descriptor in missing]
        inherited = [os.get_inheritable(descriptor) for descriptor in missing]
    assert (places, inherited) == ([os.devnull] * len(missing), [True] * len(missing))


@pytest.mark.slow
@pytest.mark.parametrize("missing", [(0,), ALL])
def test_a_zygote_keeps_its_socket_apart_without_occupied_descriptors(missing: tuple[int, ...]) -> None:
    said = "import os, socket, sys; n = int(sys.argv[1]); s = socket.socket(fileno=n); "
    said += "s.send(b'Z' + repr([n > 2, os.readlink('/proc/self/fd/0')]).encode())"
    with closed(missing):
        zygote = Zygote((sys.executable, "-I", "-S", "-c", said))
        message, _ = zygote._await(b"Z", 30.0)
        zygote.close()
    assert message == b"Z[True, '/dev/null']"


# -- output that nobody takes --------------------------------------------------------------------------------------


@contextlib.contextmanager
def no_reader(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    monkeypatch.setattr(sys, name, stream)
    yield
    with contextlib.suppress(OSError):
        stream.close()


@contextlib.contextmanager
def full_disk(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    stream = open("/dev/full", "w", encoding="utf-8")  # noqa: SIM115
    monkeypatch.setattr(sys, name, stream)
    yield
    with contextlib.suppress(OSError):
        stream.close()


def code_of(*arguments: str) -> object:
    with pytest.raises(SystemExit) as end:
        entry.main(list(arguments))
    return end.value.code


@pytest.mark.parametrize("loss", [no_reader, full_disk])
@pytest.mark.parametrize("command", [("--help",), ("--version",), ("verify", "--help")])
def test_output_that_nobody_takes_is_never_a_rejection(
    loss: Any, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with loss("stdout", monkeypatch):
        assert code_of(*command) == 3
        sys.stdout.flush()  # the interpreter's last act, which has a code of its own


@pytest.mark.parametrize("loss", [no_reader, full_disk])
@pytest.mark.parametrize("command", [("verify", "nothing.claim"), ("verify", "--nothing"), ("nothing",)])
def test_a_message_that_nobody_takes_is_never_a_rejection(
    loss: Any, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with loss("stderr", monkeypatch):
        assert code_of(*command) in (2, 3)
        sys.stderr.flush()


def test_a_full_disk_under_the_output_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def print_a_line(*_: object, **__: object) -> None:
        say("x.claim: accepted")

    monkeypatch.setattr(all_commands.commands, "main", print_a_line)
    with full_disk("stdout", monkeypatch):
        assert code_of("--version") == 3
    assert capsys.readouterr().err == "tig-verify: standard output: No space left on device\n"


@pytest.mark.parametrize("error", [BrokenPipeError(errno.EPIPE, ""), OSError(errno.ENOSPC, "full"), ValueError("bug")])
def test_a_command_that_fails_without_clicks_handling_is_never_a_rejection(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    monkeypatch.setattr(all_commands.commands, "main", fail)
    assert called(capsys, "--version").code == 3


# -- the process that a caller prepares ----------------------------------------------------------------------------


def test_ended_processes_are_seen_though_the_caller_ignores_them(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert called(capsys, "--version").code == 0
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_too_little_address_space_is_said_before_a_library_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (2**29, 2**29))
    ended = called(capsys, "--version")
    text = "tig-verify: undetermined: the address space is limited to 536870912 bytes; allow 4294967296 (ulimit -v)\n"
    assert (ended.code, ended.out, ended.err) == (3, "", text)


def test_a_folder_that_is_gone_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    ended = called(capsys, "--version")
    assert (ended.code, ended.err) == (2, "tig-verify: the working folder is gone; change to one that exists\n")


@pytest.mark.parametrize(
    "command", [("inspect", "x"), ("keygen", "k.pem"), ("verify", "x.claim", "--isolation", "none")]
)
def test_a_folder_that_is_gone_without_the_first_look_is_a_mistake(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(entry, "_refusal", lambda: None)
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    ended = called(capsys, *command)
    lines = 2 if command[0] == "verify" else 1  # which has a summary
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", lines)
    assert ended.err.startswith(f"tig-verify: {command[1]}: ")


@pytest.mark.slow
def test_a_worker_ends_without_a_word_from_the_kernel_about_its_end() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        started = time.monotonic()
        Zygote((sys.executable, "-I", "-S", "-c", "pass")).close()
        with ProcessPool(pool_work.failing, 1) as pool, pytest.raises(WorkerFault, match="did not start"):
            list(pool.run(["a"]))
        assert time.monotonic() - started < 20.0
    finally:
        signal.signal(signal.SIGCHLD, before)


@pytest.mark.parametrize("hard", [0, 5, resource.RLIM_INFINITY])
def test_the_jail_leaves_a_lower_limit_as_it_is(hard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (hard, hard))
    monkeypatch.setattr(resource, "setrlimit", taken.__setitem__)
    confinement._limit(resource.RLIMIT_CPU, 7)
    most = 7 if hard == resource.RLIM_INFINITY else hard
    assert taken == {resource.RLIMIT_CPU: (most, most)}


@pytest.mark.parametrize("more", [0, 1, 2, 3])
def test_limits_that_leave_no_channel_are_a_fault_without_room_for_one(more: int) -> None:
    """A channel is two pipes, of two descriptors each: whatever could be had of them is given back."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = os.listdir("/proc/self/fd")
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free() + more, hard))
    try:
        with pytest.raises(WorkerFault, match=r"no channel to a worker .*ulimit -n"):
            WorkerProcess(None)  # type: ignore[arg-type]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert os.listdir("/proc/self/fd") == before


def test_a_channel_of_which_half_could_be_had_keeps_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter([os.pipe])

    def pipe() -> tuple[int, int]:
        for make in made:
            return make()
        raise OSError(errno.EMFILE, "Too many open files")

    before = os.listdir("/proc/self/fd")
    monkeypatch.setattr(os, "pipe", pipe)
    with pytest.raises(WorkerFault, match=r"no channel to a worker can be made: Too many open files; allow more"):
        WorkerProcess(None)  # type: ignore[arg-type]
    assert os.listdir("/proc/self/fd") == before


def lowest_free() -> int:
    """The descriptor that would be the next."""
    end = os.dup(0)
    os.close(end)
    return end


# -- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x" * 256, "\N{LATIN SMALL LETTER A WITH DIAERESIS}" * 128, "\udcff" * 256])
def test_a_name_that_is_too_long_is_refused_before_anything_is_trained(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the name is longer than 255 bytes"):
        require_short(tmp_path / name)


@pytest.mark.parametrize("name", ["x" * 255, "\udcff\udcfe", "a\nb", "'\"`$(x)", "-o", "\x1b[31m"])
def test_a_name_is_a_name_to_who_writes_it_without_a_check(name: str, tmp_path: Path) -> None:
    write_file(tmp_path / name, b"data")
    assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == [os.fsencode(name)]
    assert (tmp_path / name).read_bytes() == b"data"


def test_a_name_that_is_too_long_without_the_check_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_file(tmp_path / ("x" * 256), b"data")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["nowhere", "cycle"])
def test_a_folder_that_is_a_link_to_nowhere_is_refused_before_anything_is_trained(kind: str, tmp_path: Path) -> None:
    (tmp_path / "cycle").symlink_to("cycle" if kind == "cycle" else "nowhere")
    with pytest.raises(InputError, match=r"cycle is not a folder; choose another with -o"):
        require_writable(tmp_path / "cycle" / "claims")


def test_a_folder_that_is_a_link_to_nowhere_without_the_check_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(InputError, match="cannot be written"), writing_alone(tmp_path / "link"):
        raise AssertionError
    with pytest.raises(InputError, match="cannot be written"):
        write_file(tmp_path / "link" / "a", b"data")
    assert os.listdir(tmp_path) == ["link"]


# -- two calls, one folder -----------------------------------------------------------------------------------------


def test_two_calls_write_to_a_folder_one_after_the_other(tmp_path: Path) -> None:
    written: list[int] = []

    def write(number: int) -> None:
        for _ in range(20):
            with writing_alone(tmp_path / "new"):
                written.extend([number] * 3)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written) == 180
    assert all(len(set(written[i : i + 3])) == 1 for i in range(0, 180, 3))
    assert list((tmp_path / "new").iterdir()) == []


def test_a_folder_that_is_held_is_named_after_a_while(tmp_path: Path) -> None:
    problem = "another call is writing to it"
    with writing_alone(tmp_path), pytest.raises(InputError, match=problem), writing_alone(tmp_path, 0.05):
        raise AssertionError


def test_a_folder_is_written_without_locks_where_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with writing_alone(tmp_path), writing_alone(tmp_path):
        write_file(tmp_path / "a", b"whole")
    assert (tmp_path / "a").read_bytes() == b"whole"


def test_a_lock_ends_with_its_call(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writing_alone(tmp_path):
        raise ZeroDivisionError
    with writing_alone(tmp_path, 0.0):
        pass


def test_a_socket_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(tmp_path / "s"))
        with pytest.raises(InputError, match="cannot be written"), writing_alone(tmp_path / "s"):
            raise AssertionError


@pytest.mark.parametrize("replaced", [True, False])
def test_a_claim_is_not_judged_with_files_of_another_without_the_lock(
    replaced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = count()

    def read(path: Path) -> bytes:
        version = next(reads) if replaced or path.suffix != ".claim" else 0
        return Envelope("x.v1", bytes([version]), bytes(32), bytes(64)).to_bytes()

    monkeypatch.setattr(claim_cases, "read_file", read)
    papers = CaseReader().read(tmp_path / "a.claim", Level.EVALUATE).papers
    if replaced:
        assert isinstance(papers, Mistake)
        assert "a.claim: was replaced while it was read" in papers.text
    else:
        assert isinstance(papers, Papers)
        assert Envelope.from_bytes(papers.claim).payload == b"\0"
