"""The examination of machines that are sound or not: each is a real one, spoilt in a real installation or process."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from arithmetic.engine_choice import ENGINE_VARIABLE
from protocol.examination import Check, Condition, Examination, Finding
from protocol.keys import SigningKey
from sandbox.errors import WorkerFault
from tests.support.called import called
from tests.support.other_installation import call, install
from verifier.challenge.lockstep.device import Device
from verifier.command_line.commands import doctor
from verifier.command_line.files import read_record
from verifier.machine.known_training import RESULTS
from verifier.runs import device_search, pool

pytestmark = pytest.mark.slow

SOUND = Condition.OK, Condition.WARNING
"""What a sound machine may say: a kernel without Landlock is none that fails."""
needs_numba = pytest.mark.skipif(find_spec("numba") is None, reason="numba is NOT installed: it is NOT examined")


class Found:
    """What `doctor --json` says, and how it ended."""

    def __init__(self, done: Any) -> None:
        self.code, self.err = done.returncode, done.stderr
        self.said = json.loads(done.stdout)

    @property
    def failed(self) -> list[str]:
        return [name for name, check in self.said["checks"].items() if check["condition"] == Condition.FAILED]

    def detail(self, check: Check) -> str:
        return str(self.said["checks"][check]["detail"])

    def condition(self, check: Check) -> str:
        return str(self.said["checks"][check]["condition"])


def examined(files: dict[str, str], folder: Path, before: tuple[str, ...] = (), **variables: str) -> Found:
    """What is found where these files are among the libraries."""
    python = install(folder / "installation", files) if files else sys.executable
    return Found(call(python, ["doctor", "--json"], before, **variables))


def denied(system_call: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "tests.support.denied_calls", system_call)


# -- a machine that is sound ------------------------------------------------------------------------------------------


def test_this_machine_is_fit_and_says_so_in_a_signed_record(tmp_path: Path) -> None:
    key = SigningKey.generate()
    key.save(tmp_path / "key.pem")
    output = tmp_path / "machine.examination"
    done = call(sys.executable, ["doctor", "--key", tmp_path / "key.pem", "-o", output, "--beacon", "4c35"])
    assert done.returncode == 0, done.stdout
    *lines, gpu, last = done.stdout.splitlines()
    assert gpu.startswith("none     gpu         torch 2.")
    assert gpu.endswith("; the processor trains")
    assert last == "this machine is fit to solve and verify"
    assert [line.split()[1] for line in lines] == list(Check)
    signed = read_record(output, Examination)
    assert signed.signer == key.verify_key.raw
    assert (signed.record.beacon, signed.record.specification, signed.record.failed) == ("4c35", 2, [])
    assert lines == [f"{finding.condition:8} {finding.check:11} {finding.detail}" for finding in signed.record.findings]
    measured = {finding.check: finding.measured for finding in signed.record.findings}
    assert measured[Check.TRAINING] == RESULTS
    assert measured[Check.JAIL]["seccomp"] == "allow-list"
    assert measured[Check.SOFTWARE]["python"] == sys.version.split()[0]
    assert measured[Check.NETWORK]["step_milliseconds"]
    assert measured[Check.MEMORY]["trainings"]


# -- machines that are not --------------------------------------------------------------------------------------------

FLUSHING = "import torch\ntorch.set_flush_denormal(True)\n"


def test_flushed_subnormals_are_found_where_networks_are_trained_and_where_modules_run(tmp_path: Path) -> None:
    found = examined({"at_start.py": FLUSHING}, tmp_path)
    assert (found.code, found.failed) == (3, ["arithmetic", "tensors", "network", "training"])
    for check in (Check.ARITHMETIC, Check.TENSORS):
        assert "Python's binary64 flushes subnormal numbers to zero" in found.detail(check)
    assert found.condition(Check.JAIL) in SOUND


def test_a_machine_is_fit_though_torch_does_not_load(tmp_path: Path) -> None:
    broken = "raise ImportError('libtorch_cpu.so: cannot open shared object file')\n"
    found = examined({"torch/__init__.py": broken}, tmp_path)
    assert (found.code, found.failed) == (0, [])
    assert found.said["gpu"]["devices"] == []
    assert "the GPU could not be tested: " in found.said["gpu"]["why"]
    assert "libtorch_cpu.so: cannot open shared object file" in found.said["gpu"]["why"]


def test_a_gpu_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(device_search, "found_devices", lambda: (Device("cuda", "NVIDIA H200", "0"),))
    done = called(capsys, "doctor", "--isolation", "none")
    assert "ok       gpu         NVIDIA H200: can train, with --device cuda" in done.out.splitlines()


def test_a_library_that_kills_its_process_costs_the_checks_that_need_it(tmp_path: Path) -> None:
    deadly = "import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n"
    found = examined({"numpy/__init__.py": deadly}, tmp_path)
    assert found.code == 3
    assert "was killed by signal 4" in found.detail(Check.ARITHMETIC)
    assert "was killed by signal 4" in found.detail(Check.TRAINING)
    for check in (Check.SOFTWARE, Check.PROCESSOR, Check.JAIL):
        assert found.condition(check) in SOUND


@needs_numba
def test_a_compiled_network_that_gives_other_bits(tmp_path: Path) -> None:
    other = "from verifier.challenge.network import network_choice\nnetwork_choice.agree = lambda a, b: False\n"
    found = examined({"at_start.py": other}, tmp_path)
    assert (found.code, found.failed) == (3, ["network", "training"])
    assert found.detail(Check.NETWORK) == (
        f"numba compiles a network that gives other bits here; set {ENGINE_VARIABLE}=binary64"
    )


SPOILT = """
import numpy as np
import sandbox.jail.seccomp as seccomp
import verifier.challenge.session as session
from verifier.machine import memory

def a_bit_off(instance_id):
    parameters = initial(instance_id)
    parameters[0] = np.nextafter(parameters[0], np.float32(1))
    return parameters

initial, session.initial_parameters = session.initial_parameters, a_bit_off
seccomp.program = lambda rules, machine: seccomp._instruction(seccomp._RETURN, seccomp._ALLOW)
memory.available = lambda: 2**20
"""


def test_another_result_a_jail_that_is_open_and_no_memory_are_three_findings(tmp_path: Path) -> None:
    found = examined({"at_start.py": SPOILT}, tmp_path)
    assert (found.code, found.failed) == (3, ["jail", "training", "memory"])
    assert found.detail(Check.JAIL) == (
        "does not hold: a jailed worker may have a file, a connection, a process, a signal to another process; "
        "run no module of strangers here"
    )
    assert found.detail(Check.TRAINING).startswith("a known training ends with another transcript root")
    assert ": 0 fit; free some" in found.detail(Check.MEMORY)


def test_there_is_no_jail_without_filters_of_system_calls(tmp_path: Path) -> None:
    found = examined({}, tmp_path, denied("prctl=22"), XDG_CACHE_HOME="/dev/null/nowhere")
    assert (found.code, found.failed) == (3, ["jail", "network", "training"])
    assert "the jail for untrusted code cannot be built here: PermissionError: [Errno 1] prctl 22" in found.detail(
        Check.JAIL
    )
    assert found.detail(Check.CACHE).startswith("nothing compiled can be kept: /dev/null/nowhere: Not a directory; set")


def test_without_descriptors_there_is_no_worker(tmp_path: Path) -> None:
    found = examined({}, tmp_path, ("sh", "-c", 'ulimit -n 9; exec "$@"', "sh"))
    assert (found.code, found.failed) == (3, ["jail", "network", "training"])
    for check in (Check.JAIL, Check.NETWORK, Check.TRAINING):
        assert "Too many open files" in found.detail(check)  # in the zygote, or before it, as Python has files open


# -- machines that could be better ------------------------------------------------------------------------------------


@needs_numba
def test_without_numba_and_namespaces_it_is_slower_and_less_protected_and_right(tmp_path: Path) -> None:
    broken = "raise ImportError('Numba needs NumPy 2.2 or less')\n"
    found = examined({"numba/__init__.py": broken}, tmp_path, denied("unshare"), XDG_CACHE_HOME=str(tmp_path))
    assert (found.code, found.failed, found.said["healthy"]) == (0, [], True)
    assert found.detail(Check.NETWORK).endswith(
        "; the slow network trains: numba does not compile here: ImportError: Numba needs NumPy 2.2 or less"
    )
    assert found.condition(Check.NETWORK) == found.condition(Check.JAIL) == Condition.WARNING
    assert "namespaces of its own (allow user namespaces, or run as root)" in found.detail(Check.JAIL)


def test_limits_and_a_forced_engine_are_warnings(tmp_path: Path) -> None:
    limited = ("sh", "-c", 'ulimit -v 4500000; exec "$@"', "sh", *denied("landlock_create_ruleset"))
    found = examined({}, tmp_path, limited, TIG_VERIFY_ENGINE="binary64")
    assert (found.code, found.failed) == (0, [])
    assert found.detail(Check.NETWORK).endswith(f"the slow network trains: {ENGINE_VARIABLE} says so; unset it")
    assert "a process may map 4.3 GiB alone" in found.detail(Check.MEMORY)
    assert "; without Landlock (" in found.detail(Check.JAIL)


@needs_numba
def test_it_says_so_where_nothing_is_compiled_yet(tmp_path: Path) -> None:
    """In a process that fails at its arithmetic, which saves the time of compiling."""
    found = examined({}, tmp_path, XDG_CACHE_HOME=str(tmp_path), TIG_VERIFY_ENGINE="no engine")
    assert (found.code, found.failed) == (3, ["arithmetic", "tensors", "network", "training"])
    assert found.err == "the network is compiled first, which takes some 20 seconds\n"
    assert f"{ENGINE_VARIABLE}='no engine' is not one of" in found.detail(Check.ARITHMETIC)


# -- calls ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--key", "key.pem"], "--key and -o go together"),
        (["-o", "new"], "--key and -o go together"),
        (["--beacon", "4c35"], "--beacon is signed; add --key and -o"),
        (["--key", "key.pem", "-o", "new", "--beacon", "a b"], "--beacon: expected 1 to 256 printable ASCII"),
        (["--key", "key.pem", "-o", "key.pem"], "key.pem: exists; choose another name with -o"),
        (["--key", "none.pem", "-o", "new"], "none.pem: "),
        (["--key", "key.pem", "-o", "key.pem/new"], "key.pem is not a folder; choose another with -o"),
    ],
)
def test_a_mistake_is_told_before_anything_is_examined(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    SigningKey.generate().save(tmp_path / "key.pem")
    monkeypatch.delattr(doctor, "_findings")
    ended = called(capsys, "doctor", *options)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert not (tmp_path / "new").exists()


def test_where_no_process_starts_every_check_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pool, "command", lambda module, path: ("false",))
    ended = called(capsys, "doctor")
    assert ended.code == 3
    *lines, gpu, last = ended.out.splitlines()
    assert gpu.startswith("none     gpu         the GPU could not be tested: 3 processes in a row did not start")
    assert len(lines) == len(Check)
    assert all(line.startswith("FAILED ") and "3 processes in a row did not start" in line for line in lines)
    assert last == f"this machine is not fit to solve and verify: {', '.join(Check)} failed"


def test_a_check_that_comes_late_is_recorded_in_its_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def late(self: object, items: Sequence[Check]) -> Iterator[tuple[Check, Finding]]:
        yield from ((check, Finding(check, Condition.OK, "", {})) for check in (*items[1:], items[0]))

    monkeypatch.setattr(pool.ProcessPool, "run", late)
    monkeypatch.setattr(device_search, "found_devices", lambda: ())
    ended = called(capsys, "doctor", "--json")
    assert (ended.code, list(json.loads(ended.out)["checks"])) == (0, list(Check))


def test_a_process_that_starts_no_more_costs_the_checks_that_are_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ending(self: object, items: object) -> Iterator[object]:
        yield from islice(run(self, items), 2)
        raise WorkerFault("gone")

    run: Any = pool.ProcessPool.run
    monkeypatch.setattr(pool.ProcessPool, "run", ending)
    monkeypatch.setattr(device_search, "found_devices", lambda: (Device("cuda", "gone", ""),))
    ended = called(capsys, "doctor", "--isolation", "none")
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["ok", "ok", "FAILED"]
    assert all(line.endswith(" gone") for line in lines[2:-2])
    assert ended.code == 3
