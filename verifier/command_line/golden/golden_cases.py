"""The golden files of a call, each with the training that it is about."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from protocol.task import Task
from sandbox.optimiser import Scalar
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_file, read_module
from verifier.command_line.options.instance_options import Instances
from verifier.golden.golden_file import SUFFIX, GoldenFile, GoldenFileError, file_name
from verifier.golden.training import PinnedTraining, Results


@dataclass(frozen=True)
class GoldenCase:
    """A golden file, and the training that it records or is to record."""

    file: Path
    training: PinnedTraining
    known: GoldenFile | None
    """What the file says now; None if it is not there, or says nothing that can be read."""

    def found(self, results: Results) -> GoldenFile:
        """What the file should say, by the results of the training."""
        notes = self.known and self.known.notes
        return GoldenFile.of(self.training, results, self.file.parent, notes)


Unusable = dict[Path, str]
"""Golden files that cannot be used, with the reason."""


def new_cases(
    paths: Sequence[Path],
    instances: Sequence[Instances],
    hyperparameters: Mapping[str, Scalar],
    fuel: int | None,
    folder: Path,
) -> list[GoldenCase]:
    """The cases of modules on instances. Raises InputError for two with one file, or a file of another training."""
    cases: dict[Path, GoldenCase] = {}
    for path in paths:
        module = read_module(path)
        for each in instances:
            task = each.task(module, hyperparameters, fuel)
            for nonce in each.nonces:
                training = PinnedTraining(path, module, task, nonce)
                file = folder / file_name(path, task, nonce)
                if file in cases:
                    other = cases[file].training.path
                    raise InputError(f"{path}: has the golden file of {other}, {file}; fill it into another folder")
                cases[file] = GoldenCase(file, training, _recorded(file, training))
    return list(cases.values())


def recorded_cases(cases: Sequence[GoldenCase]) -> tuple[list[GoldenCase], Unusable]:
    """Those cases whose files say something, and why the others do not."""
    unusable: Unusable = {}
    for case in cases:
        if not os.path.lexists(case.file):
            unusable[case.file] = f"{case.file}: is not there; write it with tig-verify golden fill"
        elif case.known is None:
            unusable[case.file] = f"{case.file}: is no golden file, or was cut or merged badly; fill it again"
    return [case for case in cases if case.known], unusable


def known_cases(paths: Sequence[Path]) -> tuple[list[GoldenCase], Unusable]:
    """The cases of golden files, and of those in folders. Raises InputError for a folder without any."""
    cases, unusable = [], {}
    for file in _files(paths):
        try:
            cases.append(_known_case(file))
        except InputError as error:
            unusable[file] = str(error)
    return cases, unusable


def read_golden(file: Path) -> GoldenFile:
    """What a golden file says. Raises InputError."""
    try:
        return GoldenFile.parse(read_file(file))
    except GoldenFileError as error:
        raise InputError(f"{file}: {error}") from None


def _known_case(file: Path) -> GoldenCase:
    """The case of a file. Raises InputError."""
    known = read_golden(file)
    path = known.module_path(file)
    try:
        module = read_module(path)
    except InputError as error:
        raise InputError(f"{file}: its module, {error}") from None
    task = replace(known.task, optimiser_digest=module.digest)
    return GoldenCase(file, PinnedTraining(path, module, task, known.nonce), known)


def _recorded(file: Path, training: PinnedTraining) -> GoldenFile | None:
    """What a file says that is to record a training. Raises InputError where it records another one."""
    if not os.path.lexists(file):
        return None
    data = read_file(file)
    try:
        known = GoldenFile.parse(data)
    except GoldenFileError:
        return None
    if (field := _other_field(known, GoldenFile.of(training, {}, file.parent))) is not None:
        problem = f"records another training, which differs in {field}"
        raise InputError(f"{file}: {problem}; choose another folder, or remove the file first")
    return known


def _other_field(known: GoldenFile, wanted: GoldenFile) -> str | None:
    """What makes it another training than the one that is wanted; the module may have changed."""
    if known.optimiser != wanted.optimiser:
        return "optimiser"
    task: Task = replace(known.task, optimiser_digest=wanted.task.optimiser_digest)
    return task.differing_field(wanted.task)


def _files(paths: Sequence[Path]) -> list[Path]:
    """Each file once. Raises InputError."""
    files: dict[Path, None] = {}
    for path in paths:
        found = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not found:
            raise InputError(f"{path}: has no *{SUFFIX} files; write some with tig-verify golden fill")
        files |= dict.fromkeys(found)
    return list(files)
