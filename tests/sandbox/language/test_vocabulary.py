"""The facade's own words: what authors of torch code write is known, or comes with advice that holds."""

from __future__ import annotations

import inspect
import re

import pytest

from sandbox.diagnostics import Diagnostic
from sandbox.language.attributes import _HINTS
from sandbox.language.dialect import check
from sandbox.language.methods import METHOD_NAMES
from sandbox.language.rules import MODULES
from sandbox.tensors.attributes import ATTRIBUTES
from sandbox.tensors.tensor import Tensor
from sandbox.tensors.vocabulary import VOCABULARY
from sandbox.tensors.words import WORDS
from tests.support.sample_modules import ENTRY_POINTS


def problems(statement: str) -> tuple[Diagnostic, ...]:
    return check(f"import torch\nimport math\n{ENTRY_POINTS}def f(x, y):\n    {statement}\n", VOCABULARY)[1]


@pytest.mark.parametrize("kind", ATTRIBUTES, ids=lambda kind: kind.__name__)
def test_the_words_of_a_type_are_its_public_names_and_their_keywords(kind: type) -> None:
    public = {name: getattr(kind, name) for name in dir(kind) if not name.startswith("_")}
    assert {name: keywords_of(value) for name, value in public.items()} == WORDS[kind.__name__]


def keywords_of(value: object) -> frozenset[str] | None:
    """The names of a function's parameters that may be given by name."""
    if not inspect.isfunction(value):
        return None
    _, *parameters = inspect.signature(value).parameters.values()
    return frozenset(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))


def test_every_namespace_of_the_dialect_has_its_words() -> None:
    assert VOCABULARY.namespaces.keys() >= MODULES
    assert set(VOCABULARY.namespaces.values()) <= set(ATTRIBUTES.values())


def test_no_advice_is_given_for_what_there_is() -> None:
    words = {hint for hint in VOCABULARY.hints if not hint.endswith("=")}
    assert words & (VOCABULARY.namespaces["torch"] | ATTRIBUTES[Tensor] | METHOD_NAMES) == set()
    assert _HINTS.keys() & (METHOD_NAMES | VOCABULARY.attributes) == set()


def test_advice_names_only_what_there_is() -> None:
    for hint in VOCABULARY.hints.values():
        for owner, name in re.findall(r"\b(torch|math|rng|[xyzab])\.(\w+)", hint):
            assert name in VOCABULARY.namespaces.get(owner, VOCABULARY.attributes), hint


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("torch.no_grad()", "no_grad"),
        ("x.grad.zero_()", "grad"),
        ("x.backward()", "backward"),
        ("x.cuda()", "cuda"),
        ("torch.randn(3)", "randn"),
        ("torch.manual_seed(0)", "manual_seed"),
        ("torch.empty(3)", "empty"),
        ("torch.nn.functional.relu(x)", "nn"),
        ("torch.optim.Adam(x, lr=1)", "optim"),
        ("torch.linalg.svd(x)", "svd"),
        ("torch.einsum('ij->ji', x)", "einsum"),
        ("torch.float64", "float64"),
        ("x.requires_grad", "requires_grad"),
        ("x.numpy()", "numpy"),
        ("torch.allclose(x, y)", "allclose"),
        ("isinstance(x, torch.Tensor)", "Tensor"),
    ],
)
def test_what_torch_has_and_the_facade_has_not_comes_with_advice(statement: str, word: str) -> None:
    (problem,) = problems(statement)
    assert problem.code == "D154"
    assert repr(word) in problem.message
    assert problem.hint == VOCABULARY.hints[word]


@pytest.mark.parametrize(
    ("statement", "hint"), [("torch.sqtr(x)", "did you mean 'sqrt'?"), ("x.clmap(0, 1)", "did you mean 'clamp'?")]
)
def test_a_slip_comes_with_the_word_that_was_meant(statement: str, hint: str) -> None:
    assert [problem.hint for problem in problems(statement)] == [hint]


@pytest.mark.parametrize(
    ("statement", "keyword"),
    [
        ("torch.zeros(3, requires_grad=True)", "requires_grad"),
        ("torch.add(x, y, out=x)", "out"),
        ("x.add_(y, beta=2)", "beta"),
        ("x.clamp(lo=0)", "lo"),
    ],
)
def test_a_keyword_that_nothing_takes_is_a_problem(statement: str, keyword: str) -> None:
    (problem,) = problems(statement)
    assert (problem.code, problem.hint) == ("D155", VOCABULARY.hints.get(f"{keyword}=", "leave it out"))


@pytest.mark.parametrize(
    "statement",
    [
        "x.add_(y, alpha=2).mul_(3).clamp_(min=0.0)",
        "x.sum(dim=0, keepdim=True), torch.sum(x, dim=0)",
        "torch.full((2,), fill_value=1.0), torch.full_like(x, fill_value=2.0)",
        "x.addcmul(y, y, value=2), x.topk(3, largest=False)",
        "torch.mm(x, y), torch.linalg.norm(x), math.pi",
        "x.update(anything=1), {}.get(1)",
    ],
)
def test_what_there_is_is_no_problem(statement: str) -> None:
    assert problems(statement) == ()
