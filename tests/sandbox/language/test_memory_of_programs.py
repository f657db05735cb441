"""A program of the language holds no more memory than the meter counts (specification 7.4)."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from tests.support.sample_modules import load_function

MANY = ", ".join
PROGRAMS = {
    "empty lists": f"return [[{MANY(['[]'] * 100)}] for i in range(40)]",
    "lists of one": f"return [[{MANY(['[i]'] * 100)}] for i in range(40)]",
    "tuples": f"return [({MANY(['(i,)'] * 100)}) for i in range(40)]",
    "empty dicts": f"return [[{MANY(['{}'] * 100)}] for i in range(40)]",
    "dicts of one": f"key = 'k'\nreturn [[{MANY(['{key: i}'] * 90)}] for i in range(40)]",
    "dicts of constants": f"return [[{MANY(['{1!r: i}'] * 90)}] for i in range(40)]".replace("1!r", "'k'"),
    "dicts of 6": f"return [[{MANY(['{' + MANY(f'{k!r}: i' for k in 'abcdef') + '}'] * 10)}] for i in range(40)]",
    "dicts of 43": f"return [{{{MANY(f'{k!r}: i' for k in map(str, range(43)))}}} for i in range(40)]",
    "dicts of 86": f"return [{{{MANY(f'{k!r}: i' for k in map(chr, range(0x100, 0x158)))}}} for i in range(40)]",
    "lambdas": f"return [[{MANY(['lambda: 0'] * 80)}] for i in range(40)]",
    "lambdas that hold a name": f"def f(a):\n    return [{MANY(['lambda: a'] * 80)}]\nreturn [f(i) for i in range(9)]",
    "lambdas with defaults": f"return [[{MANY(['lambda *, a=1: 0'] * 50)}] for i in range(40)]",
    "functions": "x = []\nfor i in range(400):\n    def f(*, a=1, b=2): return 0\n    x.append(f)\nreturn x",
    "bound methods": "x = []\nreturn [x.append for i in range(400)]",
    "signs of long integers": f"n = 1 << 4095\nreturn [[{MANY(['-n', '~n'] * 50)}] for i in range(40)]",
    "signs of integers": f"n = 2 ** 40\nreturn [[{MANY(['-n'] * 100)}] for i in range(40)]",
    "sums of long integers": "n = 1 << 4090\nreturn [n + i for i in range(400)]",
    "long strings": "return [chr_ * 100 + 'b' for i in range(40)]".replace("chr_", repr("\U0001f600")),
    "short strings": "return [f'{i}' for i in range(400)]",
    "words": "return ('ab ' * 20000).split()",
    "ranges": "return [range(i, i + 5) for i in range(400)]",
    "numbers of a range": "return list(range(2**59, 2**59 + 10**4))",
    "numbers of a range, copied": "return [list(range(2**59, 2**59 + 1000)) for i in range(20)]",
    "pairs of enumerate": "return [enumerate([0] * 1000, 2**59) for i in range(20)]",
    "pairs of zip": "x = [0] * 1000\nreturn [zip(x, x, x) for i in range(20)]",
    "pairs of a dict": "x = {f'{i}': 0 for i in range(1000)}\nreturn [list(x.items()) for i in range(20)]",
    "dicts that are copied": "x = {f'{i}': 0 for i in range(1366)}\nreturn [x.copy() for i in range(20)]",
    "dicts that are merged": "x = {f'{i}': 0 for i in range(1366)}\nreturn [{**x} for i in range(20)]",
    "dicts that grow": "return [{f'{k}': k for k in range(43)} for i in range(50)]",
    "dicts that were updated": "x = {f'{i}': 0 for i in range(171)}\nreturn [dict(x) for i in range(50)]",
    "sorted lists": "x = [0.5] * 1000\nreturn [sorted(x) for i in range(50)]",
    "slices": "x = [0.5] * 1000\nreturn [x[1:] for i in range(50)]",
    "lists that grow": "x = []\nfor i in range(1000): x.append(i)\nreturn x",
    "floats": "return [i * 0.5 for i in range(400)]",
    "rounded integers": "return [round(1 << 4090, -2) + i for i in range(100)]",
    "quotients": "n = 1 << 4090\nreturn [divmod(n + i, 3) for i in range(100)]",
    "joined strings": "return [','.join(['ab'] * 50) for i in range(100)]",
    "repeated tuples": "return [(i,) * 50 for i in range(100)]",
    "keys and views": "x = {'a': 1}\nreturn [x.items() for i in range(400)]",
    "results of the largest": "return [max((i, 2.5)) * 1.5 for i in range(400)]",
}


@pytest.fixture(autouse=True)
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_a_program_holds_is_counted(program: str) -> None:
    function, meter = load_function(PROGRAMS[program], budget=10**12)
    gc.collect()
    before, counted = tracemalloc.get_traced_memory()[0], meter.used
    held = function()
    taken = tracemalloc.get_traced_memory()[0] - before
    assert held
    assert taken <= meter.used - counted
