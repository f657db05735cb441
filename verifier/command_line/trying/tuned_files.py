"""The files of a search for better hyperparameters, in the folder of its call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.tuning import Tuning
from sandbox.errors import ModuleRefused
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.command_line.files import require_short, require_writable, write_file
from verifier.command_line.options.execution_options import open_isolation
from verifier.experiments.tuning.track_search import Outcome
from verifier.experiments.tuning.tuned_module import tuned_module


@dataclass(frozen=True)
class TunedFiles:
    """The files for a module."""

    folder: Path
    stem: str
    """Of the module's file."""

    @property
    def trainings(self) -> Path:
        """Every training, as it is done."""
        return self.folder / "trainings.jsonl"

    @property
    def summary(self) -> Path:
        """What was tried and found."""
        return self.folder / "tuned.json"

    @property
    def module(self) -> Path:
        """The module with its table of values."""
        return self.folder / f"{self.stem}-tuned.py"

    @property
    def record(self) -> Path:
        """The signed record of the values."""
        return self.folder / f"{self.stem}.tuning"

    def make_folder(self) -> None:
        """Have a folder for them, before anything is trained. Raises InputError."""
        require_short(self.module)
        require_writable(self.folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.folder}: cannot be made: {error.strerror}; choose another with -o") from None

    def write(
        self, summary: str, module: Module, better: Sequence[Outcome], key: SigningKey | None, isolation: str
    ) -> list[str]:
        """Write what was found; a line about each file. Raises InputError.

        `better` are the tracks whose values are better where they were judged. Without any there is neither a module
        nor a record, and of those that an earlier call has left it is said so.
        """
        write_file(self.summary, summary.encode())
        lines = [f"{self.summary}: all that was tried and found"]
        if not better:
            return [*lines, *(f"{path}: is of an earlier call" for path in (self.module, self.record) if path.exists())]
        tables = {each.track: each.task.hyperparameters for each in better}
        source = tuned_module(module.source, tables)
        with open_isolation(isolation) as place:
            try:
                place.check(source, str(self.module))
            except ModuleRefused as refused:  # as one that became too long
                raise InputError(f"{self.module}: is not written, as it would be refused: {refused}") from None
        write_file(self.module, source)
        lines.append(f"{self.module}: the module with these values, by track")
        if key is not None:
            record = Tuning(tuple(each.tuned() for each in sorted(better, key=lambda each: each.track)))
            write_file(self.record, seal(record, key).to_bytes())
            lines.append(f"{self.record}: the values, signed; digest {record.digest().hex()}")
        return lines
