"""The type stubs are what the sandbox has: the same names, keywords and sentences; and a type checker reads them."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sandbox.isolation import InProcess
from sandbox.language.interface import ENTRY_POINTS
from sandbox.tensors.base import TensorBase
from sandbox.tensors.generator import Generator
from sandbox.tensors.namespaces import LinalgNamespace, MathNamespace, TorchNamespace
from sandbox.tensors.parameter_vector import ParameterVector
from sandbox.tensors.tensor import Tensor
from sandbox.tensors.words import WORDS
from tests.support.folders import ROOT
from tests.support.sample_optimisers import assignment, play
from verifier.plain_torch import PlainTorch

STUBS = ROOT / "sandbox" / "stubs"
EXAMPLE = ROOT / "examples" / "typed_optimiser.py"
TYPES = frozenset({"Tensor", "ParameterVector", "Generator", "Difficulty", "Hyperparameters", "State", "Updates"})
"""What only annotations may name."""
BASES = {
    "Tensor": ("_Elements", "Tensor"),
    "ParameterVector": ("_Elements", "ParameterVector"),
    "Generator": ("Generator",),
}
CLASSES = {"Tensor": Tensor, "ParameterVector": ParameterVector, "Generator": Generator}
SPACES = {"torch/__init__.pyi": TorchNamespace, "torch/linalg.pyi": LinalgNamespace, "math.pyi": MathNamespace}
UNTYPED = frozenset(
    "__init__ __slots__ __module__ __doc__ __hash__ __qualname__ __dict__ "
    "__firstlineno__ __static_attributes__".split()  # from Python 3.13 on
)


def body(name: str) -> list[ast.stmt]:
    return ast.parse((STUBS / name).read_text()).body


def defined(statements: list[ast.stmt]) -> Iterator[tuple[str, ast.FunctionDef | None]]:
    """Each name with its definition; None for what is no function."""
    for statement in statements:
        if isinstance(statement, ast.FunctionDef):
            is_property = any(isinstance(each, ast.Name) and each.id == "property" for each in statement.decorator_list)
            yield statement.name, None if is_property else statement
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id, None
        elif isinstance(statement, ast.ImportFrom) and statement.module == "torch":
            yield from ((alias.asname, None) for alias in statement.names if alias.asname)


def keywords(function: ast.FunctionDef) -> set[str]:
    arguments = function.args
    return {each.arg for each in [*arguments.args, *arguments.kwonlyargs]} - {"self"}


def words(statements: list[ast.stmt]) -> dict[str, set[str] | None]:
    """The public names with the keywords of all overloads."""
    found: dict[str, set[str] | None] = {}
    for name, function in defined(statements):
        if not name.startswith("_"):
            found[name] = None if function is None else keywords(function) | (found.get(name) or set())
    return found


def members(name: str) -> list[ast.stmt]:
    classes = {each.name: each for each in body("torch/__init__.pyi") if isinstance(each, ast.ClassDef)}
    return [statement for base in BASES[name] for statement in classes[base].body]


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_the_words_of_the_sandbox(name: str) -> None:
    ours = {word: None if taken is None else set(taken) for word, taken in WORDS[name].items()}
    assert words(members(name)) == ours


@pytest.mark.parametrize("name", SPACES)
def test_a_namespace_has_the_words_of_the_sandbox(name: str) -> None:
    found = {word: taken for word, taken in words(body(name)).items() if word not in TYPES}
    expected: dict[str, set[str] | None] = {}
    for word, taken in WORDS[SPACES[name].__name__].items():
        method = WORDS["Tensor"].get(word) if SPACES[name] is TorchNamespace and taken == frozenset({"x"}) else None
        expected[word] = None if taken is None else {*taken, *(method or ())}
    assert found == expected


@pytest.mark.parametrize("name", ["Tensor", "ParameterVector"])
def test_a_class_has_the_operators_of_the_sandbox(name: str) -> None:
    ours = {word for base in (TensorBase, CLASSES[name]) for word in vars(base) if word.startswith("__")} - UNTYPED
    assert {word for word, _ in defined(members(name)) if word.startswith("__")} == ours


def test_a_sentence_is_that_of_the_sandbox() -> None:
    differing = []
    for name, statements in [*((name, members(name)) for name in CLASSES), *((name, body(name)) for name in SPACES)]:
        owner = CLASSES.get(name) or SPACES[name]
        told: dict[str, str | None] = {}
        for statement in statements:
            if isinstance(statement, ast.FunctionDef) and not statement.name.startswith("_"):
                told.setdefault(statement.name, ast.get_docstring(statement))
        for word, sentence in told.items():
            source = Tensor if owner is TorchNamespace and word in WORDS["Tensor"] else owner
            if sentence != inspect.getdoc(inspect.getattr_static(source, word)):
                differing.append((name, word))
    assert differing == []


# The example


def test_the_typed_example_is_a_module_and_runs_in_plain_torch_too() -> None:
    given = assignment(EXAMPLE.read_bytes(), str(EXAMPLE))
    ours, theirs = (play_parameters(place.start(given)) for place in (InProcess(), PlainTorch()))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def play_parameters(optimiser: object) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    play(optimiser)  # type: ignore[arg-type]
    return optimiser.parameters  # type: ignore[attr-defined, no-any-return]


def test_the_typed_example_has_the_signatures_of_the_contract() -> None:
    functions = {name: function for name, function in defined(ast.parse(EXAMPLE.read_text()).body) if function}
    assert {name: tuple(arg.arg for arg in functions[name].args.args) for name in ENTRY_POINTS} == ENTRY_POINTS


WRONG = """
import math, torch
def f(v: torch.ParameterVector, x: torch.Tensor, rng: torch.Generator) -> torch.ParameterVector:
    torch.svd(x)
    v.cuda()
    math.gamma(2.0)
    rng.randn(2)
    x.norm(q=2)
    return v.norm()
"""


@pytest.mark.slow
def test_a_type_checker_accepts_the_example_and_finds_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(EXAMPLE.read_text())
    (tmp_path / "wrong.py").write_text(WRONG)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "good.py", "wrong.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "MYPYPATH": str(STUBS)}, capture_output=True, text=True, check=False
    )
    found = [line.rpartition("[")[2].rstrip("]") for line in done.stdout.splitlines() if ": error:" in line]
    assert found == ["attr-defined"] * 4 + ["call-arg", "return-value"], done.stdout + done.stderr
    assert "good.py" not in done.stdout
