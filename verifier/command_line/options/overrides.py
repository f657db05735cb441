"""Overrides of hyperparameters, held against what a module declares before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from protocol.canonical_msgpack import Scalar
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.command_line.options.execution_options import open_isolation
from verifier.command_line.terminal import json_text

_KINDS: Final[Mapping[type, str]] = {int: "a number", float: "a number", bool: "true or false", str: "a text"}
_LONGEST: Final = 40
"""Characters of a value that are shown."""


def require_fitting(module: Module, file: Path, overrides: Mapping[str, Scalar], isolation: str) -> None:
    """Refuse overrides that the module in a file does not have, or of another kind than its own values.

    Raises InputError, and ModuleRefused for a module that no training would load.
    """
    if not overrides:
        return
    with open_isolation(isolation) as place:
        declared = place.declaration(module.source, str(file)).values
    if problems := list(misfits(file, declared, overrides)):
        raise InputError(*problems)


def misfits(file: Path, declared: Mapping[str, Scalar], overrides: Mapping[str, Scalar]) -> Iterator[str]:
    """What is wrong with overrides of a module that declares these values, a line for each."""
    for name, value in overrides.items():
        if name not in declared:
            known = ", ".join(f"{each}={_text(own)}" for each, own in sorted(declared.items())) or "none at all"
            yield f"hyperparameter {name}: {file} has none of that name; it has {known:.200}"
        elif not _fits(value, declared[name]):
            own = declared[name]
            problem = f"{file} has {_KINDS[type(own)]} there"
            yield f"hyperparameter {name}={_text(value)}: {problem}; write one, such as {name}={_text(own)}"


def _fits(value: Scalar, own: Scalar) -> bool:
    """Whether a value is of the kind of the module's own one: a number, a text, or true or false."""
    return own is None or value is None or _KINDS[type(value)] == _KINDS[type(own)]


def _text(value: Scalar) -> str:
    """A value as it is written after -p."""
    text = json_text(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
