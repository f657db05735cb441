"""Tiny optimiser modules, and a stand-in for the tensors that a caller hands in."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from sandbox.errors import ModuleRefused
from sandbox.language.module import LoadedModule, compile_module, load_module
from sandbox.language.vocabulary import Vocabulary
from sandbox.meter import Meter
from sandbox.undisturbed import undisturbed

NAME = "optimiser.py"

ENTRY_POINTS = """
def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    return {}

def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    return None

def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    return [], state
"""


def module_of(
    head: str = "", more: str = "", init: str = '"h": torch.zeros_like(parameters)', query: str = "pass",
    step: str = "pass", updates: str = '-gradient * state["h"]',
) -> str:  # fmt: skip
    """A module with constants, functions, items of the first state, and statements in the two functions of a step."""
    return f"""import math
import torch

{head}

{more}def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    return {{
        {init}
    }}


def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    {query}
    return None


def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    assert state["h"] is not None
    {step}
    return {updates}, state
"""


class Number:
    """Stands in for a tensor: a number that the language layer cannot look into."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __add__(self, other: Any) -> Number:
        return Number(self.value + _value(other))

    def __sub__(self, other: Any) -> Number:
        return Number(self.value - _value(other))

    def __mul__(self, other: Any) -> Number:
        return Number(self.value * _value(other))

    def __truediv__(self, other: Any) -> Number:
        return Number(self.value / _value(other))

    def __neg__(self) -> Number:
        return Number(-self.value)

    def __abs__(self) -> Number:
        return Number(abs(self.value))

    def __float__(self) -> float:
        return float(self.value)

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < _value(other))

    __radd__ = __add__
    __rmul__ = __mul__

    def sqrt(self) -> Number:
        """Return the square root."""
        return Number(math.sqrt(self.value))

    def secret(self) -> str:
        """Return what untrusted code must not see."""
        return "secret"


def _value(other: Any) -> Any:
    return other.value if isinstance(other, Number) else other


class Namespace(SimpleNamespace):
    """Stands in for `torch` and `math`."""


ATTRIBUTES = {Number: frozenset({"sqrt"}), Namespace: frozenset({"sqrt", "pi", "number"})}
NAMESPACES = {"math": Namespace(sqrt=math.sqrt, pi=math.pi), "torch": Namespace(number=Number)}


VOCABULARY = Vocabulary(
    namespaces={"math": frozenset({"sqrt", "pi"}), "torch": frozenset({"number"})},
    attributes=frozenset({"sqrt", "pi", "number", "cos", "gi_frame", "secret", "sort"}),
    keywords={"sqrt": frozenset({"value"})},
    hints={"cuda": "leave it out", "dtype=": "leave it out: all are equal"},
)


def float_power(base: float, exponent: float | int) -> float:
    """Stand in for the caller's power: not the C library's, so that a test can tell them apart."""
    return -1000.0 - base - exponent


def load(source: str, budget: int = 10**8) -> tuple[LoadedModule, Meter]:
    """Compile and load a whole module."""
    meter = Meter(budget)
    with undisturbed():
        compiled = compile_module(source.encode(), NAME, VOCABULARY)
    return load_module(compiled, meter, NAMESPACES, ATTRIBUTES, float_power), meter


def load_function(body: str, before: str = "", budget: int = 10**8) -> tuple[Callable[..., Any], Meter]:
    """Make `body` a function of `parameters`, after the lines `before`; return it with its meter."""
    indented = "".join(f"    {line}\n" for line in body.strip("\n").split("\n"))
    source = before + ENTRY_POINTS.replace("    return {}\n", indented)
    module, meter = load(source, budget)
    return lambda parameters=None: module.init_optimiser_state({}, parameters, {}, None), meter


def run(body: str, parameters: Any = None, before: str = "", budget: int = 10**8) -> Any:
    """Run `body` as a function of `parameters` and return what it returns."""
    return load_function(body, before, budget)[0](parameters)


def codes(source: str | bytes) -> list[str]:
    """Return the rule codes with which a module is refused; none when it is not."""
    try:
        with undisturbed():
            compile_module(source if isinstance(source, bytes) else source.encode(), NAME, VOCABULARY)
    except ModuleRefused as refusal:
        return [problem.code for problem in refusal.diagnostics]
    return []
