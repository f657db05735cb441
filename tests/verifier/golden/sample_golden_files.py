"""Golden files of a training of an epoch or more on the small edition."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from sandbox.isolation import InProcess
from tests.support import small_contest
from verifier.challenge.module import Module
from verifier.golden.golden_file import GoldenFile
from verifier.golden.training import PinnedTraining, Results

FOLDER: Final = Path("golden")


def training(source: bytes | None = None) -> PinnedTraining:
    """The training of a module, `small.py`, on an instance of the small edition."""
    source = small_contest.module() if source is None else source
    task = small_contest.task(source)
    return PinnedTraining(Path("small.py"), Module("small.py", source), task, small_contest.NONCE)


@cache
def _results() -> Results:
    return training().run(InProcess())


def golden_file(notes: Any = None) -> GoldenFile:
    """That of the training, as `FOLDER` has it."""
    return GoldenFile.of(training(), deepcopy(_results()), FOLDER, notes)


def changed(**sections: Any) -> GoldenFile:
    """The same with other fields in sections, or another value of one."""
    known = golden_file()
    results = {
        name: {**known.results[name], **value} if isinstance(value, dict) else value for name, value in sections.items()
    }
    return replace(known, results={**known.results, **results})


def with_cell(epoch: int, column: int, value: Any) -> GoldenFile:
    """The same with another value in the row of an epoch."""
    leaves = golden_file().results["leaves"]
    leaves[epoch][column] = value
    return changed(leaves=leaves)
