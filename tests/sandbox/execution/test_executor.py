"""Programs are executed with the bits of their operations one by one, however they are grouped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arithmetic.random import Source
from sandbox.execution import groups
from sandbox.execution.executor import LOOPS_FUEL, Executor, Prepared
from sandbox.execution.plan import CompiledPass
from sandbox.lockstep.executor import Executor as CohortExecutor
from sandbox.program.value import GRADIENT, INDICES, MASK, NUMBERS, PARAMETERS, Shape, Value
from tests.support.written_programs import WrittenProgram

Array = NDArray[Any]

SOURCE: Final = Source("tests", bytes(32))
SIZE: Final = 3 * 700 + 33
"""Of the vector of parameters: two parts, [3, 700] and [33]."""
BIG: Final = 8192
"""Elements of a large array."""
SPECIAL: Final = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, 1e-45, -1e-45, 1.1754942e-38, 3.4e38, -3.4e38, np.inf,
     -np.inf, np.nan, 2**23 + 1, 0.1, -7.3],
    np.float32,
)  # fmt: skip
SHAPES: Final = [(), (1,), (7,), (33,), (4, 8), (8, 4), (2, 3, 5), (700,), (3, 700), (1, 700), (3, 1), (33, 65), (0, 4),
                 (66, 65)]  # fmt: skip
ONE: Final = """negate absolute square reciprocal floor ceil round sign finite nan exp rsqrt""".split()
TWO: Final = (
    "add subtract multiply divide maximum minimum less equal unequal greater",
    "distance to,divide into,subtract from,squared distance,less or equal,greater or equal,power",
)
BINARY: Final = [*TWO[0].split(), *TWO[1].split(",")]


class Grammar:
    """Draws a program, operation by operation."""

    def __init__(self, random: Random) -> None:
        self.random = random
        shapes = [self.random.choice(SHAPES) for _ in range(4)]
        state = [(random.choice([NUMBERS, NUMBERS, MASK]), shape) for shape in shapes]
        self.program = WrittenProgram(SIZE, state)
        self.values = [self.program.parameters, self.program.gradient, *self.program.state]

    def draw(self, count: int) -> None:
        """Add so many operations; those that do not go together are not counted."""
        while len(self.program.instructions) < count:
            self.draw_one()

    def draw_one(self) -> None:
        write = self.random.choice([self._one, self._two, self._two, self._two, self._where, self._view, self._other])
        try:
            self.values += write()
        except (TypeError, ValueError, IndexError):
            return

    def _value(self) -> Value:
        recent = self.values[-6:] if self.random.random() < 0.6 else self.values
        return self.random.choice(recent)

    def _operand(self) -> Value | float:
        return float(self.random.choice(SPECIAL)) * 1.1 if self.random.random() < 0.3 else self._value()

    def _one(self) -> tuple[Value, ...]:
        name = self.random.choice([*ONE, "square root", "not", "to numbers", "fill", "easy power"])
        if name == "fill":
            return self.program.several(name, self._value(), self.random.gauss(0, 1))
        if name == "easy power":
            return self.program.several(name, self._value(), exponent=self.random.randrange(4))
        return self.program.several(name, self._value())

    def _two(self) -> tuple[Value, ...]:
        first, second = self._value(), self._operand()
        if first.kind == INDICES and not isinstance(second, Value):
            raise TypeError("only integers are compared with indices")
        return self.program.several(self.random.choice([*BINARY, "and", "or"]), first, second)

    def _where(self) -> tuple[Value, ...]:
        masks = [value for value in self.values if value.kind == MASK]
        return self.program.several("where", self.random.choice(masks), self._operand(), self._operand())

    def _view(self) -> tuple[Value, ...]:
        value, choose = self._value(), self.random.choice
        if value.number in (PARAMETERS, GRADIENT) and self.random.random() < 0.5:
            start, sizes = choose([(0, (3, 700)), (2100, (33,))])
            return self.program.several("part", value, start=start, sizes=sizes)
        n = len(value.shape)
        views: list[Callable[[], tuple[str, dict[str, Any]]]] = [
            lambda: ("t", {}),
            lambda: ("transpose", {"dim0": -1, "dim1": 0}),
            lambda: ("permute", {"dims": self.random.sample(range(n), n)}),
            lambda: ("unsqueeze", {"dim": self.random.randrange(n + 1)}),
            lambda: ("squeeze", {"dim": None}),
            lambda: ("reshape", {"sizes": choose([(-1,), (value.size,), value.shape[::-1], (1, value.size)])}),
            lambda: ("expand", {"sizes": (self.random.randrange(1, 4), *value.shape)}),
            lambda: ("index", {"index": (self._slice(value.shape[0]),)}),
            lambda: ("index", {"index": (self.random.randrange(value.shape[0]),)}),
        ]
        name, parameters = choose(views)()
        return self.program.several(name, value, **parameters)

    def _slice(self, size: int) -> slice:
        start = self.random.randrange(size)
        return slice(start, self.random.randrange(start + 1, size + 1), self.random.choice([1, 1, 2]))

    def _other(self) -> tuple[Value, ...]:
        value, choose = self._value(), self.random.choice
        if not value.size:
            raise ValueError("a cohort reduces no empty tensor")
        others: list[Callable[[], tuple[Value, ...]]] = [
            lambda: self.program.several(
                choose(["sum", "largest", "norm"]), value, dim=choose([None, -1]), keepdim=choose([False, True])
            ),
            lambda: self.program.several("cat", value, value, dim=0),
            lambda: self.program.several("stack", value, value, dim=0),
            lambda: self.program.several("sort", value, dim=0, descending=False),
            lambda: self.program.several("matmul", value, self._value()),
            lambda: self.program.several("outer", value, self._value()),
            lambda: self.program.several("full", numbers=[1.5], sizes=choose(SHAPES)),
        ]
        return choose(others)()


def numbers(random: np.random.Generator, shape: Shape) -> Array:
    """Ordinary numbers, and among them some that are not."""
    values = random.normal(size=shape).astype(np.float32)
    return np.where(random.random(shape) < 0.1, random.choice(SPECIAL, shape), values).astype(np.float32)


def inputs(random: np.random.Generator, state: list[Value]) -> dict[int, Array]:
    return {
        value.number: np.asarray(random.random(value.shape) < 0.5)
        if value.kind == MASK
        else numbers(random, value.shape)
        for value in state
    }


def bits(array: Array) -> bytes:
    """The elements, where every NaN is one."""
    whole = np.ascontiguousarray(array)
    return (np.where(np.isnan(whole), np.float32(np.nan), whole) if whole.dtype == np.float32 else whole).tobytes()


def same(found: Mapping[int, Array], expected: Mapping[int, Array]) -> None:
    for number, array in found.items():
        other = expected[number]
        assert (array.dtype, array.shape) == (other.dtype, other.shape), number
        assert bits(array) == bits(other), number
        assert array.flags.c_contiguous


def fresh(turns: int = 0) -> Executor:
    """An executor that compiles loops after so many turns."""
    return Executor(np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32), SOURCE, turns)


def by_torch(program: WrittenProgram, arrays: Mapping[int, Array], scalars: list[float]) -> dict[int, Array]:
    """What a cohort of one makes of it."""
    tensors = {number: torch.from_numpy(array.copy())[None] for number, array in arrays.items()}
    fixed = [tensors.pop(number, torch.zeros(1, SIZE)) for number in (PARAMETERS, GRADIENT)]
    executor = CohortExecutor(fixed[0], fixed[1], [SOURCE])
    tensors |= executor.run(executor.prepare(program.instructions, None), tensors, scalars)
    return {**arrays, **{number: tensor[0].contiguous().numpy() for number, tensor in tensors.items()}}


@pytest.fixture(scope="module", autouse=True)
def llvm() -> None:
    pytest.importorskip("llvmlite", reason="LLVMLITE IS NOT INSTALLED: loops of operations were not tested")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60))
def test_loops_give_the_bits_of_single_operations(seed: int, count: int) -> None:
    random = Random(seed)
    grammar = Grammar(random)
    grammar.draw(count)
    program, draw = grammar.program, np.random.default_rng(seed)
    made = [value.number for each in program.instructions for value in each.results]
    wanted = frozenset(number for number in made if random.random() < 0.4) | {PARAMETERS, made[-1]}
    parameters, gradient = np.zeros((2, SIZE), np.float32)
    executor = Executor(parameters, gradient, SOURCE, turns=1)
    prepared = executor.prepare(program.instructions, wanted)
    scalars = list(program.scalars)
    earlier: list[tuple[dict[int, Array], dict[int, bytes]]] = []
    for _ in range(4):  # one by one, then in loops; with other numbers each time
        parameters[:], gradient[:] = numbers(draw, (SIZE,)), numbers(draw, (SIZE,))
        given_arrays = inputs(draw, program.state)
        everything = {PARAMETERS: parameters, GRADIENT: gradient, **given_arrays}
        before = {number: array.copy() for number, array in everything.items()}
        found = executor.run(prepared, given_arrays, scalars)
        assert found.keys() == wanted
        same(found, by_torch(program, before, scalars))
        same(everything, before)
        for array in found.values():
            assert not np.shares_memory(array, parameters)
            assert not np.shares_memory(array, gradient)
        earlier.append((found, {number: bits(array) for number, array in found.items()}))
        scalars = [number * -0.7 for number in scalars]
    for found, expected in earlier:  # and no run changes what another one gave
        assert {number: bits(array) for number, array in found.items()} == expected


@pytest.mark.parametrize("size", [BIG, 3])
def test_results_stay_as_long_as_a_view_of_them(size: int) -> None:
    program = WrittenProgram(SIZE, [(NUMBERS, (size,))])
    double = program("multiply", program.state[0], 2.0)
    column = program("reshape", double, sizes=(size, 1))
    executor = fresh()
    prepared = executor.prepare(program.instructions, frozenset({column.number}))
    kept = []
    for k in range(1, 9):
        given_arrays = {program.state[0].number: np.full(size, k, np.float32)}
        kept.append(executor.run(prepared, given_arrays, program.scalars)[column.number][:2])
    assert [each[0, 0] for each in kept] == [2.0 * k for k in range(1, 9)]


@pytest.mark.parametrize("size", [1, 31, 64, 97, 1023, 1024, BIG + 5])
@pytest.mark.parametrize("kinds", ["tensor", "number", "element"])
def test_each_operation_has_its_bits_at_each_size(size: int, kinds: str) -> None:
    draw = np.random.default_rng(size)
    program = WrittenProgram(SIZE, [(NUMBERS, (size,)), (NUMBERS, (size,) if kinds == "tensor" else (1,)),
                                    (MASK, (size,)), (MASK, (size,)), (MASK, (1,))])  # fmt: skip
    a, b, mask, other_mask, element = program.state
    second = 0.7 if kinds == "number" else b
    made = [program(name, a) for name in [*ONE, "square root"]]
    made += [program("easy power", a, exponent=i) for i in range(4)]
    made += [program("not", mask), program("to numbers", mask), program("fill", a, 0.3)]
    made += [program(name, a, second) for name in BINARY]
    made += [program(name, b, a) for name in BINARY]
    made += [program("and", mask, other_mask), program("or", mask, element), program("and", element, mask)]
    made += [program("where", mask, *pair) for pair in ((a, second), (second, a), (0.3, 0.7), (b, -0.0))]
    made += [program("where", element, a, second)]
    parameters, gradient = numbers(draw, (SIZE,)), numbers(draw, (SIZE,))
    executor = Executor(parameters, gradient, SOURCE, turns=1)
    plan = executor.prepare(program.instructions, frozenset(value.number for value in made))
    for _ in range(2):
        given_arrays = inputs(draw, program.state)
        found = executor.run(plan, given_arrays, program.scalars)
        same(found, by_torch(program, given_arrays, program.scalars))


def test_a_multiplication_and_an_addition_are_rounded_each() -> None:
    program = WrittenProgram(SIZE, [(NUMBERS, (BIG,))] * 3)
    a, b, c = program.state
    sums = [program("add", program("multiply", a, b), c), program("subtract", program("multiply", a, b), c)]
    sums += [program("add", program("multiply", a, 1.0 + 2.0**-23), c)]
    x = np.full(BIG, 1.0 + 2.0**-23, np.float32)
    given_arrays = {a.number: x, b.number: x, c.number: np.full(BIG, -(1.0 + 2.0**-22), np.float32)}
    executor = fresh()
    found = executor.run(passes_only(executor, program, *sums), given_arrays, program.scalars)
    assert float(x[0]) ** 2 - (1.0 + 2.0**-22) == 2.0**-46  # what a fused operation gives
    assert not found[sums[0].number].any()
    assert not found[sums[2].number].any()
    assert np.array_equal(found[sums[1].number], np.full(BIG, 2.0 + 2.0**-21, np.float32))


def passes_only(executor: Executor, program: WrittenProgram, *wanted: Value) -> Prepared:
    """What is prepared, in which one call of compiled loops does everything from the first turn on."""
    prepared = executor.prepare(program.instructions, frozenset(value.number for value in wanted))
    assert [type(stage.work) for stage in prepared.turn().stages] == [CompiledPass]
    return prepared


def adam(program: WrittenProgram, m: Value, v: Value, g: Value) -> list[Value]:
    m = program("add", program("multiply", m, 0.9), program("multiply", g, 0.1))
    v = program("add", program("multiply", v, 0.999), program("multiply", program("square", g), 0.001))
    return [m, v, program("divide", m, program("add", program("square root", program("divide", v, 0.5)), 1e-8))]


def test_a_step_tensor_by_tensor_is_one_call_of_compiled_code() -> None:
    parts = [(0, (3, 700)), (2100, (33,))]
    program = WrittenProgram(SIZE, [(NUMBERS, shape) for _, shape in parts for _ in range(2)])
    wanted = []
    for i, (start, shape) in enumerate(parts):
        g = program("part", program.gradient, start=start, sizes=shape)
        wanted += adam(program, program.state[2 * i], program.state[2 * i + 1], g)
    passes_only(fresh(), program, *wanted)


def test_what_nobody_wants_is_not_computed() -> None:
    program = WrittenProgram(SIZE, [(NUMBERS, (4, 4))])
    product = program("matmul", program.state[0], program.state[0])
    program("add", product, 1.0)
    half = program("multiply", program.state[0], 0.5)
    passes_only(fresh(), program, half)


def test_results_of_a_run_are_not_those_of_the_next() -> None:
    program = WrittenProgram(SIZE, [(NUMBERS, (BIG,))])
    double = program("multiply", program.state[0], 2.0)
    executor = fresh()
    plan, number = passes_only(executor, program, double), program.state[0].number
    first = executor.run(plan, {number: np.ones(BIG, np.float32)}, [2.0])[double.number]
    second = executor.run(plan, {number: np.ones(BIG, np.float32)}, [3.0])[double.number]
    assert (set(first), set(second)) == ({2.0}, {3.0})


def fail(_: object) -> None:
    raise RuntimeError("LLVM knows no such processor")


def test_a_program_that_is_charged_little_gets_loops_later() -> None:
    program = WrittenProgram(SIZE, [(NUMBERS, (BIG,))])
    wanted = frozenset({program("multiply", program.state[0], 2.0).number})
    prepared = fresh(turns=2).prepare(program.instructions, wanted, fuel=LOOPS_FUEL // 5)
    assert [prepared.turn().has_passes for _ in range(7)] == [False] * 5 + [True] * 2
    dear = fresh(turns=2).prepare(program.instructions, wanted, fuel=LOOPS_FUEL)
    assert [dear.turn().has_passes for _ in range(4)] == [False] * 2 + [True] * 2


class Many(dict[int, Array]):
    """Arrays of which none is looked at but those that are asked for."""

    def keys(self) -> Any:
        raise AssertionError("all arrays of the call were looked at")

    __iter__ = items = values = copy = keys


def test_a_program_costs_nothing_for_values_that_it_does_not_read() -> None:
    program = WrittenProgram(SIZE, [(NUMBERS, (3,))] * 2)
    double = program("multiply", program.state[0], 2.0)
    executor = fresh()
    plan = executor.prepare(program.instructions, frozenset({double.number}))
    arrays = Many({value.number: np.ones(3, np.float32) for value in program.state})
    assert executor.run(plan, arrays, program.scalars)[double.number].tolist() == [2.0] * 3
    assert executor.array(program.state[1].number, arrays, {}).tolist() == [1.0] * 3


def test_without_a_compiler_the_bits_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    program = WrittenProgram(SIZE, [(NUMBERS, (SIZE,))] * 2)
    wanted = adam(program, program.state[0], program.state[1], program.gradient)
    given_arrays = inputs(draw, program.state)
    executor = fresh()
    found = executor.run(passes_only(executor, program, *wanted), given_arrays, program.scalars)
    monkeypatch.setattr(groups.CompiledPassWriter, "written", fail)
    prepared = executor.prepare(program.instructions, frozenset(value.number for value in wanted))
    assert len(prepared.turn().stages) > 1
    same(found, executor.run(prepared, given_arrays, program.scalars))


@pytest.mark.parametrize("kind", [NUMBERS, MASK, INDICES])
def test_inputs_may_lie_in_any_order(kind: str) -> None:
    program = WrittenProgram(SIZE, [(kind, (5, 3))])
    wanted = program("to numbers", program.state[0])
    values = np.arange(15).reshape(3, 5).T.astype(kind)
    executor = fresh()
    plan = executor.prepare(program.instructions, frozenset({wanted.number}))
    found = executor.run(plan, {program.state[0].number: values}, [])
    assert np.array_equal(found[wanted.number], values.astype(np.float32))
