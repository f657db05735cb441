"""A worker records what is recorded in this process, and a broken worker is a fault, never an answer."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NoReturn, cast

import pytest

from sandbox.errors import (
    MAX_SAID,
    BudgetExhausted,
    FuelExhausted,
    MemoryExhausted,
    ModuleRefused,
    OptimiserError,
    SandboxError,
    StateError,
    WorkerFault,
)
from sandbox.isolation import InProcess, Jail
from sandbox.jail import confinement
from sandbox.optimiser import Assignment, Optimiser
from sandbox.program.call import Call, CallKind
from sandbox.tensors.attributes import ATTRIBUTES
from sandbox.tensors.tensor import Tensor
from sandbox.worker import client
from sandbox.worker.channel import MAGIC, MAX_MESSAGE, MOST, Frame, Kind, listen, say
from sandbox.worker.client import ProcessSource, WorkerProcess
from sandbox.worker.worker import Actions, Ends, Worker
from sandbox.worker.zygote_client import Zygote
from tests.support.sample_modules import ENTRY_POINTS
from tests.support.sample_operations import OPERATIONS, TENSORS
from tests.support.sample_optimisers import (
    INITIAL_LINE,
    OPTIMISERS,
    QUERY_LINE,
    STEP_LINE,
    assignment,
    descriptors,
    module,
    play,
)

linux = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the worker needs Linux")
root = pytest.mark.skipif(os.geteuid() != 0, reason="a worker hides its files in /proc from everybody but root")
pytestmark = [pytest.mark.slow, linux]

INITIALISE, QUERY, STEP = Call(CallKind.INITIALISE), Call(CallKind.QUERY, 1, 0.5, 0.5), Call(CallKind.STEP, 1, 0.5, 0.5)


@pytest.fixture(scope="module")
def worker(jail: Jail) -> Iterator[WorkerProcess]:
    """One real worker for the tests that leave it alive; each of them loads its own module."""
    with WorkerProcess(jail.zygote) as running:
        running.start()
        yield running


@pytest.fixture
def in_worker(jail: Jail, worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch) -> Callable[[Assignment], Optimiser]:
    monkeypatch.setattr(client, "WorkerProcess", lambda zygote: worker)
    return jail.start


def hosted(given: Assignment) -> Optimiser:
    return InProcess().start(given)


def unread(_: bytes) -> NoReturn:
    raise AssertionError("a segment before the last")


def failure(make: Callable[[Assignment], Optimiser], given: Assignment) -> tuple[type[SandboxError], str, int]:
    """How a scripted run fails: the error's type and text, and the fuel used up to it."""
    optimiser: Optimiser | None = None
    try:
        optimiser = make(given)
        play(optimiser, 50)
    except SandboxError as error:
        return type(error), str(error), optimiser.fuel_used if optimiser else 0
    raise AssertionError("the run did not fail")


def pid_of(source: ProcessSource) -> int:
    """The worker's process, which is started if it is not running yet."""
    if source._worker._child is None:
        source._worker.start()
    return process_of(source._worker)


def process_of(worker: WorkerProcess) -> int:
    assert worker._child is not None
    return worker._child.process


# Equality of the two modes


@pytest.mark.parametrize("path", OPTIMISERS, ids=lambda path: path.stem)
def test_the_reference_optimisers_have_the_same_bits_and_fuel_in_both_modes(
    path: Path, in_worker: Callable[[Assignment], Optimiser]
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


def test_every_operation_has_the_same_bits_in_the_jail(in_worker: Callable[[Assignment], Optimiser]) -> None:
    """Also finds what a library imports or opens when it is first used: a worker can open nothing."""
    assert set(TENSORS) == ATTRIBUTES[Tensor]
    given = assignment(module(initial="\n    ".join([*OPERATIONS, "return {'results': r}"]), math=True))
    assert play(in_worker(given), 1) == play(hosted(given), 1)


def test_states_lists_draws_and_hyperparameters_cross(in_worker: Callable[[Assignment], Optimiser]) -> None:
    given = assignment(EVERYTHING, hyperparameters={"lr": 0.1})
    answers = play(hosted(given))
    assert play(in_worker(given)) == answers
    assert play(hosted(assignment(EVERYTHING))) != answers


def test_the_largest_state_crosses(jail: Jail) -> None:
    """Both ways: 255 texts of 2^16 characters are nearly 2^24 bytes."""
    given = assignment(module(initial="x = 'y' * 2**16; return [x] * 255"), fuel_budget=10**10)
    with jail.start(given) as there, hosted(given) as here:
        assert play(there, 1) == play(here, 1)
        saved = there.save()
        assert len(saved) > 2**24 - 2**17
        with jail.start(given) as again:
            again.restore(saved, there.fuel_used)
            again.begin_epoch(3, 0.5, 0.5, 1)
            here.begin_epoch(3, 0.5, 0.5, 1)
            again.gradient[:] = here.gradient
            assert again.step_updates().tolist() == here.step_updates().tolist()
            assert (again.save(), again.fuel_used) == (here.save(), here.fuel_used)


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
        "the memory of one call for its tensors, 4,096 MiB in all, is spent, "
        f"at line {QUERY_LINE} in query_location_parameters",
    ),
    "no fuel": (
        module(initial="return [torch.zeros(9) for i in range(200)]"),
        OptimiserError,
        f"before the first epoch the fuel budget of 1,000,000 units is spent, at line {INITIAL_LINE} in init_optimiser",
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_errors_are_the_same_in_both_modes(name: str, in_worker: Callable[[Assignment], Optimiser]) -> None:
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


def test_unknown_hyperparameters_are_named(in_worker: Callable[[Assignment], Optimiser]) -> None:
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
def test_refusals_carry_the_same_diagnostics(number: int, in_worker: Callable[[Assignment], Optimiser]) -> None:
    given = assignment(REFUSED[number])
    with pytest.raises(ModuleRefused) as here:
        play(hosted(given))
    with pytest.raises(ModuleRefused) as there:
        play(in_worker(given))
    assert there.value.diagnostics == here.value.diagnostics
    assert str(there.value) == str(here.value)
    assert len(here.value.diagnostics) >= 1


def test_checking_happens_in_a_worker_too(jail: Jail) -> None:
    jail.check(module(), "good.py")
    with pytest.raises(ModuleRefused, match=r"bad\.py:1:1: "):
        jail.check(b"import os\n", "bad.py")


def test_what_a_module_declares_is_read_in_a_worker_too(jail: Jail) -> None:
    said = b'HYPERPARAMETERS: {"lr": "log 1e-4..1e-1"} = {"lr": 0.01, "name": "\xc3\xa9"}\n'
    long = b'"' + b"\\0" * 450 + b'"'  # what JSON writes with six characters, and Python with two
    longest = b"HYPERPARAMETERS = {" + b"".join(b'"%d":\n%s,\n' % (n, long) for n in range(70)) + b"}\n"
    assert len(longest) > 60_000
    for source in (said + ENTRY_POINTS.encode(), longest + ENTRY_POINTS.encode(), module()):
        assert jail.declaration(source, "good.py") == InProcess().declaration(source, "good.py")
    with pytest.raises(ModuleRefused, match=r"bad\.py:1:1: "):
        jail.declaration(b"import os\n", "bad.py")


def test_the_zygote_imports_neither_torch_nor_numpy() -> None:
    """And its workers can import nothing: the kernel ends who opens a file (`test_builds`, the attacks of F01)."""
    code = "from sandbox.worker import zygote_server, server; import sys; server.prepare(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], env={}, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "RestrictedPython" in loaded
    assert not loaded & {"torch", "numpy", "numba", "llvmlite", "blake3", "protocol", "verifier"}


def test_a_worker_survives_errors_and_loads_again(in_worker: Callable[[Assignment], Optimiser]) -> None:
    for source in (FAILING["initial"][0], REFUSED[0]):
        with pytest.raises(SandboxError):
            play(in_worker(assignment(source)))
    assert play(in_worker(assignment(module()))) == play(hosted(assignment(module())))


def test_all_calls_of_a_run_together_have_a_deadline(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    with ProcessSource(jail.zygote) as source:
        source.load(assignment(module()))
        source.call(INITIALISE, unread)
        monkeypatch.setattr(client, "RUN_SECONDS", 0.1)
        source._worker._waited = 0.08
        os.kill(pid_of(source), signal.SIGSTOP)
        with pytest.raises(WorkerFault, match="did not answer in time"):
            source.call(STEP, unread)


def test_a_module_that_does_not_fit_is_refused_before_it_is_sent(jail: Jail) -> None:
    with ProcessSource(jail.zygote) as source, pytest.raises(ModuleRefused, match="G002 the source has"):
        source.load(assignment(b"#" * (MAX_MESSAGE + 1)))


def test_a_step_before_a_module_is_a_fault_of_the_caller(worker: WorkerProcess) -> None:
    with ProcessSource(worker._zygote) as source:
        source._worker.ask(Frame(Kind.STEP))
        with pytest.raises(WorkerFault, match="the worker failed: no module is loaded"):
            source._worker.reply()


def test_a_text_that_grows_when_it_is_escaped_crosses() -> None:
    """Half a surrogate pair is written with six characters; what the trainer shows of it is the same."""
    failed = OptimiserError("\udcff" * MAX_SAID)

    class Failing(Worker):
        def fail(self, _: Frame) -> NoReturn:
            raise failed

        ACTIONS: ClassVar[Actions] = {Kind.CHECK: fail}

    answer = Failing(Ends(0, 1)).answer(Frame(Kind.CHECK))
    assert answer.pack()
    assert str(OptimiserError(answer.body.decode())) == str(failed)


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
def test_the_worker_shares_no_memory_and_maps_no_library_but_pythons(worker: WorkerProcess) -> None:
    lines = [line.split() for line in Path(f"/proc/{process_of(worker)}/maps").read_text().splitlines()]
    shared = [line[5] for line in lines if line[1].endswith("s") and not line[5].endswith("gconv-modules.cache")]
    assert shared == []
    names = {Path(line[5]).name for line in lines if len(line) > 5}
    assert not [name for name in names if "numpy" in name or "torch" in name or "blas" in name]
    assert any("python" in name for name in names)


@root
def test_the_worker_is_small(worker: WorkerProcess) -> None:
    status = Path(f"/proc/{process_of(worker)}/status").read_text()
    (resident,) = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    assert resident < 30_000  # it is 17 MB


PARENT = """
import sys, time
from sandbox.worker.client import WorkerProcess
from sandbox.worker.worker import Actions, Ends, Worker
from sandbox.worker.zygote_client import Zygote
worker = WorkerProcess(Zygote())
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


def kill_at_start(source: ProcessSource) -> None:
    os.kill(pid_of(source), signal.SIGKILL)
    source.load(assignment(module()))


def kill_while_loading(source: ProcessSource) -> None:
    os.kill(pid_of(source), signal.SIGSTOP)
    source._worker.ask(Frame(Kind.LOAD))
    os.kill(pid_of(source), signal.SIGKILL)
    source._worker.reply()


def kill_when_loaded(source: ProcessSource) -> None:
    source.load(assignment(module()))
    os.kill(pid_of(source), signal.SIGKILL)
    source.call(INITIALISE, unread)


def kill_in_a_call(source: ProcessSource) -> None:
    initialised(source)
    os.kill(pid_of(source), signal.SIGSTOP)
    source._worker.ask(Frame(Kind.STEP, 0, 2))
    os.kill(pid_of(source), signal.SIGKILL)
    source._worker.reply()


def kill_while_it_waits_for_an_answer(source: ProcessSource) -> None:
    source.load(assignment(OBSERVING))
    source.call(INITIALISE, unread)

    def read(_: bytes) -> bytes:
        os.kill(pid_of(source), signal.SIGKILL)
        return bytes(4)

    source.call(STEP, read)


def kill_ahead(source: ProcessSource) -> None:
    initialised(source)
    os.kill(pid_of(source), signal.SIGSTOP)
    source.ahead(STEP)
    os.kill(pid_of(source), signal.SIGKILL)
    source.call(STEP, unread)


def initialised(source: ProcessSource) -> None:
    source.load(assignment(module()))
    source.call(INITIALISE, unread)


@pytest.mark.parametrize(
    "scenario",
    [
        kill_at_start, kill_while_loading, kill_when_loaded, kill_in_a_call, kill_while_it_waits_for_an_answer,
        kill_ahead,
    ],
    ids=lambda s: s.__name__,
)  # fmt: skip
def test_the_death_of_the_worker_is_a_fault(jail: Jail, scenario: Callable[[ProcessSource], None]) -> None:
    jail.check(module(), "a.py")  # so that the zygote is there
    before = descriptors()
    with ProcessSource(jail.zygote) as source:
        pid = pid_of(source)
        with pytest.raises(WorkerFault, match=r"ended unexpectedly"):
            scenario(source)
    ends_cleanly(pid)
    assert descriptors() == before


def test_a_worker_that_stalls_is_a_fault_and_is_killed(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    jail.check(module(), "a.py")
    before = descriptors()
    with ProcessSource(jail.zygote) as source:
        initialised(source)
        pid = pid_of(source)
        os.kill(pid, signal.SIGSTOP)
        monkeypatch.setattr(client, "CALL_SECONDS", 0.05)
        with pytest.raises(WorkerFault, match="did not answer in time"):
            source.call(STEP, unread)
    ends_cleanly(pid)
    assert descriptors() == before


def test_a_worker_ends_by_itself_when_the_channel_closes(jail: Jail) -> None:
    with WorkerProcess(jail.zygote) as worker:
        worker.start()
        pid = process_of(worker)
        os.dup2(worker._replies, worker._requests)  # closes the only end from which requests come
        assert worker._child is not None
        assert worker._child.end(10.0) == 0
    ends_cleanly(pid)


# Ahead of the trainer


OBSERVING = module(step="return gradient * parameters.norm().item(), state")
LOSSES = module(step="return gradient * train_loss, {'n': epoch}")


def recorded(source: ProcessSource, calls: list[Call], *, ahead: bool) -> list[tuple[bytes, int, int]]:
    """What calls give, each of them begun before it is asked for or not; a norm is always 0.5."""
    found = []
    for call in calls:
        if ahead:
            source.ahead(call)
        one = source.call(call, lambda _: struct.pack("<f", 0.5))
        found.append((one.segment, one.fuel_used, one.worked))
    return found


@pytest.mark.parametrize("text", [module(), OBSERVING, LOSSES, module(query="return parameters * 2")])
def test_a_call_that_is_begun_before_it_is_asked_for_is_the_same(text: bytes, jail: Jail) -> None:
    """Whatever it does: observe, tell a location, be told losses that are no numbers, begin an epoch."""
    calls = [Call(CallKind.INITIALISE)]
    for epoch, loss in ((0, math.nan), (1, 0.5), (2, -math.inf)):
        calls += [Call(kind, epoch, loss, loss) for kind in (CallKind.QUERY, CallKind.STEP, CallKind.STEP)]
    answers = []
    for ahead in (False, True):
        with ProcessSource(jail.zygote) as source:
            source.load(assignment(text))
            answers.append(recorded(source, calls, ahead=ahead))
    assert answers[0] == answers[1]
    assert len(answers[0]) == len(calls)


def test_another_call_than_was_said_is_a_mistake_of_the_caller(jail: Jail) -> None:
    with ProcessSource(jail.zygote) as source:
        initialised(source)
        source.ahead(STEP)
        with pytest.raises(AssertionError, match="another call than was said ahead"):
            source.call(QUERY, unread)


def test_a_call_that_fails_ahead_fails_when_it_is_asked_for(jail: Jail) -> None:
    with ProcessSource(jail.zygote) as source:
        source.load(assignment(module(step="return [][epoch], state")))
        source.call(INITIALISE, unread)
        source.ahead(STEP)
        time.sleep(0.02)
        before = source._fuel_used
        with pytest.raises(OptimiserError, match=f"line {STEP_LINE}: IndexError"):
            source.call(STEP, unread)
        assert source._fuel_used > before


@pytest.mark.parametrize(
    "text", [module(), OBSERVING, module(step="while True: epoch = epoch")], ids=["", "reads", "endless"]
)
def test_a_call_that_nobody_asks_for_is_dropped(text: bytes, jail: Jail) -> None:
    """As when training ends: its answer is in the pipe, or waits to be answered, or is never there."""
    before = descriptors()
    with ProcessSource(jail.zygote) as source:
        source.load(assignment(text, fuel_budget=10**15))
        source.call(INITIALISE, unread)
        source.ahead(STEP)
        pid = pid_of(source)
        begun = time.monotonic()
    assert time.monotonic() - begun < 5.0
    ends_cleanly(pid)
    assert descriptors() == before


@pytest.mark.parametrize(
    "text", [module(), OBSERVING, module(step="while True: epoch = epoch")], ids=["", "reads", "endless"]
)
@pytest.mark.parametrize("renew", ["load", "restore"])
def test_what_was_begun_is_forgotten_by_who_begins_anew(renew: str, text: bytes, jail: Jail) -> None:
    given = assignment(text, fuel_budget=10**15)
    with ProcessSource(jail.zygote) as source:
        source.load(given)
        first = source.call(INITIALISE, unread)
        source.ahead(STEP)
        if renew == "load":
            source.load(given)
            assert source.call(INITIALISE, unread) == first
        else:
            source.restore(b"N", first.fuel_used)
            query = source.call(QUERY, unread)
            assert query.fuel_used > first.fuel_used


def test_fuel_that_a_restored_run_has_used_is_what_was_said(jail: Jail) -> None:
    with ProcessSource(jail.zygote) as source:
        source.load(assignment(module()))
        source.restore(b"N", 12345)
        assert source._fuel_used == 12345
        with pytest.raises(StateError, match="10000000000 units of fuel are not what a run of this module has used"):
            source.restore(b"N", 10**10)


# Lies: an impostor in the worker's place


class Impostor:
    """Takes the place of the zygote and of a worker's process; the test says what it answers."""

    process = -1

    def fork(self, requests: int, replies: int) -> Impostor:
        self.requests, self.replies = os.dup(requests), os.dup(replies)
        self.greet()
        return self

    def greet(self) -> None:
        self.say(Frame(Kind.READY, body=b"pid,net;0;65534"))

    def say(self, *frames: Frame | bytes) -> None:
        for frame in frames:
            os.write(self.replies, frame if isinstance(frame, bytes) else frame.pack())

    def hang_up(self) -> None:
        os.close(self.replies)
        self.replies = os.dup(self.requests)

    def end(self, patience: float) -> int:
        for descriptor in (self.requests, self.replies):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        return 3 << 8


@pytest.fixture
def impostor(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Impostor, ProcessSource]]:
    liar = Impostor()
    monkeypatch.setattr(client, "confirm", lambda number: None)
    monkeypatch.setattr(client, "CALL_SECONDS", 0.2)
    with ProcessSource(cast(Zygote, liar)) as source:
        source._worker.start()
        yield liar, source


GIVEN = assignment(module(query="return parameters"), fuel_budget=1000)


def raw(magic: int = MAGIC, kind: int = Kind.PROGRAM, sequence: int = 3, length: int = 0) -> bytes:
    return struct.pack("<IBxxxQqddQQQ", magic, kind, sequence, 0, 0.0, 0.0, 6, 0, length)


ADD_UP = "fuel that does not add up"
LIES: dict[str, tuple[Frame | bytes, str]] = {
    "old sequence": (Frame(Kind.PROGRAM, 2, fuel_used=5), "out of turn"),
    "later sequence": (Frame(Kind.PROGRAM, 4, fuel_used=5), "out of turn"),
    "no sequence": (Frame(Kind.PROGRAM, 0, fuel_used=5), "out of turn"),
    "ready again": (Frame(Kind.READY, 3, fuel_used=5), "does not go with the request"),
    "a request": (Frame(Kind.STEP, 3, fuel_used=5), "does not go with the request"),
    "an answer": (Frame(Kind.ANSWER, 3, fuel_used=5), "does not go with the request"),
    "done": (Frame(Kind.DONE, 3, fuel_used=5), "does not go with the request"),
    "refused in the middle": (Frame(Kind.REFUSED, 3, fuel_used=5), "does not go with the request"),
    "exhausted with fuel left": (Frame(Kind.OUT_OF_FUEL, 3, fuel_used=6), ADD_UP),
    "out of memory with fuel left": (Frame(Kind.OUT_OF_MEMORY, 3, fuel_used=6), ADD_UP),
    "magic": (raw(magic=MAGIC ^ 1), "not of the channel's form"),
    "unknown kind": (raw(kind=99), "not of the channel's form"),
    "length": (raw(length=MOST[Kind.PROGRAM] + 1), "not of the channel's form"),
    "part of a header": (raw()[:50], "did not answer in time"),
    "part of a body": (raw(length=100) + bytes(99), "did not answer in time"),
    "fuel given back": (Frame(Kind.PROGRAM, 3, fuel_used=4), ADD_UP),
    "fuel beyond the budget": (Frame(Kind.PROGRAM, 3, fuel_used=1001), ADD_UP),
    "failure with fuel given back": (Frame(Kind.FAILED, 3, fuel_used=0), ADD_UP),
    "more work than fuel": (Frame(Kind.PROGRAM, 3, fuel_used=10, worked=6), ADD_UP),
    "a segment for nothing": (Frame(Kind.READ, 3, fuel_used=5), ADD_UP),
    "fault": (Frame(Kind.FAULT, 3, body=b"out of memory"), "the worker failed: out of memory"),
}


def load_and_initialise(liar: Impostor, source: ProcessSource) -> None:
    liar.say(Frame(Kind.DONE, 1, fuel_used=3), Frame(Kind.PROGRAM, 2, fuel_used=5))
    source.load(GIVEN)
    source.call(INITIALISE, unread)
    assert source._fuel_used == 5


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("call", [QUERY, STEP], ids=["query", "step"])
@pytest.mark.parametrize("ahead", [False, True])
def test_lies_are_faults(lie: str, call: Call, ahead: bool, impostor: tuple[Impostor, ProcessSource]) -> None:
    liar, source = impostor
    load_and_initialise(liar, source)
    answer, message = LIES[lie]
    if ahead:
        source.ahead(call)
    liar.say(answer)
    with pytest.raises(WorkerFault, match=message):
        source.call(call, unread)
    assert source._fuel_used == 5


def test_an_impostor_that_tells_the_truth_is_believed(impostor: tuple[Impostor, ProcessSource]) -> None:
    liar, source = impostor
    load_and_initialise(liar, source)
    liar.say(Frame(Kind.READ, 3, fuel_used=6, body=b"ask"), Frame(Kind.READ, 4, fuel_used=7, body=b"more"))
    liar.say(Frame(Kind.PROGRAM, 5, fuel_used=1000, worked=995, body=b"end"))
    asked: list[bytes] = []

    def read(segment: bytes) -> bytes:
        asked.append(segment)
        return segment[::-1]

    answer = source.call(STEP, read)
    assert (answer.segment, answer.fuel_used, answer.worked) == (b"end", 1000, 995)
    assert asked == [b"ask", b"more"]
    sent = [listen(liar.requests) for _ in range(5)]
    assert [(f.kind, f.sequence, f.body) for f in sent[2:] if f] == [
        (Kind.STEP, 3, b""), (Kind.ANSWER, 4, b"ksa"), (Kind.ANSWER, 5, b"erom"),
    ]  # fmt: skip


def test_segments_without_end_have_one(impostor: tuple[Impostor, ProcessSource]) -> None:
    """Each of them costs a unit at least, and a call has so many."""
    liar, source = impostor
    load_and_initialise(liar, source)
    read: list[bytes] = []
    liar.say(Frame(Kind.READ, 3, fuel_used=6))

    def more(segment: bytes) -> bytes:
        read.append(segment)
        liar.say(Frame(Kind.READ, 3 + len(read), fuel_used=6 + len(read)))
        return b""

    with pytest.raises(WorkerFault, match=ADD_UP):
        source.call(STEP, more)
    assert len(read) == 1000 - 5


def test_a_call_uses_no_more_than_a_call_may(
    impostor: tuple[Impostor, ProcessSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    liar, source = impostor
    load_and_initialise(liar, source)
    monkeypatch.setattr(client, "CALL_FUEL", 10)
    liar.say(Frame(Kind.PROGRAM, 3, fuel_used=15), Frame(Kind.PROGRAM, 4, fuel_used=26))
    assert source.call(STEP, unread).fuel_used == 15
    with pytest.raises(WorkerFault, match=ADD_UP):
        source.call(STEP, unread)


@pytest.mark.parametrize("first", [Frame(Kind.DONE, 0), b"x" * 10])
def test_a_worker_that_does_not_begin_with_ready_does_not_start(first: Frame | bytes) -> None:
    class Other(Impostor):
        def greet(self) -> None:
            self.say(first)
            self.hang_up()

    with (
        WorkerProcess(cast(Zygote, Other())) as worker,
        pytest.raises(WorkerFault, match=r"could not start|middle of a frame"),
    ):
        worker.ask(Frame(Kind.CHECK))


def test_a_worker_that_hangs_up_is_a_fault(impostor: tuple[Impostor, ProcessSource]) -> None:
    liar, source = impostor
    liar.say(Frame(Kind.DONE, 1))
    liar.hang_up()
    source.load(GIVEN)
    with pytest.raises(WorkerFault, match=r"ended unexpectedly \(exit status 3\)"):
        source.call(INITIALISE, unread)


def test_requests_name_what_is_asked(impostor: tuple[Impostor, ProcessSource]) -> None:
    liar, source = impostor
    load_and_initialise(liar, source)
    liar.say(Frame(Kind.PROGRAM, 3, fuel_used=5))
    source.call(Call(CallKind.STEP, 9, 0.25, 0.75), unread)
    load, initialise, step = (listen(liar.requests) for _ in range(3))
    assert load is not None
    assert (load.kind, load.sequence) == (Kind.LOAD, 1)
    assert (initialise, step) == (Frame(Kind.INITIALISE, 2), Frame(Kind.STEP, 3, 9, 0.25, 0.75))
    header, source_text = load.body.split(b"\n", 1)
    assert sorted(json.loads(header)) == ["difficulty", "fuel_budget", "hyperparameters", "layout", "name"]
    assert source_text == GIVEN.source


GOOD_ROW: list[Any] = [1, 2, "D100", "message", "hint"]
HOSTILE = [
    b"", b"\xff\xfe\x00", b"nonsense", b"{}", b"null", b"[1]", b"[[]]", b"[" * 100_000, b"[[[[[[" * 9000,
    b'[[1, 2, "D100", "message"]]', b'[[1, 2, "D100", "message", "hint", "more"]]', b'[["1", 2, "D100", "m", "h"]]',
    b'[[1.0, 2, "D100", "m", "h"]]', b'[[true, 2, "D100", "m", "h"]]', b'[[1, 2, "D100", null, "h"]]',
    b'[[1, 2, "D100", ["m"], "h"]]', b'[[' + b"9" * 5000 + b', 2, "D100", "m", "h"]]',
    json.dumps([GOOD_ROW, {}]).encode(), json.dumps([GOOD_ROW])[:-1].encode(),
]  # fmt: skip


@pytest.mark.parametrize("data", HOSTILE, ids=lambda data: repr(data[:24]))
def test_hostile_diagnostics_are_a_fault(data: bytes, impostor: tuple[Impostor, ProcessSource]) -> None:
    liar, source = impostor
    with (
        said_in_pieces(liar, Frame(Kind.REFUSED, 1, body=data)),
        pytest.raises(WorkerFault, match="diagnostics that are not of the channel's form"),
    ):
        source.load(GIVEN)


@contextlib.contextmanager
def said_in_pieces(liar: Impostor, frame: Frame) -> Iterator[None]:
    """A frame that a pipe does not hold at once."""
    saying = threading.Thread(target=lambda: say(liar.replies, frame))
    saying.start()
    yield
    saying.join()


def test_a_refusal_without_a_reason_is_a_fault(impostor: tuple[Impostor, ProcessSource]) -> None:
    liar, source = impostor
    liar.say(Frame(Kind.REFUSED, 1, body=b"[]"))
    with pytest.raises(WorkerFault, match="did not say why"):
        source.load(GIVEN)


@pytest.mark.parametrize(
    "data",
    [*HOSTILE, b"[{}]", b"[{}, {}, {}]", b"[{}, []]", b'[{"lr": []}, {}]', b'[{"lr": {}}, {}]', b'[{}, {"lr": 1}]'],
    ids=lambda data: repr(data[:24]),
)
def test_a_hostile_declaration_is_a_fault(data: bytes) -> None:
    with pytest.raises(WorkerFault, match="a declaration that is not of the channel's form"):
        client._declaration(data)


def test_texts_of_the_worker_cannot_reach_the_terminal(impostor: tuple[Impostor, ProcessSource]) -> None:
    liar, source = impostor
    escape = "a\x1b[2Jb\u202ec\nd"
    liar.say(Frame(Kind.REFUSED, 1, body=json.dumps([[1, 2, escape, escape, escape]]).encode()))
    with pytest.raises(ModuleRefused) as refused:
        source.load(GIVEN)
    (problem,) = refused.value.diagnostics
    assert (problem.code, problem.message, problem.hint) == ("a?[2Jb?c?d",) * 3
    liar.say(Frame(Kind.FAILED, 2, body=escape.encode() + b"\xff"))
    with pytest.raises(OptimiserError) as failed:
        source.load(GIVEN)
    assert str(failed.value) == r"'a\x1b[2Jb\u202ec\nd\ufffd'"
    liar.say(Frame(Kind.FAULT, 3, body=escape.encode()))
    with pytest.raises(WorkerFault) as fault:
        source.load(GIVEN)
    assert str(fault.value) == "the worker failed: a?[2Jb???c?d"
