"""Kernels of fused groups give the bits of NumPy's kernels, for each nonce of a cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

import numpy as np
import pytest
import torch
from torch import Tensor

from sandbox.execution.executor import Executor
from sandbox.execution.kernels import Context
from sandbox.execution.loops import LOOPS
from sandbox.execution.planner import plan
from sandbox.program.value import GRADIENT, MASK, NUMBERS, PARAMETERS
from tests.sandbox.execution.test_executor import (
    BINARY,
    ONE,
    SIZE,
    SOURCE,
    SPECIAL,
    Array,
    Grammar,
    adam,
    bits,
    inputs,
    numbers,
)
from tests.support.written_programs import WrittenProgram

pytestmark = pytest.mark.slow

NEVER: Final = 2**40
"""Turns before loops are compiled."""
MOST_ELEMENTS: Final = 20_000


def rows(program: WrittenProgram, draw: np.random.Generator, nonces: int) -> list[dict[int, Array]]:
    """What each nonce's program is given."""
    vectors = [program.parameters, program.gradient]
    given = [
        inputs(draw, program.state) | {value.number: numbers(draw, value.shape) for value in vectors}
        for _ in range(nonces)
    ]
    if nonces > 1 and program.state:  # a value that all nonces share is no array for each
        shared = program.state[0].number
        for each in given:
            each[shared] = given[0][shared]
    return given


def stacked(given: Sequence[Mapping[int, Array]]) -> dict[int, Tensor]:
    """Tensors [C, ...] of what each nonce is given; [1, ...] of what all share."""
    found = {}
    for number, array in given[0].items():
        arrays = given[:1] if all(each[number] is array for each in given) else given
        found[number] = torch.stack([torch.from_numpy(each[number].copy()) for each in arrays])
    return found


def found_by_groups(
    program: WrittenProgram, wanted: frozenset[int], given: Sequence[Mapping[int, Array]], scalars: Sequence[float]
) -> list[dict[int, Array]]:
    from sandbox.lockstep.executor import Executor
    from sandbox.lockstep.fused import fused

    tensors = stacked(given)
    executor = Executor(tensors.pop(PARAMETERS), tensors.pop(GRADIENT), [SOURCE] * len(given), fused, turns=0)
    made = executor.run(executor.prepare(program.instructions, wanted), tensors, scalars)
    whole = {number: tensor.expand(len(given), *tensor.shape[1:]) for number, tensor in made.items()}
    return [{number: tensor[nonce].numpy() for number, tensor in whole.items()} for nonce in range(len(given))]


def agree(
    program: WrittenProgram, wanted: frozenset[int], given: Sequence[dict[int, Array]], factor: float = 1
) -> None:
    scalars = [number * factor for number in program.scalars]
    found = found_by_groups(program, wanted, given, scalars)
    for each, arrays in zip(found, given, strict=True):
        vectors = {number: arrays[number] for number in (PARAMETERS, GRADIENT)}
        executor = Executor(vectors[PARAMETERS], vectors[GRADIENT], SOURCE, NEVER)
        state = {number: array for number, array in arrays.items() if number not in vectors}
        expected = executor.run(executor.prepare(program.instructions, wanted), state, scalars)
        assert each.keys() == expected.keys()
        for number, array in each.items():
            assert (array.dtype, array.shape) == (expected[number].dtype, expected[number].shape), number
            assert bits(array) == bits(expected[number]), number


def test_each_operation_that_a_loop_has_is_a_function() -> None:
    from sandbox.lockstep.fused import FUNCTIONS

    assert FUNCTIONS.keys() == LOOPS.keys()


def drawn(random: Random) -> WrittenProgram:
    """A program whose arrays are small enough for an interpreter."""
    while True:
        grammar = Grammar(random)
        grammar.draw(random.randrange(1, 40))
        if max(value.size for value in grammar.values) <= MOST_ELEMENTS:
            return grammar.program


@pytest.mark.parametrize("seed", range(40))
def test_random_programs_have_their_bits(seed: int) -> None:
    random, draw = Random(seed), np.random.default_rng(seed)
    program = drawn(random)
    made = [value.number for each in program.instructions for value in each.results]
    wanted = frozenset(number for number in made if random.random() < 0.4) | {made[-1]}
    for factor in (1.0, -0.7):
        agree(program, wanted, rows(program, draw, random.choice([1, 3])), factor)


def pairs(size: int) -> tuple[Array, Array]:
    """Every two special numbers."""
    a, b = (each.reshape(-1) for each in np.meshgrid(SPECIAL, SPECIAL))
    return np.resize(a, size), np.resize(b, size)


@pytest.mark.parametrize("kinds", ["tensor", "number", "element"])
def test_each_operation_has_its_bits(kinds: str) -> None:
    size = SPECIAL.size**2 + 1024
    shape = (size,) if kinds == "tensor" else (1,)
    program = WrittenProgram(
        SIZE, [(NUMBERS, (size,)), (NUMBERS, shape), (MASK, (size,)), (MASK, (size,)), (MASK, (1,))]
    )
    a, b, mask, other_mask, element = program.state
    second = 0.7 if kinds == "number" else b
    made = [program(name, a) for name in [*ONE, "square root"]]
    made += [program("easy power", a, exponent=i) for i in range(4)]
    made += [program("not", mask), program("to numbers", mask), program("fill", a, 0.3)]
    made += [program(name, *both) for name in BINARY if name != "power" for both in ((a, second), (b, a))]
    made += [program("and", mask, other_mask), program("or", mask, element), program("and", element, mask)]
    made += [program("where", mask, *pair) for pair in ((a, second), (second, a), (0.3, 0.7), (b, -0.0))]
    made += [program("where", element, a, second)]
    draw = np.random.default_rng(1)
    given = rows(program, draw, 2)
    for arrays in given:
        arrays[a.number], arrays[b.number] = pairs(size)[0], pairs(size)[1][: shape[0]]
        arrays[a.number] = np.concatenate([arrays[a.number][:-512], numbers(draw, (512,)) * np.float32(1e7)])
    agree(program, frozenset(value.number for value in made), given)


@pytest.mark.parametrize("number", SPECIAL.tolist())
def test_scalars_are_those_of_binary32(number: float) -> None:
    program = WrittenProgram(SIZE, [(NUMBERS, (SPECIAL.size,))])
    (a,) = program.state
    made = [program(name, a, number) for name in ("add", "multiply", "divide", "maximum", "minimum", "subtract from")]
    made.append(program("fill", a, number))
    given = rows(program, np.random.default_rng(0), 1)
    given[0][a.number] = SPECIAL
    agree(program, frozenset(value.number for value in made), given)


def test_programs_of_other_numbers_and_sizes_share_a_kernel() -> None:
    from sandbox.lockstep.fused import FusedPass, FusedPassWriter, kernel

    kernels = []
    for size, first in ((700, 0.9), (33, 0.8)):
        program = WrittenProgram(SIZE, [(NUMBERS, (size,))] * 3)
        m, v, g = program.state
        wanted = frozenset(value.number for value in adam(program, m, v, g))
        program.scalars[:] = [number * first for number in program.scalars]
        (stage,) = plan(program.instructions, wanted, {}, Context(SOURCE), FusedPassWriter).stages
        assert isinstance(stage.work, FusedPass)
        (group,) = stage.work.groups
        assert not any(character in group.chain.text("") for character in ("0.9", "700", "33"))
        kernels.append(kernel(group.chain))
    assert kernels[0] is kernels[1]
