"""The file of `compare --out`: a line of JSON for each training, and what is not to be done again."""

from __future__ import annotations

import json
from dataclasses import asdict, astuple
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from verifier.command_line.comparison_trials import Contest, Heat
from verifier.experiments.comparison import Run
from verifier.runs.append_log import LinesFile

_BEGINS: Final = b'{"training": '
_TYPES: Final = [int, int, float, float, bool, int, int, float]
"""Of a run's fields."""


class Runs:
    """The trainings that are done; a context manager. Without a file they last as long as it does.

    Raises InputError for a file that cannot be written, or holds anything else.
    """

    def __init__(self, path: Path | None, contest: Contest) -> None:
        self._contest = contest
        self._done: dict[str, Run] = {}
        self._file = LinesFile(path, "compare", _BEGINS, self._note) if path else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.__exit__(kind, error, trace)

    def find(self, heat: Heat) -> Run | None:
        """What a training came to, if it was done."""
        return self._done.get(_key(self._training(heat)))

    def add(self, heat: Heat, run: Run) -> None:
        """Keep what a training came to."""
        training = self._training(heat)
        self._done[_key(training)] = run
        if self._file is not None:
            self._file.append(json.dumps({"training": training, "name": heat.entrant.path.name, "run": asdict(run)}))

    def _training(self, heat: Heat) -> dict[str, object]:
        """All that a training's outcome depends on."""
        return {
            "edition": self._contest.edition,
            "settings": asdict(self._contest.settings),
            "rand_hash": self._contest.rand_hash,
            "fuel_budget": self._contest.fuel_budget,
            "optimiser_digest": heat.entrant.digest,
            "nonce": heat.nonce,
        }

    def _note(self, line: bytes) -> None:
        entry = json.loads(line)
        run = Run(**entry["run"])
        if [type(value) for value in astuple(run)] != _TYPES:
            raise ValueError
        self._done[_key(dict(entry["training"]))] = run


def _key(training: dict[str, object]) -> str:
    return json.dumps(training, sort_keys=True)
