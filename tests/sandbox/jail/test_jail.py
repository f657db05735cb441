"""The kernel keeps the jail: what a jailed process may ask is the allow-list and nothing else, for every user."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import JailError
from sandbox.jail import confinement, seccomp
from sandbox.jail.system_calls import ARCHITECTURES, Rule, allowed
from sandbox.worker.client import ProcessSource
from sandbox.worker.zygote_client import Zygote
from tests.support.bpf import ALLOW, KILL, run_filter
from tests.support.folders import FIXTURES, ROOT
from tests.support.sample_optimisers import assignment, module

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(platform.machine() not in ARCHITECTURES, reason="the jail needs x86-64 or AArch64"),
]
x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of x86-64")
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

REQUESTS, REPLIES = 3, 4

DRIVER = """
import ctypes, json, mmap, os, sys
from sandbox.jail.confinement import enter
calls = json.loads(sys.argv[1])
read, write = os.pipe()
other = os.open("/dev/null", os.O_RDWR)
libc = ctypes.CDLL(None)
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20 (getpid of the 32-bit table); int 0x80; ret
as_32_bit = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
buffer = ctypes.create_string_buffer(4096)
names = {"read": read, "write": write, "other": other, "buffer": ctypes.addressof(buffer)}
for user in sys.argv[2:]:
    os.setgroups([]); os.setresgid(*[int(user)] * 3); os.setresuid(*[int(user)] * 3)
ends = []
for call in calls:
    arguments = [ctypes.c_long(names.get(a, a)) for a in call if a != "int 0x80"]
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(0); os.dup2(read, 3); os.dup2(write, 4); os.dup2(other, 5)
        enter(3, 4, parent, ())
        if call == ["int 0x80"]:
            as_32_bit()
        else:
            libc.syscall(*arguments)
        os._exit(0)
    ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(ends))
"""

Call = list[int | str]


def jailed(calls: list[Call], *user: str) -> list[bool]:
    """Which calls a jailed process survives as far as the filter is concerned; each is made by one of its own."""
    command = [sys.executable, "-c", DRIVER, json.dumps(calls), *user]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [code != -signal.SIGSYS for code in json.loads(done.stdout)]


@pytest.fixture(params=["this user", pytest.param("nobody", marks=root)])
def user(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return () if request.param == "this user" else ("65534",)


@x86_64
def test_what_the_kernel_answers_is_the_allow_list(user: tuple[str, ...]) -> None:
    """Every number, with zeros for arguments; the two that Linux exempts from filters return at once elsewhere."""
    numbers = list(range(512))
    calls: list[Call] = [[n, 0, 0, 0, 0, 0, 0] for n in numbers]
    survivors = {n for n, alive in zip(numbers, jailed(calls, *user), strict=True) if alive}
    table = ARCHITECTURES["x86_64"].numbers
    exempt = {335, 336}  # uretprobe and uprobe, since Linux 6.11 and 6.18
    assert survivors - exempt == {table[name] for name in ("brk", "munmap", "exit_group")}


NONE, READ, RW, EXEC = 0, mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE, mmap.PROT_EXEC
PRIVATE, FIXED, LATER = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 0x10, 0x4000
CONDITIONS: dict[str, tuple[str, list[int | str], bool]] = {
    "write the reply": ("write", [4, "buffer", 8], True),
    "write elsewhere": ("write", [5, "buffer", 8], False),
    "write the request": ("write", [3, "buffer", 8], False),
    "write, descriptor of 64 bits": ("write", [2**32 + 5, "buffer", 8], False),
    "read elsewhere": ("read", [5, "buffer", 8], False),
    "read the reply": ("read", [4, "buffer", 8], False),
    "map memory": ("mmap", [0, 4096, RW, PRIVATE, -1, 0], True),
    "map memory that nobody may use": ("mmap", [0, 4096, NONE, PRIVATE, -1, 0], False),
    "map memory to read": ("mmap", [0, 4096, READ, PRIVATE, -1, 0], False),
    "map memory of a descriptor": ("mmap", [0, 4096, RW, mmap.MAP_PRIVATE, 5, 0], False),
    "map shared memory": ("mmap", [0, 4096, RW, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, -1, 0], False),
    "map executable memory": ("mmap", [0, 4096, RW | EXEC, PRIVATE, -1, 0], False),
    "map over something": ("mmap", ["buffer", 4096, RW, PRIVATE | FIXED, -1, 0], False),
    "map without room for it": ("mmap", [0, 4096, RW, PRIVATE | LATER, -1, 0], False),
    "protect": ("mprotect", [0, 0, mmap.PROT_READ], False),
    "move": ("mremap", [0, 0, 0, 1], True),
    "stay": ("mremap", [0, 0, 0, 0], False),
    "move over something": ("mremap", [0, 0, 0, 3], False),
    "give memory back": ("madvise", [0, 0, 4], False),
    "wake": ("futex", ["buffer", 1, 1], False),
}


@x86_64
def test_arguments_are_looked_at(user: tuple[str, ...]) -> None:
    table = json.loads((FIXTURES / "kernel" / "linux-6.1.json").read_text("utf-8"))["x86_64"]["calls"]
    calls: list[Call] = [[table[name], *arguments] for name, arguments, _ in CONDITIONS.values()]
    found = dict(zip(CONDITIONS, jailed(calls, *user), strict=True))
    assert found == {title: expected for title, (_, _, expected) in CONDITIONS.items()}


@x86_64
def test_other_calling_conventions_are_killed() -> None:
    x32 = 0x40000000
    assert jailed([[x32 | number] for number in (1, 12, 24, 60, 514)]) == [False] * 5
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps([["int 0x80"]])], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)[0] in (-signal.SIGSYS, -signal.SIGSEGV)  # the latter where there is no 32-bit table


# The program, run by an interpreter of our own: for the architecture that this machine is not


def permits(rule: Rule, arguments: tuple[int, ...]) -> bool:
    return all(arguments[a.index] & a.mask & 0xFFFFFFFF == a.value for a in rule.arguments)


word = st.one_of(st.integers(0, 40), st.sampled_from([128, 129, 256 + 137, 2**31, 2**32 - 1, 2**32 + 4]))


@pytest.mark.parametrize("name", ARCHITECTURES)
@given(number=st.integers(0, 470), arguments=st.tuples(*[word] * 6), right=st.booleans())
def test_the_program_says_what_the_rules_say(name: str, number: int, arguments: tuple[int, ...], right: bool) -> None:
    machine, rules = ARCHITECTURES[name], allowed(REQUESTS, REPLIES)
    verdict = run_filter(seccomp.program(rules, machine), number, machine.audit if right else 0x40000003, arguments)
    expected = right and any(machine.numbers[r.name] == number and permits(r, arguments) for r in rules)
    assert verdict == (ALLOW if expected else KILL)


def test_a_worker_can_read_only_requests_and_write_only_replies() -> None:
    descriptors = {(r.name, r.arguments[0].value) for r in allowed(REQUESTS, REPLIES) if r.name in ("read", "write")}
    assert descriptors == {("read", REQUESTS), ("write", REPLIES)}


# Building it, or refusing


PATCHED = """
import sys
import sandbox.jail.kernel as kernel, sandbox.jail.seccomp as seccomp, sandbox.jail.landlock as landlock
import os
def refuse(*arguments):
    raise OSError(1, "Operation not permitted")
def pretend(*arguments):
    return 0
{patch}
from sandbox.worker.zygote_server import main
main(["server", *sys.argv[1:]])
"""


@contextlib.contextmanager
def zygote_with(patch: str) -> Iterator[Zygote]:
    with contextlib.closing(Zygote((sys.executable, "-c", PATCHED.format(patch=patch)))) as own:
        yield own


def run_in(zygote: Zygote) -> dict[str, str]:
    with ProcessSource(zygote) as source:
        assert source.load(assignment(module())).asks_location is False
    assert zygote.confinement is not None
    return zygote.confinement.describe()


WITHOUT = {
    "namespaces": ("kernel.unshare = refuse", {"namespaces": "none"}),
    "landlock": ("landlock.restrict = refuse", {"landlock": "none"}),
    "another user": ("os.setresuid = refuse", {"user": str(os.getuid())}),
}


@pytest.mark.parametrize("layer", WITHOUT)
def test_what_is_optional_is_named_when_it_is_missing(layer: str) -> None:
    patch, expected = WITHOUT[layer]
    with zygote_with(patch) as zygote:
        assert expected.items() <= run_in(zygote).items()


def test_landlock_is_used_when_the_kernel_has_it() -> None:
    patch = "landlock.restrict = lambda: 7"
    with zygote_with(patch) as zygote:
        assert run_in(zygote)["landlock"] == "7"


MISSING = {
    "filter refused": ("seccomp.install = refuse", "Operation not permitted"),
    "filter not there": ("seccomp.install = pretend", "Seccomp 0 of the worker instead of 2"),
    "no prctl": ("kernel.control_process = refuse; kernel.unshare = refuse", "Operation not permitted"),
    "prctl without effect": (
        "kernel.control_process = pretend; kernel.unshare = refuse; seccomp.install = pretend", "instead of",
    ),
    "capabilities kept": ("kernel.system_call = refuse", "Operation not permitted"),
    "a short stack": (
        "import resource; resource.setrlimit(resource.RLIMIT_STACK, (2**22, 2**22))", "the stack may not grow to 8 MiB",
    ),
    "limits refused": ("import resource; resource.setrlimit = refuse", "Operation not permitted"),
    "unknown processor": ("import platform; platform.machine = lambda: 'riscv64'", "no table of .* for riscv64"),
    "a kernel that pretends to be of 32 bits": (
        "import platform; platform.machine = lambda: 'armv8l'", "no table of system calls for armv8l",
    ),
}  # fmt: skip


@pytest.mark.parametrize("layer", MISSING)
def test_without_a_mandatory_layer_nothing_runs(layer: str) -> None:
    patch, message = MISSING[layer]
    with zygote_with(patch) as zygote, pytest.raises(JailError, match=message) as refused:
        run_in(zygote)
    assert "--isolation none runs the module unprotected" in str(refused.value)


def test_a_process_outside_the_jail_is_recognised() -> None:
    with pytest.raises(JailError, match="the kernel says Seccomp"):
        confinement.confirm(os.getpid())
    with pytest.raises(JailError, match="/proc does not show the worker"):
        confinement.confirm(2**30)


POWERLESS = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
assert libc.prctl(28, 0x2F, 0, 0, 0) == 0  # root is nobody special, from the next execution on
for capability in range(64):
    libc.prctl(24, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""

RUN = """
import json, sys
sys.path[:0] = {path!r}
from tests.support.sample_optimisers import assignment, module, play
from sandbox.isolation import InProcess, Jail
status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines())
given = assignment(module(initial="return {{'x': rng.normal(5)}}"))
with InProcess().start(given) as here:
    expected = play(here)
with Jail() as jail, jail.start(given) as there:
    same = play(there) == expected
    print(json.dumps({{"capabilities": int(status["CapEff"], 16), "same": same, **jail.describe()}}))
"""


def driver() -> str:
    return RUN.format(path=[str(ROOT)])


@root
def test_the_jail_is_built_without_any_capability() -> None:
    done = subprocess.run([sys.executable, "-c", POWERLESS, driver()], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    assert (found["capabilities"], found["same"], found["isolation"]) == (0, True, "process")


@root
def test_the_jail_is_built_for_an_unprivileged_user() -> None:
    command = [sys.executable, "-c", driver()]
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, text=True, user=65534, group=65534, extra_groups=[]
        )
    except PermissionError:
        pytest.skip("nobody may not execute this Python")
    if "ModuleNotFoundError" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("nobody may not read this Python's libraries")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert (found["capabilities"], found["same"], found["isolation"], found["user"]) == (0, True, "process", "65534")
