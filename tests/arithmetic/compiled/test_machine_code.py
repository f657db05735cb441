"""Compiled kernels: what they are given, what a file of them holds, and what calls and compiles them."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from arithmetic.engine_choice import ENGINE_VARIABLE
from tests.support.folders import ROOT
from tests.support.small_contest import instance_id
from tig_verify.origin import command
from verifier.challenge.network import network_choice
from verifier.challenge.network.compiled.arrays import Matrix, Vector
from verifier.challenge.network.eager_network import EagerNetwork

pytest.importorskip("numba", reason="NUMBA IS NOT INSTALLED: what is compiled was not tested")

NETWORK = import_module("verifier.challenge.network.compiled.network_kernels").NETWORK
arguments = import_module("arithmetic.compiled.arguments")
compiler = import_module("arithmetic.compiled.compiler")
kernel_cache = import_module("arithmetic.compiled.kernel_cache")
machine_code = import_module("arithmetic.compiled.machine_code")
processor = import_module("arithmetic.compiled.processor")

Argument = arguments.Argument
HERE = processor.Processor.here()


class Inner(NamedTuple):
    values: Matrix
    factor: float


class Outer(NamedTuple):
    first: int
    inner: Inner
    last: int


@compiler.compiled  # type: ignore[untyped-decorator]
def scaled(given: Outer, out: Vector, addend: float) -> int:
    """Row sums, scaled; returns the number of elements, and the two numbers about them."""
    values = given.inner.values
    for i in range(len(values)):
        total = 0.0
        for j in range(values.shape[1]):
            total += values[i, j]
        out[i] = total * given.inner.factor + addend
    return int(values.shape[0] * values.shape[1] + 1000 * given.first + 100000 * given.last)


@compiler.compiled  # type: ignore[untyped-decorator]
def fused(a: Vector, b: Vector, c: Vector) -> None:
    for i in range(len(a)):
        c[i] = a[i] * b[i] + c[i]


@compiler.compiled  # type: ignore[untyped-decorator]
def is_large(number: float) -> bool:
    return number > 1.0


def kernel(function: Any) -> Any:
    module, forms = compiler.entry_points([function])
    code = machine_code.MachineCode(forms, {"rows": 6}, HERE.machine().emit_object(module))
    again = machine_code.MachineCode.from_bytes(code.to_bytes())
    assert again == code
    engine = processor.binding.create_mcjit_compiler(processor.binding.parse_assembly(""), HERE.machine())
    engine.add_object_file(processor.binding.ObjectFileRef.from_data(again.object_file))
    engine.finalize_object()
    return machine_code.Kernel(engine, function.__name__, again.forms[function.__name__])


def test_a_kernel_is_given_numbers_arrays_and_tuples_of_them() -> None:
    call, out = kernel(scaled), np.zeros(3, np.float32)
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    given = Argument(Outer(-7, Inner(values, 0.5), 9))
    assert call(given, Argument(out), Argument(-0.25)) == 12 - 7000 + 900000
    assert np.array_equal(out, values.sum(1) * 0.5 - 0.25)
    values[:] = 1.0  # what an array holds may change
    assert call(given, Argument(out), Argument(0.0)) == 12 - 7000 + 900000
    assert np.array_equal(out, [2.0, 2.0, 2.0])


def test_a_kernel_may_answer_a_question_or_nothing() -> None:
    call = kernel(is_large)
    assert [call(Argument(number)) for number in (1.0, 1.5, -2.0)] == [False, True, False]
    numbers = [np.full(9, value, np.float32) for value in (2.0, 3.0, 1.0)]
    assert kernel(fused)(*map(Argument, numbers)) is None
    assert np.array_equal(numbers[2], np.full(9, 7.0))


def test_a_kernel_calls_nothing_of_numbas() -> None:
    @compiler.compiled  # type: ignore[untyped-decorator]
    def power(exponent: int) -> float:
        return math.ldexp(1.0, exponent)

    with pytest.raises(RuntimeError, match="a kernel calls numba_ldexp, which is not there without numba"):
        compiler.entry_points([power])


@pytest.mark.parametrize(
    "wrong",
    [1, np.ones(3), np.ones((3, 1), np.float32), (1.0,) * 2],
    ids=["a whole number", "binary64", "a matrix", "a tuple"],
)
def test_a_kernel_refuses_what_it_was_not_compiled_for(wrong: Any) -> None:
    given = [Argument(np.ones(3, np.float32)) for _ in range(3)]
    with pytest.raises(TypeError, match="fused takes float32:1; float32:1; float32:1, not"):
        kernel(fused)(given[0], Argument(wrong), given[2])
    with pytest.raises(TypeError):
        kernel(fused)(*given[:2])


def test_an_array_that_lies_otherwise_is_no_argument() -> None:
    with pytest.raises(TypeError, match="in the order of its rows"):
        Argument(np.ones((3, 4), np.float32).T)


def test_no_multiplication_and_addition_are_contracted() -> None:
    module, _ = compiler.entry_points([fused])
    assembly = HERE.machine().emit_assembly(module)
    assert "mulps" in assembly or "fmul" in assembly
    assert "vfmadd" not in assembly
    assert "fmla" not in assembly


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-1], lambda data: data + b"x", lambda data: b"", lambda data: data[:40]]
)
def test_a_file_that_was_cut_is_noticed(spoil: Any) -> None:
    code = machine_code.MachineCode({"f": machine_code.Form("f", ("int",), "none")}, {"rows": 6}, b"code")
    with pytest.raises(ValueError, match="cut or changed"):
        machine_code.MachineCode.from_bytes(spoil(code.to_bytes()))


# -- the cache -------------------------------------------------------------------------------------------------------

COMPILES = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # who tests in the background may have it ignored
sys.path.insert(0, {root!r})
from arithmetic.compiled import kernel_cache
from arithmetic.compiled.processor import Processor
from verifier.challenge.network.compiled.network_kernels import NETWORK
kernel_cache.kernels(NETWORK, Processor.here())
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, and a compiler that is quick: it copies what is compiled already, and keeps count."""
    made = kernel_cache.kernel_file(NETWORK, HERE)
    kernel_cache.kernels(NETWORK, HERE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    counts = f"open({str(tmp_path / 'count')!r}, 'a').write('x')"
    copy = f"import shutil, sys; {counts}; shutil.copy({str(made)!r}, sys.argv[3])"
    monkeypatch.setattr(kernel_cache, "command", lambda module: (sys.executable, "-c", copy))
    kernel_cache.kernels.cache_clear()
    yield tmp_path
    kernel_cache.kernels.cache_clear()  # what is in it could be a test's


def count(cache: Path) -> int:
    return len((cache / "count").read_text())


@pytest.mark.slow
def test_kernels_are_compiled_once(cache: Path) -> None:
    for _ in range(3):
        kernel_cache.kernels(NETWORK, HERE)
        kernel_cache.kernels.cache_clear()
    assert count(cache) == 1
    assert kernel_cache.kernel_file(NETWORK, HERE).parent == cache / "tig-verify" / "kernels"


@pytest.mark.slow
def test_kernels_that_were_cut_are_compiled_again(cache: Path) -> None:
    kernel_cache.kernels(NETWORK, HERE)
    file = kernel_cache.kernel_file(NETWORK, HERE)
    file.write_bytes(file.read_bytes()[:1000])
    kernel_cache.kernels.cache_clear()
    kernel_cache.kernels(NETWORK, HERE)
    assert count(cache) == 2


@pytest.mark.slow
def test_other_processors_and_compilers_have_other_files(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = kernel_cache.kernel_file(NETWORK, HERE)
    assert kernel_cache.kernel_file(NETWORK, processor.Processor(HERE.name, "")) != file
    assert kernel_cache.kernel_file(NETWORK, processor.Processor("other", HERE.features)) != file
    monkeypatch.setattr(kernel_cache, "version", lambda _: "0.0")
    assert kernel_cache.kernel_file(NETWORK, HERE) != file


@pytest.mark.slow
def test_a_compiler_that_fails_is_an_error(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = (sys.executable, "-c", "raise SystemExit('it is broken')")
    monkeypatch.setattr(kernel_cache, "command", lambda module: broken)
    with pytest.raises(kernel_cache.NotCompiledError, match="numba does not compile here: it is broken"):
        kernel_cache.kernels(NETWORK, HERE)


@pytest.mark.slow
def test_settings_of_numba_leave_no_kernels_without_the_clean_start(tmp_path: Path) -> None:
    program = [
        *command(kernel_cache.COMPILATION),
        HERE.name,
        HERE.features,
        str(tmp_path / "new.kernels"),
        NETWORK.entries,
    ]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(program, env=environment, capture_output=True, check=False)
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_kernels_of_another_text_leave_the_eager_network_without_their_name(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel_cache.kernels(NETWORK, HERE)
    file = kernel_cache.kernel_file(NETWORK, HERE)
    code = machine_code.MachineCode.from_bytes(file.read_bytes())
    forms = {name: form for name, form in code.forms.items() if name != "training_step"}
    file.write_bytes(machine_code.MachineCode(forms, code.constants, code.object_file).to_bytes())
    kernel_cache.kernels.cache_clear()
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)
    network_choice._compiled.cache_clear()
    assert type(network_choice.network_for(instance_id())) is EagerNetwork
    network_choice._compiled.cache_clear()


@pytest.fixture
def compiling(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has the kernels compiled, for the first time."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    program = [sys.executable, "-P", "-c", COMPILES.format(root=str(ROOT))]
    process = subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not compilers(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(1.0)  # until it is inside the compiler
    yield process
    process.kill()
    process.wait()


def compilers(folder: Path) -> list[int]:
    """The processes that compile into a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"compiled.compilation" in words and os.fsencode(folder) in words:
                found.append(int(entry.name))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_who_ends_while_kernels_are_compiled_leaves_nothing(
    end: signal.Signals, compiling: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    compiling.send_signal(end)
    _, told = compiling.communicate(timeout=30)
    assert compiling.returncode == -end or b"KeyboardInterrupt" in told
    assert b"ignored" not in told
    deadline = time.monotonic() + 10
    while compilers(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []
