"""Attacks on time and memory that take more than one run of a module to show."""

from __future__ import annotations

import contextlib
import gc
import re
import time
from collections.abc import Callable

import pytest

from sandbox.compiler import compile_optimiser
from sandbox.errors import FuelExhausted, MemoryExhausted, ModuleRefused, OptimiserError
from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.language.gate import MAX_BYTES
from sandbox.tensors.tensor import Tensor
from tests.support.fresh_process import printed
from tests.support.sample_optimisers import assignment, in_process, module, play

pytestmark = pytest.mark.slow

SOURCE_BYTES = MAX_BYTES // 2
SECONDS = 1.5
"""More than so much source takes to check on a busy machine, and less than a quadratic scan takes."""

LEXEMES = {
    "texts that never end": "\\'''\n",
    "double texts that never end": '\\"""\n',
    "quotes": "'\n",
    "escaped quotes": "'\\'",
    "brackets": "([{",
    "blocks": "  \n ",
    "codings": "# coding:(\n",
}
BODIES = {
    "f-strings": ("x = [\n", "f'','some text of an author'," * 30 + "\n", "]; return {}"),
    "f-strings with fields": ("a = 1; x = [\n", "f'{a}{a} and some text of an author'," * 20 + "\n", "]; return {}"),
    "comparisons": ("a = 1; x = (", "a<=\n" * 10, "a); return {}"),
    "clauses": ("x = [0 ", "for a in ()\n" * 10, "]; return {}"),
    "problems": ("x = [\n", "zz," * 300 + "\n", "]; return {}"),
    "problems of one line": ("x = [", "zz,", "]; return {}"),
    "names": ("x = [\n", "a1.b2," * 100 + "\n", "]; return {}"),
    "arguments": ("x = max(\n", "a=1," * 100 + "\n", "); return {}"),
}
NESTED = {
    "lists": "x = [x]",
    "tuples": "x = (x,)",
    "dicts": "x = {'x': x}",
    "functions": "x = wrap(x)",
    "methods": "x = [x].append",
    "methods of dicts": "x = {'x': x}.get",
}


def hosted(source: bytes, fuel: int = 10**9) -> ExecutedOptimiser:
    return in_process(assignment(source, fuel_budget=fuel))


def filled(text: str) -> str:
    return text * (SOURCE_BYTES // len(text))


SOURCES = {
    **{kind: f"{filled(text)}\\".encode() for kind, text in LEXEMES.items()},
    **{kind: module(initial=before + filled(text) + after) for kind, (before, text, after) in BODIES.items()},
}


@pytest.mark.parametrize("kind", SOURCES)
def test_a_source_is_checked_in_linear_time(kind: str) -> None:
    source = SOURCES[kind]
    started = time.process_time()
    with contextlib.suppress(ModuleRefused):
        compile_optimiser(source, "a.py")
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("while True:\n        torch.zeros(4096).sort()", FuelExhausted),
        ("while epoch == 1:\n        torch.zeros(2**20)\n    return -gradient, state", MemoryExhausted),
    ],
)
def test_a_spent_budget_stays_spent(step: str, error: type[Exception]) -> None:
    optimiser = hosted(module(query="return parameters + 1.0", step=step))
    optimiser.initialise()
    calls: list[Callable[[], object]] = [optimiser.step_updates, optimiser.step_updates, optimiser.query_location]
    for epoch, call in enumerate(calls, 1):
        optimiser.begin_epoch(epoch, 1.0, 1.0, 1)
        with pytest.raises(error):
            call()


@pytest.mark.parametrize("kind", NESTED)
def test_values_nested_fifty_thousand_deep_can_be_dropped(kind: str) -> None:
    turn = f"for _ in range(50_000):\n        {NESTED[kind]}"
    body = f"wrap = lambda f: lambda: f\n    x = None\n    {turn}\n    return {{}}"
    play(hosted(module(initial=body)), epochs=1)


def test_a_long_chain_of_comparisons_is_taken_or_refused() -> None:
    with contextlib.suppress(ModuleRefused):
        compile_optimiser(module(initial="a = 1; x = (" + "a<=\n" * 4500 + "a); return {}"), "a.py")


def test_cycles_of_big_tensors_do_not_pile_up() -> None:
    body = "x = [torch.zeros(12345)]; x.append(x)\n    return -gradient, state"
    optimiser = hosted(module(step=body), fuel=10**10)
    optimiser.initialise()
    for epoch in range(3000):
        optimiser.begin_epoch(epoch, 1.0, 1.0, 1)
        optimiser.step_updates()
    assert sum(type(value) is Tensor and value._value.size == 12345 for value in gc.get_objects()) < 1000


DEEP = """
import resource, sys
hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
resource.setrlimit(resource.RLIMIT_STACK, (2**19, hard))
from contextlib import closing
from sandbox.errors import ModuleRefused
from sandbox.worker.client import check_in_worker
from sandbox.worker.zygote_client import Zygote
with closing(Zygote()) as zygote:
    for text in ("lambda:\\n", "0 if 0 else\\n", "0 +\\n", "not\\n"):
        source = "x = (" + text * (60_000 // len(text)) + "0)\\n"
        try:
            check_in_worker(zygote, source.encode(), "deep.py")
        except ModuleRefused:
            print("refused")
"""


def test_a_worker_has_its_stack_whatever_the_caller_s_limit() -> None:
    """With 512 KiB, the first of these ended it."""
    assert printed(DEEP).split() == ["refused"] * 4


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    odd = "x = torch.zeros(4) / 0.0\n    y = [x.sort(), x.sum(), x.sqrt(), x.log(), (x - x).norm(), 1e300 * 1e300]"
    play(hosted(module(initial=f"{odd}\n    return {{}}")))
    with pytest.raises(OptimiserError):
        play(hosted(module(initial="raise ValueError('text')")))
    with pytest.raises(ModuleRefused):
        play(hosted(module(initial="print('\\d'); return 1 is 1")))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["x", "\\x1b[2J", "\\u202e", "\\n", "\\xff", "\\U0001f600"])
def test_a_message_is_short_and_plain(text: str) -> None:
    with pytest.raises(OptimiserError) as raised:
        play(hosted(module(initial=f"x = '{text}' * 9000\n    raise ValueError(f'{{x}}')")))
    assert re.fullmatch(r"line 5: ValueError: [ -~]{100,200}", raised.value.said)
