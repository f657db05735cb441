"""Attacks on the harness itself (section H): a guard that is not ours, a layer that changes honest results."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
import RestrictedPython.transformer

from arithmetic.transcendental import elementary
from proofs import canary, versions
from sandbox.compiler import compile_optimiser
from sandbox.errors import ModuleRefused
from sandbox.executed_optimiser import ExecutedOptimiser
from sandbox.language.guards import Guards
from sandbox.language.interface import ENTRY_POINTS
from sandbox.language.module import LoadedModule
from sandbox.local_source import LocalSource
from sandbox.meter import Meter
from sandbox.optimiser import Assignment
from sandbox.program.recorder import Recorder
from sandbox.recording import Recording
from sandbox.tensors.namespaces import MathNamespace, TorchNamespace
from tests.attacks.corpus import IDS, Build, Verdict, read_corpus
from tests.support.folders import ROOT
from tests.support.sample_optimisers import OPTIMISERS, assignment, in_process, module, play

pytestmark = pytest.mark.slow

ITEMS = read_corpus()

EVERYTHING = module(
    initial="""a, (b, c) = 1, (2, 3)
    d = {'a': a, **{'b': b}}; d['c'] = c; d['c'] += 1; del d['a']
    e = [x * y for x, (y, z) in [(1, (2, 3))] if x < y <= z]; e[0] **= 2; e += [1]
    f = lambda n: n if n > 3 else f(n + 1)
    while a < 3: a += 1
    for i, (j, k) in zip(e, [(1, 2), (3, 4)]): a = i + j - k
    return [d, e, f(0), f'{a:>4}', e[-1:], parameters.sum(), -a, not a, max(*e)]""",
)


def hosted(source: bytes) -> ExecutedOptimiser:
    return in_process(assignment(source))


# -- H04: every hook is there, and ours --------------------------------------------------------------------------


class Foreign:
    """What no guard knows, and every operation of Python would serve."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *_: Any) -> Foreign:
        return self

    def __iter__(self) -> Iterator[int]:
        return iter([1, 2])

    def __len__(self) -> int:
        return 2

    __getitem__ = __setitem__ = __delitem__ = __contains__ = __add__ = __iadd__ = __lt__ = __call__


SPEC = {"childs": (), "min_len": 2}


def refused_arguments(hooks: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """For each hook that touches values, a use of one that is foreign."""
    foreign = Foreign()
    iterate = hooks["_getiter_"]
    return {
        "_getattr_": (foreign, "anything"),
        "_getitem_": (foreign, 0),
        "_setitem_": (1, foreign, 0),
        "_delitem_": (foreign, 0),
        "_locate_": (foreign, 0),
        "_augment_item_": ((foreign, 0, 1), "+", 1),
        "_inplacevar_": ("+=", foreign, 1),
        "_binop_": ("+", foreign, 1),
        "_unop_": ("-", foreign),
        "_compare_": ("<", foreign, foreign),
        "_getiter_": (foreign,),
        "_iter_unpack_sequence_": (foreign, SPEC, iterate),
        "_unpack_sequence_": (foreign, SPEC, iterate),
        "_key_": (foreign,),
        "_merge_": (foreign,),
        "_spread_": (foreign,),
        "_format_": ((foreign, ""),),
    }


COUNTING = frozenset(("_enter_", "_leave_", "_tick_"))


def guards() -> Guards:
    return Guards(Meter(10**9), {}, elementary.power)


def test_every_hook_refuses_what_it_does_not_know() -> None:
    """So none of them is None, does nothing, or is the builtin that it stands for."""
    hooks: dict[str, Any] = guards().hooks()
    arguments = refused_arguments(hooks)
    assert arguments.keys() == hooks.keys() - COUNTING
    for name, given in arguments.items():
        with pytest.raises((TypeError, AttributeError)):
            list(hooks[name](*given))


def test_the_hooks_that_count_do() -> None:
    meter = Meter(10**9)
    hooks: dict[str, Any] = Guards(meter, {}, elementary.power).hooks()
    hooks["_tick_"](7)
    hooks["_enter_"](5)
    assert meter.used == 12
    assert hooks["_leave_"]("value") == "value"
    for _ in range(100):
        hooks["_enter_"](0)
    with pytest.raises(ValueError, match="nested deeper"):
        hooks["_enter_"](0)


def test_hooks_and_builtins_are_methods_of_this_project() -> None:
    given: dict[str, Any] = {**guards().hooks(), **guards().builtins()}
    errors = {name for name, thing in given.items() if isinstance(thing, type)}
    assert errors == {"ValueError", "TypeError", "RuntimeError"}
    for name in given.keys() - errors:
        assert given[name].__func__.__module__.startswith("sandbox."), name


TEMPORARY = re.compile(r"_item\d+_")
"""What is unpacked into items of containers is bound to these first."""


def names_in(code: CodeType) -> Iterator[str]:
    """Every name that a code object, and those inside it, look up or bind."""
    yield from (*code.co_names, *code.co_varnames, *code.co_cellvars, *code.co_freevars)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def accepted() -> Iterator[tuple[str, bytes]]:
    """Modules that the language accepts: honest ones, and attacks that later layers stop."""
    yield "everything", EVERYTHING
    yield from ((path.stem, path.read_bytes()) for path in OPTIMISERS)
    cases = [case for item in ITEMS if item.id[0] == "E" for case in item.cases]
    yield from ((c.name, c.source) for c in cases if c.build is Build.FULL and c.verdict is not Verdict.REJECT)


def test_rewritten_code_calls_hooks_that_exist_and_no_other_private_name() -> None:
    """A hook of RestrictedPython that we do not have, such as `_write_`, must not be what code relies on."""
    hooks, called = guards().hooks().keys(), set()
    for name, source in accepted():
        private = {
            n
            for n in names_in(compile_optimiser(source, "m.py").code)
            if n.startswith("_") and n not in ("_", "__doc__") and not TEMPORARY.fullmatch(n)
        }
        assert private <= hooks, name
        called |= private
    assert called == hooks


def test_restrictedpython_has_no_hook_that_we_do_not_know_of() -> None:
    """Its newer versions may bring new ones; the ones below are those of what the dialect refuses or rewrites."""
    source = Path(str(RestrictedPython.transformer.__file__)).read_text("utf-8")
    emitted = {n for n in ("_apply_", "_getattr_", "_getitem_", "_getiter_", "_inplacevar_", "_iter_unpack_sequence_",
                           "_print_", "_unpack_sequence_", "_write_") if f"'{n}'" in source}  # fmt: skip
    assert emitted - guards().hooks().keys() <= {"_apply_", "_print_", "_write_"}


# -- H06: what honest optimisers compute -------------------------------------------------------------------------


def power(base: Any, exponent: Any) -> Any:
    """What the language computes for `base**exponent`."""
    return elementary.power(base, exponent) if type(base) is float and type(exponent) is int else base**exponent


class Powers(ast.NodeTransformer):
    """Has `a**b` computed by `power`."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        call = ast.Call(ast.Name("power", ast.Load()), [node.left, node.right], [])
        return ast.fix_missing_locations(ast.copy_location(call, node))


class Plain(Recording):
    """Without the language layer: Python itself runs the module, on the facade.

    But for powers of numbers, which Python leaves to the C library, so that they differ between machines.
    """

    def _start(self, meter: Meter) -> None:
        self._meter, self._recorder = meter, Recorder(meter, self._read)
        source = self._assignment.source.replace(b"import torch\n", b"").replace(b"import math\n", b"")
        scope: dict[str, Any] = {"torch": TorchNamespace(self._recorder), "math": MathNamespace(meter)}
        scope["power"] = power
        exec(compile(Powers().visit(ast.parse(source)), "plain.py", "exec"), scope)
        functions = {name: scope[name] for name in ENTRY_POINTS}
        self._module = LoadedModule(**functions, hyperparameters=scope["HYPERPARAMETERS"])


class PlainSource(LocalSource):
    """Programs of such a module."""

    def recording(self, assignment: Assignment) -> Recording:
        return Plain(assignment, self.read)


@pytest.mark.parametrize("path", OPTIMISERS, ids=lambda path: path.stem)
def test_the_language_changes_no_bit_of_an_honest_optimiser(path: Path) -> None:
    given = assignment(path.read_bytes(), path.name)
    plain, full = ExecutedOptimiser(given, PlainSource()), in_process(given)
    answers = [[a for a in play(optimiser, 20) if not isinstance(a, int)] for optimiser in (plain, full)]
    assert answers[0] == answers[1]
    assert plain.fuel_used < full.fuel_used  # and the language was not there in the first


# -- H11, H12 ----------------------------------------------------------------------------------------------------


def test_the_canary_runs_what_is_there() -> None:
    assert all((ROOT / path).is_dir() for path in canary.TESTS)
    assert Path(__file__).parent in [ROOT / path for path in canary.TESTS]
    declared = " ".join(versions.DECLARED["project"]["dependencies"])
    assert all(name in declared for name in canary.PACKAGES)


def test_native_code_is_tried_on_the_jail_and_on_the_channel() -> None:
    """H12: what stops the sections F and G has to hold with language and facade switched off."""
    tried = {item.id: item for item in ITEMS if item.id[0] in "FG"}
    for name, item in tried.items():
        native = [case for case in item.cases if case.build in (Build.RAW, Build.IMPOSTOR)]
        assert native or item.tests or item.not_applicable, name
    assert tried.keys() <= set(IDS)


def test_a_refused_module_is_never_run() -> None:
    with pytest.raises(ModuleRefused):
        hosted(module(initial="return open('x')")).initialise()
