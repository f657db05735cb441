"""A golden file: the record of one training, as text that is made to be reviewed in a diff.

It is JSON: what the training depends on, the results in sections, and a line for each epoch. fixtures/golden/README.md
says what each field is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from protocol.errors import ProtocolError
from protocol.hashes import DIGEST_SIZE
from protocol.settings import Settings
from protocol.task import Task
from sandbox.optimiser import Scalar
from verifier.challenge.errors import VerifierError
from verifier.challenge.hyperparameters import Hyperparameters
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.versions import SPECIFICATION, versions
from verifier.golden.training import COLUMNS, PinnedTraining, Results

SUFFIX: Final = ".golden"
"""How the name of a golden file ends."""
_FORMAT: Final = "golden.v1"
_SECTIONS: Final[dict[str, type[Any]]] = {
    "start": dict,
    "outcome": dict,
    "score": dict,
    "opened_leaves": list,
    "leaves": list,
}
_NAMES: Final = {dict: "an object", list: "a list", str: "text", int: "a whole number", float: "a number"}
_WIDTHS: Final = (4, 23, 23, 15, 0)
"""Of the columns, so that they are below each other in every file, whatever changes."""
_T = TypeVar("_T")


class GoldenFileError(VerifierError):
    """The text is not that of a golden file; the message names the field."""


@dataclass(frozen=True)
class GoldenFile:
    """What a golden file says."""

    optimiser: str
    """The path of the module, from the folder of the file, with slashes."""
    specification: int
    """The version of the rules that the results follow from."""
    task: Task
    nonce: int
    results: Results
    notes: Any = None
    """What somebody wants to have said there, as JSON has it; it is kept and compared with nothing."""

    @classmethod
    def of(cls, training: PinnedTraining, results: Results, folder: Path, notes: Any = None) -> Self:
        """What a file in a folder has to say of a training."""
        optimiser = relative_path(training.path, folder)
        return cls(optimiser, SPECIFICATION, training.task, training.nonce, results, notes)

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read the bytes of a file. Raises GoldenFileError."""
        try:
            said = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise GoldenFileError(f"is no golden file, or was cut or merged badly: {error}; fill it again") from None
        if not isinstance(said, dict) or said.get("format") != _FORMAT:
            raise GoldenFileError(f"is not a golden file of this version, whose format is {_FORMAT}")
        task = _Section("task", _Section("", said).value("task", dict))
        results: Results = {name: _Section("", said).value(name, kind) for name, kind in _SECTIONS.items()}
        for place, row in enumerate(results["leaves"]):
            if not isinstance(row, list) or len(row) != len(COLUMNS) or row[0] != place:
                raise GoldenFileError(f"leaves: expected a row of epoch {place} with {', '.join(COLUMNS)}")
        for opened in results["opened_leaves"]:
            _Section("opened_leaves", opened).value("epoch", int)
        nonce = task.value("nonce", int)
        optimiser, specification = task.value("optimiser", str), task.value("specification", int)
        return cls(optimiser, specification, _task(task, nonce), nonce, results, said.get("notes"))

    def text(self) -> str:
        """The text of the file, whose last lines are the rows."""
        sections = {name: section for name, section in self.results.items() if name != "leaves"}
        head = json.dumps({**self._head(), **sections}, indent=1).removesuffix("\n}")
        rows = ",\n".join(map(_row_text, self.results["leaves"]))
        return f'{head},\n "columns": {json.dumps(COLUMNS)},\n "leaves": [\n{rows}\n ]\n}}\n'

    def module_path(self, file: Path) -> Path:
        """Where the module is, from the working folder, if this is said in that file."""
        return Path(os.path.relpath(file.parent.resolve() / self.optimiser))

    def _head(self) -> dict[str, Any]:
        task = self.task
        return {
            "format": _FORMAT,
            "made_by": versions(),
            **({} if self.notes is None else {"notes": self.notes}),
            "task": {
                "optimiser": self.optimiser,
                "optimiser_digest": task.optimiser_digest.hex(),
                "specification": self.specification,
                "edition": task.edition,
                "settings": asdict(task.settings),
                "rand_hash": task.rand_hash,
                "nonce": self.nonce,
                "hyperparameters": dict(task.hyperparameters),
                "fuel_budget": task.fuel_budget,
            },
        }


@dataclass(frozen=True)
class _Section:
    """An object in the file, whose fields are asked for with their types."""

    name: str
    values: Any

    def value(self, field: str, kind: type[_T]) -> _T:
        """The value of a field. Raises GoldenFileError."""
        where = f"{self.name}.{field}" if self.name else field
        if not isinstance(self.values, Mapping) or field not in self.values:
            raise GoldenFileError(f"{where}: is not there; fill the file again")
        found = self.values[field]
        if type(found) is not kind:
            raise GoldenFileError(f"{where}: expected {_NAMES[kind]}, found {found!a:.40}")
        return found


def file_name(path: Path, task: Task, nonce: int) -> str:
    """The name of the golden file of a module's training."""
    return f"{path.stem}-{task.edition}-{task.settings.track_id}-nonce={nonce}{SUFFIX}"


def relative_path(path: Path, folder: Path) -> str:
    """The path of a file from a folder, with slashes, as the operating system goes it: through no link."""
    there = path.parent.resolve() / path.name
    return Path(os.path.relpath(there, folder.resolve())).as_posix()


def _task(section: _Section, nonce: int) -> Task:
    """The task of a file. Raises GoldenFileError."""
    texts = section.value("settings", dict)
    settings = Settings(**{
        name: _Section("task.settings", texts).value(name, str) for name in Settings.__dataclass_fields__
    })  # fmt: skip
    digest = section.value("optimiser_digest", str)
    if len(digest) != 2 * DIGEST_SIZE or not set(digest) <= set("0123456789abcdef"):
        raise GoldenFileError(f"task.optimiser_digest: expected {2 * DIGEST_SIZE} hexadecimal digits")
    overrides: dict[str, Scalar] = section.value("hyperparameters", dict)
    try:
        Hyperparameters(overrides)
    except ValueError as error:
        raise GoldenFileError(f"task.hyperparameters: {error}") from None
    try:
        task = Task(
            section.value("edition", str), settings, bytes.fromhex(digest), overrides,
            section.value("fuel_budget", int), section.value("rand_hash", str),
        )  # fmt: skip
        InstanceId.of(task, nonce)
    except (ProtocolError, VerifierError) as error:
        raise GoldenFileError(str(error)) from None
    return task


def _row_text(row: list[Any]) -> str:
    cells = (json.dumps(value).rjust(width) for value, width in zip(row, _WIDTHS, strict=True))
    return f"  [{', '.join(cells)}]"
