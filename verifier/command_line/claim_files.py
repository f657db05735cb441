"""Claims and benchmarks as files, for the commands that commit, sample and prove."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from protocol.benchmark import BenchmarkBuilder
from protocol.claim import Claim
from protocol.envelope import Envelope, open_envelope
from protocol.errors import ProtocolError, RecordError, SignatureError
from protocol.keys import VerifyKey
from protocol.record import Record
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_envelope, read_record


def read_unjudged(path: Path, kind: type[Record]) -> Envelope:
    """A record of `kind` whose signature may not hold: what to answer then is not said here. Raises InputError."""
    envelope = read_envelope(path)
    try:
        open_envelope(envelope, kind)
    except SignatureError:
        return envelope
    except ProtocolError as error:
        raise InputError(f"{path}: {error}") from None
    return envelope


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
