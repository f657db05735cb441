"""The attack corpus of `fixtures/attacks`: JSON and module files, read into frozen records."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import indent
from typing import Any

from tests.support.folders import FIXTURES
from tests.support.sample_optimisers import module

FOLDER = FIXTURES / "attacks"
LENGTHS = {
    "A": 56,
    "B": 19,
    "C": 38,
    "D": 40,
    "E": 50,
    "F": 24,
    "G": 18,
    "H": 12,
    "I": 31,
    "J": 18,
    "K": 31,
    "L": 16,
    "M": 15,
    "N": 23,
    "O": 22,
}
"""The sections of the list, and how many attacks each has."""
OF_TESTS = frozenset("JKLMN")
"""The sections whose attacks are no modules: each names a test with all layers on, and one without the first layer."""
IDS = tuple(f"{section}{number:02}" for section, length in LENGTHS.items() for number in range(1, length + 1))
LAYERS = frozenset("GRFJTVCDBOPXWA")
"""Those of a module's way, and those of a file's (`fixtures/attacks/README.md`)."""
SIGNATURES = (
    "init_optimiser_state(difficulty, parameters, hyperparameters, rng)",
    "query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss)",
    "optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss)",
)


class Build(enum.Enum):
    """Which layers are on; all but `FULL` exist only in these tests."""

    FULL = "full"
    UNGATED = "ungated"
    RAW = "raw"
    UNFACED = "unfaced"
    IMPOSTOR = "impostor"
    """No module: a script in the worker's place, with all of the channel in its hands (`impostors.py`)."""


class Verdict(enum.Enum):
    """How a run of an attack ends."""

    REJECT = "REJECT"
    DENY = "DENY"
    FUEL = "FUEL"
    MEMORY = "MEMORY"
    INVALID = "INVALID"
    STOP = "STOP"
    KILL = "KILL"
    FAULT = "FAULT"
    NEUTRAL = "NEUTRAL"


@dataclass(frozen=True)
class Case:
    """One module, run in one build, and what must come of it."""

    name: str
    source: bytes
    verdict: Verdict
    build: Build = Build.FULL
    detail: tuple[str, ...] = ()
    """Rule codes (REJECT), or texts of the message; all of them must be there."""
    equals: bytes | None = None
    """Another module, whose run must look the same to the training loop."""
    also: Verdict | None = None
    """A second ending that contains the attack as well, which some versions of Python give."""
    repeatable: bool = False
    """Whether two runs must give the same answers."""
    fuel: int = 10**9
    """The budget of the run."""


@dataclass(frozen=True)
class Item:
    """One attack of the list."""

    id: str
    title: str
    layers: tuple[str, ...]
    """Which layers contain it, the first one first."""
    cases: tuple[Case, ...]
    tests: tuple[str, ...]
    """Tests that demonstrate it, as pytest names them."""
    not_applicable: str
    """Why there is nothing to run."""
    files: frozenset[str]
    """The files that its cases and tests use, relative to `FOLDER`."""


def read_corpus() -> tuple[Item, ...]:
    """Read the sections that are there, in the order of the list. Raises as `read_item` does."""
    paths = [FOLDER / f"{section}.json" for section in LENGTHS]
    return tuple(read_item(fields) for path in paths if path.exists() for fields in json.loads(path.read_text("utf-8")))


def read_item(fields: dict[str, Any]) -> Item:
    """Read one item. Raises ValueError, and TypeError for an unknown field."""
    return _item(**fields)


def _item(
    id: str,  # noqa: A002
    title: str,
    layers: str,
    cases: list[dict[str, Any]] | None = None,
    tests: list[str] | None = None,
    not_applicable: str = "",
    data: list[str] | None = None,
    note: str = "",
) -> Item:
    rows = cases or []
    made = tuple(_case(id, f"{id}-{number}", **row) for number, row in enumerate(rows, 1))
    named = [row[key] for row in rows for key in ("source", "equals") if _is_file(row.get(key))]
    files = frozenset(f"{id[0]}/{name}" for name in (*named, *(data or ())))
    return Item(id, title, tuple(layers.split()), made, tuple(tests or ()), not_applicable, files)


def _case(
    item: str,
    name: str,
    source: str | dict[str, Any],
    verdict: str,
    build: str = "full",
    detail: str | list[str] = (),  # type: ignore[assignment]
    equals: str | dict[str, Any] | None = None,
    also: str | None = None,
    repeatable: bool = False,
    fuel: int = 10**9,
    note: str = "",
) -> Case:
    return Case(
        name=name,
        source=read_source(item[0], source),
        verdict=Verdict(verdict),
        build=Build(build),
        detail=(detail,) if isinstance(detail, str) else tuple(detail),
        equals=None if equals is None else read_source(item[0], equals),
        also=None if also is None else Verdict(also),
        repeatable=repeatable,
        fuel=fuel,
    )


def _is_file(source: object) -> bool:
    return isinstance(source, str)


def read_source(section: str, source: str | dict[str, Any]) -> bytes:
    """The bytes of a module: a file, a text in parts, bytes in hexadecimal, or the lines of its functions."""
    if isinstance(source, str):
        return (FOLDER / section / source).read_bytes()
    if "hex" in source:
        return bytes.fromhex(source["hex"])
    if "parts" not in source:
        return _framed(**source).encode()
    text = "".join(_repeated(part) for part in source["parts"])
    return module(initial=text) if source.get("module") else text.encode()


def _framed(
    head: Sequence[str] = (),
    initial: Sequence[str] = ("return {}",),
    query: Sequence[str] = ("return None",),
    step: Sequence[str] = ("return -gradient, state",),
) -> str:
    """A module of the lines before its functions, and of the lines of each."""
    functions = zip(SIGNATURES, (initial, query, step), strict=True)
    defined = [f"def {signature}:\n{indent(_joined(body), '    ')}" for signature, body in functions]
    return "\n\n".join([_joined(head), *defined] if head else defined)


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _repeated(part: str | list[Any]) -> str:
    text, times = (part, 1) if isinstance(part, str) else part
    return "".join(text.replace("{i}", str(number)) for number in range(times)) if "{i}" in text else text * times
