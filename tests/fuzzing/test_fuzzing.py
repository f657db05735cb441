"""A short run of the fuzzer that `proofs/fuzzing.py` runs for long, and proof that its oracle sees bugs."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import pytest

from sandbox.language.builtins import _Builtins
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor
from tests.fuzzing.oracle import ENDINGS, finding, observe
from tests.fuzzing.samples import AMPLE_FUEL, FUEL, Program, program
from tests.fuzzing.shrinking import shrunk
from tests.support.sample_optimisers import in_process, module

pytestmark = pytest.mark.slow


def of(source: bytes, seed: int = 1) -> Program:
    return Program(seed, "written", source, FUEL)


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_no_program_breaks_the_contract(first: int) -> None:
    for seed in range(first, first + 50):
        assert finding(program(seed), in_process, in_process) == "", f"seed {seed}"


def test_programs_do_real_work_and_fail_in_every_usual_way() -> None:
    endings = Counter(observe(program(seed), in_process).ending for seed in range(1000, 1120))
    assert endings["completed"] > 40
    assert min(endings[ending] for ending in ENDINGS[:3]) >= 5


def test_a_seed_gives_one_program() -> None:
    assert [program(seed) for seed in range(20)] == [program(seed) for seed in range(20)]
    assert len({program(seed).source for seed in range(20)}) == 20


def test_memory_runs_out_before_ample_fuel() -> None:
    step = "return gradient * sum(torch.zeros(2 ** 20).numel() for i in range(600)), state"
    outcome = observe(replace(of(module(step=step)), fuel_budget=AMPLE_FUEL), in_process)
    assert outcome.ending == "MemoryExhausted"


def test_an_author_who_changes_a_dict_in_a_loop_over_it_is_told_so() -> None:
    step = "d = {'a': 1}\n    for k in d:\n        d[k + 'b'] = 2\n    return gradient, state"
    changing = of(module(step=step))
    assert "dictionary changed size during iteration" in observe(changing, in_process).message
    assert finding(changing, in_process, in_process) == ""


STEP = module(step="return abs(-1.0) * gradient, {'m': parameters.sum()}")


def test_the_oracle_sees_answers_that_change(monkeypatch: pytest.MonkeyPatch) -> None:
    count = itertools.count()
    assert finding(of(STEP), in_process, in_process) == ""
    monkeypatch.setattr(_Builtins, "abs_", lambda self, value: float(next(count)))
    assert "differ in answers" in finding(of(STEP), in_process, in_process)


def test_the_oracle_sees_fuel_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    count = itertools.count()
    monkeypatch.setattr(_Builtins, "abs_", lambda self, value: (self._do.charge(next(count)), 1.0)[1])
    assert "differ in fuel_used" in finding(of(STEP), in_process, in_process)


def test_the_oracle_sees_an_address_in_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def total(self: Tensor) -> Tensor:
        raise ValueError(f"no sum of {object.__repr__(self)}")

    monkeypatch.setattr(Tensor, "sum", total)
    monkeypatch.setattr(ParameterVector, "sum", total)
    assert "differ in message" in finding(of(STEP), in_process, in_process)


def test_the_oracle_sees_a_foreign_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bool:
        raise SystemError("not of the sandbox")

    monkeypatch.setattr("sandbox.recording.compile_optimiser", refuse)
    assert finding(of(STEP), in_process, in_process).startswith("ended with SystemError")


def test_the_oracle_sees_an_error_for_which_the_author_is_wrongly_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AttributeError("_data")

    monkeypatch.setattr(_Builtins, "abs_", fail)
    assert "no author can make" in finding(of(STEP), in_process, in_process)


@pytest.mark.parametrize("error", [SystemError("deep below"), RuntimeError("of torch"), MemoryError(), OSError()])
def test_the_oracle_sees_the_faults_of_a_machine(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(_Builtins, "abs_", fail)
    assert finding(of(STEP), in_process, in_process).startswith("ended with WorkerFault")


def test_the_oracle_sees_unprintable_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.recording.describe", lambda *_: "beep \x07")
    assert "cannot be printed" in finding(of(module(step="return [][0], state")), in_process, in_process)


def test_the_oracle_sees_hidden_state(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden: dict[int, float] = {}  # what one optimiser leaves in itself, another one has not

    def remember(self: _Builtins, value: float) -> float:
        hidden[id(self)] = hidden.get(id(self), 0.0) + 1.0
        return hidden[id(self)]

    monkeypatch.setattr(_Builtins, "abs_", remember)
    assert "differ in answers" in finding(replace(of(STEP), seed=0), in_process, in_process)


def test_a_failing_program_is_shrunk_to_what_fails() -> None:
    lines = "x = [1, 2]\n    y = (x, [3])\n    z = torch.zeros(3)[7]\n    w = x + x\n    return gradient, state"

    def fails(candidate: Program) -> bool:
        return "out of range" in observe(candidate, in_process).message

    small = shrunk(of(module(step=lines)), fails).source
    assert b"zeros(3)[7]" in small
    assert b"w =" not in small
    assert b"y =" not in small
