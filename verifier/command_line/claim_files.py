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

_SUFFIX = ".claim"


def claims_among(paths: Iterable[Path]) -> list[Path]:
    """Files of claims, each once: a folder stands for those in it that end in .claim, in order of their names.

    Raises InputError for a folder without any.
    """
    return list(dict.fromkeys(claim for path in paths for claim in _claims(path)))


def _claims(path: Path) -> list[Path]:
    if path.suffix == _SUFFIX or not os.path.isdir(path):  # what is no file is told when it is read
        return [path]
    try:
        names = sorted(name for name in os.listdir(path) if name.endswith(_SUFFIX))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; check its permissions") from None
    if not names:
        raise InputError(f"{path}: is a folder without a file that ends in {_SUFFIX}; name another, or a claim")
    return [path / name for name in names]


def entered(paths: Sequence[Path], builder: BenchmarkBuilder, signer: VerifyKey) -> Iterator[Claim]:
    """Claims signed by `signer`, each once the builder has it. Raises InputError, which names file and field."""
    for path in paths:
        signed = read_record(path, Claim)
        if signed.signer != signer.raw:
            found = VerifyKey(signed.signer).fingerprint
            raise InputError(f"{path}: is signed by key {found}, not {signer.fingerprint}; pass the key that signed it")
        try:
            builder.add(signed.record, signed.digest)
        except RecordError as error:
            raise InputError(f"{path}: {error}") from None
        yield signed.record
