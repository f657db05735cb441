"""Many claims as files, for the commands that verify, commit, sample and prove."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from protocol.benchmark import BenchmarkBuilder
from protocol.claim import Claim
from protocol.errors import RecordError
from protocol.keys import VerifyKey
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_record

_CLAIM, _VERDICT = ".claim", ".verdict"


def claims_among(paths: Iterable[Path]) -> list[Path]:
    """Files of claims, each once: a folder stands for those in it that end in .claim, in order of their names.

    Raises InputError for a folder without any.
    """
    return list(dict.fromkeys(claim for path in paths for claim in _files(path, _CLAIM)))


def records_in(path: Path) -> list[Path]:
    """Files of signed records: a folder stands for its claims, or if it has none for its verdicts.

    Raises InputError for a folder without either.
    """
    return _files(path, _CLAIM, _VERDICT)


def _files(path: Path, *suffixes: str) -> list[Path]:
    """A file itself; of a folder those with the first of the suffixes that any has."""
    if path.suffix in suffixes or not os.path.isdir(path):  # what is no file is told when it is read
        return [path]
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; check its permissions") from None
    for suffix in suffixes:
        if found := [path / name for name in names if name.endswith(suffix)]:
            return found
    endings = " or ".join(suffixes)
    raise InputError(f"{path}: is a folder without a file that ends in {endings}; name another, or a file")


def entered(paths: Sequence[Path], builder: BenchmarkBuilder, signer: VerifyKey) -> Iterator[Claim]:
    """Claims signed by `signer`, each once the builder has it. Raises InputError, which names file and field.

    A folder stands for its claims.
    """
    for path in claims_among(paths):
        signed = read_record(path, Claim)
        if signed.signer != signer.raw:
            found = VerifyKey(signed.signer).fingerprint
            raise InputError(f"{path}: is signed by key {found}, not {signer.fingerprint}; pass the key that signed it")
        try:
            builder.add(signed.record, signed.digest)
        except RecordError as error:
            raise InputError(f"{path}: {error}") from None
        yield signed.record
