"""The sandbox is closed: what an optimiser's code can reach is what the manifest lists, and nothing of the trainer."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.sandbox.reachability import Manifest, Reach, differences, recorded

TRUSTED = re.compile(
    r"^module |Optimiser|Assignment|Recording|CompiledModule|LoadedModule|sandbox\.(isolation|worker|execution|jail)"
    r"|^a (protocol|verifier|_io|socket|frame|traceback|code)\b"
)
"""What must not be held, even privately, by anything that is given to an optimiser's code."""


@cache
def found() -> Manifest:
    return Reach().manifest()


def test_what_can_be_reached_is_what_the_manifest_lists() -> None:
    lines = differences(found(), recorded())
    assert not lines, "\n".join([*lines, "if meant: python -m tests.sandbox.reachability fill"])


def test_no_private_name_and_no_special_method_can_be_read() -> None:
    assert [names for names in found()["attributes"].values() if any(n.startswith("_") for n in names)] == []


def test_functions_errors_and_types_have_no_attributes() -> None:
    attributes = found()["attributes"]
    for kind in ("builtins.function", "builtins.type", "builtins.ValueError", "builtins.method", "functools.partial"):
        assert attributes[kind] == []


def test_nothing_of_the_trainer_is_behind_what_is_given() -> None:
    held = found()["held"]
    assert [item for items in (held, *held.values()) for item in items if TRUSTED.search(item)] == []


@pytest.mark.parametrize(("section", "key", "item"), [("names", "builtins", "eval"), ("held", "a spy", "a file")])
def test_a_difference_is_named(section: str, key: str, item: str) -> None:
    manifest = {part: {name: list(items) for name, items in entries.items()} for part, entries in recorded().items()}
    manifest[section].setdefault(key, []).append(item)
    assert f"{section} of {key}: {item} is new" in differences(manifest, recorded())
    assert f"{section} of {key}: {item} is gone" in differences(recorded(), manifest)
