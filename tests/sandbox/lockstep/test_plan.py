"""A plan leaves out what nothing needs, and lets go of what nothing needs any more."""

from __future__ import annotations

import torch

from arithmetic.random import Source
from sandbox.lockstep.executor import Executor
from sandbox.lockstep.plan import Single, one_by_one, plan
from sandbox.program.value import GRADIENT, NUMBERS, PARAMETERS
from tests.support.written_programs import WrittenProgram

SIZE = 6


def test_values_live_as_long_as_they_are_needed() -> None:
    program = WrittenProgram(SIZE, [(NUMBERS, (SIZE,))])
    first = program("negate", program.parameters)
    program("exp", first)  # whose result nobody wants
    second = program("add", first, program.state[0])
    third = program("multiply", second, second)
    made = plan(program.instructions, frozenset({third.number, program.state[0].number}), one_by_one)
    works = [stage.work for stage in made.stages]
    assert [work.instruction.operation.name for work in works if isinstance(work, Single)] == [
        "negate",
        "add",
        "multiply",
    ]
    assert [stage.done_with for stage in made.stages] == [(PARAMETERS,), (first.number,), (second.number,)]


def test_all_that_is_made_is_there_where_later_programs_may_need_it() -> None:
    program = WrittenProgram(SIZE)
    first = program("negate", program.gradient)
    second = program("square", first)
    gradient = torch.arange(2.0 * SIZE).reshape(2, SIZE)
    executor = Executor(torch.zeros(2, SIZE), gradient, [Source("tests", bytes(32))] * 2)
    found = executor.run(executor.prepare(program.instructions, None), {}, [])
    assert found.keys() == {first.number, second.number}
    assert torch.equal(found[second.number], gradient * gradient)
    assert GRADIENT not in found


def test_what_lives_on_holds_no_more_memory_than_it_needs() -> None:
    parameters = torch.arange(2.0 * SIZE).reshape(2, SIZE)
    executor = Executor(parameters, torch.zeros(2, SIZE), [Source("tests", bytes(32))] * 2)
    whole = torch.ones(2, SIZE)
    assert executor.kept(whole) is whole
    for part in (whole[:, :2], whole.t(), whole[:1].expand(2, -1), parameters, parameters[:, :3]):
        kept = executor.kept(part)
        assert torch.equal(kept, part)
        assert kept.is_contiguous()
        assert kept.untyped_storage().nbytes() == 4 * part.numel()
        assert kept.data_ptr() != part.data_ptr()
