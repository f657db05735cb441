"""Claims and benchmarks as files, for the commands that commit, sample and prove."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from protocol.benchmark import BenchmarkBuilder
from protocol.claim import Claim
from protocol.errors import RecordError
from protocol.keys import VerifyKey
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_record


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
