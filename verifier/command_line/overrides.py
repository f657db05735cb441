"""Overrides of hyperparameters, held against what a module declares before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping

from protocol.canonical_msgpack import Scalar
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module


def require_fitting(module: Module, declared: Mapping[str, Scalar], overrides: Mapping[str, Scalar]) -> None:
    """Refuse an override of what the module does not declare, or of another kind than the value there.

    Raises InputError.
    """
    for name, value in overrides.items():
        if name not in declared:
            known = ", ".join(f"{each}={_text(own)}" for each, own in sorted(declared.items()))
            has = f"it has {known}" if known else "it has none"
            raise InputError(f"hyperparameter {name}: {module.name} has none of that name; {has}")
        if not _fits(value, declared[name]):
            kind = _KINDS[type(declared[name])]
            raise InputError(
                f"hyperparameter {name}={_text(value)}: {module.name} has {kind} there; "
                f"write one, such as {name}={_text(declared[name])}"
            )


_KINDS: Mapping[type, str] = {int: "a number", float: "a number", bool: "true or false", str: "a text"}


def _fits(value: Scalar, own: Scalar) -> bool:
    """Whether a value is of the kind of the module's own one: a number, a text, or true or false."""
    return own is None or value is None or _KINDS[type(value)] == _KINDS[type(own)]


def _text(value: Scalar) -> str:
    """A value as it is written after -p, bounded."""
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
