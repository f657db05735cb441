"""The guide's table has every limit, with the number of the code."""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import resolve_name
from typing import Final

import pytest

from tests.support.folders import ROOT
from verifier.challenge.editions import EDITIONS

UNITS: Final = {"": 1, "MiB": 2**20, "GiB": 2**30, "s": 1, "h": 3600}
TABLE: Final = (ROOT / "docs" / "optimiser-guide.md").read_text().partition("\n## Limits\n")[2].partition("\n## ")[0]
ROWS: Final = re.findall(r"^\| ([0-9 ]+)(|MiB|GiB|s|h) \| ([^|]*) \|", TABLE, re.MULTILINE)
LIMITS: Final = {
    "of memory that the tensors": "sandbox.meter.CALL_BYTES",
    "of memory that its other objects": "sandbox.meter.CALL_OBJECT_BYTES",
    "units of fuel of one call": "sandbox.meter.CALL_FUEL",
    "elements of a tensor": "sandbox.program.shape_checks.MAX_ELEMENTS",
    "dimensions of a tensor": "sandbox.program.shape_checks.MAX_DIMENSIONS",
    "numbers of lists": "sandbox.program.shape_checks.MAX_LIST",
    "of a state": "sandbox.state_limits.MAX_BYTES",
    "of an encoded state": "sandbox.state_limits.MAX_OBJECT_BYTES",
    "parts of a state": "sandbox.state_limits.MAX_NODES",
    "levels of containers in a state": "sandbox.state_limits.MAX_DEPTH",
    "calls inside calls": "sandbox.language.prices.MAX_CALL_DEPTH",
    "elements of a list": "sandbox.language.prices.MAX_ELEMENTS",
    "characters of a string,": "sandbox.language.prices.MAX_CHARACTERS",
    "bits of an integer,": "sandbox.language.prices.MAX_BITS",
    "bits of an integer that becomes text": "sandbox.language.prices.MAX_WRITTEN_BITS",
    "characters that `float`": "sandbox.language.prices.MAX_NUMERAL",
    "digits that `round`": "sandbox.language.builtins._MAX_DIGITS",
    "arguments that `*values`": "sandbox.language.prices.MAX_ARGUMENTS",
    "levels of containers that `==`": "sandbox.language.prices.MAX_DATA_DEPTH",
    "bytes of the file": "sandbox.language.gate.MAX_BYTES",
    "characters of a line": "sandbox.language.gate.MAX_LINE",
    "brackets": "sandbox.language.gate.MAX_BRACKETS",
    "signs": "sandbox.language.gate.MAX_PREFIXES",
    "characters of a number": "sandbox.language.gate.MAX_NUMBER",
    "blocks": "sandbox.language.gate.MAX_INDENTS",
    "nodes of syntax": "sandbox.language.dialect.MAX_NODES",
    "levels of syntax": "sandbox.language.dialect.MAX_DEPTH",
    "characters of a string in the source": "sandbox.language.rules.MAX_TEXT",
    "comprehensions": "sandbox.language.rules.MAX_COMPREHENSIONS",
    "comparisons": "sandbox.language.rules.MAX_COMPARISONS",
    "bytes of the overrides": "protocol.task.MAX_HYPERPARAMETERS",
    "a call of a jailed module": "sandbox.worker.client.CALL_SECONDS",
    "all calls together": "sandbox.worker.client.RUN_SECONDS",
    "of address space": "sandbox.jail.confinement.MEMORY_BYTES",
}
"""How the text of a row begins, up to its end or a comma, and the constant."""
OF_EDITIONS: Final = {
    "units of fuel in all,": "max_fuel_budget",
    "units of fuel in all in `april-2025`": "max_fuel_budget",
    "epochs,": "max_epochs",
    "epochs without": "patience",
}
ROSTER: Final = ("december-2025", "december-2025-centred", "april-2025")
"""The editions that are released: a test may have added one."""
POWERS: Final = {"bits of the integers of `range`": "sandbox.language.prices.MAX_COUNTED"}
MODULES: Final = (
    "language.dialect",
    "language.gate",
    "language.prices",
    "language.rules",
    "state_limits",
    "program.shape_checks",
)


def row(beginning: str) -> int:
    """The number of the one row whose text begins so."""
    (found,) = [(digits, unit) for digits, unit, text in ROWS if f"{text},".startswith(beginning)]
    return int(found[0].replace(" ", "")) * UNITS[found[1]]


@pytest.mark.parametrize("beginning", LIMITS)
def test_the_guide_has_the_number_of_the_code(beginning: str) -> None:
    assert row(beginning) == resolve_name(LIMITS[beginning])


def test_the_guide_has_the_numbers_of_all_editions() -> None:
    released = [edition for name in ROSTER for edition in EDITIONS[name]]
    for beginning, field in OF_EDITIONS.items():
        is_april = "april" in beginning
        those = [edition for edition in released if "fuel" not in field or (edition.n_data is not None) is is_april]
        assert {getattr(edition, field) for edition in those} == {row(beginning)}
    for beginning, name in POWERS.items():
        assert 2 ** row(beginning) == resolve_name(name)


def test_no_limit_is_left_out() -> None:
    modules = [f"sandbox.{name}" for name in MODULES]
    names = {f"{name}.{each}" for name in modules for each in vars(import_module(name)) if each.startswith("MAX_")}
    assert names - {*LIMITS.values(), *POWERS.values()} == {"sandbox.language.rules.MAX_BITS"}  # imported from prices
    assert len(ROWS) == len(LIMITS) + len(OF_EDITIONS) + len(POWERS)
