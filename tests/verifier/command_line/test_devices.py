"""`solve` and `verify` on a device that trains many nonces at once. Here it is torch's CPU: the same code."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from arithmetic.errors import MachineError
from protocol.claim import Claim
from protocol.envelope import Signed, seal
from protocol.keys import SigningKey
from tests.support import small_device
from tests.support.called import Ended, called
from tests.support.processes import descendants, eventually, is_alive
from tests.support.small_contest import module
from verifier.command_line.commands import solve as solve_command
from verifier.command_line.files import read_record
from verifier.runs import device_search
from verifier.runs.results_table import is_being_written

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]
SMALL = ("--edition", "small", "--track", "n_hidden=1", "--isolation", "none", "--jobs", "2", "--key", "key.pem")
PROGRAM = "from tests.support.small_device import program; program()"
LOG = Path("out/momentum-n_hidden=1.run")
MOMENTUM = module(
    updates="-0.05 * (0.9 * state + gradient), 0.9 * state + gradient", state="torch.zeros_like(parameters)"
)
READING = module("-(0.05 if math.isnan(validation_loss) else 0.05 * validation_loss) * gradient, state")
"""Reads the losses, which differ between nonces: only the first one of a cohort stays on a device."""
FAILING = module("-state * gradient if epoch < 2 else 1 / 0, state")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a key and some modules, on a machine with a device."""
    monkeypatch.chdir(tmp_path)
    small_device.provide(monkeypatch)
    SigningKey.generate().save(Path("key.pem"))
    for name, source in (("momentum", MOMENTUM), ("reading", READING), ("failing", FAILING)):
        Path(f"{name}.py").write_bytes(source)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return lambda *arguments: called(capsys, *arguments)


def solve(call: Call, *arguments: object, name: str = "momentum", folder: str = "out") -> Ended:
    return call("solve", f"{name}.py", *SMALL, "-o", folder, *arguments)


def files(folder: str) -> dict[str, bytes]:
    """Every file but logs."""
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.suffix != ".run"}


# -- solve -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "isolation"), [("momentum", "process"), ("reading", "none")])
def test_the_claims_of_twenty_nonces_are_those_of_a_cpu(call: Call, name: str, isolation: str) -> None:
    """What a claim says of the jail in which its module ran, too."""
    place = ("--nonces", "0..19", "--isolation", isolation)
    many = solve(call, *place, "--device", "cuda", name=name)
    assert many.code == 0, many.err
    assert many.err.startswith("tig-verify: on torch's CPU\n")
    assert "warning" not in many.err  # the device was not lost
    assert many.err.splitlines()[-1].startswith("out: 20 of 20 nonces done, ")
    one_by_one = solve(call, *place, folder="cpu", name=name)
    assert one_by_one.code == 0
    assert files("out") == files("cpu")
    assert len(files("out")) == 3 * 20 + 1


def test_the_device_trains_all_nonces_of_a_module_that_does_not_look_at_them(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solve_command, "NonceSolver", small_device.Scorer)
    assert solve(call, "--nonces", "0..5", "--device", "cuda").code == 0
    some = solve(call, "--nonces", "0..5", "--device", "cuda", name="reading")  # in one cohort, whose first one it is
    assert (some.code, len(some.out.splitlines())) == (3, 1)


def test_the_same_call_goes_on_with_or_without_a_device(call: Call) -> None:
    assert solve(call, "--nonces", "0..3").code == 0
    done = solve(call, "--nonces", "0..7", "--device", "cuda", "--limit", 2)
    assert (done.code, len(done.out.splitlines())) == (4, 2)
    assert done.err.splitlines()[-1] == "tig-verify: 2 nonces are left; the same call goes on"
    again = solve(call, "--nonces", "0..7", "--device", "auto")
    assert (again.code, len(again.out.splitlines())) == (0, 2)
    assert solve(call, "--nonces", "0..7", folder="cpu").code == 0
    assert files("out") == files("cpu")
    nothing = solve(call, "--nonces", "0..7", "--device", "cuda")
    assert (nothing.code, nothing.out) == (0, "")
    assert "on torch's CPU" not in nothing.err  # nobody has looked


def test_a_module_that_fails_is_told_as_ever(call: Call) -> None:
    by_device = solve(call, "--nonces", "0..2", "--device", "cuda", name="failing")
    by_cpu = solve(call, "--nonces", "0..2", name="failing", folder="cpu")
    assert by_device.code == by_cpu.code == 2
    assert by_device.err.splitlines()[-1] == by_cpu.err.splitlines()[-1]
    assert "division by zero" in by_device.err


def test_programs_are_told_each_event(call: Call) -> None:
    done = solve(call, "--nonces", "0..1", "--device", "cuda", "--json")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [event["event"] for event in events] == ["claim", "claim", "end"]
    assert all(event["seconds"] > 0.0 for event in events[:2])


def test_a_deadline_leaves_the_rest(call: Call) -> None:
    done = solve(call, "--nonces", "0..99999", "--device", "cuda", "--deadline", "6s")
    assert done.code == 4
    assert "nonces are left" in done.err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_call_that_is_ended_leaves_nothing_half_written_and_goes_on(call: Call, how: int) -> None:
    arguments = ("solve", "momentum.py", *SMALL, "-o", "out", "--device", "cuda", "--nonces", "0..9999")
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": ""},
    )
    with process:
        eventually(lambda: len(list(Path("out").glob("*.claim"))) >= 3, 100.0)
        below = descendants(process.pid)
        process.send_signal(how)
        process.communicate(timeout=60.0)
    assert process.returncode == (130 if how == signal.SIGINT else -how)
    eventually(lambda: not any(map(is_alive, below)))
    assert not is_being_written(LOG)
    for path in Path("out").glob("*.claim"):
        read_record(path, Claim)
        assert path.with_suffix(".solution").exists()
        assert path.with_suffix(".transcript").exists()
    before = len(list(Path("out").glob("*.claim")))
    done = solve(call, "--nonces", "0..9999", "--device", "cuda", "--limit", 2)
    assert (done.code, len(list(Path("out").glob("*.claim")))) == (4, before + 2)


# -- verify ------------------------------------------------------------------------------------------------------


@pytest.fixture
def claims(call: Call) -> list[Path]:
    """Twelve honest claims, of two modules and two tracks."""
    solve(call, "--nonces", "0..3")
    solve(call, "--nonces", "0..3", name="reading")
    call("solve", "momentum.py", *SMALL, "--track", "n_hidden=2", "-o", "out", "--nonces", "0..3")
    return sorted(Path("out").glob("*.claim"))


def verdicts(done: Ended) -> dict[str, tuple[object, ...]]:
    """What is said of each claim."""
    entries = map(json.loads, done.out.splitlines())
    return {
        entry["file"]: tuple(entry.get(name) for name in ("level", "outcome", "reason", "detail", "step"))
        for entry in entries
    }


def test_a_replay_on_a_device_says_what_a_cpu_says(claims: list[Path], call: Call) -> None:
    """Of claims that are true, that state other fuel, and that nobody has signed."""
    key = SigningKey.load(Path("key.pem"))
    for path in claims[1::4]:
        true: Signed[Claim] = read_record(path, Claim)
        false = Claim(**{**vars(true.record), "fuel_used": true.record.fuel_used + 1})
        path.write_bytes(seal(false, key).to_bytes())
    spoilt = bytearray(claims[2].read_bytes())
    spoilt[-1] ^= 1
    claims[2].write_bytes(spoilt)
    by_device = call("verify", "out", "--level", "replay", "--isolation", "none", "--json", "--device", "cuda")
    by_cpu = call("verify", "out", "--level", "replay", "--isolation", "none", "--json")
    assert by_device.code == by_cpu.code == 2
    assert verdicts(by_device) == verdicts(by_cpu)
    assert "warning" not in by_device.err
    assert by_device.summary == by_cpu.summary == "8 accepted, 3 rejected, 1 without verdict"


def test_only_a_replay_is_for_a_device(claims: list[Path], call: Call) -> None:
    for level in ("evaluate", "audit"):
        done = call("verify", claims[0], "--level", level, "--device", "auto")
        assert (done.code, done.err) == (
            2, "tig-verify: --device goes with --level replay; the processor evaluates and audits\n"
        )  # fmt: skip


# -- no device ---------------------------------------------------------------------------------------------------


@pytest.fixture
def _no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise MachineError("torch 2.11.0+cpu is built without CUDA; install one that is built with it")

    monkeypatch.setattr(device_search, "found_devices", none)


@pytest.mark.usefixtures("_no_device")
def test_without_a_gpu_there_is_one_message_and_no_claim(call: Call) -> None:
    done = solve(call, "--nonces", "0..3", "--device", "cuda")
    problem = "--device cuda: torch 2.11.0+cpu is built without CUDA; install one that is built with it"
    assert (done.code, done.out, done.err) == (3, "", f"tig-verify: undetermined: {problem}\n")
    assert not list(Path("out").glob("*.claim"))


@pytest.mark.usefixtures("_no_device")
def test_auto_is_the_processor_then_and_says_so(call: Call) -> None:
    done = solve(call, "--nonces", "0..3", "--device", "auto")
    first, *_ = done.err.splitlines()
    assert (done.code, len(done.out.splitlines())) == (0, 4)
    assert first.startswith("tig-verify: --device auto: the processor trains, for torch 2.11.0+cpu is built without")


def test_a_cluster_has_no_devices(call: Call) -> None:
    done = solve(call, "--nonces", "0..3", "--device", "cuda", "--cluster", "local")
    assert (done.code, done.err) == (
        2, "tig-verify: --device: a cluster trains on processors; leave --cluster out, and share the work by --shard\n"
    )  # fmt: skip
