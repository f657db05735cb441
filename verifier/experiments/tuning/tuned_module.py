"""A module with the values that were found for it: a table by track, which it reads through `difficulty`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from protocol.canonical_msgpack import Scalar
from verifier.challenge.errors import InputError

_INITIALISE: Final = re.compile(rb"^def\s+init_optimiser_state(?=\s*\()", re.MULTILINE)
_TABLE: Final = "TUNED"
_ORIGINAL: Final = "untuned_state"
_TAKEN: Final = re.compile(rf"\b(?:{_TABLE}|{_ORIGINAL})\b".encode())
_WIDTH: Final = 100
"""Characters of a line that has all values of a track."""

_ADDED: Final = f'''

# Found by `tig-verify tune` for each track. A value that a benchmarker gives is taken as it is.
{_TABLE} = {{
%s}}


def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    """The state, with the values of {_TABLE} in place of the module's own ones."""
    own, track = HYPERPARAMETERS, ",".join([f"{{name}}={{value}}" for name, value in difficulty.items()])
    found = {_TABLE}.get(track, {{}})
    given = hyperparameters.items()
    chosen = {{name: found.get(name, value) if value == own[name] else value for name, value in given}}
    return {_ORIGINAL}(difficulty, parameters, chosen, rng)
'''


def require_tunable(source: bytes, where: str) -> None:
    """Refuse a module to which no table could be added. Raises InputError."""
    if _TAKEN.search(source):
        raise InputError(
            f"{where}: has the name {_TABLE} or {_ORIGINAL}, which the table takes; tune the module without a table"
        )
    if len(_INITIALISE.findall(source)) != 1:
        raise InputError(f"{where}: write `def init_optimiser_state(` once, in one line; the table is added there")


def tuned_module(source: bytes, tables: Mapping[str, Mapping[str, Scalar]]) -> bytes:
    """The module with a table of values by the text of each track, of at least one. Nothing else in it changes.

    It is text that nobody has parsed: check it before it is used.
    """
    renamed = _INITIALISE.sub(f"def {_ORIGINAL}".encode(), source)
    rows = "".join(_row(track, values) for track, values in tables.items())
    return renamed.rstrip(b"\n") + b"\n" + (_ADDED % rows).encode()


def _row(track: str, values: Mapping[str, Scalar]) -> str:
    entries = [f"{json.dumps(name)}: {_literal(value)}" for name, value in values.items()]
    line = f"    {json.dumps(track)}: {{{', '.join(entries)}}},\n"
    if len(line) <= _WIDTH:
        return line
    return "".join([f"    {json.dumps(track)}: {{\n", *(f"        {entry},\n" for entry in entries), "    },\n"])


def _literal(value: Scalar) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)
