"""The filter's numbers and constants against the kernel's headers, its programs against every call of both lists."""

from __future__ import annotations

import json
import mmap
import platform
import sys
from typing import Any

import pytest

from sandbox.jail import confinement, kernel, landlock, namespaces, seccomp
from sandbox.jail.system_calls import ARCHITECTURES, allowed
from tests.support.bpf import ALLOW, KILL, run_filter
from tests.support.folders import FIXTURES

KERNEL: dict[str, Any] = json.loads((FIXTURES / "kernel" / "linux-6.1.json").read_text("utf-8"))
REQUESTS, REPLIES = 3, 4
X32 = 0x40000000
both = pytest.mark.parametrize("name", ARCHITECTURES)


def verdict(name: str, number: int, *arguments: int, audit: int | None = None) -> int:
    machine = ARCHITECTURES[name]
    program = seccomp.program(allowed(REQUESTS, REPLIES), machine)
    padded = (*arguments, *[0] * (6 - len(arguments)))
    return run_filter(program, number, machine.audit if audit is None else audit, padded)


def constant(name: str, text: str) -> int:
    """The sum of the kernel's constants that a text names, numbers left as they are."""
    constants = KERNEL[name]["constants"]
    return sum(constants[part] if part in constants else int(part) for part in text.split("|"))


@both
def test_the_numbers_are_those_of_the_kernel(name: str) -> None:
    calls, machine = KERNEL[name]["calls"], ARCHITECTURES[name]
    assert machine.numbers == {call: calls[call] for call in machine.numbers}
    assert machine.capset == calls["capset"]
    assert calls["landlock_create_ruleset"] == landlock._CREATE_RULESET
    assert calls["landlock_restrict_self"] == landlock._RESTRICT_SELF


@both
def test_the_constants_are_those_of_the_kernel(name: str) -> None:
    ours = {
        f"AUDIT_ARCH_{name.upper()}": ARCHITECTURES[name].audit,
        "PROT_READ": mmap.PROT_READ,
        "PROT_WRITE": mmap.PROT_WRITE,
        "PROT_EXEC": mmap.PROT_EXEC,
        "MAP_PRIVATE": mmap.MAP_PRIVATE,
        "MAP_ANONYMOUS": mmap.MAP_ANONYMOUS,
        "PR_SET_PDEATHSIG": kernel.SET_PARENT_DEATH_SIGNAL,
        "PR_SET_DUMPABLE": kernel.SET_DUMPABLE,
        "PR_SET_SECCOMP": kernel.SET_SECCOMP,
        "PR_SET_NO_NEW_PRIVS": kernel.SET_NO_NEW_PRIVS,
        "SECCOMP_MODE_FILTER": seccomp._FILTER_MODE,
        "SECCOMP_RET_ALLOW": seccomp._ALLOW,
        "SECCOMP_RET_KILL_PROCESS": seccomp._KILL_PROCESS,
        "BPF_LD|BPF_W|BPF_ABS": seccomp._LOAD,
        "BPF_ALU|BPF_AND|BPF_K": seccomp._AND,
        "BPF_JMP|BPF_JEQ|BPF_K": seccomp._JUMP_IF_EQUAL,
        "BPF_RET|BPF_K": seccomp._RETURN,
        "_LINUX_CAPABILITY_VERSION_3": confinement._CAPABILITY_VERSION,
        "CLONE_NEWIPC": namespaces._IPC,
        "CLONE_NEWUSER": namespaces._USER,
        "CLONE_NEWPID": namespaces._PID,
        "CLONE_NEWNET": namespaces._NETWORK,
    }
    assert ours == {text: constant(name, text) for text in ours}


@both
def test_no_other_call_of_the_kernels_list_passes_whatever_its_arguments(name: str) -> None:
    """Among them prctl, with which a vector's length and pointer keys are changed on AArch64."""
    machine = ARCHITECTURES[name]
    others = {call: number for call, number in KERNEL[name]["calls"].items() if call not in machine.numbers}
    assert len(others) > 290
    values = (0, 1, REQUESTS, REPLIES, 0x22, 2**32 - 1)
    passed = [call for call, number in others.items() for v in values if verdict(name, number, *[v] * 6) != KILL]
    assert passed == []


@both
def test_calls_newer_than_the_lists_and_private_ones_are_killed(name: str) -> None:
    newest = max(KERNEL[name]["calls"].values())
    private = 0x0F0000  # of 32-bit ARM: cacheflush and its like
    numbers = [*range(newest + 1, newest + 200), *range(private, private + 16), 2**31 - 1, 2**31, 2**32 - 1]
    assert {verdict(name, number) for number in numbers} == {KILL}


@both
@pytest.mark.parametrize("other", ["AUDIT_ARCH_I386", "AUDIT_ARCH_ARM", "AUDIT_ARCH_X86_64", "AUDIT_ARCH_AARCH64"])
def test_the_numbers_mean_nothing_under_another_calling_convention(name: str, other: str) -> None:
    audit = KERNEL[name]["constants"][other]
    answers = {verdict(name, number, audit=audit) for number in range(600)}
    assert answers == ({ALLOW, KILL} if audit == ARCHITECTURES[name].audit else {KILL})


@both
def test_big_endian_and_32_bit_variants_of_the_architecture_are_killed(name: str) -> None:
    audit = ARCHITECTURES[name].audit
    little, wide = 0x40000000, 0x80000000
    assert {verdict(name, n, audit=audit ^ bit) for n in range(600) for bit in (little, wide)} == {KILL}


@both
def test_x32_numbers_are_killed(name: str) -> None:
    assert {verdict(name, X32 | number) for number in range(600)} == {KILL}


ANYWHERE = "MAP_PRIVATE|MAP_ANONYMOUS"
HARMLESS = {"mmap": [0, 0, 3, 0x22, 0, 0]}
"""Arguments that pass, of which each test changes one."""
ARGUMENTS: dict[str, tuple[str, int, list[str], list[str]]] = {
    "mapping": (
        "mmap",
        3,
        [ANYWHERE],
        [
            "0",
            "MAP_PRIVATE",
            "MAP_SHARED|MAP_ANONYMOUS",
            "MAP_SHARED_VALIDATE|MAP_ANONYMOUS",
            "8|MAP_ANONYMOUS",  # MAP_DROPPABLE, newer than the list
            *(
                f"{ANYWHERE}|MAP_{flag}"
                for flag in "FIXED FIXED_NOREPLACE HUGETLB LOCKED GROWSDOWN SYNC NORESERVE".split()
            ),
        ],
    ),
    "protection": (
        "mmap",
        2,
        ["PROT_READ|PROT_WRITE"],
        ["PROT_NONE", "PROT_READ", "PROT_WRITE", "PROT_EXEC", "PROT_READ|PROT_WRITE|PROT_EXEC", "PROT_READ|PROT_SEM"],
    ),
    "moving": (
        "mremap",
        3,
        ["MREMAP_MAYMOVE"],
        ["0", "MREMAP_MAYMOVE|MREMAP_FIXED", "MREMAP_MAYMOVE|MREMAP_DONTUNMAP"],
    ),
    "reading": ("read", 0, [str(REQUESTS)], ["0", "1", "2", str(REPLIES), "4294967295"]),
    "writing": ("write", 0, [str(REPLIES)], ["0", "1", "2", str(REQUESTS), "4294967295"]),
}


@both
@pytest.mark.parametrize("what", ARGUMENTS)
def test_each_rule_allows_and_forbids_the_same_arguments_on_both_architectures(name: str, what: str) -> None:
    call, index, permitted, forbidden = ARGUMENTS[what]
    harmless = HARMLESS.get(call, [0] * 6)
    for texts, expected in ((permitted, ALLOW), (forbidden, KILL)):
        for text in texts:
            for high in (0, 2**32, 2**63):  # the kernel looks at the low half of these, or refuses the rest
                arguments = [*harmless[:index], constant(name, text) + high, *harmless[index + 1 :]]
                assert verdict(name, ARCHITECTURES[name].numbers[call], *arguments) == expected, text


@pytest.mark.parametrize("protection", ["PROT_BTI", "PROT_MTE"])
def test_protections_of_one_processor_are_killed(protection: str) -> None:
    number, value = ARCHITECTURES["aarch64"].numbers["mmap"], constant("aarch64", f"PROT_READ|PROT_WRITE|{protection}")
    assert verdict("aarch64", number, 0, 0, value, constant("aarch64", ANYWHERE)) == KILL


def test_memory_below_4_gib_is_not_asked_for_by_name() -> None:
    flags = constant("x86_64", f"{ANYWHERE}|MAP_32BIT")
    assert verdict("x86_64", ARCHITECTURES["x86_64"].numbers["mmap"], 0, 4096, 3, flags) == KILL


@pytest.mark.parametrize(
    "option",
    ["PR_SVE_SET_VL", "PR_SME_SET_VL", "PR_PAC_RESET_KEYS", "PR_PAC_SET_ENABLED_KEYS", "PR_SET_TAGGED_ADDR_CTRL"],
)
def test_vector_lengths_keys_and_tags_cannot_be_changed(option: str) -> None:
    assert verdict("aarch64", KERNEL["aarch64"]["calls"]["prctl"], constant("aarch64", option), 16) == KILL


@pytest.mark.parametrize(
    "machine", ["i686", "i386", "armv7l", "armv8l", "armv8b", "aarch64_be", "riscv64", "ppc64le", ""]
)
def test_a_machine_without_a_table_is_named(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(OSError, match=f"no table of system calls for {machine}, only for x86_64 and aarch64"):
        seccomp.architecture()


@both
def test_a_32_bit_python_under_a_64_bit_kernel_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: name)
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    with pytest.raises(OSError, match=f"no table of system calls for a 32-bit Python on {name}"):
        seccomp.architecture()
