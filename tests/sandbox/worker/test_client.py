"""An optimiser in a worker answers what it answers in this process, and a broken worker is a fault, never an answer."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from sandbox.errors import (
    BudgetExhausted,
    FuelExhausted,
    MemoryExhausted,
    ModuleRefused,
    OptimiserError,
    SandboxError,
    WorkerFault,
)
from sandbox.hosted_optimiser import HostedOptimiser
from sandbox.isolation import InProcess, Jail
from sandbox.jail import confinement
from sandbox.optimiser import Assignment, Optimiser
from sandbox.tensors.attributes import ATTRIBUTES
from sandbox.tensors.tensor import Tensor
from sandbox.worker import client
from sandbox.worker.channel import MAGIC, MAX_MESSAGE, Frame, Kind, Region
from sandbox.worker.client import ProcessOptimiser, WorkerProcess
from sandbox.worker.zygote_client import Zygote, workers
from tests.support.sample_modules import ENTRY_POINTS
from tests.support.sample_operations import OPERATIONS, TENSORS
from tests.support.sample_optimisers import (
    INITIAL_LINE,
    LAYOUT,
    OPTIMISERS,
    QUERY_LINE,
    STEP_LINE,
    assignment,
    buffers,
    descriptors,
    module,
    play,
)

linux = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="the worker needs Linux")
root = pytest.mark.skipif(os.geteuid() != 0, reason="a worker hides its files in /proc from everybody but root")
pytestmark = [pytest.mark.slow, linux]


@pytest.fixture(scope="module")
def worker(jail: Jail) -> Iterator[WorkerProcess]:
    """One real worker for the tests that leave it alive; each of them loads its own module."""
    with WorkerProcess(jail.zygote, LAYOUT.size) as running:
        running.start()
        yield running


@pytest.fixture
def in_worker(
    jail: Jail, worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Assignment], ProcessOptimiser]:
    monkeypatch.setattr(client, "WorkerProcess", lambda zygote, size: worker)
    return jail.start


def hosted(given: Assignment) -> HostedOptimiser:
    return HostedOptimiser(given, *buffers())


def failure(make: Callable[[Assignment], Optimiser], given: Assignment) -> tuple[type[SandboxError], str, int]:
    """How a scripted run fails: the error's type and text, and the fuel used up to it."""
    optimiser: Optimiser | None = None
    try:
        optimiser = make(given)
        play(optimiser, 50)
    except SandboxError as error:
        return type(error), str(error), optimiser.fuel_used if optimiser else 0
    raise AssertionError("the run did not fail")


def pid_of(optimiser: ProcessOptimiser) -> int:
    """The worker's process, which is started if it is not running yet."""
    worker = optimiser._worker
    if worker._child is None:
        worker.start()
    return process_of(worker)


def process_of(worker: WorkerProcess) -> int:
    assert worker._child is not None
    return worker._child.process


# Equality of the two modes


@pytest.mark.parametrize("path", OPTIMISERS, ids=lambda path: path.stem)
def test_the_reference_optimisers_have_the_same_bits_and_fuel_in_both_modes(
    path: Path, in_worker: Callable[[Assignment], ProcessOptimiser]
) -> None:
    given = assignment(path.read_bytes(), path.name)
    answers = play(hosted(given))
    assert answers == play(in_worker(given)) == play(hosted(given))
    assert len(set(answers[-5::-6])) > 1  # the updates differ from epoch to epoch


def test_there_are_reference_optimisers() -> None:
    assert len(OPTIMISERS) >= 4


EVERYTHING = module(
    initial='return {"m": rng.normal(3, 4), "h": hyperparameters, "n": difficulty["n_hidden"], "k": [1, (2.5, None)]}',
    query="return [parameters[0] + 0.1 * (state['m'] @ state['m'].T).sum(), parameters[1].sqrt()]",
    step='state["e"] = epoch; return [-state["h"]["lr"] * gradient[0], gradient[1].sign() * train_loss], state',
)


def test_every_operation_has_the_same_bits_in_the_jail(in_worker: Callable[[Assignment], ProcessOptimiser]) -> None:
    """Also finds what a library imports or opens when it is first used: a worker can open nothing."""
    assert set(TENSORS) == ATTRIBUTES[Tensor]
    given = assignment(module(initial="\n    ".join([*OPERATIONS, "return {'results': r}"]), math=True))
    assert play(in_worker(given), 1) == play(hosted(given), 1)


def test_states_lists_draws_and_hyperparameters_cross(in_worker: Callable[[Assignment], ProcessOptimiser]) -> None:
    given = assignment(EVERYTHING, hyperparameters={"lr": 0.1})
    answers = play(hosted(given))
    assert play(in_worker(given)) == answers
    assert play(hosted(assignment(EVERYTHING))) != answers


FAILING: dict[str, tuple[bytes, type[SandboxError], str]] = {
    "initial": (module(initial="return [1][2]"), OptimiserError, f"line {INITIAL_LINE}: IndexError"),
    "query": (module(query="return parameters + 1 / (epoch - 3)"), OptimiserError, f"line {QUERY_LINE}: Zero"),
    "step": (module(step="return gradient[9], state"), OptimiserError, f"line {STEP_LINE}: IndexError: a parameter"),
    "shapes": (module(step="return gradient[0] + gradient[1][:2], state"), OptimiserError, "do not go together"),
    "input": (module(step="return gradient.mul_(2), state"), OptimiserError, "would change an input"),
    "reshape": (module(step="return gradient[0].reshape(5), state"), OptimiserError, "do not fit shape"),
    "product": (module(step="return gradient[0] @ gradient[0], state"), OptimiserError, "a product takes matrices"),
    "slice": (module(step="return gradient[0][2:2], state"), OptimiserError, "slice is empty"),
    "number": (module(step="return gradient + 10 ** 400, state"), OptimiserError, "OverflowError"),
    "operand": (module(step="return gradient + None, state"), OptimiserError, "TypeError"),
    "attribute": (module(step="return gradient.item(), state"), OptimiserError, "AttributeError"),
    "unpacking": (module(step="a, b, c = gradient; return a, state"), OptimiserError, "ValueError"),
    "arguments": (module(step="return gradient.numel(1), state"), OptimiserError, "TypeError"),
    "recursion": (module(initial="f = lambda g: g(g); return f(f)"), OptimiserError, "nested deeper than 100"),
    "unbound": (module(step="return nothing, state"), ModuleRefused, ""),
    "huge": (module(initial="return torch.zeros(10**12)"), OptimiserError, "at most 16777216 elements"),
    "pair": (module(step="return gradient"), OptimiserError, "must return a pair"),
    "returned": (module(step="return 1.0, state"), OptimiserError, "optimiser_step_updates returned float"),
    "mask": (module(step="return gradient > 0, state"), OptimiserError, "returned a mask"),
    "masks": (module(step="return [gradient[0], gradient[1] > 0], state"), OptimiserError, "returned a mask"),
    "parts": (module(query="return [parameters[0]]"), OptimiserError, "query_location_parameters returned 1 tensors"),
    "state": (
        module(step="return gradient, [{'é': min}]"),
        OptimiserError,
        "is of type method, which a state may not hold",
    ),
    "keys": (module(initial="return {str: 2}"), OptimiserError, "a dict key is a string"),
    "text": (module(initial='return {}["\\x1b\\n\\u202e"]'), OptimiserError, f"line {INITIAL_LINE}: KeyError"),
    "fuel": (
        module(step="return gradient + (parameters + 1).sqrt(), state"),
        FuelExhausted,
        f"the fuel budget of 1,000,000 units is spent, at line {STEP_LINE} in optimiser_step_updates",
    ),
    "fuel in a helper": (
        module(
            step="f = lambda x: [x.exp() for i in range(99)]\n    def g(x): return f(x)\n    return g(gradient), state"
        ),
        FuelExhausted,
        f"at line {STEP_LINE} in g, called by optimiser_step_updates",
    ),
    "fuel for the state": (
        module(step="return gradient, [0.0] * 500"),
        FuelExhausted,
        "units is spent, in keeping the state that optimiser_step_updates returned",
    ),
    "fuel for a copy of the state": (
        module(initial="return [0.0] * 150", query="return parameters"),
        FuelExhausted,
        "units is spent, in copying the state for query_location_parameters",
    ),
    "memory": (
        module(query="while True: x = torch.zeros(2**24)"),
        MemoryExhausted,
        f"the memory of one call, 4,096 MiB in all, is spent, at line {QUERY_LINE} in query_location_parameters",
    ),
    "no fuel": (
        module(initial="return [torch.zeros(9) for i in range(200)]"),
        OptimiserError,
        f"before the first epoch the fuel budget of 1,000,000 units is spent, at line {INITIAL_LINE} in init_optimiser",
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_errors_are_the_same_in_both_modes(name: str, in_worker: Callable[[Assignment], ProcessOptimiser]) -> None:
    source, kind, message = FAILING[name]
    given = assignment(source, fuel_budget=10**12 if kind is MemoryExhausted else 10**6)
    here, there = failure(hosted, given), failure(in_worker, given)
    assert here[0] is there[0] is kind
    assert message in here[1]
    assert there[1].isprintable()
    assert here[1] == there[1]
    if issubclass(kind, BudgetExhausted):
        assert here[2] == there[2] == given.fuel_budget
    else:
        assert here[2] in (0, there[2])  # a module that failed in the constructor has no meter to read


def test_unknown_hyperparameters_are_named(in_worker: Callable[[Assignment], ProcessOptimiser]) -> None:
    given = assignment(module(), hyperparameters={"momentum": 0.9})
    errors = [failure(make, given)[:2] for make in (hosted, in_worker)]
    assert errors[0] == errors[1]
    assert "no hyperparameter 'momentum'; its HYPERPARAMETERS: 'lr'" in errors[0][1]


REFUSED = [
    b"import os\nclass A: pass\nx = 1\nx = 2\n",
    b"def f(:\n",
    b"\xff\xfe",
    module(step="return gradient.data, state.__class__"),
    module(initial='return "\\u202e" + zürich.__dict__'),
    b"".join(b"import os%d\n" % i for i in range(150)),
    ("def _" + "\u00e9" * 470 + "(): pass\n").encode() * 67,
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_refusals_carry_the_same_diagnostics(number: int, in_worker: Callable[[Assignment], ProcessOptimiser]) -> None:
    given = assignment(REFUSED[number])
    with pytest.raises(ModuleRefused) as here:
        hosted(given)
    with pytest.raises(ModuleRefused) as there:
        play(in_worker(given))
    assert there.value.diagnostics == here.value.diagnostics
    assert str(there.value) == str(here.value)
    assert len(here.value.diagnostics) >= 1


def test_checking_happens_in_a_worker_too_with_the_language_alone() -> None:
    with Jail() as own:
        own.check(module(), "good.py")
        with pytest.raises(ModuleRefused, match=r"bad\.py:1:1: "):
            own.check(b"import os\n", "bad.py")
        assert own._zygote is None


def test_what_a_module_declares_is_read_in_a_worker_too() -> None:
    said = b'HYPERPARAMETERS: {"lr": "log 1e-4..1e-1"} = {"lr": 0.01, "name": "\xc3\xa9"}\n'
    long = b'"' + b"\\0" * 450 + b'"'  # what JSON writes with six characters, and Python with two
    longest = b"HYPERPARAMETERS = {" + b"".join(b'"%d":\n%s,\n' % (n, long) for n in range(70)) + b"}\n"
    assert len(longest) > 60_000
    with Jail() as own:
        for source in (said + ENTRY_POINTS.encode(), longest + ENTRY_POINTS.encode(), module()):
            assert own.declaration(source, "good.py") == InProcess().declaration(source, "good.py")
        with pytest.raises(ModuleRefused, match=r"bad\.py:1:1: "):
            own.declaration(b"import os\n", "bad.py")
        assert own._zygote is None


def test_a_checker_s_process_imports_no_tensors() -> None:
    code = "from sandbox.worker import zygote_server, checker; import sys; checker.prepare(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], env={}, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "RestrictedPython" in loaded
    assert not loaded & {"torch", "numpy", "numba", "protocol", "verifier"}


@root
def test_a_checker_is_in_the_jail() -> None:
    with contextlib.closing(Zygote(workers("checker"))) as zygote, WorkerProcess(zygote, 1) as checker:
        checker.start()
        status = Path(f"/proc/{process_of(checker)}/status").read_text()
        assert "Seccomp:\t2\n" in status
        assert "NoNewPrivs:\t1\n" in status
        assert zygote.confinement is not None


def test_a_worker_survives_errors_and_loads_again(in_worker: Callable[[Assignment], ProcessOptimiser]) -> None:
    for source in (FAILING["initial"][0], REFUSED[0]):
        with pytest.raises(SandboxError):
            play(in_worker(assignment(source)))
    assert play(in_worker(assignment(module()))) == play(hosted(assignment(module())))


def test_a_location_is_a_private_copy(in_worker: Callable[[Assignment], ProcessOptimiser]) -> None:
    """The loop reads it more than once; updates only once, as they are added."""
    optimiser = in_worker(assignment(module(query="return gradient * 1.0")))
    optimiser.gradient.fill(1.0)
    optimiser.initialise()
    first = optimiser.query_location(1, 0.0, 0.0)
    optimiser.gradient.fill(2.0)
    second = optimiser.query_location(2, 0.0, 0.0)
    assert first is not None
    assert second is not None
    assert (first - second).tolist() == [-1.0] * LAYOUT.size


def test_all_calls_of_a_run_together_have_a_deadline(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    with jail.start(assignment(module())) as optimiser:
        optimiser.initialise()
        monkeypatch.setattr(client, "RUN_SECONDS", 0.1)
        optimiser._worker._waited = 0.08
        os.kill(pid_of(optimiser), signal.SIGSTOP)
        with pytest.raises(WorkerFault, match=r"did not answer within 0\.0"):
            optimiser.step_updates(1, 0.0, 0.0)


def test_a_source_that_does_not_fit_is_refused_before_it_is_sent(
    in_worker: Callable[[Assignment], ProcessOptimiser],
) -> None:
    with pytest.raises(ModuleRefused, match="G002 the source has"):
        in_worker(assignment(b"#" * (MAX_MESSAGE + 1))).initialise()


def test_a_step_before_a_module_is_a_fault_of_the_caller(tmp_path: Path) -> None:
    """The worker's own loop, in this process: what is not loaded cannot step."""
    from sandbox.worker.server import Host

    inputs, outputs = (Region.create("tig-test", 4, 2, writer=writer) for writer in (True, False))
    serving = Host(inputs, Region.attach(outputs.descriptor, 4, 1, writer=True))
    reply = serving.answer(Frame(Kind.STEP, 7))
    assert (reply.kind, reply.sequence, reply.text) == (Kind.FAULT, 7, "no module is loaded")
    inputs.close()
    outputs.close()


# The jail


@root
def test_the_worker_has_no_environment_and_only_its_descriptors(worker: WorkerProcess) -> None:
    here = Path(f"/proc/{process_of(worker)}")
    assert (here / "environ").read_bytes() == b""
    links = {int(d): os.readlink(here / "fd" / d) for d in os.listdir(here / "fd")}
    assert [links.pop(standard) for standard in (0, 1, 2)] == ["/dev/null"] * 3
    ours = {os.readlink(f"/proc/self/fd/{d}") for d in (worker._requests, worker._replies)}
    assert len(links) == len(ours) == 2
    assert set(links.values()) == ours
    assert os.readlink(here / "cwd") == "/"


@root
def test_the_worker_is_limited_and_unprivileged(worker: WorkerProcess) -> None:
    here = Path(f"/proc/{process_of(worker)}")
    lines = (here / "limits").read_text().splitlines()[1:]
    limits = {line[:26].strip(): line[26:].split()[:2] for line in lines}
    for name in ("Max file size", "Max core file size", "Max processes", "Max open files"):
        assert limits[name] == ["0", "0"], name
    soft, hard = limits["Max address space"]
    assert soft == hard
    assert confinement.MEMORY_BYTES <= int(soft) < confinement.MEMORY_BYTES + 2**36
    status = dict(line.split(":\t", 1) for line in (here / "status").read_text().splitlines() if ":\t" in line)
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Threads"].strip() == "1"
    assert os.getsid(process_of(worker)) != os.getsid(0)  # Ctrl-C does not reach it


@root
def test_the_worker_maps_the_inputs_for_reading_only(worker: WorkerProcess) -> None:
    maps = Path(f"/proc/{process_of(worker)}/maps").read_text().splitlines()
    regions = {name: line.split()[1] for line in maps for name in ("tig-inputs", "tig-outputs") if name in line}
    assert regions == {"tig-inputs": "r--s", "tig-outputs": "rw-s"}


PARENT = """
import sys, time
from sandbox.worker.client import WorkerProcess
from sandbox.worker.zygote_client import Zygote, workers
worker = WorkerProcess(Zygote(), 4)
worker.start()
print(worker._child.process, worker._requests, flush=True)
time.sleep(600)
"""


def test_the_worker_ends_when_its_parent_dies() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, requests = map(int, parent.stdout.readline().split())
        # Held open here, the pipe does not tell the worker that its parent is gone: only the signal does.
        held = os.open(f"/proc/{parent.pid}/fd/{requests}", os.O_WRONLY)
        try:
            assert is_running(pid)
            parent.kill()
            parent.wait()
            deadline = time.monotonic() + 10.0
            while is_running(pid) and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not is_running(pid)
        finally:
            os.close(held)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


# Death


def ends_cleanly(pid: int) -> None:
    assert not Path(f"/proc/{pid}").exists()  # not even as a zombie


def kill_at_start(optimiser: ProcessOptimiser) -> None:
    os.kill(pid_of(optimiser), signal.SIGKILL)
    optimiser.initialise()


def kill_while_loading(optimiser: ProcessOptimiser) -> None:
    os.kill(pid_of(optimiser), signal.SIGSTOP)
    optimiser._worker.request(Frame(Kind.LOAD, 0))
    os.kill(pid_of(optimiser), signal.SIGKILL)
    optimiser._worker.reply()


def kill_when_loaded(optimiser: ProcessOptimiser) -> None:
    optimiser.initialise()
    os.kill(pid_of(optimiser), signal.SIGKILL)
    optimiser.step_updates(1, 0.0, 0.0)


def kill_in_a_call(optimiser: ProcessOptimiser) -> None:
    optimiser.initialise()
    optimiser.step_updates(1, 0.0, 0.0)
    os.kill(pid_of(optimiser), signal.SIGSTOP)
    optimiser._worker.request(Frame(Kind.STEP, 0, 2))
    os.kill(pid_of(optimiser), signal.SIGKILL)
    optimiser._worker.reply()


def kill_before_the_digest(optimiser: ProcessOptimiser) -> None:
    optimiser.initialise()
    os.kill(pid_of(optimiser), signal.SIGSTOP)
    result = optimiser.request_state_digest()
    os.kill(pid_of(optimiser), signal.SIGKILL)
    result()


@pytest.mark.parametrize(
    "scenario",
    [kill_at_start, kill_while_loading, kill_when_loaded, kill_in_a_call, kill_before_the_digest],
    ids=lambda s: s.__name__,
)
def test_the_death_of_the_worker_is_a_fault(
    jail: Jail, worker: WorkerProcess, scenario: Callable[[ProcessOptimiser], None]
) -> None:
    gc.collect()
    before = descriptors()
    with jail.start(assignment(module())) as optimiser:
        pid = pid_of(optimiser)
        with pytest.raises(WorkerFault, match=r"ended unexpectedly"):
            scenario(optimiser)
    ends_cleanly(pid)
    del optimiser
    gc.collect()
    assert descriptors() == before


def test_a_worker_that_stalls_is_a_fault_and_is_killed(
    jail: Jail, worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    gc.collect()
    before = descriptors()
    with jail.start(assignment(module())) as optimiser:
        optimiser.initialise()
        pid = pid_of(optimiser)
        os.kill(pid, signal.SIGSTOP)
        monkeypatch.setattr(client, "CALL_SECONDS", 0.05)
        with pytest.raises(WorkerFault, match=r"did not answer within 0\.05 seconds"):
            optimiser.step_updates(1, 0.0, 0.0)
    ends_cleanly(pid)
    del optimiser
    gc.collect()
    assert descriptors() == before


def test_a_worker_ends_by_itself_when_the_channel_closes(jail: Jail) -> None:
    with WorkerProcess(jail.zygote, 4) as worker:
        worker.start()
        pid = process_of(worker)
        os.dup2(worker._replies, worker._requests)  # closes the only end from which requests come
        assert worker._child is not None
        assert worker._child.end(10.0) == 0
    ends_cleanly(pid)


# Lies: an impostor in the worker's place


class Impostor:
    """Takes the place of the zygote and of a worker's process; the test says what it answers."""

    process = -1

    def fork(self, descriptors: tuple[int, ...], size: int) -> Impostor:
        requests, replies, _inputs, outputs = descriptors
        self.requests, self.replies = os.dup(requests), os.dup(replies)
        self.outputs = Region.attach(outputs, size, 1, writer=True)
        self.greet()
        return self

    def greet(self) -> None:
        self.say(Frame(Kind.READY, 0, text="pid,net;0;65534"))

    def say(self, *frames: Frame | bytes) -> None:
        for frame in frames:
            os.write(self.replies, frame if isinstance(frame, bytes) else frame.pack())

    def show(self, data: bytes) -> int:
        return self.outputs.write_message(data)

    def hang_up(self) -> None:
        os.close(self.replies)
        self.replies = os.dup(self.requests)

    def end(self, patience: float) -> int:
        for descriptor in (self.requests, self.replies):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        return 3 << 8


@pytest.fixture
def impostor(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Impostor, ProcessOptimiser]]:
    liar = Impostor()
    monkeypatch.setattr(client, "confirm", lambda number: None)
    monkeypatch.setattr(client, "CALL_SECONDS", 0.2)
    given = assignment(module(query="return parameters"), fuel_budget=1000)
    with ProcessOptimiser(given, cast(Zygote, liar)) as optimiser:
        optimiser._worker.start()
        yield liar, optimiser


def raw(magic: int = MAGIC, kind: int = Kind.DONE, sequence: int = 3, length: int = 0) -> bytes:
    return struct.pack("<IBxxxQqddQQQ32s200s", magic, kind, sequence, 0, 0.0, 0.0, 0, length, 0, bytes(32), b"")


LIES: dict[str, tuple[Frame | bytes, str]] = {
    "old sequence": (Frame(Kind.DONE, 2, fuel_used=5), "out of turn"),
    "later sequence": (Frame(Kind.DONE, 4, fuel_used=5), "out of turn"),
    "no sequence": (Frame(Kind.DONE, 0, fuel_used=5), "out of turn"),
    "ready again": (Frame(Kind.READY, 3, fuel_used=5), "does not go with the request"),
    "a request": (Frame(Kind.STEP, 3, fuel_used=5), "does not go with the request"),
    "refused in the middle": (Frame(Kind.REFUSED, 3, fuel_used=5), "does not go with the request"),
    "exhausted with fuel left": (Frame(Kind.OUT_OF_FUEL, 3, fuel_used=6), "fuel that does not add up|does not go with"),
    "magic": (raw(magic=MAGIC ^ 1), "not of the channel's form"),
    "unknown kind": (raw(kind=99), "not of the channel's form"),
    "length": (raw(length=MAX_MESSAGE + 1), "not of the channel's form"),
    "size": (raw()[:100], "did not answer within"),
    "fuel given back": (Frame(Kind.DONE, 3, fuel_used=4), "fuel that does not add up"),
    "fuel beyond the budget": (Frame(Kind.DONE, 3, fuel_used=1001), "fuel that does not add up"),
    "failure with fuel given back": (Frame(Kind.FAILED, 3, fuel_used=0), "fuel that does not add up|does not go with"),
    "fault": (Frame(Kind.FAULT, 3, text="out of memory"), "the worker failed: out of memory"),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("call", ["step_updates", "query_location", "request_state_digest"])
def test_lies_are_faults(lie: str, call: str, impostor: tuple[Impostor, ProcessOptimiser]) -> None:
    liar, optimiser = impostor
    answer, message = LIES[lie]
    liar.say(Frame(Kind.DONE, 1, fuel_used=3), Frame(Kind.DONE, 2, fuel_used=5))
    optimiser.initialise()
    assert optimiser.fuel_used == 5
    liar.say(answer)
    ask = optimiser.request_state_digest() if call == "request_state_digest" else getattr(optimiser, call)
    arguments = () if call == "request_state_digest" else (1, 0.5, 0.5)
    with pytest.raises(WorkerFault, match=message):
        ask(*arguments)
    assert optimiser.fuel_used == 5


def test_an_impostor_that_tells_the_truth_is_believed(impostor: tuple[Impostor, ProcessOptimiser]) -> None:
    liar, optimiser = impostor
    liar.say(*(Frame(Kind.DONE, sequence, fuel_used=7) for sequence in (1, 2, 3)))
    liar.say(Frame(Kind.NO_LOCATION, 4, fuel_used=1000), Frame(Kind.DONE, 5, fuel_used=1000, digest=b"d" * 32))
    optimiser.initialise()
    liar.outputs.vector(0).fill(0.5)
    assert optimiser.step_updates(1, 0.0, 0.0).tolist() == [0.5] * LAYOUT.size
    assert optimiser.query_location(1, 0.0, 0.0) is None
    assert optimiser.request_state_digest()() == b"d" * 32
    assert optimiser.fuel_used == 1000


@pytest.mark.parametrize("first", [Frame(Kind.DONE, 0), b"x" * 10])
def test_a_worker_that_does_not_begin_with_ready_does_not_start(first: Frame | bytes) -> None:
    class Other(Impostor):
        def greet(self) -> None:
            self.say(first)
            self.hang_up()

    with (
        WorkerProcess(cast(Zygote, Other()), LAYOUT.size) as worker,
        pytest.raises(WorkerFault, match=r"could not start|middle of a frame"),
    ):
        worker.request(Frame(Kind.CHECK, 0))


def test_a_worker_that_hangs_up_is_a_fault(impostor: tuple[Impostor, ProcessOptimiser]) -> None:
    liar, optimiser = impostor
    liar.say(Frame(Kind.DONE, 1))
    liar.hang_up()
    with pytest.raises(WorkerFault, match=r"ended unexpectedly \(exit status 3\)"):
        optimiser.initialise()


def test_requests_name_what_is_asked(impostor: tuple[Impostor, ProcessOptimiser]) -> None:
    liar, optimiser = impostor
    liar.say(*(Frame(Kind.DONE, sequence) for sequence in (1, 2, 3)))
    optimiser.initialise()
    optimiser.step_updates(9, 0.25, 0.75)
    sent = [Frame.unpack(os.read(liar.requests, len(raw()))) for _ in range(3)]
    assert [(f.kind, f.sequence) for f in sent] == [(Kind.LOAD, 1), (Kind.INITIALISE, 2), (Kind.STEP, 3)]
    assert (sent[2].epoch, sent[2].train_loss, sent[2].validation_loss) == (9, 0.25, 0.75)
    header = json.loads(optimiser._worker.inputs.read_message(sent[0].length).partition(b"\n")[0])
    assert sorted(header) == ["difficulty", "fuel_budget", "hyperparameters", "key", "layout", "name"]


GOOD_ROW: list[Any] = [1, 2, "D100", "message", "hint"]
HOSTILE = [
    b"", b"\xff\xfe\x00", b"nonsense", b"{}", b"null", b"[1]", b"[[]]", b"[" * 100_000, b"[[[[[[" * 9000,
    b'[[1, 2, "D100", "message"]]', b'[[1, 2, "D100", "message", "hint", "more"]]', b'[["1", 2, "D100", "m", "h"]]',
    b'[[1.0, 2, "D100", "m", "h"]]', b'[[true, 2, "D100", "m", "h"]]', b'[[1, 2, "D100", null, "h"]]',
    b'[[1, 2, "D100", ["m"], "h"]]', b'[[' + b"9" * 5000 + b', 2, "D100", "m", "h"]]',
    json.dumps([GOOD_ROW, {}]).encode(), json.dumps([GOOD_ROW])[:-1].encode(),
]  # fmt: skip


@pytest.mark.parametrize("data", HOSTILE, ids=lambda data: repr(data[:24]))
def test_hostile_diagnostics_are_a_fault(data: bytes, impostor: tuple[Impostor, ProcessOptimiser]) -> None:
    liar, optimiser = impostor
    liar.say(Frame(Kind.REFUSED, 1, length=liar.show(data)))
    with pytest.raises(WorkerFault, match="diagnostics that are not of the channel's form"):
        optimiser.initialise()


def test_a_refusal_without_a_reason_is_a_fault(impostor: tuple[Impostor, ProcessOptimiser]) -> None:
    liar, optimiser = impostor
    liar.say(Frame(Kind.REFUSED, 1, length=liar.show(b"[]")))
    with pytest.raises(WorkerFault, match="did not say why"):
        optimiser.initialise()


@pytest.mark.parametrize(
    "data",
    [*HOSTILE, b"[{}]", b"[{}, {}, {}]", b"[{}, []]", b'[{"lr": []}, {}]', b'[{"lr": {}}, {}]', b'[{}, {"lr": 1}]'],
    ids=lambda data: repr(data[:24]),
)
def test_a_hostile_declaration_is_a_fault(data: bytes) -> None:
    with pytest.raises(WorkerFault, match="a declaration that is not of the channel's form"):
        client._declaration(data)


def test_texts_of_the_worker_cannot_reach_the_terminal(impostor: tuple[Impostor, ProcessOptimiser]) -> None:
    liar, optimiser = impostor
    escape = "a\x1b[2Jb\u202ec\nd"
    liar.say(Frame(Kind.REFUSED, 1, length=liar.show(json.dumps([[1, 2, escape, escape, escape]]).encode())))
    with pytest.raises(ModuleRefused) as refused:
        optimiser.initialise()
    (problem,) = refused.value.diagnostics
    assert (problem.code, problem.message, problem.hint) == ("a?[2Jb?c?d",) * 3
    liar.say(Frame(Kind.FAILED, 2, length=liar.show(escape.encode() + b"\xff")))
    with pytest.raises(OptimiserError) as failed:
        optimiser.initialise()
    assert str(failed.value) == r"'a\x1b[2Jb\u202ec\nd\ufffd'"


def test_numbers_that_are_not_finite_cross_unchanged(impostor: tuple[Impostor, ProcessOptimiser]) -> None:
    """What to make of them is the trainer's business."""
    liar, optimiser = impostor
    liar.say(*(Frame(Kind.DONE, sequence) for sequence in (1, 2, 3)))
    optimiser.initialise()
    liar.outputs.vector(0).fill(float("nan"))
    assert np.isnan(optimiser.step_updates(1, 0.0, 0.0)).all()
