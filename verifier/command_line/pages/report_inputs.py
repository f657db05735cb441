"""The paths of a report: what each of them is, told by what is in it."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from protocol.claim import Claim
from protocol.hashes import blake3_digest
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_envelope, read_file
from verifier.command_line.pages.claim_reading import ClaimFile
from verifier.report.provenance import Input
from verifier.runs.results_table import Row, RowFormat, read_rows

_STUDY: Final = "figure2.csv"
"""The table in the folder of a study."""
_EXPECTED: Final = "name a folder of claims, or a file of `verify --out`, `compare --out` or `study`"


class Kind(StrEnum):
    """What a path is."""

    CLAIMS = "claims"
    LOG = "a log of verdicts"
    COMPARISON = "a comparison"
    STUDY = "a study"


_BEGINNINGS: Final = {b'{"file": ': Kind.LOG, b'{"training": ': Kind.COMPARISON, b"study,": Kind.STUDY}
_PARTS: Final = re.compile("([0-9]+)")


def recognised(path: Path) -> tuple[Path, Kind]:
    """What a path is, and the file that has it: of a study's folder the table. Raises InputError."""
    if path.is_dir():
        if any(_names(path, ".claim", ".run")):
            return path, Kind.CLAIMS
        if (path / _STUDY).exists():
            return path / _STUDY, Kind.STUDY
        raise InputError(f"{path}: has no claims{_hint(path)}")
    data = read_file(path)
    for beginning, kind in _BEGINNINGS.items():
        if data.startswith(beginning):
            return path, kind
    if not data:
        raise InputError(f"{path}: is empty; {_EXPECTED}")
    try:
        payload_type = read_envelope(path).payload_type
    except InputError:
        raise InputError(f"{path}: is nothing that a report is made of; {_EXPECTED}") from None
    if not payload_type.endswith(f".{Claim.TYPE}+msgpack"):
        raise InputError(f"{path}: is a signed record, but no claim; {_EXPECTED}")
    return path, Kind.CLAIMS


def claim_files(path: Path, prefix: str) -> list[ClaimFile]:
    """A claim, or all of a folder, in the order in which people count. Names begin with the prefix."""
    folder = path if path.is_dir() else path.parent
    names = set(os.listdir(folder))
    chosen = [name for name in names if name.endswith(".claim")] if path.is_dir() else [path.name]
    stems = {name: os.path.splitext(name)[0] for name in sorted(chosen, key=_counted)}
    return [
        ClaimFile(os.path.join(folder, name), prefix + name.removesuffix(".claim"), f"{stem}.verdict" in names)
        for name, stem in stems.items()
    ]


def table_rows(paths: Sequence[Path], layout: RowFormat[Row]) -> dict[Hashable, Row]:
    """The rows of several files of one kind; of the same thing the last one. Raises InputError."""
    return {key: row for path in paths for key, row in read_rows(path, layout).items()}


def file_input(path: Path, kind: str) -> Input:
    """A file of a report, for its page. Raises InputError."""
    data = read_file(path)
    return Input(str(path), kind, len(data), blake3_digest(data).hex())


def _names(folder: Path, *endings: str) -> Iterator[str]:
    return (name for name in os.listdir(folder) if name.endswith(endings))


def _hint(folder: Path) -> str:
    """Where claims are, if they are one folder below."""
    below = sorted(each for each in folder.iterdir() if each.is_dir() and any(_names(each, ".claim")))
    if not below:
        return f"; {_EXPECTED}"
    return f", but {below[0]} has; name it" + (f", and {len(below) - 1} more beside it" if len(below) > 1 else "")


def _counted(name: str) -> list[str | int]:
    """What names are sorted by: 2 is before 10."""
    return [int(part) if place % 2 else part for place, part in enumerate(_PARTS.split(name))]
